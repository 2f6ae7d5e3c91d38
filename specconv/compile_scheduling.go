package specconv

import "github.com/ocirun/ocirun/specconv/plan"

// schedulingRows set how the kernel serves the process, as far as it takes rights of
// the host's root: a real-time policy, a lower nice value and the real-time class of
// I/O need CAP_SYS_NICE in the first user namespace.
func (c *compiler) schedulingRows(phase plan.Phase) {
	if s := c.process.Scheduler; s != nil {
		row, bad := readScheduler(s)
		if bad != nil {
			c.failField("/process/scheduler", bad)
			return
		}
		if c.ns.Fork && phase == plan.Namespaces {
			// It would be reset by the fork of the container's first process.
			row.Flags &^= schedResetOnFork
		}
		c.add(phase, "/process/scheduler", row)
	}
	if p := c.process.IOPriority; p != nil {
		row, bad := readIOPriority(p)
		if bad != nil {
			c.failField("/process/ioPriority", bad)
			return
		}
		c.add(phase, "/process/ioPriority", row)
	}
}

// resetOnForkRow adds the flag that schedulingRows has left out: it takes no rights.
func (c *compiler) resetOnForkRow() {
	if c.process.Scheduler == nil || !c.ns.Fork || !c.ns.Has(plan.NamespaceUser) {
		return
	}
	if row, bad := readScheduler(c.process.Scheduler); bad == nil && row.Flags&schedResetOnFork != 0 {
		row.Flags |= schedKeepParams
		c.add(plan.Process, "/process/scheduler", row)
	}
}

// executionRows set the execution domain and the memory policy, which everybody may
// choose for themselves. The memory policy is cut to the nodes of the cpuset, so it
// comes when the process is in its cgroup.
func (c *compiler) executionRows() {
	c.resetOnForkRow()
	if p := c.linux.Personality; p != nil {
		row, bad := readPersonality(p)
		if bad != nil {
			c.failField("/linux/personality", bad)
			return
		}
		c.add(plan.Process, "/linux/personality", row)
	}
	if p := c.linux.MemoryPolicy; p != nil {
		row, bad := readMemoryPolicy(p)
		if bad != nil {
			c.failField("/linux/memoryPolicy", bad)
			return
		}
		c.add(plan.Process, "/linux/memoryPolicy", row)
	}
}
