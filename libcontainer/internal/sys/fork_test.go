package sys

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// relaxes makes the test binary a program that relaxes its monitor and starts another.
const relaxes = "OCIRUN_TEST_RELAXES"

func init() {
	if os.Getenv(relaxes) == "" {
		return
	}
	RelaxMonitor()
	// A thread that the monitor started has inherited its slack.
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000001, 0, 0, 0)
	pid, err := ForkExec("/bin/cat", []string{"cat", "/proc/self/timerslack_ns"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err == nil {
		_, err = Reap(pid)
	}
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has looked
	os.Exit(0)
}

func TestRelaxMonitor(t *testing.T) {
	const own, relaxed = "54321", "1000000"
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || before == 0 {
		t.Skip("a real-time thread has no timer slack")
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 54321, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(before), 0, 0, 0)
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), relaxes+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, _ := out.Read(line)
	if got := strings.TrimSpace(string(line[:n])); got != own {
		t.Errorf("a program that was started has the timer slack %s, not %s", got, own)
	}
	relaxedThreads := 0
	tasks, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(c.Process.Pid), "task/*"))
	for _, task := range tasks {
		if text, _ := os.ReadFile(filepath.Join("/proc", filepath.Base(task), "timerslack_ns")); strings.TrimSpace(string(text)) == relaxed {
			relaxedThreads++
		}
	}
	if relaxedThreads == 0 && unix.Geteuid() == 0 {
		t.Errorf("none of %d threads is relaxed", len(tasks))
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
