package initproc

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// errno is a kernel error number.
type errno = unix.Errno

// Progress is what an init has left in its progress page.
type Progress struct {
	State State
	// Op is the operation the init was at, Step the entry of the plan it belongs
	// to (from 0), or -1.
	Op, Step int
	// Errno is why the step failed; see also HookStatus.
	Errno errno
	// HookStatus is the wait status (wait(2)) of a hook that failed.
	HookStatus int
	// Child is the process id of the container's first process where the init
	// forked it, as seen by the runtime.
	Child int
	// Listener is the descriptor, in the init, of a seccomp filter's listener; 0 as
	// long as there is none.
	Listener int
	// Detail is what else is known of the failure: the kernel's log of a mount,
	// or the end of a hook's output.
	Detail string
	// Stamps are the times at which the operations began, in nanoseconds of
	// CLOCK_MONOTONIC, if they were asked for.
	Stamps []uint64
}

// errBadProgress: the file is no progress page.
var errBadProgress = errors.New("not a progress page")

// CreateProgress makes the progress page as a new file in a directory. It is
// written in full, so that the init's stores cannot fail for want of space.
func CreateProgress(dir int, name string, size int) (int, error) {
	fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	return formatProgress(fd, err, size)
}

// NewProgress makes a progress page that is nowhere to be found: for an init whose
// progress matters only to who has started it.
func NewProgress(size int) (int, error) {
	fd, err := unix.MemfdCreate("ocirun-progress", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate("ocirun-progress", unix.MFD_CLOEXEC)
	}
	return formatProgress(fd, err, size)
}

func formatProgress(fd int, err error, size int) (int, error) {
	if err != nil {
		return -1, err
	}
	page := make([]byte, size)
	binary.LittleEndian.PutUint32(page, progressMagic)
	n, err := unix.Pwrite(fd, page, 0)
	if err == nil && n != len(page) {
		err = unix.ENOSPC
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// progressLen is the size of the page for so many traced operations, in whole
// pages.
func progressLen(stamps int) int {
	return max(progressSize, (progressStamps+8*stamps+4095)&^4095)
}

// ReadProgress reads a progress page. ops is the number of stamps wanted.
func ReadProgress(fd, ops int) (Progress, error) {
	buf := make([]byte, progressStamps+8*ops)
	n, err := unix.Pread(fd, buf, 0)
	if err != nil {
		return Progress{}, err
	}
	le := binary.LittleEndian
	if n < progressStamps || le.Uint32(buf) != progressMagic || le.Uint32(buf[4:]) >= uint32(numStates) {
		return Progress{}, errBadProgress
	}
	p := Progress{
		State:      State(le.Uint32(buf[4:])),
		Op:         int(le.Uint32(buf[8:])),
		Step:       int(le.Uint32(buf[12:])),
		Errno:      errno(le.Uint32(buf[16:])),
		HookStatus: int(int32(le.Uint32(buf[20:]))),
		Child:      int(int32(le.Uint32(buf[24:]))),
		Listener:   int(int32(le.Uint32(buf[progressListener:]))),
	}
	if p.Step == noStep {
		p.Step = -1
	}
	if size := le.Uint32(buf[28:]); size <= detailSize {
		p.Detail = string(buf[progressDetail : progressDetail+size])
	}
	for i := progressStamps; i+8 <= n; i += 8 {
		p.Stamps = append(p.Stamps, le.Uint64(buf[i:]))
	}
	return p, nil
}

// TookListener lets an init go on that stands still until its seccomp listener is
// in the hands of the agent.
func TookListener(page int) error {
	taken := []byte{listenerTaken, 0, 0, 0}
	_, err := unix.Pwrite(page, taken, progressTaken)
	return err
}

// HookFailed reports whether a hook ended with a status other than 0.
func (p Progress) HookFailed() bool { return p.Errno == errHookFailed }

// HookTimedOut reports whether a hook ran past its time limit.
func (p Progress) HookTimedOut() bool { return p.Errno == errHookTimeout }
