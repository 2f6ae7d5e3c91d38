package hostcheck

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Verdict is the result of a check.
type Verdict string

// The verdicts, from good to bad.
const (
	// OK: nothing is missing.
	OK Verdict = "ok"
	// Warn: containers run, but not all of them or not with all that they may ask for.
	Warn Verdict = "warn"
	// Fail: no container can be run.
	Fail Verdict = "fail"
)

// Check is one thing that was looked at.
type Check struct {
	// Area groups checks: "kernel", "cgroups", "users", ...
	Area string `json:"area"`
	// Name says what was looked at, and Found what was found.
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	// Effect says what will not work, Remedy how it is mended; both are empty for OK.
	Effect string `json:"effect,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Options say what the checks are about.
type Options struct {
	// Root is the state root, as for [libcontainer.NewStore].
	Root string
	// LookPath finds a program by its name, such as exec.LookPath.
	LookPath func(program string) (string, error)
	// RuntimeDir is the value of XDG_RUNTIME_DIR, or empty.
	RuntimeDir string
}

// Run makes all checks.
func Run(o Options) []Check {
	e := &examiner{
		Options: o, uid: os.Geteuid(), inUserNamespace: libcontainer.InUserNamespace(), dir: nearest(o.Root),
	}
	for _, examine := range []func(){
		e.kernel, e.init, e.namespaces, e.userNamespaces, e.subordinateIDs, e.cgroups,
		e.seccomp, e.modules, e.fileSystems, e.idmaps, e.stateRoot, e.limits, e.services,
	} {
		examine()
	}
	return e.checks
}

// CanRun reports whether none of the checks says that no container can be run.
func CanRun(checks []Check) bool {
	for i := range checks {
		if checks[i].Verdict == Fail {
			return false
		}
	}
	return true
}

// examiner collects the checks.
type examiner struct {
	Options
	uid             int
	inUserNamespace bool
	// dir is the state root, or what is there of the way to it.
	dir string
	// canExecute says that the init can be executed, and so be used to try things.
	canExecute bool
	checks     []Check
}

// privileged: root of the machine.
func (e *examiner) privileged() bool { return e.uid == 0 && !e.inUserNamespace }

func (e *examiner) ok(area, name, found string) {
	e.checks = append(e.checks, Check{Area: area, Name: name, Verdict: OK, Found: found})
}

func (e *examiner) bad(v Verdict, c Check) {
	c.Verdict = v
	e.checks = append(e.checks, c)
}

// verdict is Fail for what no container can do without.
func verdict(fails bool) Verdict {
	if fails {
		return Fail
	}
	return Warn
}

// nearest gives the directory, or the nearest one above it that exists.
func nearest(dir string) string {
	for dir != "/" && dir != "." && unix.Access(dir, unix.F_OK) != nil {
		dir = filepath.Dir(dir)
	}
	return dir
}

// setting reads a file of the kernel with a short text; "" stands for a file that cannot
// be read.
func setting(path string) string {
	const limit = 1 << 16
	text, err := sys.ReadFileAt(unix.AT_FDCWD, path, limit)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
