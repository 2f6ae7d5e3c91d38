package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Retry makes a system call again as long as a signal interrupts it. The Go
// runtime signals its own threads, so any call may be interrupted at any time.
func Retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func retryFD(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
