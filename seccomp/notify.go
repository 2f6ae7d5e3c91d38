package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Notification is a system call that waits for an agent's answer, struct
// seccomp_notif of linux/seccomp.h. Its arguments may be pointers into the memory
// of the process, which can change at any time.
type Notification struct {
	ID uint64
	// PID is the thread that makes the call, in the agent's pid namespace; 0 if it
	// is not visible there.
	PID  uint32
	Data Data
}

// Response is an agent's answer.
type Response struct {
	// Value is what the call returns, unless it fails or continues.
	Value int64
	// Errno makes the call fail.
	Errno unix.Errno
	// Continue lets the kernel do the call after all. That is no security decision:
	// the arguments may have changed since the agent has seen them
	// (seccomp_unotify(2)).
	Continue bool
}

// ErrGone says that the call has been interrupted, or its process has died: there is
// nobody to answer.
var ErrGone = errors.New("the system call is gone")

// notifyBuffer is more than struct seccomp_notif (80 bytes) and seccomp_notif_resp
// (24 bytes) need, since newer kernels may have larger ones.
const notifyBuffer = 512

// Receive waits for the next notification of a listener. It returns io.EOF when no
// process has the filter any more; ErrGone is no reason to stop.
func Receive(listener int) (Notification, error) {
	fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return Notification{}, fmt.Errorf("seccomp listener: %w", err)
		}
	}
	if fds[0].Revents&unix.POLLIN == 0 {
		return Notification{}, io.EOF
	}
	var buf [notifyBuffer]byte
	if err := notifyIoctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, &buf); err != nil {
		return Notification{}, err
	}
	e := binary.NativeEndian
	n := Notification{ID: e.Uint64(buf[0:]), PID: e.Uint32(buf[8:])}
	n.Data = Data{Number: e.Uint32(buf[16:]), Arch: e.Uint32(buf[20:]), IP: e.Uint64(buf[24:])}
	for i := range n.Data.Args {
		n.Data.Args[i] = e.Uint64(buf[32+8*i:])
	}
	return n, nil
}

// Respond answers a notification.
func (n Notification) Respond(listener int, r Response) error {
	var buf [notifyBuffer]byte
	e := binary.NativeEndian
	e.PutUint64(buf[0:], n.ID)
	switch {
	case r.Continue:
		e.PutUint32(buf[20:], unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE)
	case r.Errno != 0:
		e.PutUint32(buf[16:], uint32(-int32(r.Errno)))
	default:
		e.PutUint64(buf[8:], uint64(r.Value))
	}
	return notifyIoctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, &buf)
}

func notifyIoctl(listener int, request uint, buf *[notifyBuffer]byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), uintptr(request), uintptr(unsafe.Pointer(buf)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		case unix.ENOENT:
			return ErrGone
		default:
			return fmt.Errorf("seccomp listener: %w", errno)
		}
	}
}
