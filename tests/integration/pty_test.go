package integration

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pty is the master end of a terminal and what came out of it.
type pty struct {
	s      *scenario
	master *os.File
	text   bytes.Buffer
}

func (s *scenario) newPty(fd int) *pty {
	s.t.Helper()
	s.must(unix.SetNonblock(fd, true)) // so that reads can have deadlines
	p := &pty{s: s, master: os.NewFile(uintptr(fd), "pty")}
	s.t.Cleanup(func() { p.master.Close() })
	return p
}

// openPty makes a terminal on the host, as a person's would be.
func (s *scenario) openPty(rows, columns uint16) (p *pty, slave *os.File) {
	s.t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	s.must(err)
	s.must(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	s.must(err)
	s.must(unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}))
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	s.must(err)
	s.t.Cleanup(func() { slave.Close() })
	return s.newPty(fd), slave
}

// expect reads until a text has come.
func (p *pty) expect(text string) {
	p.s.t.Helper()
	p.master.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 4096)
	for !strings.Contains(p.text.String(), text) {
		n, err := p.master.Read(buf)
		p.text.Write(buf[:n])
		if err != nil && n == 0 {
			p.s.fatalf("terminal: no %q before %v in %q", text, err, p.text.String())
			return
		}
	}
}

func (p *pty) send(text string) {
	p.s.t.Helper()
	_, err := p.master.WriteString(text)
	p.s.must(err)
}

// onTerminal starts a command whose controlling terminal and streams are a pty.
func (c *command) onTerminal(slave *os.File) {
	c.s.t.Helper()
	c.prepare()
	c.exec.Stdin, c.exec.Stdout, c.exec.Stderr = slave, slave, slave
	c.exec.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c.launch()
	slave.Close()
}

// consoleSocket listens for one terminal, as engines do.
type consoleSocket struct {
	s        *scenario
	path     string
	listener *net.UnixListener
}

func (s *scenario) consoleSocket() *consoleSocket {
	s.t.Helper()
	path := filepath.Join(s.dir, "console.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	s.must(err)
	s.t.Cleanup(func() { listener.Close() })
	return &consoleSocket{s, path, listener}
}

// receive takes the master end out of the one message that comes.
func (c *consoleSocket) receive() *pty {
	c.s.t.Helper()
	c.listener.SetDeadline(time.Now().Add(5 * time.Second))
	conn, err := c.listener.AcceptUnix()
	if err != nil {
		c.s.fatalf("console socket: %v", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	name, oob := make([]byte, 4096), make([]byte, 64)
	n, oobn, _, _, err := conn.ReadMsgUnix(name, oob)
	if err != nil || n == 0 {
		c.s.fatalf("console socket: %d bytes, %v", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	c.s.must(err)
	fds, err := unix.ParseUnixRights(&messages[0])
	c.s.must(err)
	equal(c.s, "descriptors", len(fds), 1)
	return c.s.newPty(fds[0])
}

// message says what came: the text, and what the descriptor is.
func (c *consoleSocket) message() string {
	c.listener.SetDeadline(time.Now().Add(5 * time.Second))
	conn, err := c.listener.AcceptUnix()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	text, oob := make([]byte, 4096), make([]byte, 64)
	n, oobn, _, _, err := conn.ReadMsgUnix(text, oob)
	if err != nil {
		return err.Error()
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return fmt.Sprintf("%d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return fmt.Sprintf("%d descriptors, %v", len(fds), err)
	}
	defer unix.Close(fds[0])
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fds[0]))
	if err != nil {
		return err.Error()
	}
	if strings.HasPrefix(link, "pidfd:") { // pidfs, since Linux 6.9
		link = "anon_inode:[pidfd]"
	}
	return string(text[:n]) + " " + link
}
