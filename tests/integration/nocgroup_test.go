package integration

import (
	"os"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestNoCgroup(t *testing.T) {
	s := begin(t)
	s.differs("runc", "it has no --cgroup-manager")
	s.differs("crun", "it shows the caller's cgroup, says nothing of device rules and has no error for what takes a cgroup")
	b := s.bundle(sh("echo up; ls -A /sys/fs/cgroup | wc -l; sleep 100"))
	id := s.id()
	r := s.run("--cgroup-manager=disabled", "run", "-d", "-b", b.dir, id).ok()
	equal(s, "output", r.waitFor("up\n0\n"), "up\n0\n")
	s.contains("warnings", r.err, "device rules")
	pid := s.state(id).Pid
	own, err := os.ReadFile("/proc/self/cgroup")
	s.must(err)
	equal(s, "the cgroups", s.read("/proc/"+itoa(pid)+"/cgroup")+"\n", string(own))
	if found := s.cgroups(); len(found) > 0 {
		s.errorf("cgroups were made: %v", found)
	}
	for _, command := range [][]string{{"pause", id}, {"resume", id}, {"events", "--stats", id}, {"ps", id}, {"update", "--pids-limit", "5", id}} {
		s.run(command...).fails(1, "container has no cgroup")
	}
	equal(s, "exec", s.run("exec", id, "echo", "in").ok().out, "in\n")
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
}

// Limits that nothing could hold are refused rather than ignored.
func TestNoCgroupLimits(t *testing.T) {
	s := begin(t)
	s.differs("runc", "it has no --cgroup-manager")
	s.differs("crun", "it ignores limits then")
	b := s.bundle(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(int64(5))} }))
	s.run("--cgroup-manager=disabled", "run", "-b", b.dir, s.id()).
		fails(1, "NAME run failed: /linux/resources/pids/limit: cannot set pids limit: container could not join or create cgroup")
}

// Without a pid namespace as well, only the first process can be found.
func TestNoCgroupSharedPids(t *testing.T) {
	s := begin(t)
	s.differs("runc", "it has no --cgroup-manager")
	s.differs("crun", "it says nothing")
	b := s.bundle(withoutNamespace(specs.PIDNamespace), sh("exec sleep 100"))
	id := s.id()
	r := s.run("--cgroup-manager=disabled", "create", "-b", b.dir, id).ok()
	s.contains("warnings", r.err, "cannot be found")
	pid := s.state(id).Pid
	s.run("delete", "--force", id).ok()
	if !gone(pid) {
		s.errorf("process %d is left", pid)
	}
}
