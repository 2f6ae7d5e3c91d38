package netdev

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Conn is a routing socket of one network namespace.
type Conn struct {
	fd  int
	seq uint32
}

// Dial opens a routing socket of the calling thread's network namespace.
func Dial() (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return &Conn{fd: fd}, nil
}

// Close closes the socket.
func (c *Conn) Close() {
	if c != nil {
		unix.Close(c.fd)
	}
}

// message is the part of a request or an answer behind its header: a structure, and
// attributes.
type message []byte

const headerSize = unix.SizeofNlMsghdr

func align(n int) int { return (n + 3) &^ 3 }

// attribute appends an attribute.
func (m message) attribute(kind uint16, value []byte) message {
	m = binary.NativeEndian.AppendUint16(m, uint16(unix.SizeofRtAttr+len(value)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = append(m, value...)
	return append(m, make([]byte, align(len(value))-len(value))...)
}

func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// text is a string with the NUL that the kernel wants.
func text(s string) []byte { return append([]byte(s), 0) }

// attributes gives those behind a structure of size bytes.
func (m message) attributes(size int, each func(kind uint16, value []byte)) {
	for at := size; at+unix.SizeofRtAttr <= len(m); {
		length := int(binary.NativeEndian.Uint16(m[at:]))
		if length < unix.SizeofRtAttr || at+length > len(m) {
			return
		}
		const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
		each(binary.NativeEndian.Uint16(m[at+2:])&^flags, m[at+unix.SizeofRtAttr:at+length])
		at += align(length)
	}
}

// errAnswer is an answer that nothing in the protocol explains.
var errAnswer = errors.New("the kernel's answer is not understood")

// request sends a message and gives the answers to it, until the kernel says that it has
// done what was asked. A refusal is a unix.Errno.
func (c *Conn) request(kind, flags uint16, body message) ([]message, error) {
	c.seq++
	out := make([]byte, headerSize, headerSize+len(body))
	binary.NativeEndian.PutUint32(out[0:], uint32(headerSize+len(body)))
	binary.NativeEndian.PutUint16(out[4:], kind)
	binary.NativeEndian.PutUint16(out[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(out[8:], c.seq)
	if err := unix.Sendto(c.fd, append(out, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	var answers []message
	// A dump comes in pieces of 32 KiB at most (rtnetlink(7), Linux 4.4).
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(c.fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		done, err := c.take(buf[:n], &answers)
		if done || err != nil {
			return answers, err
		}
	}
}

// take adds the messages of one datagram.
func (c *Conn) take(data []byte, answers *[]message) (done bool, err error) {
	for len(data) >= headerSize {
		length := int(binary.NativeEndian.Uint32(data))
		if length < headerSize || length > len(data) {
			return false, errAnswer
		}
		kind, seq := binary.NativeEndian.Uint16(data[4:]), binary.NativeEndian.Uint32(data[8:])
		body := data[headerSize:length]
		data = data[min(align(length), len(data)):]
		if seq != c.seq {
			continue
		}
		switch kind {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			if len(body) < 4 {
				return false, errAnswer
			}
			if errno := -int32(binary.NativeEndian.Uint32(body)); errno != 0 {
				return true, unix.Errno(errno)
			}
			return true, nil
		default:
			*answers = append(*answers, append(message(nil), body...))
		}
	}
	return false, nil
}
