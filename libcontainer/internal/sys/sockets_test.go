package sys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUnixSocketsOfAnyPath(t *testing.T) {
	for _, depth := range []int{1, 8} {
		path := t.TempDir()
		for range depth {
			path = filepath.Join(path, strings.Repeat("d", 40))
		}
		os.MkdirAll(path, 0o700)
		dir := openDir(t, path)
		listening, err := ListenUnix(dir, "start.sock", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, connect := range []func() (int, error){
			func() (int, error) { return ConnectUnixAt(dir, "start.sock") },
			func() (int, error) { return ConnectUnix(filepath.Join(path, "start.sock"), time.Second) },
		} {
			client, err := connect()
			if err != nil {
				t.Fatalf("depth %d: %v", depth, err)
			}
			server, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			if err := WriteAll(client, []byte("x")); err != nil {
				t.Error(err)
			}
			CloseAll([]int{client, server})
		}
		unix.Close(listening)
		if _, err := ConnectUnixAt(dir, "start.sock"); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
	}
	if _, err := ConnectUnix("/nonexistent/socket", time.Second); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no socket: %v", err)
	}
	if _, err := ConnectUnix("/"+strings.Repeat("x/", 100)+"s", time.Second); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no socket with a long path: %v", err)
	}
}

func TestConnectGivesUp(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path)
	listening, err := ListenUnix(dir, "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listening)
	began := time.Now()
	for range 3 { // the queue takes one more than its length
		var fd int
		if fd, err = ConnectUnix(filepath.Join(path, "s"), 50*time.Millisecond); err != nil {
			break
		}
		defer unix.Close(fd)
	}
	if !errors.Is(err, unix.EAGAIN) || time.Since(began) > 5*time.Second {
		t.Errorf("full queue: %v after %v", err, time.Since(began))
	}
}

func TestSendFDs(t *testing.T) {
	pair, err := SocketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseAll(pair[:])
	file := fileWith(t, "through")
	if err := SendFDs(pair[0], []byte("tag"), file, file); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	n, fds, err := RecvFDs(pair[1], buf, 2)
	if err != nil || string(buf[:n]) != "tag" || len(fds) != 2 {
		t.Fatalf("%q %v %v", buf[:n], fds, err)
	}
	defer CloseAll(fds)
	if text, _ := ReadAll(fds[1], 100); string(text) != "through" {
		t.Errorf("%q", text)
	}
	if flags, _ := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Error("received without close-on-exec")
	}
	SendFDs(pair[0], []byte("tag"), file, file, file)
	if n, fds, err := RecvFDs(pair[1], buf, 1); err == nil || fds != nil {
		t.Errorf("too many: %d %v %v", n, fds, err)
	}
	SendFDs(pair[0], []byte("plain"))
	if n, fds, err := RecvFDs(pair[1], buf, 4); err != nil || n != 5 || fds != nil {
		t.Errorf("none: %d %v %v", n, fds, err)
	}
	unix.Close(pair[0])
	pair[0] = -1
	if n, fds, err := RecvFDs(pair[1], buf, 4); err != nil || n != 0 || fds != nil {
		t.Errorf("closed: %d %v %v", n, fds, err)
	}
	if err := SendFDs(pair[1], []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("send to nobody: %v", err)
	}
}

func TestSocketPatience(t *testing.T) {
	pair, err := SocketPair(unix.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseAll(pair[:])
	if err := SetSocketPatience(pair[0], 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, _, err := RecvFDs(pair[0], make([]byte, 1), 1); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("receive: %v", err)
	}
}
