package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// ListenerState renders the container process state that goes with the listener
// (config-linux.md#containerprocessstate). pid is the process that has loaded the
// filter, in the runtime's pid namespace; metadata is listenerMetadata.
func ListenerState(state specs.State, pid int, metadata string) ([]byte, error) {
	return json.Marshal(&specs.ContainerProcessState{
		Version:  specs.Version,
		Fds:      []string{specs.SeccompFdName},
		Pid:      pid,
		Metadata: metadata,
		State:    state,
	})
}

// SendListener connects to the agent at path, a stream socket, and sends it the
// state together with the listener's descriptor, which stays open here.
//
// It fails when the deadline has passed before all of the state was taken. The
// errors wrap the errno, or os.ErrDeadlineExceeded. After an error the caller must
// kill the process that has loaded the filter: nobody will answer its calls.
func SendListener(path string, state []byte, listener int, deadline time.Time) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("seccomp agent: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	err = untilDeadline(fd, deadline, func() error {
		return unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	})
	if err != nil {
		return fmt.Errorf("failed to connect with seccomp agent specified in the seccomp profile: dial unix %s: connect: %w", path, err)
	}
	rights := unix.UnixRights(listener)
	for len(state) > 0 {
		var n int
		err = untilDeadline(fd, deadline, func() (err error) {
			n, err = unix.SendmsgN(fd, state, rights, nil, unix.MSG_NOSIGNAL)
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot send seccomp fd to %s: %w", path, err)
		}
		state, rights = state[n:], nil
	}
	return nil
}

// untilDeadline repeats a call that a signal interrupts. Sockets give EAGAIN when
// their time limit has passed (socket(7), SO_SNDTIMEO).
func untilDeadline(fd int, deadline time.Time, call func() error) error {
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		limit := unix.NsecToTimeval(max(left.Nanoseconds(), int64(time.Microsecond)))
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		err := call()
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return os.ErrDeadlineExceeded
		default:
			return err
		}
	}
}
