package libcontainer

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// The errors of Exec about a container in another state.
var (
	// ErrExecStopped: the container has ended.
	ErrExecStopped = errors.New("cannot exec in a stopped container")
	// ErrExecPaused: the container is paused, and that was not to be ignored.
	ErrExecPaused = errors.New("cannot exec in a paused container (use --ignore-paused to override)")
	// ErrExecCreating: the container is being created.
	ErrExecCreating = errors.New("cannot exec in a container that is still being created")
)

// execution adds one process to a container. Its methods are the stages of Exec,
// in this order:
//
//	find     looks the container up and pins its first process   no effects
//	compile  makes the plan
//	spawn    starts the init in the container's cgroup           a process
//	attend   answers the init until the program runs
//	publish  tells who asked of the process id                   pid file, pidfd
//
// A runtime that is killed meanwhile leaves nothing but perhaps the process,
// which ends with it until it is about to execute the program, and then is one of
// the container. It is never in another cgroup than the container's.
type execution struct {
	launch
	container *Container
	o         *ExecOptions
	record    *record
	bundle    *specconv.Bundle
	process   *specs.Process
	options   specconv.ExecOptions
	// target is a pidfd of the container's first process, or -1.
	target int
	stdio  [3]int
	// serving is who stays with the program, if anybody does.
	serving *foreground
	// warned: there are warnings, which the caller may want to print in the end.
	warned bool
}

// Exec adds a process to a created or running container and, unless it is
// detached, stays until its program ends. It returns the program's exit status, or
// 128 and the number of the signal that ended it. An error means that the program
// was not executed, or that what became of it is not known. A detached process is
// a child of the caller, who has to take its exit status.
func (c *Container) Exec(o ExecOptions) (status int, err error) {
	x := &execution{container: c, o: &o, launch: newLaunch(), target: -1}
	defer x.close()
	if err := checkFiles(o.PreserveFDs); err != nil {
		return 0, err
	}
	if err := x.find(); err != nil {
		return 0, err
	}
	if err := x.compile(); err != nil {
		return 0, err
	}
	f, err := x.openForeground()
	if err != nil {
		return 0, err
	}
	if f != nil {
		defer func() { err = errors.Join(err, f.close()) }()
	}
	if err := x.start(); err != nil {
		x.kill()
		return 0, x.explainOOM(err)
	}
	if f == nil {
		return 0, nil
	}
	f.relays = f.exits && x.o.Trace == nil && !x.warned && x.init.FromMemory
	exit, err := f.wait(x.pid, x.init.Pidfd)
	return exit.Status(), err
}

// find reads the container's record and takes hold of its first process. From then
// on another process with its id cannot be meant.
func (x *execution) find() error {
	start := x.o.Trace.begin()
	dir := x.container.dir
	r, err := dir.load()
	if err != nil {
		return err
	}
	if !r.IsCreated {
		var status Status
		if r, status, err = dir.status(); err != nil {
			return err
		}
		if status == Creating {
			return ErrExecCreating
		}
	}
	x.record = r
	x.target, err = r.openInit()
	if errors.Is(err, ErrNotRunning) {
		return ErrExecStopped
	}
	if err != nil {
		return err
	}
	frozen, err := r.Cgroup.frozen()
	if err != nil {
		return err
	}
	if frozen && !x.o.IgnorePaused {
		return ErrExecPaused
	}
	x.options.Paused = frozen
	x.options.PlacedLater = x.record.Cgroup.User && !cgroups.MayEnter(x.record.Cgroup.unified())
	x.o.Trace.end(start, "find the container")
	return nil
}

// compile makes the plan.
func (x *execution) compile() error {
	start := x.o.Trace.begin()
	spec, err := x.container.dir.config()
	if err != nil {
		return err
	}
	x.bundle = &specconv.Bundle{Dir: x.record.Bundle, Spec: spec}
	if err := x.chooseProcess(spec.Process); err != nil {
		return err
	}
	if err := x.checkTerminal(); err != nil {
		return err
	}
	host := probeHost(cgroups.Host{}, spec, x.process)
	host.CgroupMode = x.record.Cgroup.Mode
	rootless := unix.Geteuid() != 0
	host.UserNS = rootless && InUserNamespace() // makes no difference for root, and takes a look-up in procfs
	x.options.Options = specconv.Options{
		ID: x.record.ID, Host: host, CgroupPath: x.record.Cgroup.Path,
		NoNewKeyring: x.record.Inputs.NoNewKeyring, Rootless: rootless, PreserveFDs: x.o.PreserveFDs,
	}
	x.options.Cgroups = x.o.Cgroups
	for _, p := range specconv.ValidateExec(x.process, x.options) {
		if !p.Warning {
			return p
		}
		x.warn(p.Error())
	}
	if specconv.WantsHome(x.process) {
		x.options.Facts.Home = x.home()
	}
	compiled, warnings, err := specconv.CompileExec(x.bundle, x.process, x.options)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		x.warn(w)
	}
	x.plan = compiled
	x.o.Trace.end(start, "compile the plan")
	return nil
}

// chooseProcess takes the caller's process, or makes one of the container's.
func (x *execution) chooseProcess(first *specs.Process) (err error) {
	if x.o.Process != nil {
		x.process, x.options.File = x.o.Process, true
		return nil
	}
	if first == nil {
		first = &specs.Process{Cwd: "/"}
	}
	x.process, x.options.Given, err = x.o.Changes.apply(*first)
	return err
}

// checkTerminal: a terminal that nobody in this process serves has to go to a
// socket, and a socket is of use for nothing else.
func (x *execution) checkTerminal() error {
	switch {
	case x.o.Detach && x.process.Terminal && x.o.ConsoleSocket == "":
		return ErrConsoleNeeded
	case x.o.ConsoleSocket != "" && (!x.o.Detach || !x.process.Terminal):
		return ErrConsoleUseless
	}
	return nil
}

// home looks for the user's home directory inside the container, whose root is that
// of its first process. It is none if that has ended meanwhile: what was opened may
// be another process's then, and the process will not be made.
func (x *execution) home() string {
	root, err := x.record.Init.OpenRoot()
	if err != nil {
		return ""
	}
	defer unix.Close(root)
	if err := sys.PidfdSignal(x.target, 0); err != nil {
		return ""
	}
	return specconv.HomeIn(root, x.process.User.UID)
}

// openForeground makes what is needed to serve the program; nothing for a detached
// one, whose streams are the caller's own.
func (x *execution) openForeground() (*foreground, error) {
	for n := range x.stdio {
		x.stdio[n] = x.o.stream(n)
	}
	if x.o.Detach {
		return nil, nil
	}
	uid, gid := hostRoot(x.bundle)
	if joinsUnmapped(x.bundle.Spec.Linux) {
		// If the process has ended meanwhile there will be none that could use the pipes.
		if there, group, err := idsOnHost(x.record.Init.Pid, 0, 0); err == nil && sys.PidfdSignal(x.target, 0) == nil {
			uid, gid = there, group
		}
	}
	f, err := newForeground(x.process.Terminal, x.stdio, uid, gid)
	if err != nil {
		return nil, err
	}
	f.warn, f.exits = x.warn, x.o.Exits
	x.stdio = f.stdio.child
	f.catchSignals()
	x.serveConsole = func(master int) error { return f.attachSized(master, x.process.ConsoleSize) }
	x.serving = f
	return f, nil
}

// start is what has effects.
func (x *execution) start() error {
	if err := x.spawn(); err != nil {
		return err
	}
	if f := x.serving; f != nil {
		f.closeChild()
	}
	if err := x.attend(); err != nil {
		return err
	}
	if err := x.publish(); err != nil {
		return err
	}
	return x.traceInit(x.o.Trace)
}

// attend answers the init's messages until its program runs.
func (x *execution) attend() error {
	start := x.o.Trace.begin()
	for {
		if err := x.serving.await(x.init.FD()); err != nil {
			return err
		}
		tag, fd, err := x.init.Receive()
		if err != nil && !errors.Is(err, unix.ECONNRESET) {
			return err
		}
		switch tag {
		case 0:
			x.o.Trace.end(start, "wait for the init")
			return x.end()
		case initproc.TagConsole:
			err = x.takeConsole(fd, x.o.ConsoleSocket)
		case initproc.TagSeccomp:
			err = x.serveListener()
		case initproc.TagResctrl:
			if err = x.record.Resctrl.add(x.init.Pid); err == nil {
				err = x.init.Answer()
			}
		default:
			closeAll(fd)
			err = fmt.Errorf("message %d of the init is not known", tag)
		}
		if err != nil {
			return err
		}
	}
}

// serveListener hands the listener of the process's filter to the container's agent.
func (x *execution) serveListener() error {
	progress, err := x.progress()
	if err != nil {
		return err
	}
	if err := x.adopt(progress); err != nil {
		return err
	}
	spec := x.bundle.Spec
	return x.handListener(spec.Linux.Seccomp, specs.State{
		Version: ociVersion, ID: x.record.ID, Status: specs.StateRunning, Pid: x.record.Init.Pid,
		Bundle: x.bundle.Dir, Annotations: spec.Annotations,
	})
}

// end is reached when the init has closed its connection. That is how the start of
// the program shows, and every failure.
func (x *execution) end() error {
	progress, err := x.progress()
	if err != nil {
		return err
	}
	if err := x.adopt(progress); err != nil {
		return err
	}
	if progress.State == initproc.StateExec {
		return nil
	}
	if x.lostContainer(progress) {
		return ErrExecStopped
	}
	return x.explainEnd(progress, nil)
}

// lostContainer reports whether the init failed since the container's first process
// has ended meanwhile: it has no namespaces any more (setns(2)), or its pid
// namespace takes no more processes (pid_namespaces(7)).
func (x *execution) lostContainer(progress initproc.Progress) bool {
	if progress.State != initproc.StateFailed || progress.Step < 0 || progress.Step >= len(x.plan.Entries) {
		return false
	}
	switch x.plan.Entries[progress.Step].Step.(type) {
	case plan.JoinContainer:
		return errors.Is(progress.Errno, unix.ESRCH)
	case plan.Fork:
		return errors.Is(progress.Errno, unix.ENOMEM) && !x.isAlive()
	}
	return false
}

// isAlive: a pidfd is readable when its process has ended.
func (x *execution) isAlive() bool {
	ended, err := sys.WaitReadable(x.target, 0)
	return err == nil && !ended
}

// publish tells those who asked which process it is.
func (x *execution) publish() error {
	if x.o.PidFile != "" {
		if err := writePidFile(x.o.PidFile, x.pid); err != nil {
			return err
		}
	}
	if x.o.PidfdSocket != "" {
		return sendPidfd(x.o.PidfdSocket, pidfdExec, x.init.Pidfd)
	}
	return nil
}

// explainOOM adds a likely reason to the end of an init that was killed.
func (x *execution) explainOOM(cause error) error {
	var end *initEndError
	if !errors.As(cause, &end) || end.exit.Signal != unix.SIGKILL {
		return cause
	}
	cgroup, err := x.record.Cgroup.manager()
	if err != nil || cgroup == nil {
		return cause
	}
	if killed, err := cgroup.OOMKilled(); err == nil && killed {
		return fmt.Errorf("%w (possibly OOM-killed)", cause)
	}
	return cause
}

func (x *execution) close() {
	x.launch.close()
	closeAll(x.target)
	runtime.KeepAlive(x.container)
}

func (x *execution) warn(message string) {
	x.warned = true
	if x.o.Warn != nil {
		x.o.Warn(message)
	}
}
