package libcontainer

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// spawn starts the init and notes its process id. From here on the init works by
// itself, beside the runtime.
func (b *builder) spawn() error {
	preserved, err := preservedFDs(b.o.ListenFDs, b.o.PreserveFDs)
	if err != nil {
		return err
	}
	b.layoutInit()
	start := b.o.Trace.begin()
	if b.program, err = initproc.Lower(b.plan, &b.layout); err != nil {
		return err
	}
	b.page, err = initproc.CreateProgress(b.creation.dir.fd, progressName, b.program.PageSize())
	if err != nil {
		return &os.PathError{Op: "create", Path: progressName, Err: err}
	}
	b.o.Trace.end(start, "lower the plan")
	gate, err := b.listen()
	if err != nil {
		return err
	}
	defer closeAll(gate)
	namespaces, err := b.openNamespaces()
	defer closeAll(namespaces...)
	if err != nil {
		return err
	}
	sources, err := b.handSources()
	defer closeAll(sources)
	if err != nil {
		return err
	}
	var devices <-chan error
	if b.unit == nil {
		devices = b.setDevices()
	}
	err = b.startInit(&initproc.Spawn{
		Layout: &b.layout, Program: b.program, StateDir: b.creation.dir.fd, Page: b.page,
		Stdio: b.stdio, Preserved: preserved, Gate: gate, Namespaces: namespaces,
		Sources: sources, CloneFlags: b.cloneFlags(), Control: b.control,
	})
	if err == nil {
		err = b.noteInit(b.init.Pid)
	}
	err = b.awaitNet(err)
	if err == nil && b.unit != nil {
		if err = b.enterUnit(); err == nil {
			devices = b.setDevices()
		}
	}
	if devices != nil {
		if devicesErr := <-devices; err == nil {
			err = devicesErr
		}
	}
	b.warnOfCgroup()
	if err != nil {
		return err
	}
	if b.program.AsksPlaced() {
		return nil
	}
	return b.confirmPlaced()
}

// awaitNet waits until the network namespace that was made ahead is complete, and with the
// init. An earlier error matters more than its own.
func (b *builder) awaitNet(earlier error) error {
	start := b.o.Trace.begin()
	err := b.net.wait()
	if earlier != nil {
		return earlier
	}
	b.o.Trace.end(start, "wait for the network namespace")
	var gone undelivered
	if errors.As(err, &gone) {
		return b.explainEnd(gone)
	}
	return err
}

// startInit starts the init inside of its cgroup.
func (b *builder) startInit(s *initproc.Spawn) error {
	start := b.o.Trace.begin()
	dir, leave, err := b.enterCgroup()
	if err != nil {
		return err
	}
	defer closeAll(dir)
	s.Cgroup = dir
	b.init, err = initproc.Start(s)
	if err2 := leave(); err2 != nil && err == nil {
		err = err2
	}
	b.o.Trace.end(start, "start the init")
	return err
}

// noteInit writes the process id of the container's first process down.
func (b *builder) noteInit(pid int) error {
	start := b.o.Trace.begin()
	process, _, err := sys.Identify(pid)
	if err != nil {
		return b.explainEnd(err)
	}
	b.pid = pid
	if err := b.creation.recordInit(process); err != nil {
		return err
	}
	b.o.Trace.end(start, "record the init")
	return nil
}

// layoutInit decides which descriptor of the init is what.
func (b *builder) layoutInit() {
	b.layout = initproc.Layout{
		PreserveFDs: b.o.ListenFDs + b.o.PreserveFDs,
		Gate:        b.gated,
		Net:         b.net != nil,
		HardLimit:   hardLimit,
		Reachable:   b.options.Rootless && b.plan.Spawn.Has(plan.NamespaceUser),
		HookState:   b.initHookState,
		Environ:     os.Environ,
		Traced:      b.o.Trace != nil,
	}
	for _, e := range b.plan.Entries {
		switch s := e.Step.(type) {
		case plan.Join:
			b.layout.Namespaces++
		case plan.Root:
			b.countSource(s.Handed)
		case plan.Bind:
			b.countSource(s.Handed)
		}
	}
	if process := b.bundle.Spec.Process; !process.Terminal {
		layoutStreams(&b.layout, b.stdio, process.User.UID != 0)
	}
}

// layoutStreams says what has to be adjusted about a process's standard streams;
// owned ones are given to its user.
func layoutStreams(layout *initproc.Layout, streams [3]int, owned bool) {
	for n, fd := range streams {
		// A stream that cannot be looked at is closed: there is nothing to adjust.
		isNull, err := isNullDevice(fd)
		if err != nil {
			continue
		}
		layout.NullStdio[n] = isNull
		layout.OwnStdio[n] = !isNull && owned
	}
}

// preservedFDs lists the descriptors that a process inherits at the same numbers,
// activation sockets first, and sees to it that they are there.
func preservedFDs(listen, preserve int) ([]int, error) {
	total := listen + preserve
	fds := make([]int, 0, total)
	for fd := 3; fd < 3+total; fd++ {
		var st unix.Stat_t
		if err := sys.Retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
			return nil, fmt.Errorf("unable to stat preserved-fd %d (of %d): %w", fd-3-listen, preserve, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// listen opens the gate, on which the start command will call.
func (b *builder) listen() (int, error) {
	if !b.gated {
		return -1, nil
	}
	fd, err := sys.ListenUnix(b.creation.dir.fd, gateName, 1)
	if err != nil {
		return -1, &os.PathError{Op: "listen", Path: gateName, Err: err}
	}
	return fd, nil
}

// openNamespaces opens what the plan joins, and makes sure that each is of the
// kind that it was given for.
func (b *builder) openNamespaces() ([]int, error) {
	var fds []int
	for i, e := range b.plan.Entries {
		join, ok := e.Step.(plan.Join)
		if !ok {
			continue
		}
		fd, err := sys.OpenAt(unix.AT_FDCWD, join.Path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			return fds, b.plan.Failed(i, err, "")
		}
		fds = append(fds, fd)
		kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
		if err != nil || plan.Namespace(kind) != join.Namespace {
			return fds, b.plan.Failed(i, unix.EINVAL, "not a "+join.Namespace.String()+" namespace")
		}
	}
	return fds, nil
}

// cloneFlags are the namespaces that the clone makes: all that no step of the
// plan makes later.
func (b *builder) cloneFlags() uint64 {
	flags := b.plan.Spawn.New
	if b.net != nil {
		flags &^= plan.NamespaceNetwork
	}
	for _, e := range b.plan.Entries {
		switch s := e.Step.(type) {
		case plan.Unshare:
			flags &^= s.Namespaces
		case plan.Fork:
			flags &^= s.Namespaces
		}
	}
	return uint64(flags)
}

// initHookState is what hooks read that the init runs. The first process of a
// new pid namespace is number 1 there.
func (b *builder) initHookState(kind plan.HookKind) []byte {
	status := Creating
	if kind == plan.StartContainer {
		status = Created
	}
	pid := 0
	if b.plan.Spawn.IsNew(plan.NamespacePID) {
		pid = 1
	}
	return hookState(b.id, status, pid, b.bundle.Dir, b.bundle.Spec.Annotations)
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
