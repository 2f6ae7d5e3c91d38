package specconv

import (
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

func (c *compiler) hooks() *specs.Hooks {
	if c.spec.Hooks == nil {
		return &specs.Hooks{}
	}
	return c.spec.Hooks
}

// createHookRows runs the hooks that see the finished mounts before the host's
// tree is gone (runtime-spec config.md, "POSIX-platform Hooks"). The init waits
// only if the host has any to run.
func (c *compiler) createHookRows() {
	hooks := c.hooks()
	//nolint:staticcheck // prestart is deprecated, and still what engines use.
	prestart := hooks.Prestart
	if len(prestart)+len(hooks.CreateRuntime) > 0 {
		cause := plan.Cause("/hooks/createRuntime")
		if len(prestart) > 0 {
			cause = "/hooks/prestart"
		}
		c.add(phaseRootfs, cause, plan.Rendezvous{Point: plan.PointHooks})
	}
	c.hookRows(phaseRootfs, plan.Prestart, "/hooks/prestart", prestart)
	c.hookRows(phaseRootfs, plan.CreateRuntime, "/hooks/createRuntime", hooks.CreateRuntime)
	c.hookRows(phaseRootfs, plan.CreateContainer, "/hooks/createContainer", hooks.CreateContainer)
}

// stopRows run when the container is deleted.
func (c *compiler) stopRows() {
	c.hookRows(plan.Stop, plan.Poststop, "/hooks/poststop", c.hooks().Poststop)
}

// hookRows adds a list of hooks. A hook without an environment gets that of the
// process that runs it: the runtime's on the host, the program's in the
// container.
func (c *compiler) hookRows(phase plan.Phase, kind plan.HookKind, pointer string, list []specs.Hook) {
	for i := range list {
		h := &list[i]
		row := plan.Hook{Kind: kind, Index: i, Path: h.Path, Args: h.Args}
		if len(h.Env) > 0 {
			row.Env = h.Env
		} else if row.Lane() == plan.Init {
			row.Env = c.env
		}
		if h.Timeout != nil {
			row.Timeout = time.Duration(*h.Timeout) * time.Second
		}
		c.add(phase, element(pointer, i), row)
	}
}
