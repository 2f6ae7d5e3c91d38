package seccomp

import "github.com/opencontainers/runtime-spec/specs-go"

type args = []specs.LinuxSeccompArg

// edgeProfiles are small sections, each for one thing that is easy to get wrong.
// Architectures are left to the tests.
func edgeProfiles() map[string]*specs.LinuxSeccomp {
	one, fiftyTwo := uint(1), uint(52)
	arg := func(index uint, op specs.LinuxSeccompOperator, value, second uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: index, Op: op, Value: value, ValueTwo: second}
	}
	call := func(action specs.LinuxSeccompAction, errno *uint, args args, names ...string) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: names, Action: action, ErrnoRet: errno, Args: args}
	}
	with := func(action specs.LinuxSeccompAction, c ...specs.LinuxSyscall) *specs.LinuxSeccomp {
		return &specs.LinuxSeccomp{DefaultAction: action, Syscalls: c}
	}
	return map[string]*specs.LinuxSeccomp{
		"no rules":          with(specs.ActKill),
		"no rules, allow":   with(specs.ActAllow),
		"unknown names":     with(specs.ActErrno, call(specs.ActAllow, nil, nil, "no_such_call", "neither_this")),
		"default action":    with(specs.ActErrno, call(specs.ActErrno, &one, nil, "read", "mount")),
		"other errno":       with(specs.ActErrno, call(specs.ActErrno, &fiftyTwo, nil, "mkdir", "mkdirat"), call(specs.ActAllow, nil, nil, "read")),
		"deny mkdir":        with(specs.ActAllow, call(specs.ActErrno, nil, nil, "mkdir", "mkdirat")),
		"deny by argument":  with(specs.ActAllow, call(specs.ActErrno, nil, args{arg(0, specs.OpEqualTo, 0x7e, 0)}, "chmod", "socket", "semop")),
		"either argument":   with(specs.ActAllow, call(specs.ActErrno, nil, args{arg(0, specs.OpEqualTo, 1, 0), arg(0, specs.OpEqualTo, 2, 0)}, "setpriority")),
		"six arguments":     with(specs.ActErrno, call(specs.ActAllow, nil, args{arg(0, specs.OpNotEqual, 1, 0), arg(1, specs.OpNotEqual, 1, 0), arg(2, specs.OpGreaterThan, 1, 0), arg(3, specs.OpLessThan, 1, 0), arg(4, specs.OpMaskedEqual, 3, 1), arg(5, specs.OpGreaterEqual, 1, 0)}, "mmap")),
		"mask of nothing":   with(specs.ActErrno, call(specs.ActAllow, nil, args{arg(0, specs.OpMaskedEqual, 0, 7)}, "getpid"), call(specs.ActKill, nil, args{arg(1, specs.OpEqualTo, 1, 0)}, "getpid")),
		"mask of the upper": with(specs.ActErrno, call(specs.ActAllow, nil, args{arg(0, specs.OpMaskedEqual, 0xff00000000, 0x100000000)}, "lseek")),
		"wide values":       with(specs.ActAllow, call(specs.ActErrno, nil, args{arg(1, specs.OpGreaterEqual, 1<<63, 0)}, "lseek"), call(specs.ActTrap, nil, args{arg(1, specs.OpLessEqual, 1<<32, 0)}, "lseek")),
		"exception first":   with(specs.ActErrno, call(specs.ActKill, nil, args{arg(0, specs.OpEqualTo, 2, 0)}, "personality"), call(specs.ActAllow, nil, nil, "personality")),
		"exception last":    with(specs.ActErrno, call(specs.ActAllow, nil, nil, "personality"), call(specs.ActKill, nil, args{arg(0, specs.OpEqualTo, 2, 0)}, "personality")),
		"first of two":      with(specs.ActErrno, call(specs.ActTrap, nil, nil, "read"), call(specs.ActAllow, nil, nil, "read")),
		"only read":         with(specs.ActErrno, call(specs.ActAllow, nil, nil, "read")),
		"socketcall":        with(specs.ActErrno, call(specs.ActAllow, nil, nil, "socketcall", "ipc"), call(specs.ActKill, nil, nil, "socket", "shmget")),
		"multiplexed":       with(specs.ActErrno, call(specs.ActAllow, nil, nil, "socket", "bind", "shmget", "msgrcv", "accept", "send", "openat2"), call(specs.ActTrap, nil, args{arg(2, specs.OpEqualTo, 5, 0)}, "sendto")),
		"trace and log":     with(specs.ActLog, call(specs.ActTrace, &fiftyTwo, nil, "openat"), call(specs.ActErrno, nil, nil, "open")),
	}
}
