package sys

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys/entry"
)

// timerSlack is that of the process's first thread, in nanoseconds, once another thread has
// a different one; 0 before.
var timerSlack atomic.Int64

// RelaxMonitor lets the Go runtime's monitor thread sleep longer. It begins with naps of 20
// microseconds, for a millisecond at least, and every one interrupts a thread that works
// where there are but a few CPUs. The kernel may end a sleep late by the thread's timer slack
// (proc_pid_timerslack_ns(5)): with this one the monitor comes once a millisecond. All that
// it does is to preempt goroutines after ten milliseconds and to take processors from long
// system calls.
//
// The monitor is the first thread that the Go runtime starts (sysmon in runtime/proc.go), so
// its number follows that of the process, unless another process took that. Should it be
// another thread of ours, or the call be forbidden, nothing is lost but time. The caller is
// the process's first goroutine, before any other thread was started by the program.
func RelaxMonitor() {
	if own := entry.TimerSlack(); own != 0 {
		timerSlack.Store(own)
		return // it was done before the monitor began
	}
	const tries, slack = 8, "1000000"
	own, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || own == 0 {
		return // a real-time thread: the kernel wakes those in time whatever their slack
	}
	pid := os.Getpid()
	var self [16]byte
	if n, err := unix.Readlink("/proc/self", self[:]); err != nil || string(self[:n]) != strconv.Itoa(pid) {
		return // a /proc of another pid namespace, which has other numbers
	}
	for tid := pid + 1; tid <= pid+tries; tid++ {
		if unix.Tgkill(pid, tid, 0) != nil {
			continue // no thread of this process
		}
		fd, err := unix.Open("/proc/"+strconv.Itoa(tid)+"/timerslack_ns", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		timerSlack.Store(int64(own))
		_, _ = unix.Write(fd, []byte(slack))
		unix.Close(fd)
		return
	}
}

// forking is held by who forks. Who waits does so before it looks after its thread.
var forking sync.Mutex

// ForkExec is [syscall.ForkExec] for programs that get the timer slack and the CPUs which
// this process was started with: new processes inherit those of the thread, and some threads
// have others. The goroutine is not locked to the thread, since the first one that is costs
// a thread more; it makes no call in between at which it would change it.
func ForkExec(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	forking.Lock()
	defer forking.Unlock()
	keepTimerSlack()
	keepCPUs()
	return syscall.ForkExec(path, argv, attr)
}

// keepCPUs gives the calling thread the CPUs that its children shall have.
func keepCPUs() {
	if mask := entry.CPUs(); len(mask) > 0 {
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(len(mask)*8), uintptr(unsafe.Pointer(&mask[0])))
	}
}

// keepTimerSlack gives the calling thread the timer slack that its children shall have.
func keepTimerSlack() {
	if own := timerSlack.Load(); own != 0 {
		_, _, _ = unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(own), 0, 0, 0, 0)
	}
}
