package specconv

import (
	"errors"

	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv/plan"
)

// seccompFilter compiles the filter. A section that says nothing is none.
func (c *compiler) seccompFilter() plan.Seccomp {
	if c.linux.Seccomp == nil {
		return plan.Seccomp{}
	}
	// The init does not call the kernel between loading the filter and the moment
	// at which the agent has its listener, so any call may be the agent's.
	program, err := seccomp.Compile(c.linux.Seccomp, seccomp.Options{HasFlag: c.hasSeccompFlag, NotifyAny: true})
	if field := (*seccomp.FieldError)(nil); errors.As(err, &field) {
		c.fail(plan.Cause("/linux/seccomp"+field.Pointer), field.Err)
		return plan.Seccomp{}
	}
	if err != nil {
		c.fail("/linux/seccomp", err)
	}
	if program == nil {
		return plan.Seccomp{}
	}
	return plan.Seccomp{Filter: program.Bytes(), Flags: uint64(program.Flags), Listener: program.NeedsListener}
}

// seccompRow loads the filter, if there is one.
func (c *compiler) seccompRow(phase plan.Phase, filter plan.Seccomp) {
	if len(filter.Filter) > 0 {
		c.add(phase, "/linux/seccomp", filter)
	}
}

// hasSeccompFlag answers from the options, so that nothing is asked of the
// kernel while compiling.
func (c *compiler) hasSeccompFlag(bit uint) bool {
	known := c.o.Host.SeccompFlags
	return known == 0 || known&bit != 0
}
