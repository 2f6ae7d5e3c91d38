package libcontainer

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

// Stats is what the kernel counts for a container.
type Stats = cgroups.Stats

// Stats reads what the kernel counts for the container's processes: ErrNotRunning for
// one that has ended.
func (c *Container) Stats() (*Stats, error) {
	cgroup, err := c.liveCgroup()
	if err != nil {
		return nil, err
	}
	return cgroup.Stats()
}

// liveCgroup gives the cgroup of a container that has not ended.
func (c *Container) liveCgroup() (cgroups.Manager, error) {
	r, status, err := c.dir.status()
	if err != nil {
		return nil, err
	}
	if status == Stopped || status == Creating {
		return nil, ErrNotRunning
	}
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return nil, err
	}
	if cgroup == nil {
		return nil, errNoCgroup
	}
	return cgroup, nil
}

// NotifyOOM gives a value each time that the kernel ends a process of the container
// since its memory has run out. The channel is closed when the container's cgroup is
// gone, within a second, or when the context ends. Where the kernel does not count
// memory, it gives no values.
func (c *Container) NotifyOOM(ctx context.Context) (<-chan struct{}, error) {
	cgroup, err := c.liveCgroup()
	if err != nil {
		return nil, err
	}
	events, err := cgroup.NotifyOOM(ctx)
	if errors.Is(err, fs.ErrNotExist) && cgroup.Exists() {
		return closedWhenGone(ctx, cgroup), nil
	}
	return events, err
}

func closedWhenGone(ctx context.Context, cgroup cgroups.Manager) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for cgroup.Exists() {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return gone
}

// Update changes limits of a created, running or paused container; ErrNotRunning for
// one that has ended. What r leaves out stays as it is, and so does everything if a
// limit is refused. Device rules are not among what can be changed.
func (c *Container) Update(r *specs.LinuxResources) error {
	host, err := cgroups.Probe()
	if err != nil {
		return err
	}
	limits := *r
	limits.Devices = nil
	return c.withCgroup(func(status Status, cgroup cgroups.Manager) error {
		if status == Stopped || status == Creating {
			return ErrNotRunning
		}
		if wrong := cgroups.Validate(&limits, &host); len(wrong) > 0 {
			return wrong[0]
		}
		return cgroup.Update(&limits)
	})
}
