package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/seccomp"
)

func TestDenials(t *testing.T) {
	d := denials{}
	for _, text := range []string{"mkdir", "chmod=ENOSYS", "chown=5"} {
		if err := d.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if d["mkdir"] != unix.EPERM || d["chmod"] != unix.ENOSYS || d["chown"] != unix.EIO {
		t.Errorf("denials %v", map[string]unix.Errno(d))
	}
	for _, text := range []string{"mkdir=", "mkdir=ENO", "mkdir=0", "mkdir=5000"} {
		if err := d.Set(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// pair gives the agent's end of a connection on which send has sent something.
func pair(t *testing.T, send func(path string)) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go send(path)
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	return conn
}

func TestReceive(t *testing.T) {
	state, err := seccomp.ListenerState(specs.State{ID: "web"}, 7, "m")
	if err != nil {
		t.Fatal(err)
	}
	conn := pair(t, func(path string) {
		if err := seccomp.SendListener(path, state, int(os.Stdin.Fd()), time.Now().Add(5*time.Second)); err != nil {
			t.Error(err)
		}
	})
	got, fd, err := receive(conn)
	if err != nil || got.State.ID != "web" || got.Pid != 7 || got.Metadata != "m" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
}

func TestReceiveNonsense(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "no JSON": "x", "no descriptor": "{}"} {
		conn := pair(t, func(path string) {
			c, err := net.Dial("unix", path)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if _, err := c.Write([]byte(text)); err != nil {
				t.Error(err)
			}
		})
		if _, _, err := receive(conn); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
