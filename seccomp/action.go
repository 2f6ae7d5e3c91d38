package seccomp

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The values that a filter returns (linux/seccomp.h). The lower 16 bits carry
// data: the errno of retErrno, the message of retTrace.
const (
	retKillProcess = 0x80000000
	retKillThread  = 0x00000000
	retTrap        = 0x00030000
	retErrno       = 0x00050000
	retNotify      = 0x7fc00000
	retTrace       = 0x7ff00000
	retLog         = 0x7ffc0000
	retAllow       = 0x7fff0000

	retAction = 0xffff0000
	retData   = 0x0000ffff
)

const retENOSYS = retErrno | uint32(unix.ENOSYS)

// maxData is the largest errnoRet: the kernel has 16 bits for it.
const maxData = retData

// parseAction gives the value that a filter returns for an action. Without
// errnoRet the errno, or message, is EPERM.
func parseAction(action specs.LinuxSeccompAction, errnoRet *uint) (uint32, error) {
	ret, carries, ok := actionValue(action)
	switch {
	case !ok:
		return 0, fmt.Errorf("string %s is not a valid action for seccomp", action)
	case errnoRet == nil && carries:
		return ret | uint32(unix.EPERM), nil
	case errnoRet == nil:
		return ret, nil
	case !carries:
		return 0, fmt.Errorf("errno value specified for action `%s`", action)
	case *errnoRet > maxData:
		return 0, fmt.Errorf("errno value %d is above %d", *errnoRet, maxData)
	}
	return ret | uint32(*errnoRet), nil
}

// actionValue also tells whether the action carries an errno (config-linux.md).
func actionValue(action specs.LinuxSeccompAction) (ret uint32, carries, ok bool) {
	switch action {
	case specs.ActKill, specs.ActKillThread:
		return retKillThread, false, true
	case specs.ActKillProcess:
		return retKillProcess, false, true
	case specs.ActTrap:
		return retTrap, false, true
	case specs.ActErrno:
		return retErrno, true, true
	case specs.ActTrace:
		return retTrace, true, true
	case specs.ActNotify:
		return retNotify, false, true
	case specs.ActLog:
		return retLog, false, true
	case specs.ActAllow:
		return retAllow, false, true
	}
	return 0, false, false
}

// permissive says that a call may happen: what comes after such a default action
// can cope with system calls that are newer than the profile, so that ENOSYS is
// not made up for them. A tracer is expected to.
func permissive(ret uint32) bool {
	switch ret & retAction {
	case retAllow, retLog, retTrace:
		return true
	}
	return false
}
