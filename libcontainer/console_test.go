package libcontainer

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// openPty gives both ends of a new terminal.
func openPty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	return master, slave
}

func TestForegroundTerminal(t *testing.T) {
	host, hostSlave := openPty(t)
	if err := setTerminalSize(int(host.Fd()), 33, 77); err != nil {
		t.Fatal(err)
	}
	before, _ := terminalState(int(hostSlave.Fd()))
	own := int(hostSlave.Fd())
	f, err := newForeground(true, [3]int{own, own, own}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	master, slave := openPty(t)
	fd, err := unix.Dup(int(master.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	if err := f.attach(fd, 10, 20); err != nil {
		t.Fatal(err)
	}
	raw, _ := terminalState(own)
	if raw.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		t.Errorf("the terminal is not raw: %x", raw.Lflag)
	}
	if raw.Oflag != before.Oflag {
		t.Errorf("the output is processed by %x, before by %x", raw.Oflag, before.Oflag)
	}
	s := serve(t, f, `stty size; read line; echo "got $line"; trap 'stty size; exit 9' WINCH; echo ready; while :; do sleep 0.02; done`,
		&syscall.SysProcAttr{Setsid: true, Setctty: true}, slave.Fd(), slave.Fd(), slave.Fd())
	slave.Close()
	expect(t, host, "33 77\r\n")
	io.WriteString(host, "hello\r")
	expect(t, host, "got hello\r\n")
	expect(t, host, "ready\r\n")
	setTerminalSize(int(host.Fd()), 44, 88)
	unix.Kill(os.Getpid(), unix.SIGWINCH)
	expect(t, host, "44 88\r\n")
	if status := s.status(t); status != 9 {
		t.Errorf("status %d", status)
	}
	if after, _ := terminalState(own); *after != *before {
		t.Errorf("the terminal is not as before: %+v, %+v", after, before)
	}
}

// expect reads from a terminal until the text comes by.
func expect(t *testing.T, f *os.File, want string) {
	t.Helper()
	var got []byte
	deadline := time.Now().Add(5 * time.Second)
	for !strings.Contains(string(got), want) {
		ready, err := sys.WaitReadable(int(f.Fd()), time.Until(deadline))
		if err != nil || !ready {
			t.Fatalf("want %q, got %q, %v", want, got, err)
		}
		buf := make([]byte, 1)
		n, err := unix.Read(int(f.Fd()), buf)
		if err != nil {
			t.Fatalf("want %q, got %q, %v", want, got, err)
		}
		got = append(got, buf[:n]...)
	}
}

func TestForegroundTerminalOutputIsComplete(t *testing.T) {
	for range 20 {
		host, hostSlave := openPty(t)
		own := int(hostSlave.Fd())
		out := fileDestination(t, 0)
		f, err := newForeground(true, [3]int{own, int(out.file.Fd()), own}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		master, slave := openPty(t)
		fd, _ := unix.Dup(int(master.Fd()))
		master.Close()
		if err := f.attach(fd, 0, 0); err != nil {
			t.Fatal(err)
		}
		s := serve(t, f, "seq 20000", &syscall.SysProcAttr{Setsid: true, Setctty: true}, slave.Fd(), slave.Fd(), slave.Fd())
		slave.Close()
		if status := s.status(t); status != 0 {
			t.Errorf("status %d", status)
		}
		if text := out.text(); !strings.HasSuffix(text, "\n20000\n") || strings.Count(text, "\n") != 20000 {
			t.Fatalf("%d lines, end %q", strings.Count(text, "\n"), text[max(0, len(text)-20):])
		}
		host.Close()
	}
}

func TestNoTerminalAnywhere(t *testing.T) {
	null := nullFile(t)
	fd := int(null.Fd())
	_, err := openHostConsole([3]int{fd, fd, fd})
	tty, openErr := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if openErr == nil {
		tty.Close()
		t.Skip("the test has a controlling terminal")
	}
	if err == nil || err.Error() != "open /dev/tty: no such device or address" {
		t.Errorf("got %v", err)
	}
}
