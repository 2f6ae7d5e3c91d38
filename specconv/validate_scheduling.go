package specconv

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

func (v *validator) failField(object plan.Cause, ref string, bad *fieldError) {
	if bad != nil {
		v.fail(object+bad.field, ref, bad.err)
	}
}

// processScheduling checks what a process asks of the kernel's schedulers.
func (v *validator) processScheduling(p *specs.Process) {
	if p.Scheduler != nil {
		_, bad := readScheduler(p.Scheduler)
		v.failField("/process/scheduler", refLinux, bad)
	}
	if p.IOPriority != nil {
		_, bad := readIOPriority(p.IOPriority)
		v.failField("/process/ioPriority", refLinux, bad)
	}
}

// execution checks the execution domain, the memory policy, and what the scheduler
// has to do with the cgroup.
func (v *validator) execution() {
	if p := v.linux.Personality; p != nil {
		_, bad := readPersonality(p)
		v.failField("/linux/personality", "config-linux.md#personality", bad)
		if len(p.Flags) > 0 {
			names := make([]string, len(p.Flags))
			for i, name := range p.Flags {
				names[i] = string(name)
			}
			v.warnf("/linux/personality/flags", "config-linux.md#personality",
				"ignoring unsupported personality flags: %s", strings.Join(names, ", "))
		}
	}
	if p := v.linux.MemoryPolicy; p != nil {
		_, bad := readMemoryPolicy(p)
		v.failField("/linux/memoryPolicy", "config-linux.md#memory-policy", bad)
	}
	v.selinuxLabel("/linux/mountLabel", "config-linux.md#mount-label", v.linux.MountLabel)
	process, resources := v.spec.Process, v.linux.Resources
	if process != nil && process.Scheduler != nil && process.Scheduler.Policy == specs.SchedDeadline &&
		resources != nil && resources.CPU != nil && resources.CPU.Cpus != "" {
		// The kernel guarantees bandwidth only on all CPUs (sched(7), "SCHED_DEADLINE").
		v.failf("/process/scheduler/policy", refLinux, "process scheduler can't be used together with AllowedCPUs")
	}
}
