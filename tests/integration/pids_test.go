package integration

import (
	"strconv"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A container may be limited to its one process: what is needed to start it does not count.
func TestCgroupsPidsSmall(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	for limit := int64(1); limit <= 4; limit++ {
		b := s.bundle(args("/bin/busybox", "true"), func(c *specs.Spec) {
			c.Linux.Resources.Pids = &specs.LinuxPids{Limit: &limit}
		})
		s.run("run", "-b", b.dir, s.id()).ok()
		id := s.create(b)
		equal(s, "pids.max", s.cgroupFile(s.state(id).Pid, "pids", "pids.max"), strconv.FormatInt(limit, 10))
		s.run("start", id).ok()
	}
}
