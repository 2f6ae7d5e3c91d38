package entry_test

import (
	"encoding/json"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// symbol is what the Makefile has the linker begin with.
const symbol = "github.com/ocirun/ocirun/libcontainer/internal/sys/entry.begin"

func TestMakefile(t *testing.T) {
	text, err := os.ReadFile("../../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "-E "+symbol+"\n") {
		t.Errorf("the Makefile does not have the linker begin with %s", symbol)
	}
}

// begun is what testdata/begun prints.
type begun struct {
	Processors, Threads, CPUs int
	Slack                     string
	Files                     uint64
	Limited, Relaxed          bool
	Args                      []string
}

func TestBegin(t *testing.T) {
	program := buildBegun(t)
	runtime.LockOSThread() // what follows is about the thread, and it ends with the test
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 54321, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	mask, err := sys.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	all := count(mask)
	for _, c := range []struct {
		name       string
		mask       []byte
		args       []string
		processors int
		relaxed    bool
	}{
		{"no argument", mask, []string{}, min(all, 2), false},
		{"another command", mask, []string{"--root", "/x", "run", "a"}, min(all, 2), false},
		{"exec", mask, []string{"exec", "a", "true"}, 1, true},
		{"exec behind options", mask, []string{"--root", "/x", "exec", "a"}, 1, true},
		{"almost exec", mask, []string{"execs", "exe", "e", "", "Exec"}, min(all, 2), false},
		{"run of exec", mask, []string{"--debug", "run", "exec"}, min(all, 2), false},
		{"create of exec", mask, []string{"create", "exec"}, min(all, 2), false},
		{"almost create", mask, []string{"creates", "runs", "crea", "exec"}, 1, true},
		{"one CPU", one(mask), []string{"run"}, 1, false},
		{"exec on one CPU", one(mask), []string{"exec"}, 1, true},
	} {
		if err := sys.SetAffinity(c.mask); err != nil {
			t.Fatal(err)
		}
		got, started := runBegun(t, exec.Command("prlimit", append([]string{"--nofile=321:654", program}, c.args...)...))
		want := begun{
			Processors: c.processors, Threads: got.Threads, Slack: "54321", CPUs: count(c.mask), Files: 321,
			Limited: c.processors < count(c.mask), Relaxed: c.relaxed, Args: c.args,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: begun with\n%+v, not\n%+v", c.name, got, want)
		}
		if c.relaxed && started[0] != "54321" {
			t.Errorf("%s: a program that it starts has the timer slack %s", c.name, started[0])
		}
		if shown := strings.Fields(started[1])[1]; countHex(shown) != count(c.mask) {
			t.Errorf("%s: a program that it starts has the CPUs %s", c.name, shown)
		}
		if limits := strings.Fields(started[2]); limits[3] != "321" || limits[4] != "654" {
			t.Errorf("%s: a program that it starts has the limits %s", c.name, started[2])
		}
	}
}

// TestBeginClosed: the Go runtime opens the null device for standard streams that are closed,
// which takes files; and what has few of them is left alone.
func TestBeginClosed(t *testing.T) {
	program := buildBegun(t)
	for script, limit := range map[string]uint64{
		`ulimit -n 100; exec "$0" run <&-`: 100, `ulimit -n 100; exec "$0" exec <&- 2>&-`: 100, `ulimit -n 12; exec "$0" run`: 12,
	} {
		got, started := runBegun(t, exec.Command("sh", "-c", script, program))
		if got.Files != limit || len(started) != 3 {
			t.Errorf("%s: the limit %d, started %q", script, got.Files, started)
		}
	}
}

func buildBegun(t *testing.T) (program string) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the Go runtime is entered as usual on " + runtime.GOARCH)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the program is built by the test, and Go is not installed")
	}
	program = filepath.Join(t.TempDir(), "begun")
	build := exec.Command("go", "build", "-ldflags", "-E "+symbol, "-o", program, "./testdata/begun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// runBegun gives what the program has begun with, and what the programs print that it starts.
func runBegun(t *testing.T, c *exec.Cmd) (got begun, started []string) {
	t.Helper()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || len(lines) != 4 {
		t.Fatalf("%v: %v in\n%s", c.Args, err, out)
	}
	return got, lines[1:]
}

// one is the mask's first CPU.
func one(mask []byte) []byte {
	first := make([]byte, len(mask))
	for i, b := range mask {
		if b != 0 {
			first[i] = b & -b
			break
		}
	}
	return first
}

func count(mask []byte) (n int) {
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

// countHex counts the bits of a mask as proc_pid_status(5) shows it.
func countHex(text string) (n int) {
	for _, c := range strings.ReplaceAll(text, ",", "") {
		digit, _ := strconv.ParseUint(string(c), 16, 8)
		n += bits.OnesCount64(digit)
	}
	return n
}
