package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// launch is an init on its way to become a program, be it a container's first or
// one that joins it.
type launch struct {
	plan    *plan.Plan
	layout  initproc.Layout
	program *initproc.Program
	// page is the init's progress page, or -1.
	page int
	init *initproc.Init
	// pid is the process that becomes the program: the init, or what it forked.
	pid int
	// serveConsole takes over the master of the process's terminal; nil where it
	// goes to the console socket.
	serveConsole func(master int) error
}

func newLaunch() launch { return launch{page: -1} }

// progress reads the init's page.
func (l *launch) progress() (initproc.Progress, error) {
	stamps := 0
	if l.layout.Traced {
		stamps = l.program.Ops()
	}
	p, err := initproc.ReadProgress(l.page, stamps)
	if err != nil {
		return p, fmt.Errorf("read the init's progress: %w", err)
	}
	return p, nil
}

// errNoChild: the init's page names somebody else's process.
var errNoChild = errors.New("the init names a process that is not its own")

// adopt goes over to the process that an init forked, which then ends itself. The
// number comes from the init's page: whoever can trace an init of a pid namespace
// that it shares could have written it.
func (l *launch) adopt(progress initproc.Progress) error {
	if progress.Child == 0 || progress.Child == l.init.Pid {
		return nil
	}
	if !sys.IsChild(progress.Child) {
		return errNoChild
	}
	l.reap(l.init.Pid)
	pidfd, err := sys.PidfdOpen(progress.Child)
	if err != nil {
		return err
	}
	unix.Close(l.init.Pidfd)
	l.pid, l.init.Pid, l.init.Pidfd = progress.Child, progress.Child, pidfd
	return nil
}

// explainEnd says why the init ended: by its own report, or by what it was at when
// something else ended it.
func (l *launch) explainEnd(progress initproc.Progress, fallback error) error {
	if progress.State == initproc.StateFailed {
		return stepError(l.plan, progress)
	}
	exit, err := sys.Reap(l.init.Pid)
	if err != nil {
		return errors.Join(fallback, err)
	}
	return l.plan.Failed(l.program.Step(progress.Op), &initEndError{exit}, "")
}

// ended is explainEnd for an init that is found to be gone.
func (l *launch) ended(fallback error) error {
	progress, err := l.progress()
	if err != nil {
		return errors.Join(fallback, err)
	}
	return l.explainEnd(progress, fallback)
}

// kill ends the init and what it forked, and takes their exit status, so that no
// zombie is left to the caller. The kernel writes the id of the child into the page
// before it lives (clone(2), CLONE_PARENT_SETTID), so none is missed.
func (l *launch) kill() {
	if l.init == nil {
		return
	}
	l.init.Close()
	_ = unix.PidfdSendSignal(l.init.Pidfd, unix.SIGKILL, nil, 0)
	l.reap(l.init.Pid)
	progress, err := l.progress()
	if err == nil && progress.Child != 0 && progress.Child != l.init.Pid && l.adopt(progress) == nil {
		_ = unix.PidfdSendSignal(l.init.Pidfd, unix.SIGKILL, nil, 0)
		l.reap(l.init.Pid)
	}
}

// reap waits for a child that is certain to end.
func (l *launch) reap(pid int) {
	for {
		_, err := unix.Wait4(pid, nil, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// errUnexpected: the init says what its plan does not make it say.
var errUnexpected = errors.New("unexpected message of the init")

// takeConsole receives the master end of the terminal, hands it to the socket that
// was named for it or to whoever serves it, and lets the init go on: what the
// program writes first is to meet a terminal that is set up.
func (l *launch) takeConsole(master int, socket string) error {
	switch {
	case master < 0:
		return errors.New("the init sent no terminal")
	case !l.hasConsole():
		closeAll(master)
		return errUnexpected
	}
	if err := l.handConsole(master, socket); err != nil {
		return err
	}
	return l.init.Answer()
}

func (l *launch) hasConsole() bool {
	for i := range l.plan.Entries {
		if _, ok := l.plan.Entries[i].Step.(plan.Console); ok {
			return true
		}
	}
	return false
}

func (l *launch) handConsole(master int, socket string) error {
	if l.serveConsole != nil {
		return l.serveConsole(master)
	}
	defer unix.Close(master)
	return sendConsole(socket, master)
}

// traceInit adds the init's own steps to the trace: each lasts until the next
// begins.
func (l *launch) traceInit(t *Trace) error {
	if t == nil {
		return nil
	}
	until := monotonic()
	progress, err := l.progress()
	if err != nil {
		return err
	}
	addInitSpans(t, l.plan, l.program, progress, l.pid, until)
	return nil
}

// close gives up what the runtime holds. The process stays as it is.
func (l *launch) close() {
	if l.init != nil {
		l.init.Close()
		unix.Close(l.init.Pidfd)
	}
	closeAll(l.page)
}
