package cgroups

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// hasEnv lists what the machine was made to have: a test that misses it there fails and is not skipped.
const hasEnv = "OCIRUN_TEST_HAS"

// The test binary is also the payload that runs inside the cgroups, and it runs itself again to see a pure v2 machine.
const (
	payloadEnv = "OCIRUN_CGROUPS_PAYLOAD"
	viewEnv    = "OCIRUN_CGROUPS_VIEW"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(payloadEnv); name != "" {
		os.Exit(payload(name, os.Args[1:]))
	}
	if os.Getenv(viewEnv) == "v2" {
		if err := enterV2View(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// enterV2View covers the machine's cgroups by the v2 hierarchy alone, in the mount namespace that the parent made.
func enterV2View() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("cgroup2", DefaultRoot, "cgroup2", 0, ""); err != nil {
		return fmt.Errorf("mount cgroup2: %w", err)
	}
	return nil
}

// TestPureV2View runs all tests once more where /sys/fs/cgroup is v2 only.
func TestPureV2View(t *testing.T) {
	needRoot(t)
	if host(t).Mode == ModeV2 {
		t.Skip("the machine is v2 already")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run="+runFilter(), "-test.v="+strconv.FormatBool(testing.Verbose()), "-test.timeout=5m")
	cmd.Env = append(os.Environ(), viewEnv+"=v2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is about the thread
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if testing.Verbose() || err != nil {
		t.Logf("%s", out)
	}
	if err != nil {
		t.Fatalf("tests in the v2 view: %v", err)
	}
}

func runFilter() string {
	if f := os.Getenv("OCIRUN_CGROUPS_RUN"); f != "" {
		return f
	}
	return "."
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("cgroups need root")
	}
}

func host(t *testing.T) Host {
	t.Helper()
	h, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// needMode skips a test where the machine, or the view of it, has another cgroup version.
func needMode(t *testing.T, pure bool) Host {
	t.Helper()
	needRoot(t)
	h := host(t)
	if h.Mode == ModeNone {
		t.Skip("no cgroups")
	}
	if (h.Mode == ModeV2) != pure {
		t.Skipf("not for cgroup mode %s", h.Mode)
	}
	return h
}

var serial atomic.Int32

// newName gives the path of a cgroup that nothing else uses.
func newName() string {
	return fmt.Sprintf("/ocirun-test-%d-%d", os.Getpid(), serial.Add(1))
}

// create makes a container's cgroup, removed at the end of the test with all its processes.
func create(t *testing.T, r *specs.LinuxResources) *cgroupfs {
	t.Helper()
	needRoot(t)
	return createAt(t, Config{Path: newName(), Resources: r, Host: host(t)})
}

func createAt(t *testing.T, c Config) *cgroupfs {
	t.Helper()
	m := manager(t, c)
	t.Cleanup(func() { destroy(t, m) })
	if err := m.Create(); err != nil {
		t.Fatal(err)
	}
	return m
}

func manager(t *testing.T, c Config) *cgroupfs {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m.(*cgroupfs)
}

func destroy(t *testing.T, m *cgroupfs) {
	t.Helper()
	if err := m.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	if err := m.Remove(); err != nil {
		t.Errorf("remove: %v", err)
	}
	if m.Exists() {
		t.Errorf("cgroup is still there: %v", m.Paths())
	}
}

// start runs a payload that is born in the container's cgroups.
func start(t *testing.T, m Manager, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), payloadEnv+"="+name, "GOMAXPROCS=1")
	cmd.Stdout = &strings.Builder{}
	cmd.Stderr = cmd.Stdout
	if err := startIn(m, cmd); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// startIn starts a command inside; the thread that joined ends with its goroutine.
func startIn(m Manager, cmd *exec.Cmd) error { return startWith(m, cmd, 0) }

// startWith is startIn for a process with new namespaces.
func startWith(m Manager, cmd *exec.Cmd, namespaces uintptr) error {
	attr := &syscall.SysProcAttr{Cloneflags: namespaces}
	fd, err := m.OpenDir()
	if err == nil {
		defer unix.Close(fd)
		attr.UseCgroupFD, attr.CgroupFD = true, fd
	}
	cmd.SysProcAttr = attr
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		th, err := m.Join()
		if err != nil {
			done <- err
			return // and the thread ends
		}
		err = errors.Join(cmd.Start(), th.Leave())
		if err == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// finish waits for a payload and gives its output.
func finish(t *testing.T, cmd *exec.Cmd, timeout time.Duration) (string, error) {
	t.Helper()
	timer := time.AfterFunc(timeout, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	return strings.TrimSpace(cmd.Stdout.(*strings.Builder).String()), err
}

func ptr[T any](v T) *T { return &v }

// eventually waits for a condition for at most five seconds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	within(t, 5*time.Second, what, cond)
}

func within(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout: %s", what)
		}
	}
}
