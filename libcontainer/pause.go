package libcontainer

import (
	"errors"

	"github.com/ocirun/ocirun/cgroups"
)

// errNoCgroup is given for what only a cgroup can do.
var errNoCgroup = errors.New("container has no cgroup")

// Pause stops all processes of a created or running container; ErrNotRunning for
// one in another state.
func (c *Container) Pause() error {
	return c.withCgroup(func(_ *record, status Status, cgroup cgroups.Manager) error {
		if status != Created && status != Running {
			return ErrNotRunning
		}
		return cgroup.Freeze()
	})
}

// Resume lets the processes of a paused container go on; ErrNotPaused for one in
// another state.
func (c *Container) Resume() error {
	return c.withCgroup(func(_ *record, status Status, cgroup cgroups.Manager) error {
		if status != Paused {
			return ErrNotPaused
		}
		return cgroup.Thaw()
	})
}

func (c *Container) withCgroup(do func(*record, Status, cgroups.Manager) error) error {
	unlock, err := c.dir.lock(lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	r, status, err := c.dir.status()
	if err != nil {
		return err
	}
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return err
	}
	if cgroup == nil {
		return errNoCgroup
	}
	return do(r, status, cgroup)
}

// Pids lists the container's processes as the host numbers them, in ascending
// order.
func (c *Container) Pids() ([]int, error) {
	r, err := c.dir.load()
	if err != nil {
		return nil, err
	}
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return nil, err
	}
	if cgroup == nil {
		return nil, errNoCgroup
	}
	return cgroup.Pids()
}
