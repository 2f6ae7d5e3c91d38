package sys

import "golang.org/x/sys/unix"

// Retry makes a system call again as long as a signal interrupts it. The Go
// runtime signals its own threads, so any call may be interrupted at any time. The error is
// the call's own, not one that wraps it: errors.Is is slow at the first error that is none
// of those asked for.
func Retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR { //nolint:errorlint // the call's own error, asked on the way to a start
			return err
		}
	}
}

func retryFD(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != unix.EINTR { //nolint:errorlint // the call's own error, asked on the way to a start
			return n, err
		}
	}
}
