package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maskBytes is the size of a mask for all CPUs that any kernel knows (NR_CPUS is
// 8192 at most).
const maskBytes = 1024

// Affinity gives the CPUs on which the calling thread may run, a bit each
// (sched_getaffinity(2)). unix.CPUSet ends at 1024 of them.
func Affinity() ([]byte, error) {
	mask := make([]byte, maskBytes)
	n, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETAFFINITY, 0, maskBytes, uintptr(unsafe.Pointer(&mask[0])))
	if errno != 0 {
		return nil, errno
	}
	return mask[:n], nil
}

// SetAffinity says on which CPUs the calling thread may run
// (sched_setaffinity(2)). The mask has whole words of 64 bits.
func SetAffinity(mask []byte) error {
	if len(mask) == 0 {
		return unix.EINVAL
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(len(mask)), uintptr(unsafe.Pointer(&mask[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
