package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// attend answers the init's messages until the container is created or, where
// there is no gate, its program runs.
func (b *builder) attend() error {
	for {
		start := b.o.Trace.begin()
		if err := b.serving.await(b.init.FD()); err != nil {
			return err
		}
		tag, fd, err := b.init.Receive()
		b.o.Trace.end(start, "wait for the init")
		if err != nil && !errors.Is(err, unix.ECONNRESET) {
			return err
		}
		switch tag {
		case 0:
			return b.end()
		case initproc.TagReady:
			return b.follow()
		case initproc.TagConsole:
			err, fd = b.takeConsole(fd, b.o.ConsoleSocket), -1 // it is no longer ours
		case initproc.TagSeccomp:
			err = b.serveListener()
		case initproc.TagHooks:
			err = b.serveHooks()
		case initproc.TagIDMaps:
			err = b.serveIDMaps()
		case initproc.TagPlaced:
			err = b.answer()
		case initproc.TagIDMap:
			err, fd = b.serveMountIDMap(fd), -1
		case initproc.TagCopyFrom:
			b.request().from = fd
		case initproc.TagCopyTo:
			err, fd = b.serveCopyUp(fd), -1
		case initproc.TagResctrl:
			err = b.serveResctrl()
		case initproc.TagNetDevices:
			err = b.serveNetDevices()
		default:
			err = fmt.Errorf("message %d of the init is not known", tag)
		}
		if err != nil {
			closeAll(fd)
			return err
		}
	}
}

// answer lets the init go on that has asked for something.
func (b *builder) answer() error {
	if err := b.init.Answer(); err != nil {
		return b.explainEnd(err)
	}
	return nil
}

// end is reached when the init has closed its connection. That is how the start
// of the program shows, and every failure.
func (b *builder) end() error {
	progress, err := b.progress()
	if err != nil {
		return err
	}
	if progress.State == initproc.StateExec && !b.gated {
		return b.adopt(progress)
	}
	return b.explainEnd(nil)
}

// follow adopts the process that the init may have forked: hooks and those who asked
// for the container's process want that one.
func (b *builder) follow() error {
	if !b.plan.Spawn.Fork {
		return nil
	}
	progress, err := b.progress()
	if err != nil {
		return err
	}
	return b.adopt(progress)
}

// adopt takes note of the process that an init forked as the container's first.
func (b *builder) adopt(progress initproc.Progress) error {
	if progress.Child == 0 || progress.Child == b.pid {
		return nil
	}
	if !sys.IsChild(progress.Child) {
		return errNoChild
	}
	if err := b.noteInit(progress.Child); err != nil {
		return err
	}
	return b.launch.adopt(progress)
}

// explainEnd says why the init ended; what it waited for may be why.
func (b *builder) explainEnd(fallback error) error {
	progress, err := b.progress()
	if err != nil {
		return errors.Join(fallback, err)
	}
	if progress.State != initproc.StateFailed {
		if err := b.sources.wait(); err != nil {
			return err
		}
	}
	return b.launch.explainEnd(progress, fallback)
}

// serveHooks runs the host's hooks of create while the init waits.
func (b *builder) serveHooks() error {
	if err := b.follow(); err != nil {
		return err
	}
	for _, e := range b.plan.Entries {
		hook, ok := e.Step.(plan.Hook)
		if !ok || (hook.Kind != plan.Prestart && hook.Kind != plan.CreateRuntime) {
			continue
		}
		if err := b.runHook(e, hook, Creating); err != nil {
			return err
		}
	}
	return b.init.Answer()
}

// runHook runs a hook that works on the container. Before the program is started there is
// nothing to work on once the init has ended; afterwards programs may end when they like.
func (b *builder) runHook(e plan.Entry, hook plan.Hook, status Status) error {
	watch := b.init.Pidfd
	if status == Running {
		watch = -1
	}
	start := b.o.Trace.begin()
	defer func() { b.o.Trace.end(start, hook.Action()) }()
	state := hookState(b.id, status, b.pid, b.bundle.Dir, b.bundle.Spec.Annotations)
	if err := (hookCall{Hook: hook, State: state, Dir: b.bundle.Dir, Watch: watch, Serving: b.serving}).run(); err != nil {
		return specconv.Problem{Pointer: e.Cause, Err: err}
	}
	return nil
}
