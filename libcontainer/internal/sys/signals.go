package sys

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// os/signal enables one signal after the other, each with a switch to a thread
// of its own: more than a millisecond for all of them, longer than the start of a
// container. signalfd(2) cannot be used either, since the threads of a Go
// program do not block signals. So the kernel calls a handler of a few
// instructions (signals_ARCH.s), which writes the beginning of the siginfo into a
// pipe and touches nothing of Go.

// The address of the handler, and the pipe it writes to.
var (
	signalHandlerPC uintptr
	signalPipe      int32 //nolint:unused // used by signals_ARCH.s
)

func signalHandler() //nolint:unused // its address is taken by signals_ARCH.s

// Flags of sigaction(2).
const (
	saSiginfo = 0x00000004
	saOnStack = 0x08000000
	saRestart = 0x10000000
)

// siginfoSize is how much of a siginfo the handler passes on: number, errno,
// code, padding, process id and user id of the sender.
const siginfoSize = 24

// lastSignal is the highest signal number (signal(7), SIGRTMAX).
const lastSignal = 64

// Signals are the signals that the process receives, in a queue.
type Signals struct {
	read, write int
	// mask has a bit for each signal that is queued.
	mask  uint64
	saved [lastSignal + 1]sigaction
}

var signalsMutex sync.Mutex

// errSignalsTaken is given while another part of the process catches signals.
var errSignalsTaken = errors.New("signals are already caught")

// CatchSignals makes the process queue all signals that can be caught, but for
// those that the Go runtime lives by and those that tell of its own faults. Only
// one part of a process can do so at a time. Without children the end of a child is not
// told, nor does it interrupt anything.
func CatchSignals(children bool) (*Signals, error) {
	if !signalsMutex.TryLock() {
		return nil, errSignalsTaken
	}
	var pipe [2]int
	err := Retry(func() error { return unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) })
	if err != nil {
		signalsMutex.Unlock()
		return nil, err
	}
	s := &Signals{read: pipe[0], write: pipe[1]}
	signalPipe = int32(pipe[1])
	action := handlerAction()
	// One at a time: frames of handlers that interrupt each other would soon fill the
	// 32 KiB that the Go runtime gives a thread for them, and the kernel would end the
	// process.
	action.mask = ^uint64(0)
	for sig := 1; sig <= lastSignal; sig++ {
		if !isCaught(unix.Signal(sig)) {
			continue
		}
		act := &action
		if unix.Signal(sig) == unix.SIGCHLD && !children {
			act = &sigaction{} // by default it is ignored, and children can be waited for
		} else {
			s.mask |= 1 << (sig - 1)
		}
		if err := setAction(sig, act, &s.saved[sig]); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// isCaught leaves out what cannot be caught, what the Go runtime uses to stop
// and sample its threads, what the C library takes for itself, faults, and the two
// that stop a background process which uses its terminal: the kernel would send
// them again each time the handler returns.
func isCaught(sig unix.Signal) bool {
	switch sig {
	case unix.SIGKILL, unix.SIGSTOP, unix.SIGURG, unix.SIGPROF, unix.SIGTTIN, unix.SIGTTOU, 32, 33,
		unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS:
		return false
	}
	return true
}

// FD becomes readable when there is a signal.
func (s *Signals) FD() int { return s.read }

// Mask has a bit for each signal that is queued, from the lowest one for signal 1 on
// (sigset_t of the kernel).
func (s *Signals) Mask() uint64 { return s.mask }

// Block keeps the signals from the calling thread, and gives a function that ends that. The
// other threads queue them as before.
func (s *Signals) Block() (unblock func(), err error) {
	before, err := block(s.mask)
	if err != nil {
		return nil, err
	}
	return func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, before, nil) }, nil
}

// Next gives a signal and the process that sent it, 0 for the kernel.
func (s *Signals) Next() (sig unix.Signal, sender int, ok bool) {
	var info [siginfoSize]byte
	n, err := retryFD(func() (int, error) { return unix.Read(s.read, info[:]) })
	if err != nil || n != len(info) {
		return 0, 0, false
	}
	number := binary.NativeEndian.Uint32(info[0:])
	// The code is above 0 for what the kernel did by itself (sigaction(2)).
	if code := int32(binary.NativeEndian.Uint32(info[8:])); code <= 0 {
		sender = int(int32(binary.NativeEndian.Uint32(info[16:])))
	}
	return unix.Signal(number), sender, true
}

// Close puts back what was done with signals before.
func (s *Signals) Close() {
	for sig := 1; sig <= lastSignal; sig++ {
		if s.saved[sig].handler != 0 || s.saved[sig].flags != 0 {
			_ = setAction(sig, &s.saved[sig], nil)
		}
	}
	unix.Close(s.read)
	unix.Close(s.write)
	signalsMutex.Unlock()
}

func setAction(sig int, action, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// WithoutSignal runs f on a thread that blocks the signal.
func WithoutSignal(sig unix.Signal, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := block(1 << (uint(sig) - 1))
	if err != nil {
		return err
	}
	err = f()
	return errors.Join(err, unix.PthreadSigmask(unix.SIG_SETMASK, before, nil))
}

// block has the calling thread block signals, and gives those that it had blocked.
func block(mask uint64) (before *unix.Sigset_t, err error) {
	before = new(unix.Sigset_t)
	set := unix.Sigset_t{Val: [16]uint64{mask}}
	return before, unix.PthreadSigmask(unix.SIG_BLOCK, &set, before)
}
