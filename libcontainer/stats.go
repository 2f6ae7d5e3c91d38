package libcontainer

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/resctrl"
)

// Stats is what the kernel counts for a container. The JSON form is that of the data of
// an `events` line.
type Stats struct {
	cgroups.Stats
	// Resctrl is empty for a container without a class of service.
	Resctrl ResctrlStats `json:"intel_rdt"`
	// Networks are the devices of the container's network namespace but the loopback
	// device; nil if the namespace is not its own.
	Networks []NetworkInterface `json:"network_interfaces"`
}

// ResctrlStats is what the file system of resource control says of a class of service.
type ResctrlStats = resctrl.Stats

// Stats reads what the kernel counts for the container's processes: ErrNotRunning for
// one that has ended.
func (c *Container) Stats() (*Stats, error) {
	r, cgroup, err := c.live()
	if err != nil {
		return nil, err
	}
	counted, err := cgroup.Stats()
	if err != nil {
		return nil, err
	}
	s := &Stats{Stats: *counted}
	if s.Hugetlb == nil {
		s.Hugetlb = map[string]cgroups.HugetlbStats{} // readers know an object without members
	}
	if s.Networks, err = networkInterfaces(r.Init); err != nil {
		return nil, err
	}
	if s.Resctrl, err = r.Resctrl.stats(); err != nil {
		return nil, err
	}
	return s, nil
}

// live gives the record and the cgroup of a container that has not ended.
func (c *Container) live() (*record, cgroups.Manager, error) {
	r, status, err := c.dir.status()
	if err != nil {
		return nil, nil, err
	}
	if status == Stopped || status == Creating {
		return nil, nil, ErrNotRunning
	}
	cgroup, err := r.Cgroup.manager()
	if err != nil {
		return nil, nil, err
	}
	if cgroup == nil {
		return nil, nil, errNoCgroup
	}
	return r, cgroup, nil
}

// NotifyOOM gives a value each time that the kernel ends a process of the container
// since its memory has run out. The channel is closed when the container's cgroup is
// gone, within a second, or when the context ends. Where the kernel does not count
// memory, it gives no values.
func (c *Container) NotifyOOM(ctx context.Context) (<-chan struct{}, error) {
	_, cgroup, err := c.live()
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
