package integration

import (
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// filter sets the seccomp section.
func filter(defaultAction specs.LinuxSeccompAction, rules ...specs.LinuxSyscall) edit {
	return func(c *specs.Spec) {
		c.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: defaultAction, Syscalls: rules}
	}
}

func rule(action specs.LinuxSeccompAction, names ...string) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: names, Action: action}
}

func TestSeccompErrno(t *testing.T) {
	cases := []struct {
		name string
		rule specs.LinuxSyscall
		text string
	}{
		{"default is EPERM", rule(specs.ActErrno, "mkdir", "mkdirat"), "Operation not permitted"},
		{"given", specs.LinuxSyscall{Names: []string{"mkdir", "mkdirat"}, Action: specs.ActErrno, ErrnoRet: ptr(uint(28))}, "No space left on device"},
		{"unknown names are ignored", rule(specs.ActErrno, "mkdir", "no_such_call", "mkdirat"), "Operation not permitted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			b := s.bundle(writable, filter(specs.ActAllow, c.rule), sh("mkdir /tmp/x; touch /tmp/y && echo the rest works"))
			r := s.run("run", "-b", b.dir, s.id()).ok()
			equal(s, "output", r.out, "the rest works\n")
			s.contains("stderr", r.err, c.text)
		})
	}
}

func TestSeccompIsOnInTheProgram(t *testing.T) {
	for _, nnp := range []bool{false, true} {
		s := begin(t)
		b := s.bundle(filter(specs.ActAllow, rule(specs.ActErrno, "swapon")), func(c *specs.Spec) { c.Process.NoNewPrivileges = nnp })
		equal(s, "mode", b.procStatus()["Seccomp"], "2")
	}
	s := begin(t)
	equal(s, "mode without a filter", s.bundle().procStatus()["Seccomp"], "0")
}

// The filter must hold for a user without privileges too, however it is ordered with dropping them.
func TestSeccompOfAUser(t *testing.T) {
	for _, nnp := range []bool{false, true} {
		s := begin(t)
		b := s.bundle(writable, user(1000, 1000), capabilities(), filter(specs.ActAllow, rule(specs.ActErrno, "mkdir", "mkdirat")),
			func(c *specs.Spec) { c.Process.NoNewPrivileges = nnp }, sh("mkdir /tmp/x"))
		r := s.run("run", "-b", b.dir, s.id()).exits(1)
		s.contains("stderr", r.err, "Operation not permitted")
	}
}

func TestSeccompKill(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, filter(specs.ActAllow, rule(specs.ActKillProcess, "mkdir", "mkdirat")), args("mkdir", "/tmp/x"))
	s.run("run", "-b", b.dir, s.id()).exits(128 + 31)
}

func TestSeccompArguments(t *testing.T) {
	// kill(2) with signal 0 is refused, with any other it is not.
	r := specs.LinuxSyscall{
		Names: []string{"kill"}, Action: specs.ActErrno, ErrnoRet: ptr(uint(38)),
		Args: []specs.LinuxSeccompArg{{Index: 1, Value: 0, Op: specs.OpEqualTo}},
	}
	s := begin(t)
	b := s.bundle(filter(specs.ActAllow, r), sh("kill -0 $$; trap 'echo got it' USR1; kill -USR1 $$; true"))
	res := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", res.out, "got it\n")
	s.contains("stderr", res.err, "Function not implemented")
}

// A list of what is allowed, as engines write it.
func TestSeccompAllowList(t *testing.T) {
	s := begin(t)
	names := strings.Fields("access arch_prctl brk capget capset chdir clone clone3 close dup dup2 dup3 execve execveat exit exit_group " +
		"faccessat faccessat2 fchdir fchmod fchown fcntl fork fstat fstatfs futex getcwd getdents getdents64 getegid geteuid getgid getgroups getpgrp " +
		"getpid getppid getrandom getresgid getresuid getrlimit gettid getuid ioctl lseek lstat madvise mmap mprotect mremap munmap " +
		"nanosleep newfstatat open openat openat2 pipe pipe2 poll ppoll prctl pread64 prlimit64 pselect6 pwrite64 read readlink readlinkat recvmsg rseq " +
		"rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend sched_getaffinity sched_yield select sendmsg set_robust_list set_tid_address setgid setgroups " +
		"setresgid setresuid setuid sigaltstack stat statx sysinfo tgkill time umask uname vfork wait4 waitid write writev close_range")
	b := s.bundle(filter(specs.ActErrno, rule(specs.ActAllow, names...)), func(c *specs.Spec) {
		c.Linux.Seccomp.DefaultErrnoRet = ptr(uint(13))
	}, sh("echo works; mkdir /tmp/x; true"))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "works\n")
	s.contains("stderr", r.err, "Permission denied")
}

// The calls of a static busybox that does nothing, and of its libc.
var bareProgram = []string{
	"execve", "exit", "exit_group", "arch_prctl", "brk", "getrandom", "getuid", "getgid", "geteuid", "getegid", "mmap", "mprotect",
	"munmap", "prctl", "prlimit64", "readlink", "readlinkat", "rseq", "set_robust_list", "set_tid_address", "uname", "rt_sigprocmask",
	"write",
}

// What the init still calls when the filter had to be loaded before the capabilities were given up, and at its gate.
var giveUpPrivileges = []string{
	"prctl", "setgroups", "setresgid", "setresuid", "capset", "chdir", "getcwd", "umask", "statx", "faccessat2", "close", "openat2",
	"dup3", "fchown", "sendmsg", "read", "accept4", // the last three for the gate
}

// A profile has to allow what the program calls, and nothing else if no_new_privs is set: the filter is then loaded last.
// Without it the filter needs CAP_SYS_ADMIN and so comes before the init gives up its privileges.
func TestSeccompMinimal(t *testing.T) {
	strict := func(nnp bool, names ...string) []edit {
		return []edit{
			user(1000, 1000), capabilities("CAP_NET_BIND_SERVICE"), args("/bin/busybox", "true"),
			filter(specs.ActErrno, rule(specs.ActAllow, names...)),
			func(c *specs.Spec) { c.Process.NoNewPrivileges = nnp },
		}
	}
	both := append(slices.Clone(bareProgram), giveUpPrivileges...)
	for _, c := range []struct {
		name  string
		edits []edit
		code  int
	}{
		{"no_new_privs, the program alone", strict(true, bareProgram...), 0},
		{"privileged, with the init's calls", strict(false, both...), 0},
		{"privileged, without them", strict(false, bareProgram...), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "calls more of the kernel behind the filter")
			s.run("run", "-b", s.bundle(c.edits...).dir, s.id()).exits(c.code)
			if c.code == 0 {
				id := s.create(s.bundle(c.edits...))
				s.run("start", id).ok()
			}
		})
	}
}
