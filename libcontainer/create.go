package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// builder makes one container. Its methods are the stages of create, in the
// order in which Create and Run call them:
//
//	prepare  reads the bundle and compiles the plan           no effects
//	record   takes the id and writes down what will be done   the store
//	place    makes the cgroup with its limits                 the cgroup
//	spawn    starts the init                                  a process
//	attend   answers the init until it is set up              hooks, terminal
//	publish  tells who asked of the process id                pid file, pidfd
//	commit   makes the container what its record says
//
// Whatever fails after record is undone by the same path that deletes a
// container.
type builder struct {
	store *Store
	id    string
	o     *CreateOptions
	// gated: the container waits for its start. detached: nobody waits for it.
	gated, detached bool

	bundle  *specconv.Bundle
	options specconv.Options
	plan    *plan.Plan
	host    cgroups.Host
	cgroup  cgroups.Manager
	// madeCgroup: what kills in it is of this container.
	madeCgroup bool
	// net is the network namespace that is made ahead, or nil.
	net *netNamespace

	creation *creation
	layout   initproc.Layout
	program  *initproc.Program
	sources  *sources
	stdio    [3]int
	page     int
	init     *initproc.Init
	// pid is the container's first process.
	pid int
	// serveConsole takes over the master of the container's terminal; nil where it
	// goes to the console socket.
	serveConsole func(master int) error
	// serving is who stays with the program, if anybody does.
	serving *foreground
}

// Create makes a container from a bundle and leaves it waiting for its start.
// On an error nothing is left of it.
func (s *Store) Create(id string, o CreateOptions) (*Container, error) {
	b := &builder{store: s, id: id, o: &o, gated: true, detached: true, page: -1}
	defer b.close()
	if err := b.make(); err != nil {
		return nil, err
	}
	return b.creation.Container, nil
}

// make goes through the stages.
func (b *builder) make() error {
	if err := b.prepare(); err != nil {
		return err
	}
	b.ownStreams()
	if err := b.record(); err != nil {
		return err
	}
	if err := b.build(); err != nil {
		return b.undo(err)
	}
	return nil
}

// build is the part of make that has effects to be undone.
func (b *builder) build() error {
	if err := b.place(); err != nil {
		return err
	}
	if err := b.spawn(); err != nil {
		return err
	}
	if err := b.attend(); err != nil {
		return err
	}
	if err := b.publish(); err != nil {
		return err
	}
	return b.commit()
}

// undo removes what there is of the container. The error that caused it matters
// more than one on the way.
func (b *builder) undo(cause error) error {
	cause = b.explainOOM(cause)
	if b.init != nil {
		b.init.Close()
		// An init that forked has left the work to another.
		_ = b.follow()
		b.kill()
	}
	if !b.madeCgroup {
		// It may be somebody else's.
		b.creation.record.Cgroup.Dirs = nil
	}
	if err := b.store.rollback(b.creation, b.init != nil); err != nil && !errors.Is(err, ErrNotExist) {
		b.warn("roll back container " + b.id + ": " + err.Error())
	}
	return cause
}

// kill ends the init and takes its exit status, so that no zombie is left to the
// caller.
func (b *builder) kill() {
	_ = unix.PidfdSendSignal(b.init.Pidfd, unix.SIGKILL, nil, 0)
	b.reap(b.init.Pid)
	if b.pid != 0 && b.pid != b.init.Pid {
		_ = unix.Kill(b.pid, unix.SIGKILL)
		b.reap(b.pid)
	}
}

// reap waits for a child that is certain to end.
func (b *builder) reap(pid int) {
	for {
		_, err := unix.Wait4(pid, nil, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// explainOOM replaces an error by its cause where the limit on memory was it.
func (b *builder) explainOOM(cause error) error {
	if b.init == nil || b.cgroup == nil {
		return cause
	}
	if killed, err := b.cgroup.OOMKilled(); err == nil && killed {
		return &initOOMError{cause}
	}
	return cause
}

// initOOMError says that the limit on memory is too low for the container even
// to start.
type initOOMError struct{ cause error }

func (e *initOOMError) Error() string {
	return "/linux/resources/memory/limit: container init was OOM-killed (memory limit too low?)"
}

func (e *initOOMError) Unwrap() error { return e.cause }

func (b *builder) close() {
	b.net.drop()
	if b.init != nil {
		b.init.Close()
		unix.Close(b.init.Pidfd)
	}
	if b.page >= 0 {
		unix.Close(b.page)
	}
}

func (b *builder) warn(message string) {
	if b.o.Warn != nil {
		b.o.Warn(message)
	}
}
