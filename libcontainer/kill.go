package libcontainer

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

const (
	// killPatience is how long a process may take to end after SIGKILL.
	killPatience = 10 * time.Second
	// killAlone is how long the first process of a pid namespace is given to end
	// and to take all others along.
	killAlone = 100 * time.Millisecond
)

// Kill sends a signal to the container's first process; signal 0 only asks
// whether it is there. SIGKILL ends all processes of the container, also those
// of one without a pid namespace of its own, and one that is paused. It does not
// wait for them. A container that has ended gives ErrNotRunning.
func (c *Container) Kill(sig unix.Signal) error {
	r, err := c.dir.load()
	if err != nil {
		return err
	}
	if sig == unix.SIGKILL && r.SharedPID && len(r.Cgroup.Dirs) > 0 {
		return r.killAll()
	}
	pidfd, err := r.openInit()
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	err = sys.PidfdSignal(pidfd, sig)
	if errors.Is(err, unix.ESRCH) {
		return ErrNotRunning
	}
	if err != nil {
		return fmt.Errorf("unable to signal init: %w", err)
	}
	if sig == unix.SIGKILL {
		return r.thaw()
	}
	return nil
}

// openInit gives a pidfd of the first process, or ErrNotRunning.
func (r *record) openInit() (int, error) {
	if r.Init.Pid == 0 {
		return -1, ErrNotRunning
	}
	pidfd, err := r.Init.Open()
	if errors.Is(err, unix.ESRCH) {
		return -1, ErrNotRunning
	}
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", r.Init.Pid, err)
	}
	return pidfd, nil
}

// killAll ends every process of the cgroup, which may outlive the first one.
func (r *record) killAll() error {
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return err
	}
	pids, err := cgroup.Pids()
	if err != nil {
		return fmt.Errorf("unable to kill all processes: %w", err)
	}
	if len(pids) == 0 {
		return ErrNotRunning
	}
	if err := cgroup.Kill(); err != nil {
		return fmt.Errorf("unable to kill all processes: %w", err)
	}
	return nil
}

// thaw lets processes that are frozen die of the SIGKILL they were sent.
func (r *record) thaw() error {
	frozen, err := r.Cgroup.frozen()
	if err != nil || !frozen {
		return err
	}
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return err
	}
	return cgroup.Thaw()
}

// end makes sure that no process of the container is left: ErrStillRunning if
// the first one outlives SIGKILL.
func (r *record) end() error {
	pidfd, err := r.openInit()
	if err == nil {
		defer unix.Close(pidfd)
		err = sys.PidfdSignal(pidfd, unix.SIGKILL)
		if err == nil {
			err = r.awaitEnd(pidfd)
		}
	}
	if err != nil && !errors.Is(err, ErrNotRunning) && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

func (r *record) awaitEnd(pidfd int) error {
	if err := r.thaw(); err != nil {
		return err
	}
	if !r.SharedPID {
		ended, err := sys.WaitReadable(pidfd, killAlone)
		if err != nil || ended {
			return err
		}
	}
	// Without a pid namespace of its own it takes nobody along; and in either case
	// a thousand others that fork leave it no time to end in.
	if cgroup, err := r.Cgroup.manager(); err == nil && cgroup != nil {
		_ = cgroup.Kill() // which removeCgroup does again, and tells why it cannot
	}
	ended, err := sys.WaitReadable(pidfd, killPatience)
	if err != nil {
		return err
	}
	if !ended {
		return ErrStillRunning
	}
	return nil
}
