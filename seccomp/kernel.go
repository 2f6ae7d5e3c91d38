package seccomp

import (
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// HasFlag asks the kernel whether it knows a flag of SECCOMP_SET_MODE_FILTER. It
// does so without a program, so that a kernel that knows the flag answers EFAULT
// and nothing is loaded.
func HasFlag(bit uint) bool {
	if bit == unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV {
		bit |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(bit), 0)
	return errno == unix.EFAULT
}

// SupportedFlags lists the flags that the running kernel knows, for `features`.
func SupportedFlags() []specs.LinuxSeccompFlag {
	var have []specs.LinuxSeccompFlag
	for _, flag := range KnownFlags() {
		if bit, _ := flagBit(flag); HasFlag(bit) {
			have = append(have, flag)
		}
	}
	return have
}

// Enabled says whether the running kernel has seccomp filters.
func Enabled() bool { return hasAction(retAllow) }

// hasAction is SECCOMP_GET_ACTION_AVAIL (Linux 4.14).
func hasAction(ret uint32) bool {
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&ret)))
	return errno == 0
}

// SupportedActions lists the actions that the running kernel knows.
func SupportedActions() []specs.LinuxSeccompAction {
	var have []specs.LinuxSeccompAction
	for _, action := range Actions() {
		if ret, _, ok := actionValue(action); ok && hasAction(ret) {
			have = append(have, action)
		}
	}
	return have
}

// Actions lists the actions that a section may have, for `features`.
func Actions() []specs.LinuxSeccompAction {
	return []specs.LinuxSeccompAction{
		specs.ActAllow, specs.ActErrno, specs.ActKill, specs.ActKillProcess, specs.ActKillThread,
		specs.ActLog, specs.ActNotify, specs.ActTrace, specs.ActTrap,
	}
}

// Operators lists the operators of conditions, for `features`.
func Operators() []specs.LinuxSeccompOperator {
	return []specs.LinuxSeccompOperator{
		specs.OpEqualTo, specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpLessEqual,
		specs.OpLessThan, specs.OpMaskedEqual, specs.OpNotEqual,
	}
}

// Archs lists the architectures that a section may have, for `features`.
func Archs() []specs.Arch {
	names := make([]specs.Arch, 0, archCount)
	for i := range archs {
		names = append(names, archs[i].name)
	}
	return names
}
