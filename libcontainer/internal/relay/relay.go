package relay

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Flow says from where to where bytes are moved; the zero value of the others is what is true
// of pipes of the runtime's own.
type Flow struct {
	From, To int
	// CloseFrom and CloseTo: at the end of the flow the descriptor is closed.
	CloseFrom, CloseTo bool
	// Copies: the kernel cannot move bytes between these two by itself.
	Copies bool
	// Foreign: the destination may be in blocking mode. Kind is its file type then.
	Foreign bool
	Kind    uint32
}

// None is a flow that moves nothing.
var None = Flow{From: -1, To: -1}

// Relay is what has to be known to stay with a program.
type Relay struct {
	// Pid and Pidfd refer to the program, a child of this process.
	Pid, Pidfd int
	// Signals are those that are handed on to it.
	Signals *sys.Signals
	// Flows are its input, its output and its errors.
	Flows [3]Flow
	// Master is its terminal, or -1. Console is then the terminal of the caller, which
	// follows its size and is put back to the state Before in the end, or -1.
	Master, Console int
	Before          unix.Termios
}

var errNone = errors.New("no relay in this build")

// Become has the process execute the relay, with the arguments that the process has. It
// returns an error, and nothing is changed, where that is not possible: where the relay is
// not part of the build, or memory must not be executed (vm.memfd_noexec).
func (r *Relay) Become() error {
	if blob == "" {
		return errNone
	}
	exe, err := sys.SealedMemfd("ocirun-relay", true, sys.Bytes(blob))
	if err != nil {
		return err
	}
	defer unix.Close(exe)
	for _, fd := range r.descriptors() {
		back, err := inherit(fd)
		if err != nil {
			return err
		}
		defer back()
	}
	// What comes from now on waits for the relay. Another thread may have begun to handle a
	// signal; the relay reads the queue as well.
	unblock, err := r.Signals.Block()
	if err != nil {
		return err
	}
	defer unblock()
	return os.NewSyscallError("execve", syscall.Exec(sys.SelfFD(exe), os.Args, []string{r.text()}))
}

// descriptors are all that the relay uses.
func (r *Relay) descriptors() []int {
	list := []int{r.Pidfd, r.Signals.FD(), r.Master, r.Console}
	for _, f := range r.Flows {
		list = append(list, f.From, f.To)
	}
	return slices.DeleteFunc(list, func(fd int) bool { return fd < 0 })
}

// inherit lets the next program have the descriptor, and gives a function that takes that
// back. The caller's own streams are inherited anyhow, and stay so.
func inherit(fd int) (back func(), err error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		return func() {}, err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, flags&^unix.FD_CLOEXEC)
	return func() { unix.CloseOnExec(fd) }, err
}

// text is what relay.c reads: numbers, in its order.
func (r *Relay) text() string {
	list := make(numbers, 0, 256)
	list.add(r.Pid, r.Pidfd, r.Signals.FD(), int(r.Signals.Mask()), r.Master, r.Console)
	for _, f := range r.Flows {
		list.add(f.From, f.To, is(f.CloseFrom), is(f.CloseTo), is(f.Copies), is(f.Foreign), int(f.Kind))
	}
	b := &r.Before
	list.add(int(b.Iflag), int(b.Oflag), int(b.Cflag), int(b.Lflag), int(b.Line))
	for _, char := range b.Cc {
		list.add(int(char))
	}
	return string(list)
}

type numbers []byte

func (l *numbers) add(list ...int) {
	for _, n := range list {
		*l = append(strconv.AppendInt(*l, int64(n), 10), ' ')
	}
}

func is(b bool) int {
	if b {
		return 1
	}
	return 0
}
