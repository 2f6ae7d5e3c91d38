package libcontainer

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// receive listens as an engine does and gives what comes with one descriptor.
func receive(t *testing.T, path string) func() (string, int) {
	t.Helper()
	dir, err := sys.OpenDir(unix.AT_FDCWD, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	listening, err := sys.ListenUnix(dir, filepath.Base(path), 1)
	if err != nil {
		t.Fatal(err)
	}
	return func() (string, int) {
		defer unix.Close(listening)
		conn, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(conn)
		buf := make([]byte, 4096)
		n, fds, err := sys.RecvFDs(conn, buf, 4)
		if err != nil || len(fds) != 1 {
			t.Fatalf("%d descriptors, %v", len(fds), err)
		}
		t.Cleanup(func() { unix.Close(fds[0]) })
		return string(buf[:n]), fds[0]
	}
}

func TestConsoleSocket(t *testing.T) {
	master, _ := openPty(t)
	for _, path := range []string{
		filepath.Join(t.TempDir(), "console.sock"),
		filepath.Join(t.TempDir(), strings.Repeat("d", 120), "console.sock"),
	} {
		os.MkdirAll(filepath.Dir(path), 0o700)
		get := receive(t, path)
		if err := sendConsole(path, int(master.Fd())); err != nil {
			t.Fatal(err)
		}
		payload, fd := get()
		if payload == "" || len(payload) >= 4096 {
			t.Errorf("payload %q", payload)
		}
		if _, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
			t.Errorf("not the master of a terminal: %v", err)
		}
	}
}

func TestPidfdSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pidfd.sock")
	get := receive(t, path)
	cmd, p := sleeper(t)
	pidfd, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if err := sendPidfd(path, pidfdInit, pidfd); err != nil {
		t.Fatal(err)
	}
	payload, fd := get()
	if payload != "standard" {
		t.Errorf("payload %q", payload)
	}
	cmd.Process.Kill()
	if ended, err := sys.WaitReadable(fd, 5*time.Second); !ended || err != nil {
		t.Errorf("not the process: %v", err)
	}
}

func TestSocketErrors(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead")
	l, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	for path, want := range map[string]string{
		"/nonexistent/x": "no such file or directory", dead: "connection refused", file: "connection refused",
	} {
		err := sendConsole(path, 0)
		if want := "dial unix " + path + ": connect: " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
