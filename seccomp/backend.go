//go:build !libseccomp

package seccomp

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Backend names what makes the programs.
const Backend = "go"

func (s *section) assemble(*specs.LinuxSeccomp) ([]Insn, error) {
	insns := s.build()
	if insns == nil {
		return nil, fmt.Errorf("the seccomp filter needs more instructions than the kernel takes, at most %d", maxInsns)
	}
	return insns, nil
}
