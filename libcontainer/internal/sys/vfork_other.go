//go:build !amd64

package sys

import "golang.org/x/sys/unix"

func (p *Program) vfork() (pid, pidfd int, err error) { return 0, -1, unix.ENOSYS }
