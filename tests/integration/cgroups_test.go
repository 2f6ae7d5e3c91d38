package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestCgroupsMemory(t *testing.T) {
	s := begin(t)
	s.needsController("memory")
	b := s.bundle(resources(func(r *specs.LinuxResources) { r.Memory = &specs.LinuxMemory{Limit: ptr(int64(16 << 20))} }),
		sh("echo up; sleep 100"))
	_, pid := b.detached()
	file := map[string]string{"v1": "memory.limit_in_bytes", "v2": "memory.max"}[suite.view]
	equal(s, "limit", s.cgroupFile(pid, "memory", file), strconv.Itoa(16<<20))
	// dd holds a block of 64 MiB in memory: more than it may.
	b.edit(sh("dd if=/dev/zero of=/dev/null bs=64M count=1; echo exit $?"))
	equal(s, "output", b.payload(), "exit 137\n")
}

func TestCgroupsPids(t *testing.T) {
	s := begin(t)
	s.needsController("pids")
	b := s.bundle(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(int64(5))} }),
		sh("echo up; sleep 100"))
	_, pid := b.detached()
	equal(s, "limit", s.cgroupFile(pid, "pids", "pids.max"), "5")
	b.edit(sh("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait"))
	r := s.run("run", "-b", b.dir, s.id())
	s.contains("stderr", r.err, "can't fork")
}

func TestCgroupsCPU(t *testing.T) {
	s := begin(t)
	s.needsController("cpu")
	b := s.bundle(resources(func(r *specs.LinuxResources) {
		r.CPU = &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(10000)), Period: ptr(uint64(100000))}
	}), sh("echo up; while :; do :; done"))
	_, pid := b.detached()
	if suite.view == "v1" {
		equal(s, "shares", s.cgroupFile(pid, "cpu", "cpu.shares"), "512")
		equal(s, "quota", s.cgroupFile(pid, "cpu", "cpu.cfs_quota_us"), "10000")
		equal(s, "period", s.cgroupFile(pid, "cpu", "cpu.cfs_period_us"), "100000")
	} else {
		equal(s, "max", s.cgroupFile(pid, "cpu", "cpu.max"), "10000 100000")
	}
	s.eventually("the busy loop is throttled", func() bool {
		return !strings.Contains(s.cgroupFile(pid, "cpu", "cpu.stat"), "nr_throttled 0")
	})
}

func TestCgroupsCpuset(t *testing.T) {
	s := begin(t)
	s.needsController("cpuset")
	b := s.bundle(resources(func(r *specs.LinuxResources) { r.CPU = &specs.LinuxCPU{Cpus: "0", Mems: "0"} }))
	st := b.procStatus()
	equal(s, "cpus", st["Cpus_allowed_list"], "0")
	equal(s, "mems", st["Mems_allowed_list"], "0")
}

// The cgroup is where cgroupsPath says, in every hierarchy.
func TestCgroupsPathAbsolute(t *testing.T) {
	s := begin(t)
	name := s.id()
	b := s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/" + name }, sh("echo up; sleep 100"))
	_, pid := b.detached()
	equal(s, "freezer", s.cgroupOf(pid, "freezer"), map[string]string{
		"v1": "/sys/fs/cgroup/freezer/" + name, "v2": "/sys/fs/cgroup/" + name,
	}[suite.view])
	data, err := os.ReadFile("/proc/" + itoa(pid) + "/cgroup")
	s.must(err)
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if (suite.view == "v1" && fields[0] != "0") || (suite.view == "v2" && fields[0] == "0") {
			equal(s, "cgroup in "+line, filepath.Base(fields[2]), name)
		}
	}
}

// The default place is named after the id.
func TestCgroupsPathDefault(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	equal(s, "last part", filepath.Base(s.cgroupOf(pid, "freezer")), id)
}

func TestCgroupsPathStaysInside(t *testing.T) {
	s := begin(t)
	name := s.id()
	b := s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/../../" + name }, sh("echo up; sleep 100"))
	_, pid := b.detached()
	s.contains("cgroup", s.cgroupOf(pid, "freezer"), "/sys/fs/cgroup/")
	s.lacks("cgroup", s.cgroupOf(pid, "freezer"), "..")
}

// freeze writes to the freezer as an administrator would.
func (s *scenario) freeze(pid int, frozen bool) {
	s.t.Helper()
	file, value := "freezer.state", map[bool]string{true: "FROZEN", false: "THAWED"}[frozen]
	if suite.view == "v2" {
		file, value = "cgroup.freeze", map[bool]string{true: "1", false: "0"}[frozen]
	}
	s.must(os.WriteFile(filepath.Join(s.cgroupOf(pid, "freezer"), file), []byte(value), 0))
}

func TestCgroupsFrozenIsPaused(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	s.freeze(pid, true)
	s.becomes(id, "paused")
	s.run("delete", id).fails(1, "cannot delete container "+id+" that is not stopped: paused")
	s.run("start", id).fails(1, "cannot start a container in the paused state")
	s.freeze(pid, false)
	s.becomes(id, "running")
}

func TestCgroupsKillPaused(t *testing.T) {
	s := begin(t)
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	s.freeze(pid, true)
	s.becomes(id, "paused")
	s.run("kill", id, "KILL").ok()
	equal(s, "gone", gone(pid), true)
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
}

func TestCgroupsDeleteForcePaused(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 on v1 waits for a frozen process and gives up")
	id, pid := s.bundle(sh("echo up; sleep 100")).detached()
	s.freeze(pid, true)
	s.becomes(id, "paused")
	s.run("delete", "--force", id).ok()
	equal(s, "gone", gone(pid), true)
	s.oracle()
}

func TestCgroupsPausedBeforeStart(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.freeze(s.state(id).Pid, true)
	s.becomes(id, "paused")
	s.run("start", id).fails(1, "cannot start a container in the paused state")
	s.freeze(s.state(id).Pid, false)
	s.becomes(id, "created")
	s.run("start", id).ok()
	s.becomes(id, "stopped")
}

// ownCgroup makes a cgroup that is there before the container.
func (s *scenario) ownCgroup() (name, dir string) {
	s.t.Helper()
	name = s.id()
	dir = "/sys/fs/cgroup/" + name
	if suite.view == "v1" {
		dir = "/sys/fs/cgroup/freezer/" + name
	}
	s.must(os.Mkdir(dir, 0o755))
	s.t.Cleanup(func() { removeCgroup(dir) })
	return name, dir
}

func TestCgroupsNotEmpty(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 only warns")
	name, dir := s.ownCgroup()
	pid := s.sleeper()
	s.must(os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(pid)), 0))
	b := s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/" + name })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "container's cgroup is not empty: 1 process(es) found")
	if processState(pid) != "S" {
		s.errorf("the process that was there is now %q", processState(pid))
	}
	s.stopHelpers()
	removeCgroup(dir)
}

func TestCgroupsFrozenBefore(t *testing.T) {
	s := begin(t)
	name, dir := s.ownCgroup()
	file, value := "freezer.state", "FROZEN"
	if suite.view == "v2" {
		file, value = "cgroup.freeze", "1"
	}
	s.must(os.WriteFile(filepath.Join(dir, file), []byte(value), 0))
	b := s.bundle(func(c *specs.Spec) { c.Linux.CgroupsPath = "/" + name })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "container's cgroup unexpectedly frozen")
	removeCgroup(dir)
}
