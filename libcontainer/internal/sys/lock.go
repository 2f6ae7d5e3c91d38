package sys

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// The pauses between attempts to get a lock that somebody else holds.
const (
	lockPauseMin = time.Millisecond
	lockPauseMax = 20 * time.Millisecond
)

// Lock takes an exclusive flock(2) on an open file or directory. It gives
// unix.EWOULDBLOCK when the lock is not free by the end of the patience. The
// lock ends with the last descriptor of the open file.
func Lock(fd int, patience time.Duration) error {
	return attempt(patience, func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// Unlock gives up what Lock took.
func Unlock(fd int) error {
	return Retry(func() error { return unix.Flock(fd, unix.LOCK_UN) })
}

// HoldFile takes the write lock that belongs to an open file description
// (fcntl(2), F_OFD_SETLK). FileHeld sees it without disturbing it. It ends when
// the description is closed, also by the death of the process.
func HoldFile(fd int, patience time.Duration) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	return attempt(patience, func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock) })
}

// FileHeld reports whether another open file description holds the lock of
// HoldFile on the same file.
func FileHeld(fd int) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err := Retry(func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock) })
	return err == nil && lock.Type != unix.F_UNLCK, err
}

func attempt(patience time.Duration, try func() error) error {
	deadline := time.Time{}
	for pause := lockPauseMin; ; pause = min(2*pause, lockPauseMax) {
		err := Retry(try)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EACCES) {
			return err
		}
		now := time.Now()
		if deadline.IsZero() {
			deadline = now.Add(patience)
		}
		left := deadline.Sub(now)
		if left <= 0 {
			return unix.EWOULDBLOCK
		}
		time.Sleep(min(pause, left))
	}
}
