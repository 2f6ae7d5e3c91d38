package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys/nofile"
)

// cloneArgs is the kernel's struct clone_args (clone(2)).
type cloneArgs struct {
	flags, pidfd          uint64
	_, _                  uint64 // where thread ids are written
	exitSignal            uint64
	_, _, _, _, _, cgroup uint64 // stack, its size, TLS, thread ids to be set, their number
}

// cloneClearSighand is CLONE_CLEAR_SIGHAND (Linux 5.5).
const cloneClearSighand = 1 << 32

// call is a system call of the child.
type call struct{ nr, a, b, c, d, e uintptr }

// birth is what a child needs, which shares the memory of its parent until it executes the
// program. All of it is on the heap: the kernel has the addresses.
type birth struct {
	args  cloneArgs
	calls []call
	argv  []*byte
	// env is the empty environment, path the empty path of execveat(2).
	env   [1]*byte
	path  [1]byte
	pidfd int32
	mask  uint64 // the signals that the thread had blocked
	// failed is the error of the call that failed, if one did.
	failed uintptr
}

//go:noinline
func newBirth() *birth { return &birth{pidfd: -1} }

func vforkCalls(args *cloneArgs, size uintptr, calls *call, failed *uintptr) (r uintptr)

// vfork is Start by clone3(2) with the memory shared (CLONE_VFORK): the child makes a few
// system calls, none of which needs the Go runtime, and executes the program. It saves what
// syscall.ForkExec does beyond that: 64 calls to reset signal handlers one by one, the way to
// the program through /proc, and a pipe.
func (p *Program) vfork() (pid, pidfd int, err error) {
	b := newBirth()
	if b.argv, err = syscall.SlicePtrFromStrings(p.Argv); err != nil {
		return 0, -1, err
	}
	exe := p.arrange(b)
	b.restoreLimit()
	b.call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, address(&b.mask), 0, unsafe.Sizeof(b.mask), 0)
	b.call(unix.SYS_EXECVEAT, uintptr(exe), address(&b.path), address(&b.argv[0]), address(&b.env), unix.AT_EMPTY_PATH)
	b.args = cloneArgs{
		flags:      p.Flags | unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | cloneClearSighand,
		pidfd:      uint64(address(&b.pidfd)),
		exitSignal: uint64(unix.SIGCHLD),
	}
	if p.Cgroup >= 0 {
		b.args.flags |= unix.CLONE_INTO_CGROUP
		b.args.cgroup = uint64(p.Cgroup)
	}
	syscall.ForkLock.Lock()
	keepTimerSlack()
	back := func() {}
	if p.Pinned {
		back = pin()
	}
	pid, errno := b.bear()
	back()
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(b)
	if errno != 0 {
		return 0, -1, errno
	}
	if b.failed != 0 {
		_, _ = Reap(pid)
		unix.Close(int(b.pidfd))
		return 0, -1, syscall.Errno(b.failed)
	}
	return pid, int(b.pidfd), nil
}

// bear makes the child. No signal handler of the Go runtime may run in it, so the thread
// blocks all signals, and the child unblocks them when the kernel has reset its handlers.
// Nothing here lets the goroutine be preempted, which would leave them blocked.
//
//go:nosplit
func (b *birth) bear() (pid int, errno syscall.Errno) {
	all := ^uint64(0)
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)),
		uintptr(unsafe.Pointer(&b.mask)), unsafe.Sizeof(all), 0, 0)
	r := vforkCalls(&b.args, unsafe.Sizeof(b.args), &b.calls[0], &b.failed)
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.mask)), 0, unsafe.Sizeof(all), 0, 0)
	if int(r) < 0 {
		return 0, syscall.Errno(-r)
	}
	return int(r), 0
}

// arrange has the child put its files where they belong, and gives the number that the
// program's has in the child. What stands in the way of others is moved above all first.
func (p *Program) arrange(b *birth) (exe int) {
	above, n := p.above(), len(p.Files)
	b.calls = make([]call, 0, 2*n+4)
	from := make([]int, n)
	for i, fd := range p.Files {
		from[i] = fd
		if fd >= 0 && fd < n && fd != i {
			from[i] = above + i
			b.call(unix.SYS_DUP3, uintptr(fd), uintptr(from[i]), unix.O_CLOEXEC, 0, 0)
		}
	}
	exe = p.Exe
	if exe < n {
		exe = above + n
		b.call(unix.SYS_DUP3, uintptr(p.Exe), uintptr(exe), unix.O_CLOEXEC, 0, 0)
	}
	for i, fd := range from {
		switch to := uintptr(i); {
		case fd < 0:
			b.call(unix.SYS_CLOSE_RANGE, to, to, 0, 0, 0)
		case fd == i:
			b.call(unix.SYS_FCNTL, to, unix.F_SETFD, 0, 0, 0)
		default:
			b.call(unix.SYS_DUP3, uintptr(fd), to, 0, 0, 0)
		}
	}
	return exe
}

// restoreLimit has the child lower the limit on open files again that the Go runtime has
// raised for itself. One that was changed since is left alone.
func (b *birth) restoreLimit() {
	started := nofile.Started()
	var now unix.Rlimit
	if started == nil || unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return
	}
	if now.Max == started.Max && now.Cur == started.Max-1 {
		b.call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, address(started), 0, 0)
	}
}

func (b *birth) call(nr, a1, a2, a3, a4, a5 uintptr) {
	b.calls = append(b.calls, call{nr, a1, a2, a3, a4, a5})
}

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
