package seccomp

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// agent listens on a socket of the test.
func agent(t *testing.T) (*net.UnixListener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, path
}

// somePipe stands for the listener's descriptor.
func somePipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

func TestSendListener(t *testing.T) {
	l, path := agent(t)
	read, write := somePipe(t)
	state, err := ListenerState(specs.State{Version: specs.Version, ID: "web", Status: specs.StateCreating, Pid: 42, Bundle: "/b"}, 42, "meta")
	if err != nil {
		t.Fatal(err)
	}
	if err := SendListener(path, state, int(write.Fd()), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, fds := receive(t, conn)
	var got specs.ContainerProcessState
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if got.Pid != 42 || got.Metadata != "meta" || got.State.ID != "web" || len(got.Fds) != 1 || got.Fds[0] != "seccompFd" {
		t.Errorf("state %+v", got)
	}
	if len(fds) != 1 {
		t.Fatalf("%d descriptors", len(fds))
	}
	defer unix.Close(fds[0])
	if _, err := unix.Write(fds[0], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := read.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("another descriptor has arrived: %v", err)
	}
}

// receive reads a connection till its end.
func receive(t *testing.T, conn *net.UnixConn) (text []byte, fds []int) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	for {
		data, oob := make([]byte, 4096), make([]byte, 64)
		n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
		text = append(text, data[:n]...)
		messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
		for i := range messages {
			got, _ := unix.ParseUnixRights(&messages[i])
			fds = append(fds, got...)
		}
		if n == 0 || errors.Is(err, io.EOF) {
			return text, fds
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSendListenerAbsent(t *testing.T) {
	_, write := somePipe(t)
	path := filepath.Join(t.TempDir(), "absent.sock")
	err := SendListener(path, []byte("{}"), int(write.Fd()), time.Now().Add(time.Second))
	want := "failed to connect with seccomp agent specified in the seccomp profile: dial unix " + path + ": connect: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("%v does not wrap ENOENT", err)
	}
}

func TestSendListenerClosed(t *testing.T) {
	l, path := agent(t)
	l.SetUnlinkOnClose(false)
	l.Close()
	_, write := somePipe(t)
	err := SendListener(path, []byte("{}"), int(write.Fd()), time.Now().Add(time.Second))
	if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("%v, want a refused connection", err)
	}
}

// TestSendListenerCloses has an agent that takes the connection and closes it.
func TestSendListenerCloses(t *testing.T) {
	l, path := agent(t)
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	_, write := somePipe(t)
	state := []byte(strings.Repeat(" ", 8<<20))
	err := SendListener(path, state, int(write.Fd()), time.Now().Add(5*time.Second))
	if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("%v, want a broken pipe", err)
	}
}

// TestSendListenerHangs has an agent that takes connections but reads nothing, and
// one that does not even do that.
func TestSendListenerHangs(t *testing.T) {
	_, write := somePipe(t)
	for name, prepare := range map[string]func(path string) []byte{
		"send": func(string) []byte { return []byte(strings.Repeat(" ", 8<<20)) },
		"connect": func(path string) []byte {
			fillBacklog(t, path)
			return []byte("{}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, path := agent(t)
			state := prepare(path)
			start := time.Now()
			err := SendListener(path, state, int(write.Fd()), start.Add(100*time.Millisecond))
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took > 2*time.Second {
				t.Errorf("%v after %v, want the deadline to pass", err, took)
			}
		})
	}
}

// fillBacklog connects until the agent's queue is full.
func fillBacklog(t *testing.T, path string) {
	t.Helper()
	for range 10000 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); errors.Is(err, unix.EAGAIN) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the backlog does not fill")
}
