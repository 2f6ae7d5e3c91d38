package libcontainer

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// Start lets a created container go and returns when its program is executed. An
// error says why it was not: ErrStartRunning, ErrStartStopped and ErrStartPaused
// for a container in another state, or what a startContainer hook or execve(2)
// said. The hooks of poststart are run before it returns; if one of them or of
// startContainer fails the container is stopped and removed (runtime-spec runtime.md,
// "Lifecycle").
func (c *Container) Start(o StartOptions) error {
	n, init, err := c.start(o)
	defer n.close()
	if err != nil || n == nil {
		return err
	}
	pidfd, err := init.Open()
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	n.relay(pidfd, init.Pid)
	return nil
}

// start is what Start does while no other command may work on the container. It gives
// the first process, and who waits for it to be ready.
func (c *Container) start(o StartOptions) (n *notifier, init sys.Process, err error) {
	begun := o.Trace.begin()
	unlock, err := c.dir.lock(lockPatience)
	if err != nil {
		return nil, init, err
	}
	defer unlock()
	r, status, err := c.dir.status()
	if err != nil {
		return nil, init, err
	}
	if err := startable(status); err != nil {
		return nil, init, err
	}
	n, err = c.dir.openNotifier(o.NotifySocket, o.Warn)
	if err != nil {
		return nil, init, err
	}
	return n, r.Init, c.letGo(r, o, begun)
}

// letGo lets the program run, and then the hooks that follow it.
func (c *Container) letGo(r *record, o StartOptions, begun time.Duration) error {
	if err := c.openGate(); err != nil {
		return err
	}
	o.Trace.end(begun, "open the gate")
	progress, err := c.progress()
	if err != nil {
		return err
	}
	if progress.State != initproc.StateExec {
		return c.startFailed(r, progress)
	}
	if err := c.dir.note(r, newEntry(lineStarted)); err != nil {
		return err
	}
	begun = o.Trace.begin()
	defer func() { o.Trace.end(begun, "poststart hooks") }()
	return c.poststart(r)
}

func startable(status Status) error {
	switch status {
	case Created:
		return nil
	case Stopped:
		return ErrStartStopped
	case Paused:
		return ErrStartPaused
	case Running:
		return ErrStartRunning
	case Creating:
		return errors.New("cannot start a container that is still being created")
	}
	return fmt.Errorf("cannot start a container that is %s", status)
}

// openGate calls on the init's socket and waits until it hangs up: by executing
// the program, or by ending.
func (c *Container) openGate() error {
	conn, err := sys.ConnectUnixAt(c.dir.fd, gateName)
	runtime.KeepAlive(c.dir)
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return ErrStartRunning
	case err != nil:
		return fmt.Errorf("start: %w", err)
	}
	defer unix.Close(conn)
	if err := sys.WriteAll(conn, []byte{0}); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("start: %w", err)
	}
	end := make([]byte, 1)
	err = sys.Retry(func() error {
		_, err := unix.Read(conn, end)
		return err
	})
	if err != nil && !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// progress reads what the container's init has last said.
func (c *Container) progress() (initproc.Progress, error) {
	fd, err := sys.OpenAt(c.dir.fd, progressName, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	runtime.KeepAlive(c.dir)
	if err != nil {
		return initproc.Progress{}, fmt.Errorf("read the init's progress: %w", err)
	}
	defer unix.Close(fd)
	return initproc.ReadProgress(fd, 0)
}

// startFailed says why the program was not executed. The plan, which knows what
// the init was at, is compiled again from what it was made of. Where a hook failed, the
// container is removed (runtime-spec runtime.md, "Lifecycle").
func (c *Container) startFailed(r *record, progress initproc.Progress) error {
	explained, err := c.Explain()
	if err != nil {
		return errors.Join(fmt.Errorf("container process is already dead: step %d: %w", progress.Step+1, progress.Errno), err)
	}
	if progress.State == initproc.StateFailed {
		err := stepError(explained.Plan, progress)
		if isHook(explained.Plan, progress.Step) {
			err = errors.Join(err, c.store.removeLocked(c.dir, r))
		}
		return err
	}
	return fmt.Errorf("container process is already dead: it was killed while it was started")
}

func isHook(p *plan.Plan, step int) bool {
	if step < 0 || step >= len(p.Entries) {
		return false
	}
	_, ok := p.Entries[step].Step.(plan.Hook)
	return ok
}

// poststart runs the hooks that follow the start.
func (c *Container) poststart(r *record) error {
	spec, err := c.dir.config()
	if err != nil {
		return err
	}
	for _, hook := range hooksOf(spec, plan.Poststart) {
		state := hookState(r.ID, Running, r.Init.Pid, r.Bundle, spec.Annotations)
		if err := (hookCall{Hook: hook, State: state, Watch: -1}).run(); err != nil {
			return errors.Join(err, c.store.removeLocked(c.dir, r))
		}
	}
	return nil
}
