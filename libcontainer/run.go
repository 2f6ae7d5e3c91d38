package libcontainer

import (
	"errors"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// Run creates a container, starts it and, unless it is detached, stays until its
// program ends; then it removes the container. It returns the program's exit
// status, or 128 and the number of the signal that ended it. An error means that
// the program was not executed, or that what became of it is not known.
func (s *Store) Run(id string, o RunOptions) (status int, err error) {
	b := &builder{store: s, id: id, o: &o.CreateOptions, detached: o.Detach, launch: newLaunch()}
	defer b.close()
	if err := b.prepare(); err != nil {
		return 0, err
	}
	f, err := b.openForeground(&o)
	if err != nil {
		return 0, err
	}
	if f != nil {
		defer func() { err = errors.Join(err, f.close()) }()
	}
	if err := b.finish(f); err != nil {
		b.notifier.close()
		return 0, err
	}
	if err := b.notify(); err != nil {
		b.warn("wait for the program to be ready: " + err.Error())
	}
	if f == nil {
		return 0, nil
	}
	return b.stay(f, o.Keep)
}

// openForeground makes what is needed to serve the program; nothing for a
// detached one, whose streams are the caller's own.
func (b *builder) openForeground(o *RunOptions) (*foreground, error) {
	b.ownStreams()
	if o.Detach {
		return nil, nil
	}
	uid, gid := hostRoot(b.bundle)
	f, err := newForeground(b.bundle.Spec.Process.Terminal, b.stdio, uid, gid)
	if err != nil {
		return nil, err
	}
	f.warn, f.exits = b.warn, o.Exits
	b.stdio = f.stdio.child
	if !o.NoSubreaper {
		if err := f.reapOrphans(); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	f.catchSignals()
	b.serveConsole = func(master int) error { return f.attachSized(master, b.bundle.Spec.Process.ConsoleSize) }
	b.serving = f
	return f, nil
}

// ownStreams gives the container the caller's streams.
func (b *builder) ownStreams() {
	for n := range b.stdio {
		b.stdio[n] = b.o.stream(n)
	}
}

// hostRoot gives the ids that the container's root has on the host, as far as the
// configuration says so.
func hostRoot(bundle *specconv.Bundle) (uid, gid int) {
	linux := bundle.Spec.Linux
	if linux == nil || !slices.ContainsFunc(linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.UserNamespace }) {
		return 0, 0
	}
	for _, m := range linux.UIDMappings {
		if m.ContainerID == 0 {
			uid = int(m.HostID)
		}
	}
	for _, m := range linux.GIDMappings {
		if m.ContainerID == 0 {
			gid = int(m.HostID)
		}
	}
	return uid, gid
}

// finish makes the prepared container and, since there is no gate, starts it.
func (b *builder) finish(f *foreground) error {
	if err := b.record(); err != nil {
		return err
	}
	err := b.build()
	if err == nil && f != nil {
		f.closeChild()
	}
	if err == nil {
		err = b.poststart()
	}
	if err != nil {
		return b.undo(err)
	}
	return nil
}

func (b *builder) poststart() error {
	for _, e := range b.plan.Entries {
		if hook, ok := e.Step.(plan.Hook); ok && hook.Kind == plan.Poststart {
			if err := b.runHook(e, hook, Running); err != nil {
				return err
			}
		}
	}
	return nil
}

// stay serves the program until it ends and then removes the container, which is
// no reason to fail any more.
func (b *builder) stay(f *foreground, keep bool) (int, error) {
	start := b.o.Trace.begin()
	exit, err := f.wait(b.pid, b.init.Pidfd)
	if err != nil {
		return 0, err
	}
	b.o.Trace.end(start, "serve the program")
	if keep {
		return exit.Status(), nil
	}
	start = b.o.Trace.begin()
	defer func() { b.o.Trace.end(start, "remove the container") }()
	if err := b.store.removeEnded(b.creation.Container, b.creation.record); err != nil && !errors.Is(err, ErrNotExist) {
		b.warn("remove container " + b.id + ": " + err.Error())
	}
	return exit.Status(), nil
}

// stream is the descriptor of a standard stream of the container.
func (o *CreateOptions) stream(n int) int {
	if f := o.Stdio[n]; f != nil {
		return int(f.Fd())
	}
	return n
}
