package hostcheck

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// attempt is a system call that every container needs, made so that it has no effect.
type attempt struct {
	name string
	call func() error
	// needsRoot: others than root are refused, which says nothing.
	needsRoot bool
}

// raw makes a call with arguments that are refused by every kernel that has it.
func raw(number uintptr, args ...uintptr) func() error {
	var a [6]uintptr
	copy(a[:], args)
	return func() error {
		fd, _, errno := unix.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno == 0 {
			unix.Close(int(fd))
			return nil
		}
		return errno
	}
}

func attempts() []attempt {
	const none = ^uintptr(0) // no descriptor, and all flags
	return []attempt{
		{"openat2", func() error {
			fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT})
			return closed(fd, err)
		}, false},
		{"open_tree", func() error { return closed(unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLOEXEC)) }, false},
		{"move_mount", raw(unix.SYS_MOVE_MOUNT, none, 0, none, 0, none), true},
		{"fsopen", raw(unix.SYS_FSOPEN, 0, none), true},
		{"fsconfig", raw(unix.SYS_FSCONFIG, none, none), true},
		{"fsmount", raw(unix.SYS_FSMOUNT, none, none, none), true},
		{"mount_setattr", raw(unix.SYS_MOUNT_SETATTR, none, 0, none), true},
		{"clone3", raw(unix.SYS_CLONE3, 0, 0), false},
		{"pidfd_open", func() error { return closed(sys.PidfdOpen(unix.Getpid())) }, false},
		{"pidfd_send_signal", raw(unix.SYS_PIDFD_SEND_SIGNAL, none), false},
		{"pidfd_getfd", raw(unix.SYS_PIDFD_GETFD, none), false},
		{"close_range", raw(unix.SYS_CLOSE_RANGE, 1, 0), false},
		{"memfd_create", raw(unix.SYS_MEMFD_CREATE, 0, none), false},
		{"execveat", raw(unix.SYS_EXECVEAT, none), false},
	}
}

func closed(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func (e *examiner) kernel() {
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		e.ok("kernel", "version", unix.ByteSliceToString(u.Sysname[:])+" "+unix.ByteSliceToString(u.Release[:])+" "+unix.ByteSliceToString(u.Machine[:]))
	}
	var have, missing, blocked []string
	for _, a := range attempts() {
		err := a.call()
		switch {
		case errors.Is(err, unix.ENOSYS):
			missing = append(missing, a.name)
		case errors.Is(err, unix.EPERM) && (!a.needsRoot || e.privileged()):
			blocked = append(blocked, a.name)
		default:
			have = append(have, a.name)
		}
	}
	switch {
	case len(missing) > 0:
		e.bad(Fail, Check{
			Area: "kernel", Name: "system calls", Found: "missing: " + strings.Join(missing, " "),
			Effect: "no container can be made", Remedy: "use Linux 5.12 or later; in a sandbox, a seccomp profile that knows these calls",
		})
	case len(blocked) > 0:
		e.bad(Fail, Check{
			Area: "kernel", Name: "system calls", Found: "refused: " + strings.Join(blocked, " "),
			Effect: "no container can be made", Remedy: "a seccomp filter or security module around this process refuses them: allow them there",
		})
	default:
		e.ok("kernel", "system calls", strings.Join(have, " "))
	}
	e.keyring()
	if _, err := unix.Openat(unix.AT_FDCWD, "/proc/pressure/cpu", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_PATH, 0); err != nil {
		e.bad(Warn, Check{
			Area: "kernel", Name: "pressure", Found: "no pressure stall information",
			Effect: "statistics do not say how long processes wait", Remedy: `boot with "psi=1"; it needs CONFIG_PSI`,
		})
	} else {
		e.ok("kernel", "pressure", "pressure stall information is counted")
	}
}

// keyring: each container joins a session keyring of its own.
func (e *examiner) keyring() {
	if _, err := unix.KeyctlInt(unix.KEYCTL_GET_KEYRING_ID, unix.KEY_SPEC_SESSION_KEYRING, 0, 0, 0); errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		e.bad(Warn, Check{
			Area: "kernel", Name: "keyrings", Found: "keyctl: " + err.Error(),
			Effect: "containers share the session keyring of their caller", Remedy: "allow keyctl(2) in the seccomp filter around this process, or run with --no-new-keyring",
		})
		return
	}
	found := "session keyrings"
	if quota := setting("/proc/sys/kernel/keys/maxkeys"); quota != "" && e.uid != 0 {
		found += ", at most " + quota + " a user (kernel.keys.maxkeys)"
	}
	e.ok("kernel", "keyrings", found)
}

// init tries everything that the init can be executed from.
func (e *examiner) init() {
	dir, err := sys.OpenDir(unix.AT_FDCWD, e.dir)
	if err != nil {
		dir = -1 // then there is no unlinked file
	} else {
		defer unix.Close(dir)
	}
	var works, fails []string
	for _, s := range initproc.ProbeSources(dir) {
		if s.Err == nil {
			works = append(works, s.Name)
		} else {
			fails = append(fails, s.Name+": "+s.Err.Error())
		}
	}
	policy := setting("/proc/sys/vm/memfd_noexec")
	if policy != "" {
		policy = ", vm.memfd_noexec=" + policy
	}
	if e.canExecute = len(works) > 0; !e.canExecute {
		e.bad(Fail, Check{
			Area: "init", Name: "source", Found: strings.Join(fails, "; ") + policy, Effect: "no container can be started",
			Remedy: "install the init (make install), or set vm.memfd_noexec below 2, or keep the state on a file system that is not mounted noexec",
		})
		return
	}
	e.ok("init", "source", works[0]+others(works[1:])+policy)
}

func others(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (also: " + strings.Join(list, ", ") + ")"
}
