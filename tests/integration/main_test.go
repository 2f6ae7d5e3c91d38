package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that lives in the private mount namespace.
const insideEnv = "OCIRUN_TEST_INSIDE"

// suite is what all scenarios share.
var suite struct {
	runtime string // absolute path of the binary under test
	kind    string // ocirun, runc or crun
	version string
	view    string // v1 (also hybrid) or v2
	base    string // scratch directory; holds the runtime and the busybox of all bundles
	busybox string
}

// TestMain moves the tests into a mount namespace of their own, so that a mount
// that leaks is seen and harms nobody, and /run and the cgroup view are ours.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 {
		os.Exit(m.Run()) // every scenario but one skips itself, with the reason
	}
	if os.Getenv(insideEnv) == "" {
		// Under nohup(1) every program would ignore the signal, which scenarios send.
		signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
		os.Exit(reexec())
	}
	if err := setup(); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(suite.base)
	os.Exit(code)
}

func reexec() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Unsharing the mount namespace this way also makes every mount private.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "integration: cannot make a mount namespace:", err)
		return 1
	}
	return 0
}

func setup() error {
	// Inherited by nobody: the runtime must see the environment of a plain caller.
	os.Unsetenv(insideEnv)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of containers: %w", err)
	}
	unix.Umask(0o022)
	if err := privateRun(); err != nil {
		return fmt.Errorf("private /run: %w", err)
	}
	if err := setView(os.Getenv("OCIRUN_TEST_CGROUP")); err != nil {
		return err
	}
	base, err := os.MkdirTemp("", "ocirun-it-")
	if err != nil {
		return err
	}
	suite.base = base
	if err := os.Chmod(base, 0o755); err != nil {
		return err
	}
	if suite.busybox, err = installBusybox(base); err != nil {
		return err
	}
	return findRuntime(base)
}

// services are the directories below /run that belong to the machine's service managers, for those who talk to them.
var services = []string{"/run/systemd", "/run/dbus", "/run/user"}

// privateRun gives the tests a /run of their own, in which the service managers can still be reached.
func privateRun() error {
	kept := map[string]int{}
	for _, dir := range services {
		fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err == nil {
			kept[dir] = fd
			defer unix.Close(fd)
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for dir, fd := range kept {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := unix.MoveMount(fd, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return err
		}
	}
	return nil
}

// hasSystemd says whether systemd manages the machine (sd_booted(3)).
func hasSystemd() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// setView gives the pure v2 view on any machine by covering /sys/fs/cgroup.
func setView(want string) error {
	suite.view = cgroupView()
	switch want {
	case "", "host":
		return nil
	case "v2":
		if suite.view == "v2" {
			return nil
		}
	default:
		return fmt.Errorf("OCIRUN_TEST_CGROUP=%s: want host or v2", want)
	}
	suite.view = "v2"
	if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("pure v2 view: %w", err)
	}
	return nil
}

func cgroupView() string {
	var fs unix.Statfs_t
	if unix.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		return "v2"
	}
	return "v1"
}

// installBusybox copies a static busybox to where every bundle can link it.
func installBusybox(base string) (string, error) {
	found, err := exec.LookPath("busybox")
	if err != nil {
		return "", fmt.Errorf("need a static busybox (Debian: busybox-static): %w", err)
	}
	data, err := os.ReadFile(found)
	if err != nil {
		return "", err
	}
	path := filepath.Join(base, "busybox")
	return path, os.WriteFile(path, data, 0o755)
}

// entry is what the Makefile has the linker do: begin before the Go runtime.
func entry() string {
	if runtime.GOARCH != "amd64" {
		return ""
	}
	return "-E github.com/ocirun/ocirun/libcontainer/internal/sys/entry.begin"
}

// findRuntime takes RUNTIME or builds ocirun from the tree.
func findRuntime(base string) error {
	suite.runtime = os.Getenv("RUNTIME")
	if suite.runtime == "" {
		suite.runtime = filepath.Join(base, "ocirun")
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", entry(), "-o", suite.runtime, "github.com/ocirun/ocirun/cmd/ocirun")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build ocirun: %w\n%s", err, out)
		}
	}
	path, err := filepath.Abs(suite.runtime)
	if err != nil {
		return err
	}
	suite.runtime = path
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", path, err)
	}
	suite.version, _, _ = strings.Cut(string(out), "\n")
	suite.kind, _, _ = strings.Cut(suite.version, " ")
	fmt.Fprintf(os.Stderr, "scenarios on %s (%s), cgroup view %s\n", path, suite.version, suite.view)
	return nil
}
