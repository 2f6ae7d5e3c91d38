package libcontainer

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

// UpdateOptions say which limits of a container change. What is nil or empty stays as it
// is.
type UpdateOptions struct {
	// Resources are the limits of the cgroup.
	Resources *specs.LinuxResources
	// Devices: the device rules of Resources are meant too, and replace those that hold,
	// unless they are nil. Otherwise they are ignored: engines send the rules of a
	// configuration with each update, which are not those that hold where a hook or a
	// plugin has added some.
	Devices bool
	// L3CacheSchema and MemBwSchema are lines for the schemata of the container's class
	// of service (runtime-spec config-linux.md, "IntelRdt").
	L3CacheSchema, MemBwSchema string
}

// Update changes limits of a created, running or paused container; ErrNotRunning for
// one that has ended. If one of them is refused, all stay as they are.
func (c *Container) Update(o UpdateOptions) error {
	host, err := cgroups.Probe()
	if err != nil {
		return err
	}
	limits := specs.LinuxResources{}
	if o.Resources != nil {
		limits = *o.Resources
	}
	if !o.Devices {
		limits.Devices = nil
	}
	return c.withCgroup(func(r *record, status Status, cgroup cgroups.Manager) error {
		if status == Stopped || status == Creating {
			return ErrNotRunning
		}
		if wrong := cgroups.Validate(&limits, &host); len(wrong) > 0 {
			return wrong[0]
		}
		undo, err := r.Resctrl.update(o.L3CacheSchema, o.MemBwSchema)
		if err != nil {
			return err
		}
		if err := cgroup.Update(&limits); err != nil {
			return errors.Join(err, undo())
		}
		return nil
	})
}
