package dbus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection to a bus or, without one between, to a program. It is not safe for concurrent use.
type Conn struct {
	fd       int
	serial   uint32
	deadline time.Time
	in       []byte
	// signals came while a reply was waited for.
	signals []*Message
	replies map[uint32]*Message
}

// Error is an answer that says why a call failed.
type Error struct{ Name, Text string }

func (e *Error) Error() string {
	if e.Text != "" {
		return e.Text
	}
	return e.Name
}

// Dial connects to a unix socket, a name that begins with "@" being an abstract one (unix(7)). Nothing that is done with
// the connection goes beyond the deadline.
func Dial(path string, deadline time.Time) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	c := &Conn{fd: fd, deadline: deadline}
	if err := c.connect(path); err != nil {
		c.Close()
		return nil, &os.PathError{Op: "connect to", Path: path, Err: err}
	}
	if err := c.authenticate(); err != nil {
		c.Close()
		return nil, fmt.Errorf("authenticate at %s: %w", path, err)
	}
	return c, nil
}

// connect waits in the kernel if the other end is behind with accepting, but not for ever.
func (c *Conn) connect(path string) error {
	timeout := unix.NsecToTimeval(max(time.Until(c.deadline), time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout); err != nil {
		return err
	}
	for {
		err := unix.Connect(c.fd, &unix.SockaddrUnix{Name: path})
		if errors.Is(err, unix.EAGAIN) {
			return os.ErrDeadlineExceeded
		}
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// SetDeadline moves the point in time at which waiting ends with [os.ErrDeadlineExceeded].
func (c *Conn) SetDeadline(t time.Time) { c.deadline = t }

// Close ends the connection.
func (c *Conn) Close() {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
}

// authenticate uses the credentials of the socket. Without a user id in the text it works across user namespaces, where
// the two ends number users differently; old implementations ask for the text.
func (c *Conn) authenticate() error {
	if err := c.write([]byte("\x00AUTH EXTERNAL\r\n")); err != nil {
		return err
	}
	answer, err := c.line()
	if err == nil && answer == "DATA" {
		answer, err = c.say("DATA")
	}
	if err == nil && strings.HasPrefix(answer, "REJECTED") {
		answer, err = c.say("AUTH EXTERNAL " + hex.EncodeToString([]byte(strconv.Itoa(unix.Geteuid()))))
	}
	if err != nil {
		return err
	}
	if !strings.HasPrefix(answer, "OK ") {
		return fmt.Errorf("refused: %q", answer)
	}
	return c.write([]byte("BEGIN\r\n"))
}

func (c *Conn) say(text string) (answer string, err error) {
	if err := c.write([]byte(text + "\r\n")); err != nil {
		return "", err
	}
	return c.line()
}

func (c *Conn) line() (string, error) {
	const longest = 1024
	for {
		if end := bytes.Index(c.in, []byte("\r\n")); end >= 0 {
			text := string(c.in[:end])
			c.in = c.in[end+2:]
			return text, nil
		}
		if len(c.in) > longest {
			return "", errMessage
		}
		if err := c.fill(); err != nil {
			return "", err
		}
	}
}

// wait until the socket can be read or written.
func (c *Conn) wait(events int16) error {
	for {
		left := time.Until(c.deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		fds := []unix.PollFd{{Fd: int32(c.fd), Events: events}}
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("poll", err)
		}
		if err == nil && n > 0 {
			return nil
		}
	}
}

func (c *Conn) write(data []byte) error {
	for len(data) > 0 {
		n, err := unix.SendmsgN(c.fd, data, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if err := c.wait(unix.POLLOUT); err != nil {
				return err
			}
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("sendmsg", err)
		default:
			data = data[n:]
		}
	}
	return nil
}

// errClosed: the other end went away.
var errClosed = errors.New("the connection was closed")

func (c *Conn) fill() error {
	buffer := make([]byte, 8192)
	for {
		n, _, err := unix.Recvfrom(c.fd, buffer, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if err := c.wait(unix.POLLIN); err != nil {
				return err
			}
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("recvfrom", err)
		case n == 0:
			return errClosed
		default:
			c.in = append(c.in, buffer[:n]...)
			return nil
		}
	}
}

// next reads a message.
func (c *Conn) next() (*Message, error) {
	need := fixedHeader
	for {
		if len(c.in) >= fixedHeader {
			n, err := messageLength(c.in)
			if err != nil {
				return nil, err
			}
			need = n
		}
		if len(c.in) >= need {
			data := c.in[:need:need]
			c.in = c.in[need:]
			return parse(data)
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}
