package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// notifying is a container that is ready after a while, and says more than it may.
func notifying(s *scenario, after string) edit {
	program := os.Getenv("OCIRUN_TEST_NOTIFY") // built before, for a machine without Go
	if program == "" {
		program = filepath.Join(s.dir, "notify")
		build := exec.Command("go", "build", "-o", program, "./notify")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // static
		if out, err := build.CombinedOutput(); err != nil {
			s.fatalf("build the program of the container: %v\n%s", err, out)
		}
	}
	probe := addMounts(specs.Mount{Destination: "/notify", Type: "bind", Source: program, Options: []string{"bind", "ro"}})
	script := sh(`test $NOTIFY_SOCKET = /run/notify/notify.sock || exit 90
		touch /run/notify/x 2>/dev/null && exit 91
		sleep 0.3
		/notify "$(printf 'READY=1\nMAINPID=1\nSTATUS=x')" || exit 92
		` + after)
	return func(c *specs.Spec) {
		probe(c)
		script(c)
	}
}

// manager plays the service manager: it lists what it is told, and closes the
// barrier's descriptor, which is what the runtime waits for.
type manager struct {
	s        *scenario
	socket   string
	messages chan string
}

func (s *scenario) manager() *manager {
	s.t.Helper()
	m := &manager{s: s, socket: filepath.Join(s.dir, "manager.sock"), messages: make(chan string, 16)}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	s.must(err)
	s.t.Cleanup(func() { conn.Close() })
	go func() {
		for {
			text, oob := make([]byte, 4096), make([]byte, 64)
			n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
			if err != nil {
				return
			}
			m.messages <- strings.TrimSuffix(string(text[:n]), "\n") // which some runtimes send
			if messages, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil && len(messages) == 1 {
				fds, _ := unix.ParseUnixRights(&messages[0])
				for _, fd := range fds {
					unix.Close(fd)
				}
			}
		}
	}()
	return m
}

// next waits for a message.
func (m *manager) next() string {
	m.s.t.Helper()
	select {
	case text := <-m.messages:
		return text
	case <-time.After(10 * time.Second):
		m.s.fatalf("the service manager hears nothing")
		return ""
	}
}

// hears checks all that the service manager was told.
func (m *manager) hears(pid int) {
	m.s.t.Helper()
	for _, want := range []string{"READY=1", fmt.Sprintf("MAINPID=%d", pid), "BARRIER=1"} {
		equal(m.s, "message", m.next(), want)
	}
	select {
	case text := <-m.messages:
		m.s.errorf("the service manager is also told %q", text)
	default:
	}
}

func (m *manager) call(args ...string) *command {
	c := m.s.cmd(args...)
	c.env = append(c.env, "NOTIFY_SOCKET="+m.socket)
	return c
}

func TestNotifyDetached(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 sends no BARRIER")
	m := s.manager()
	b := s.bundle(notifying(s, "exec sleep 100"))
	id := s.id()
	r := m.call("run", "-d", "-b", b.dir, id).run().ok()
	if r.elapsed < 300*time.Millisecond {
		s.errorf("run -d has not waited: %v", r.elapsed)
	}
	m.hears(s.state(id).Pid)
}

func TestNotifyStart(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 sends no BARRIER")
	m := s.manager()
	b := s.bundle(notifying(s, "exec sleep 100"))
	id := s.id()
	m.call("create", "-b", b.dir, id).run().ok()
	r := m.call("start", id).run().ok()
	if r.elapsed < 300*time.Millisecond {
		s.errorf("start has not waited: %v", r.elapsed)
	}
	m.hears(s.state(id).Pid)
	m.call("start", id).run().fails(1, "cannot start an already running container")
	equal(s, "explained", s.run("explain", id).ok().out != "", true)
}

func TestNotifyForeground(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 sends no BARRIER")
	m := s.manager()
	c := m.call("run", "-b", s.bundle(notifying(s, "sleep 0.3; exit 5")).dir, s.id())
	c.start()
	m.hears(c.exec.Process.Pid)
	c.wait().exits(5)
}

// TestNotifyNobody: nothing waits for a program that ends without a word, and a
// service manager that is not there is no reason to stop a container.
func TestNotifyNobody(t *testing.T) {
	s := begin(t)
	s.differs("runc", "fails where the service manager cannot be told, 1.1.5 without a message")
	m := s.manager()
	silent := s.bundle(args("true"))
	m.call("run", "-d", "-b", silent.dir, s.id()).run().ok()
	m.call("run", "-b", silent.dir, s.id()).run().ok()
	m.socket += "-not-here"
	b := s.bundle(notifying(s, "exec sleep 100"))
	r := m.call("run", "-d", "-b", b.dir, s.id()).run().ok()
	s.contains("standard error", r.err, "pass on the notification of the container: connect to "+m.socket)
}
