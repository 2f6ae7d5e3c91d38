package integration

import (
	"fmt"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestFewOpenFiles: with too few open files for the runtime to work it says so, before
// anything is made that it could then not take back.
func TestFewOpenFiles(t *testing.T) {
	s := begin(t)
	s.differs("runc", "works with fewer")
	b := s.bundle(args("true"), func(c *specs.Spec) { c.Process.Rlimits = nil })
	for _, limit := range []int{16, 20, 24, 32, 47} {
		r := s.cmd("run", "-b", b.dir, s.id()).through("prlimit", fmt.Sprintf("--nofile=%d", limit))
		r.failsWith(1, fmt.Sprintf("(RLIMIT_NOFILE) is %d, the runtime needs 48", limit))
	}
	s.cmd("run", "-b", b.dir, s.id()).through("prlimit", "--nofile=48").ok()
}
