package specconv

import (
	"errors"

	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv/plan"
)

// seccompRow loads the filter. A section that says nothing is none.
func (c *compiler) seccompRow() {
	if c.linux.Seccomp == nil {
		return
	}
	program, err := seccomp.Compile(c.linux.Seccomp, seccomp.Options{HasFlag: c.hasSeccompFlag})
	if field := (*seccomp.FieldError)(nil); errors.As(err, &field) {
		c.fail(plan.Cause("/linux/seccomp"+field.Pointer), field.Err)
		return
	}
	switch {
	case err != nil:
		c.fail("/linux/seccomp", err)
	case program == nil:
	case program.NeedsListener:
		c.fail("/linux/seccomp", errors.New("SCMP_ACT_NOTIFY: there is no way yet to hand the listener to its agent"))
	default:
		c.add(plan.Process, "/linux/seccomp", plan.Seccomp{Filter: program.Bytes(), Flags: uint64(program.Flags)})
	}
}

// hasSeccompFlag answers from the options, so that nothing is asked of the
// kernel while compiling.
func (c *compiler) hasSeccompFlag(bit uint) bool {
	known := c.o.Host.SeccompFlags
	return known == 0 || known&bit != 0
}
