package sys

import (
	"slices"
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
func SetAffinity(mask []byte) error { return setAffinity(0, mask) }

// setAffinity is SetAffinity for any thread; the calling one is 0.
func setAffinity(thread int, mask []byte) error {
	if len(mask) == 0 {
		return unix.EINVAL
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(thread), uintptr(len(mask)), uintptr(unsafe.Pointer(&mask[0])))
	if errno != 0 {
		return errno
	}
	return nil
}

// CPU is the number of the CPU that the calling thread is on, or -1 if it is not known.
func CPU() int {
	var cpu uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return -1
	}
	return int(cpu)
}

// Yield lets other threads run that wait for the CPU of the calling one (sched_yield(2)).
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// AvoidCPU moves the calling thread away from a CPU, if it is there and may be elsewhere, and
// gives a function that lets it run there again, on whatever thread that is called. The
// kernel wakes a thread on the CPU of who wakes it where it does not see that another one is
// idle, as in many virtual machines, and leaves it there: two threads that are to work at
// the same time have to say so.
func AvoidCPU(cpu int) (back func()) {
	if cpu < 0 || CPU() != cpu {
		return func() {}
	}
	return changeAffinity(cpu, func(mask []byte) { mask[cpu/8] &^= 1 << (cpu % 8) })
}

// pin keeps the calling thread on its CPU, and gives a function that undoes it as that of
// AvoidCPU does.
func pin() (back func()) {
	cpu := CPU()
	return changeAffinity(cpu, func(mask []byte) {
		clear(mask)
		mask[cpu/8] = 1 << (cpu % 8)
	})
}

// changeAffinity changes the calling thread's mask, which has a bit for the CPU. What it
// gives brings the mask of before back to that very thread: a goroutine that was preempted
// meanwhile is on another one. Where the kernel refuses, nothing has changed.
func changeAffinity(cpu int, change func(mask []byte)) (back func()) {
	back = func() {}
	before, err := Affinity()
	if err != nil || cpu < 0 || cpu/8 >= len(before) {
		return back
	}
	mask := slices.Clone(before)
	change(mask)
	thread := unix.Gettid()
	if setAffinity(thread, mask) != nil {
		return back
	}
	return func() { _ = setAffinity(thread, before) }
}
