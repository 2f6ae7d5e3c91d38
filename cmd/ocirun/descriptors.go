package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"
)

// firstInherited is the descriptor behind the standard streams, where those
// that are handed on begin (sd_listen_fds(3)).
const firstInherited = 3

// listenFDs is the number of activation sockets that are meant for this process
// (sd_listen_fds(3)). What is meant for another one is ignored.
func (h host) listenFDs() int {
	if pid, err := strconv.Atoi(h.getenv("LISTEN_PID")); err != nil || pid != h.pid {
		return 0
	}
	n, err := strconv.Atoi(h.getenv("LISTEN_FDS"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// checkDescriptors makes sure that the descriptors for the container were really
// given to this process.
func (h host) checkDescriptors(listen, preserve int) error {
	if preserve < 0 {
		return errors.New("preserve-fds must not be negative")
	}
	for i := range listen {
		if fd := firstInherited + i; !h.isInherited(fd) {
			return fmt.Errorf("LISTEN_FDS is %d but descriptor %d was not passed: %w", listen, fd, unix.EBADF)
		}
	}
	for i := range preserve {
		if fd := firstInherited + listen + i; !h.isInherited(fd) {
			return fmt.Errorf("unable to stat preserved-fd %d (of %d): descriptor %d: %w", i, preserve, fd, unix.EBADF)
		}
	}
	return nil
}

// claimInherited counts the descriptors behind the standard streams that the program was
// started with, as far as they follow each other, and makes all that there are
// close-on-exec: hooks and helpers get none of them, or a hook that leaves a daemon behind
// would keep the caller's pipes open. What is handed on is named one by one.
func claimInherited() (isInherited func(fd int) bool) {
	end := firstInherited
	for isPassed(end) {
		end++
	}
	// Without the flag (before Linux 5.11) they are handed on, as by other runtimes.
	_ = unix.CloseRange(firstInherited, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	return func(fd int) bool { return fd >= firstInherited && fd < end }
}

// isPassed reports whether a descriptor was open when the program started.
// Those that it opened itself are close-on-exec, which inherited ones cannot be.
func isPassed(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
