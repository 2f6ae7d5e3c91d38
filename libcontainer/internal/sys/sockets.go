package sys

import (
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// socketPathMax is how long the path of a unix socket may be (unix(7)).
const socketPathMax = 107

// SelfFD is a path by which the process reaches one of its own descriptors.
func SelfFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// ListenUnix makes a listening stream socket as name below dir. The path may be
// longer than an address holds, since it goes through the directory.
func ListenUnix(dir int, name string, backlog int) (int, error) {
	fd, err := newUnixSocket(unix.SOCK_STREAM)
	if err != nil {
		return -1, err
	}
	err = Retry(func() error { return unix.Bind(fd, addressBelow(dir, name)) })
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// BindDatagrams makes a datagram socket as name below dir, as ListenUnix does one of
// streams.
func BindDatagrams(dir int, name string) (int, error) {
	fd, err := newUnixSocket(unix.SOCK_DGRAM)
	if err != nil {
		return -1, err
	}
	if err := Retry(func() error { return unix.Bind(fd, addressBelow(dir, name)) }); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ConnectDatagrams connects to the datagram socket at path; a leading '@' stands for
// an abstract address (unix(7)).
func ConnectDatagrams(path string) (int, error) {
	fd, err := newUnixSocket(unix.SOCK_DGRAM)
	if err != nil {
		return -1, err
	}
	if err := Retry(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: path}) }); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ConnectUnixAt connects to the stream socket name below dir.
func ConnectUnixAt(dir int, name string) (int, error) {
	return connectUnix(addressBelow(dir, name), -1)
}

// ConnectUnix connects to the stream socket at path, of any length, and gives
// up when the listener does not take the connection within the patience.
func ConnectUnix(path string, patience time.Duration) (int, error) {
	if len(path) <= socketPathMax {
		return connectUnix(&unix.SockaddrUnix{Name: path}, patience)
	}
	socket, err := OpenAt(unix.AT_FDCWD, path, unix.O_PATH, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(socket)
	return connectUnix(&unix.SockaddrUnix{Name: SelfFD(socket)}, patience)
}

func addressBelow(dir int, name string) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: SelfFD(dir) + "/" + name}
}

// connectUnix bounds the wait by the send timeout, which is what unix sockets
// wait by for a place in the listener's queue.
func connectUnix(addr *unix.SockaddrUnix, patience time.Duration) (int, error) {
	fd, err := newUnixSocket(unix.SOCK_STREAM)
	if err != nil {
		return -1, err
	}
	if patience >= 0 {
		err = SetSocketPatience(fd, patience)
	}
	if err == nil {
		err = Retry(func() error { return unix.Connect(fd, addr) })
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// SetSocketPatience bounds how long a send or receive on the socket may block;
// then it fails with unix.EAGAIN (socket(7), SO_RCVTIMEO).
func SetSocketPatience(fd int, patience time.Duration) error {
	tv := unix.NsecToTimeval(max(int64(patience), int64(time.Microsecond)))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv); err != nil {
		return err
	}
	return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
}

func newUnixSocket(kind int) (int, error) {
	return retryFD(func() (int, error) { return unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0) })
}

// SocketPair gives two connected sockets of the kind, SOCK_STREAM or
// SOCK_SEQPACKET.
func SocketPair(kind int) ([2]int, error) {
	var pair [2]int
	err := Retry(func() (err error) {
		pair, err = unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
		return err
	})
	return pair, err
}

// SendFDs sends data, at least a byte, and descriptors in one message.
func SendFDs(socket int, data []byte, fds ...int) error {
	var control []byte
	if len(fds) > 0 {
		control = unix.UnixRights(fds...)
	}
	n, err := retryFD(func() (int, error) {
		return unix.SendmsgN(socket, data, control, nil, unix.MSG_NOSIGNAL)
	})
	if err != nil {
		return err
	}
	if n != len(data) {
		return io.ErrShortWrite
	}
	return nil
}

// errTruncated is given when a message carries more descriptors than allowed.
var errTruncated = errors.New("message with too many descriptors")

// RecvFDs receives one message into buf and at most limit descriptors. No byte
// and no error mean that the other side has closed.
func RecvFDs(socket int, buf []byte, limit int) (n int, fds []int, err error) {
	control := make([]byte, unix.CmsgSpace(limit*4))
	var used, flags int
	err = Retry(func() (err error) {
		n, used, flags, _, err = unix.Recvmsg(socket, buf, control, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	fds, err = parseRights(control[:used])
	if err == nil && (flags&unix.MSG_CTRUNC != 0 || len(fds) > limit) {
		err = errTruncated
	}
	if err != nil {
		CloseAll(fds)
		return n, nil, err
	}
	return n, fds, nil
}

func parseRights(control []byte) ([]int, error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	var all []int
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			all = append(all, fds...)
		}
	}
	return all, nil
}

// CloseAll closes descriptors; negative ones are left out.
func CloseAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// NameOf gives the path of what a descriptor refers to, as its own mount namespace
// sees it (proc_pid_fd(5)). Nothing may be opened by it.
func NameOf(fd int) (string, error) { return os.Readlink(SelfFD(fd)) }
