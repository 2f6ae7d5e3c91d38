package sys

import (
	"errors"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is a program to be started from an open file, without an environment. It is a
// child of the thread that starts it.
type Program struct {
	// Exe is the file, which closes on exec.
	Exe  int
	Argv []string
	// Files become the descriptors from 0 on; a negative one leaves its number closed.
	Files []int
	// Flags are the CLONE_NEW* bits.
	Flags uint64
	// Cgroup is the directory of the cgroup v2 that the process is born in, or -1.
	Cgroup int
	// Pinned: the program begins with the affinity for the caller's CPU only, and is to
	// change that itself (sched_setaffinity(2)). That CPU is free, since the caller waits
	// until the program is executed, and another one may not come to it soon. Without a
	// vfork it is left out.
	Pinned bool
}

// Start starts the program. Signals have the dispositions that they would have after an
// exec by the process itself, and limits those that the process was started with.
func (p *Program) Start() (pid, pidfd int, err error) {
	if p.Flags&unix.CLONE_NEWUSER == 0 {
		pid, pidfd, err = p.vfork()
		// Sandboxes forbid clone3 with either.
		if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return pid, pidfd, err
		}
	}
	return p.forkExec()
}

// forkExec is Start by the Go runtime's means.
func (p *Program) forkExec() (pid, pidfd int, err error) {
	exe, err := p.lift()
	if err != nil {
		return 0, -1, err
	}
	defer unix.Close(exe)
	files := make([]uintptr, len(p.Files))
	for i, fd := range p.Files {
		files[i] = uintptr(fd)
	}
	forking.Lock()
	defer forking.Unlock()
	keepTimerSlack() // but not the CPUs, as ForkExec does: the caller may have chosen them for the program
	pid, err = syscall.ForkExec("/proc/self/fd/"+strconv.Itoa(exe), p.Argv, &syscall.ProcAttr{Files: files, Sys: &syscall.SysProcAttr{
		Cloneflags: uintptr(p.Flags), PidFD: &pidfd, UseCgroupFD: p.Cgroup >= 0, CgroupFD: p.Cgroup,
	}})
	if err != nil {
		return 0, -1, err
	}
	return pid, pidfd, nil
}

// lift duplicates the file above all numbers that syscall.ForkExec shuffles the files
// through in the child, where it would be overwritten (golang/go#61751): they begin behind
// the highest, and its own pipe is there as well.
func (p *Program) lift() (int, error) {
	return retryFD(func() (int, error) {
		return unix.FcntlInt(uintptr(p.Exe), unix.F_DUPFD_CLOEXEC, p.above()+len(p.Files)+4)
	})
}

// above is the lowest number that is above those of all files.
func (p *Program) above() int {
	n := max(len(p.Files), p.Exe+1)
	for _, fd := range p.Files {
		n = max(n, fd+1)
	}
	return n
}
