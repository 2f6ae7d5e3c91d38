package integration

import (
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestTerminalForeground(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal, sh("test -t 0 -a -t 1 -a -t 2 && echo is a terminal; tty; sleep 0.2; echo size $(stty size); stat -c '%t:%T' /dev/console; read line; echo \"got <$line>\"; exit 3"))
	term, slave := s.openPty(41, 101)
	c := s.cmd("run", "-b", b.dir, s.id())
	c.onTerminal(slave)
	for _, text := range []string{"is a terminal\r\n", "/dev/pts/0\r\n", "size 41 101\r\n", "88:0\r\n"} {
		term.expect(text)
	}
	term.send("hello\r")
	term.expect("got <hello>")
	c.wait().exits(3)
}

func TestTerminalFollowsResizing(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal, sh("trap 'echo size $(stty size)' WINCH; echo up; while :; do sleep 0.02; done"))
	term, slave := s.openPty(10, 20)
	id := s.id()
	c := s.cmd("run", "-b", b.dir, id)
	c.onTerminal(slave)
	term.expect("up")
	s.must(unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77}))
	s.must(unix.SetNonblock(int(term.master.Fd()), true))
	s.must(c.exec.Process.Signal(syscall.SIGWINCH))
	term.expect("size 33 77")
	s.run("kill", id, "KILL").ok()
	c.wait().exits(137)
}

// The caller's terminal must be as it was, however the container ends.
func TestTerminalIsRestored(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal, sh("echo up"))
	term, slave := s.openPty(10, 20)
	before, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	s.must(err)
	s.must(unix.SetNonblock(int(term.master.Fd()), true))
	c := s.cmd("run", "-b", b.dir, s.id())
	c.onTerminal(slave)
	term.expect("up")
	c.wait().ok()
	after, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	s.must(err)
	equal(s, "terminal settings", *after, *before)
}

func TestTerminalForegroundWithoutOne(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal)
	c := s.cmd("run", "-b", b.dir, s.id())
	c.session = true // without a controlling terminal, /dev/tty cannot be opened
	c.run().failsWith(1, "/dev/tty")
	s.oracle()
}

func TestTerminalConsoleSocket(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal, sh("tty; echo size $(stty size); ls -l /proc/1/fd | grep -c pts; read line; echo \"got <$line>\""), func(c *specs.Spec) {
		c.Process.ConsoleSize = &specs.Box{Height: 12, Width: 34}
	})
	socket := s.consoleSocket()
	id := s.create(b, "--console-socket", socket.path)
	term := socket.receive()
	s.run("start", id).ok()
	term.expect("/dev/pts/0")
	term.expect("size 12 34")
	term.expect("\n3")
	term.send("over the socket\n")
	term.expect("got <over the socket>")
	s.becomes(id, "stopped")
}

func TestTerminalConsoleSocketOfDetachedRun(t *testing.T) {
	s := begin(t)
	socket := s.consoleSocket()
	b := s.bundle(terminal, user(1000, 1000), sh("echo out >/dev/tty; id -u; sleep 100"))
	s.run("run", "--detach", "--console-socket", socket.path, "-b", b.dir, s.id()).ok()
	term := socket.receive()
	term.expect("out\r\n1000\r\n")
}

func TestTerminalConsoleSocketMissing(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal)
	s.run("create", "--console-socket", s.dir+"/nobody.sock", "-b", b.dir, s.id()).failsWith(1, "no such file or directory")
	s.oracle()
}

func TestTerminalConsoleIsInTheContainersDevpts(t *testing.T) {
	s := begin(t)
	socket := s.consoleSocket()
	b := s.bundle(terminal, sh("cat /proc/self/mountinfo; echo end; sleep 100"))
	s.run("run", "-d", "--console-socket", socket.path, "-b", b.dir, s.id()).ok()
	term := socket.receive()
	term.expect("end\r\n")
	m := at(parseMounts(strings.ReplaceAll(term.text.String(), "\r", "")), "/dev/console")
	equal(s, "type of /dev/console", m.fsType, "devpts")
	equal(s, "what is bound there", m.root, "/0")
}
