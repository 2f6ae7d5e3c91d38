package libcontainer

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/cgroups/systemd"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv"
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
	launch
	store *Store
	id    string
	o     *CreateOptions
	// gated: the container waits for its start. detached: nobody waits for it.
	gated, detached bool
	// made is the record of a container that exists and is only looked at, or nil.
	made *record

	bundle  *specconv.Bundle
	options specconv.Options
	host    cgroups.Host
	cgroup  cgroups.Manager
	// unit is the cgroup as well, where systemd makes it; otherwise nil.
	unit *systemd.Unit
	// madeCgroup: what kills in it is of this container.
	madeCgroup bool
	// cgroupWarnings is how many of the cgroup's warnings were told.
	cgroupWarnings int
	// lateLimits are set when the init exists, or nil.
	lateLimits *specs.LinuxResources
	// net is the network namespace that is made ahead, or nil.
	net *netNamespace
	// control is the connection to the init, if it is made before the init.
	control *initproc.Control
	// done is closed when threads that can do nothing else may end.
	done chan struct{}

	creation *creation
	// notifier waits for the program to be ready, if somebody wants to know.
	notifier *notifier
	sources  *sources
	stdio    [3]int
	// requests is what is kept for what the init asks for, nil before it has asked.
	requests *requests
	// serving is who stays with the program, if anybody does.
	serving *foreground
}

// Create makes a container from a bundle and leaves it waiting for its start.
// On an error nothing is left of it.
func (s *Store) Create(id string, o CreateOptions) (*Container, error) {
	b := &builder{store: s, id: id, o: &o, gated: true, detached: true, launch: newLaunch()}
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
	if err := b.openNotifier(); err != nil {
		return err
	}
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
	b.kill()
	if !b.madeCgroup {
		// It may be somebody else's.
		b.creation.record.Cgroup.Dirs, b.creation.record.Cgroup.Unit = nil, ""
	}
	if err := b.store.rollback(b.creation, b.init != nil); err != nil && !errors.Is(err, ErrNotExist) {
		b.warn("roll back container " + b.id + ": " + err.Error())
	}
	return cause
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
	if b.init == nil {
		b.control.Close()
	}
	if b.done != nil {
		close(b.done)
	}
	b.requests.close()
	b.unit.Close()
	b.launch.close()
}

func (b *builder) warn(message string) {
	if b.o.Warn != nil {
		b.o.Warn(message)
	}
}
