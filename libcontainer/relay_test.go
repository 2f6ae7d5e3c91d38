package libcontainer

import (
	"bytes"
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

// relayed is a command that becomes the relay for a script, with files as its streams.
func relayed(script string, files [3]*os.File, env ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", "some", "arguments")
	c.Env = append(append(os.Environ(), relays+"="+script), env...)
	c.Stdin, c.Stdout, c.Stderr = files[0], files[1], files[2]
	return c
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

func startRelayed(t *testing.T, script string, files [3]*os.File, env ...string) *exec.Cmd {
	t.Helper()
	c := relayed(script, files, env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRelayCopies(t *testing.T) {
	const script = `echo to stderr >&2; i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\0' x; i=$((i+1)); done; exit 5`
	for name, out := range map[string]destination{
		"pipe": pipeDestination(t, 0), "slow pipe": pipeDestination(t, time.Millisecond), "socket": socketDestination(t),
		"file": fileDestination(t, 0), "appended file": fileDestination(t, os.O_APPEND),
	} {
		errs := fileDestination(t, 0)
		c := startRelayed(t, script, [3]*os.File{nullFile(t), out.file, errs.file})
		out.close()
		if status := exitStatus(t, c); status != 5 {
			t.Errorf("%s: status %d", name, status)
		}
		if text := out.text(); len(text) != 4_000_000 || strings.Trim(text, "x") != "" {
			t.Errorf("%s: %d bytes arrived", name, len(text))
		}
		if text := errs.text(); text != "to stderr\n" {
			t.Errorf("%s: stderr %q", name, text)
		}
	}
}

func TestRelayInput(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, big, 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer fromFile.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() { w.Write(big); w.Close() }()
	for name, in := range map[string]*os.File{"file": fromFile, "pipe": r} {
		out := fileDestination(t, 0)
		// cat ends only if the end of the input is passed on.
		if status := exitStatus(t, startRelayed(t, "cat", [3]*os.File{in, out.file, nullFile(t)})); status != 0 {
			t.Errorf("%s: status %d", name, status)
		}
		if text := out.text(); text != string(big) {
			t.Errorf("%s: %d of %d bytes arrived", name, len(text), len(big))
		}
	}
}

func TestRelayDoesNotWaitForInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null := nullFile(t)
	if status := exitStatus(t, startRelayed(t, "exit 3", [3]*os.File{r, null, null})); status != 3 {
		t.Errorf("status %d", status)
	}
}

func TestRelayBrokenOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	null := nullFile(t)
	if status := exitStatus(t, startRelayed(t, "exec yes", [3]*os.File{null, w, null})); status != 128+int(unix.SIGPIPE) {
		t.Errorf("status %d", status)
	}
}

// relayReady waits until the script has printed something and its relay is there.
func relayReady(t *testing.T, c *exec.Cmd, out destination) {
	t.Helper()
	exe := filepath.Join("/proc", strconv.Itoa(c.Process.Pid), "exe")
	waitFor(t, "the relay", func() bool { name, _ := os.Readlink(exe); return strings.Contains(name, "ocirun-relay") })
	waitFor(t, "the script", func() bool { data, _ := os.ReadFile(out.file.Name()); return len(data) > 0 })
}

func TestRelaySignals(t *testing.T) {
	null := nullFile(t)
	for _, c := range []struct {
		name, script string
		sig          unix.Signal
		want         int
	}{
		{"trapped", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done", unix.SIGTERM, 7},
		{"deadly", "echo ready; exec sleep 60", unix.SIGUSR1, 128 + int(unix.SIGUSR1)},
		{"interrupt", "echo ready; exec sleep 60", unix.SIGINT, 130},
		{"realtime", "echo ready; exec sleep 60", unix.Signal(40), 168},
		{"last", "echo ready; exec sleep 60", unix.Signal(64), 192},
	} {
		out := fileDestination(t, 0)
		p := startRelayed(t, c.script, [3]*os.File{null, out.file, null})
		relayReady(t, p, out)
		for _, sig := range []unix.Signal{unix.SIGWINCH, unix.SIGCHLD, unix.SIGURG, c.sig} { // the others are never passed on
			if err := p.Process.Signal(sig); err != nil {
				t.Error(err)
			}
		}
		if status := exitStatus(t, p); status != c.want {
			t.Errorf("%s: status %d, want %d", c.name, status, c.want)
		}
	}
}

// TestRelayTakesOver: what arrives while the runtime becomes the relay is not lost.
func TestRelayTakesOver(t *testing.T) {
	null := nullFile(t)
	early := relaysEarly + "=" + strconv.Itoa(int(unix.SIGUSR2))
	if status := exitStatus(t, startRelayed(t, "exec sleep 60", [3]*os.File{null, null, null}, early)); status != 128+int(unix.SIGUSR2) {
		t.Errorf("a signal of before: status %d", status)
	}
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

func TestRelayWaitsForOutputOfOthers(t *testing.T) {
	null := nullFile(t)
	out := fileDestination(t, 0)
	if status := exitStatus(t, startRelayed(t, "(sleep 0.5; echo late) & exit 4", [3]*os.File{null, out.file, null})); status != 4 {
		t.Errorf("status %d", status)
	}
	if text := out.text(); text != "late\n" {
		t.Errorf("output %q", text)
	}
	// Unless somebody asks it not to.
	out = fileDestination(t, 0)
	p := startRelayed(t, "sleep 60 & echo $!; exit 4", [3]*os.File{null, out.file, null})
	relayReady(t, p, out)
	time.Sleep(50 * time.Millisecond)
	if _, state, err := sys.Identify(p.Process.Pid); err != nil || state == 'Z' {
		t.Errorf("it did not wait: %c, %v", state, err)
	}
	p.Process.Signal(unix.SIGTERM)
	if status := exitStatus(t, p); status != 4 {
		t.Errorf("status %d", status)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(out.text())); err == nil {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// TestRelayIsSmall: a session that stays for long holds next to nothing, and is to be found
// as the command that it was begun with.
func TestRelayIsSmall(t *testing.T) {
	null := nullFile(t)
	out := fileDestination(t, 0)
	p := startRelayed(t, "echo ready; exec sleep 60", [3]*os.File{null, out.file, null})
	relayReady(t, p, out)
	proc := filepath.Join("/proc", strconv.Itoa(p.Process.Pid))
	for name, want := range map[string]string{"comm": "ocirun\n", "cmdline": "/proc/self/exe\x00some\x00arguments\x00"} {
		if got, err := os.ReadFile(filepath.Join(proc, name)); string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
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
