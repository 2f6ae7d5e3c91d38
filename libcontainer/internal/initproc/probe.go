package initproc

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Source is one of the things that the init can be executed from, and why it cannot.
type Source struct {
	Name string
	Err  error
}

// errOddExit: the init was executed, and something in it or around it ended it.
var errOddExit = errors.New("the init does not run as it should")

// ProbeSources tries all of them in the order in which they are taken: each is opened and
// executed, without a program, which the init refuses with an exit code of its own. dir is
// where an unlinked file would be made.
func ProbeSources(dir int) []Source {
	list := []Source{{Name: installedInit}, {Name: "sealed memory"}, {Name: "an unlinked file in the state directory"}}
	for i, open := range []func() (int, error){openInstalled, openMemfd, func() (int, error) { return openUnlinked(dir) }} {
		list[i].Err = probe(open, nil)
	}
	return list
}

// Embedded reports whether the init is part of the program, so that it need not be installed.
func Embedded() bool { return initBlob != "" }

// ProbeClone executes the init, without a program, in new namespaces (clone(2)).
func ProbeClone(dir int, flags uintptr) error {
	return probe(func() (int, error) { return openInit(dir) }, &syscall.SysProcAttr{Cloneflags: flags})
}

func probe(open func() (int, error), attr *syscall.SysProcAttr) error {
	pid, err := startProbe(open, attr)
	if err != nil {
		return err
	}
	status, err := wait(pid)
	if err == nil && status.ExitStatus() != exitImage {
		err = errOddExit
	}
	return err
}

func startProbe(open func() (int, error), attr *syscall.SysProcAttr) (pid int, err error) {
	exe, err := open()
	if err != nil {
		return 0, err
	}
	defer unix.Close(exe)
	// The lowest numbers are where the child has its streams, see sys.Program.
	const lowest = 16
	lifted, err := unix.FcntlInt(uintptr(exe), unix.F_DUPFD_CLOEXEC, lowest)
	if err != nil {
		return 0, os.NewSyscallError("fcntl", err)
	}
	defer unix.Close(lifted)
	return sys.ForkExec(selfFD(lifted), []string{"ocirun-init"}, &syscall.ProcAttr{Sys: attr})
}

func wait(pid int) (status unix.WaitStatus, err error) {
	for {
		if _, err = unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return status, os.NewSyscallError("wait4", err)
		}
	}
}
