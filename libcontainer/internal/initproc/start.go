package initproc

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Spawn says what the init is started with. Descriptors stay the caller's.
type Spawn struct {
	Layout  *Layout
	Program *Program
	// StateDir is the directory for a temporary file, should one be needed.
	StateDir int
	// Page is the progress page (CreateProgress).
	Page int
	// Stdio and Preserved become the descriptors 0-2 and 3 and up.
	Stdio     [3]int
	Preserved []int
	// Gate is the listening socket, if the layout has one.
	Gate int
	// Namespaces are the namespaces to join, in the order of the plan.
	Namespaces []int
	// Sources is the queue of mounts, if the layout has one.
	Sources int
	// CloneFlags are the CLONE_NEW* bits for the first process.
	CloneFlags uint64
	// Cgroup is the directory of the cgroup v2 that the process is born in, or
	// -1.
	Cgroup int
	// Control is the connection to the init, which a started init takes over. Start
	// makes one if there is none.
	Control *Control
}

// Control is the connection between the runtime and an init. It can be there before
// the init: what is sent waits.
type Control struct{ own, inits int }

// NewControl makes a connection (unix(7), SOCK_SEQPACKET).
func NewControl() (*Control, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	return &Control{pair[0], pair[1]}, nil
}

// Send hands a descriptor over, which stays the caller's.
func (c *Control) Send(fd int) error {
	_, err := unix.SendmsgN(c.own, []byte{0}, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
	return os.NewSyscallError("sendmsg", err)
}

// Close gives up a connection that no init has taken over.
func (c *Control) Close() {
	if c != nil {
		unix.Close(c.own)
		unix.Close(c.inits)
	}
}

// Init is a running init.
type Init struct {
	// Pid is the process id on the host.
	Pid int
	// Pidfd refers to the process (pidfd_open(2)).
	Pidfd int
	// FromMemory: it was executed from a memfd, not from an installed file, which some
	// install since a machine has an alarm on that.
	FromMemory bool
	control    int
}

// Start starts the init. It ends with the thread that it is started by, until it
// is let go (PR_SET_PDEATHSIG). The Go runtime ends no thread but that of a
// goroutine which returns while it is locked to it; no goroutine of the process may
// do so before, since any of them may come to the thread after this one.
func Start(s *Spawn) (*Init, error) {
	image, err := sys.SealedMemfd("ocirun-plan", false, s.Program.Image()...)
	if err != nil {
		return nil, &os.PathError{Op: "memfd", Path: "plan", Err: err}
	}
	defer unix.Close(image)
	control := s.Control
	if control == nil {
		if control, err = NewControl(); err != nil {
			return nil, err
		}
	}
	in, err := s.start(image, control)
	switch {
	case err == nil:
		unix.Close(control.inits)
	case s.Control == nil:
		control.Close()
	}
	return in, err
}

func (s *Spawn) start(image int, control *Control) (*Init, error) {
	exe, err := openInit(s.StateDir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(exe)
	p := sys.Program{
		Exe: exe, Argv: []string{"ocirun-init", strconv.Itoa(s.Layout.fd(fdImage))},
		Files: s.files(image, control.inits), Flags: s.CloneFlags, Cgroup: s.Cgroup, Pinned: s.Program.setsAffinity,
	}
	pid, pidfd, err := p.Start()
	if err != nil {
		return nil, explainSpawn(err)
	}
	_, notMemfd := unix.FcntlInt(uintptr(exe), unix.F_GET_SEALS, 0)
	return &Init{Pid: pid, Pidfd: pidfd, FromMemory: notMemfd == nil, control: control.own}, nil
}

// files lists the init's descriptors by their numbers there; see the fd
// constants of the layout.
func (s *Spawn) files(image, control int) []int {
	files := make([]int, 0, s.Layout.firstFree())
	files = append(files, s.Stdio[:]...)
	files = append(files, s.Preserved...)
	files = append(files, image, s.Page, control)
	if s.Layout.Gate {
		files = append(files, s.Gate)
	}
	files = append(files, s.Namespaces...)
	if s.Layout.Sources > 0 {
		files = append(files, s.Sources)
	}
	return files
}

// explainSpawn says what the usual errors of clone(2) mean here.
func explainSpawn(err error) error {
	switch {
	case errors.Is(err, unix.EAGAIN):
		return &spawnError{err, "the pids limit of the cgroup, RLIMIT_NPROC or kernel.pid_max is reached"}
	case errors.Is(err, unix.ENOSPC):
		return &spawnError{err, "a limit in /proc/sys/user on namespaces is reached"}
	case errors.Is(err, unix.EBUSY):
		return &spawnError{err, "the cgroup has controllers enabled for its children and takes no processes"}
	}
	return &spawnError{err, ""}
}

type spawnError struct {
	err  error
	hint string
}

func (e *spawnError) Error() string {
	text := "start init: " + e.err.Error()
	if e.hint != "" {
		text += "; " + e.hint
	}
	return text
}

func (e *spawnError) Unwrap() error { return e.err }

// Answer lets an init go on that waits at a rendezvous.
func (in *Init) Answer() error {
	_, err := unix.SendmsgN(in.control, []byte{0}, nil, nil, unix.MSG_NOSIGNAL)
	return os.NewSyscallError("sendmsg", err)
}

// FD is the descriptor that is readable when Receive has something to give.
func (in *Init) FD() int { return in.control }

// Receive waits for the init's next message: a tag, and a descriptor with some.
// At the end of the connection the tag is 0: the program was executed, or the
// init has ended; the progress page tells which.
func (in *Init) Receive() (tag byte, fd int, err error) {
	buf := make([]byte, 1)
	oob := make([]byte, 64)
	for {
		n, oobn, _, _, err := unix.Recvmsg(in.control, buf, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, -1, os.NewSyscallError("recvmsg", err)
		case n == 0:
			return 0, -1, nil
		}
		return buf[0], receivedFD(oob[:oobn]), nil
	}
}

func receivedFD(oob []byte) int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return -1
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return -1
	}
	for _, extra := range fds[1:] {
		unix.Close(extra)
	}
	return fds[0]
}

// Close gives up the connection. An init that has not been let go ends.
func (in *Init) Close() {
	if in.control >= 0 {
		unix.Close(in.control)
		in.control = -1
	}
}

// Adopt takes a child for an init that is past its gate and says nothing any more.
func Adopt(pid int) (*Init, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	return &Init{Pid: pid, Pidfd: pidfd, control: -1}, nil
}
