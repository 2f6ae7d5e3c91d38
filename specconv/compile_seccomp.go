package specconv

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// seccompRow loads the filter. A section that says nothing is none.
func (c *compiler) seccompRow() {
	section := c.linux.Seccomp
	if section == nil || section.DefaultAction == "" && len(section.Syscalls) == 0 {
		return
	}
	filter, flags, err := seccompFilter(section)
	if err != nil {
		c.fail("/linux/seccomp", err)
		return
	}
	c.add(plan.Process, "/linux/seccomp", plan.Seccomp{Filter: filter, Flags: flags})
}

func seccompFilter(*specs.LinuxSeccomp) ([]byte, uint64, error) {
	return nil, 0, errors.New("seccomp is not there yet")
}
