package libcontainer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// relays makes the test binary a runtime that runs a script in the foreground and becomes the
// relay for it; relaysEarly is a signal that it has for the script then.
const (
	relays      = "OCIRUN_TEST_RELAYS"
	relaysEarly = "OCIRUN_TEST_RELAYS_EARLY"
)

func init() {
	if script := os.Getenv(relays); script != "" {
		fmt.Fprintln(os.Stderr, relayFor(script))
		os.Exit(99)
	}
}

// relayFor returns only if the process cannot become the relay.
func relayFor(script string) error {
	f, err := newForeground(false, [3]int{0, 1, 2}, os.Getuid(), os.Getgid())
	if err != nil {
		return err
	}
	f.catchSignals()
	if early, err := strconv.Atoi(os.Getenv(relaysEarly)); err == nil {
		f.early = []unix.Signal{unix.Signal(early)}
	}
	files := make([]uintptr, 3)
	for i, fd := range f.stdio.child {
		files[i] = uintptr(fd)
	}
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{Files: files, Env: os.Environ()})
	if err != nil {
		return err
	}
	pidfd, err := sys.PidfdOpen(pid)
	if err != nil {
		return err
	}
	f.exits, f.relays = true, true
	_, err = f.wait(pid, pidfd)
	return errors.Join(errors.New("no relay has taken over"), err)
}

// exitStatus waits for the command.
func exitStatus(t *testing.T, c *exec.Cmd) int {
	t.Helper()
	end := make(chan error, 1)
	go func() { end <- c.Wait() }()
	select {
	case err := <-end:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		c.Process.Kill()
		t.Fatal("the relay does not end")
	}
	return c.ProcessState.ExitCode()
}

// startRelayed starts a command that becomes the relay for a script, with files as its streams.
func startRelayed(t *testing.T, script string, files [3]*os.File, env ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command("/proc/self/exe", "some", "arguments")
	c.Env = append(append(os.Environ(), relays+"="+script), env...)
	c.Stdin, c.Stdout, c.Stderr = files[0], files[1], files[2]
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// isRelay waits until the process has become the relay, which gives itself a name when it
// has begun.
func isRelay(t *testing.T, c *exec.Cmd) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(c.Process.Pid))
	waitFor(t, "the relay", func() bool {
		exe, _ := os.Readlink(filepath.Join(proc, "exe"))
		name, _ := os.ReadFile(filepath.Join(proc, "comm"))
		return strings.Contains(exe, "ocirun-relay") && string(name) == "ocirun\n"
	})
}

// TestRelayTakesOver: what arrives while the runtime becomes the relay is not lost.
func TestRelayTakesOver(t *testing.T) {
	null := nullFile(t)
	for i := range 100 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := startRelayed(t, "trap 'kill $!; exit 9' USR1; sleep 60 & echo; wait", [3]*os.File{null, w, null})
		w.Close()
		_, _ = io.ReadFull(r, make([]byte, 1)) // somebody relays: the runtime or, soon or already, the relay
		time.Sleep(time.Duration(i) * 5 * time.Microsecond)
		if err := p.Process.Signal(unix.SIGUSR1); err != nil {
			t.Error(err)
		}
		if status := exitStatus(t, p); status != 9 {
			t.Errorf("attempt %d: status %d", i, status)
		}
		r.Close()
	}
}

// TestRelayIsSmall: a session that stays for long holds next to nothing, and is to be found
// as the command that it was begun with.
func TestRelayIsSmall(t *testing.T) {
	null := nullFile(t)
	p := startRelayed(t, "exec sleep 60", [3]*os.File{null, null, null})
	isRelay(t, p)
	proc := filepath.Join("/proc", strconv.Itoa(p.Process.Pid))
	if line, err := os.ReadFile(filepath.Join(proc, "cmdline")); string(line) != "/proc/self/exe\x00some\x00arguments\x00" {
		t.Errorf("the command line is %q, %v", line, err)
	}
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		t.Fatal(err)
	}
	if kb := statusNumber(t, string(status), "VmRSS:"); kb > 64 {
		t.Errorf("it holds %d KiB", kb)
	}
	if threads := statusNumber(t, string(status), "Threads:"); threads != 1 {
		t.Errorf("it has %d threads", threads)
	}
	p.Process.Signal(unix.SIGTERM)
	exitStatus(t, p)
}

func statusNumber(t *testing.T, status, name string) int {
	t.Helper()
	_, rest, _ := strings.Cut(status, name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no %s in\n%s", name, status)
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
