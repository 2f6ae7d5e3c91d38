package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// units lists the units of systemd that containers of this scenario have left.
func (s *scenario) units() []string {
	if !hasSystemd() {
		return nil
	}
	pattern := fmt.Sprintf("*it-%d-*", os.Getpid())
	// A unit goes a moment after its last process.
	for range 50 {
		out, err := exec.Command("systemctl", "list-units", "--all", "--plain", "--no-legend", pattern).Output()
		s.must(err)
		if len(out) == 0 {
			return nil
		}
		if time.Sleep(20 * time.Millisecond); s.t.Failed() {
			return strings.Split(strings.TrimSpace(string(out)), "\n")
		}
	}
	return []string{pattern}
}

// systemd skips where there is none.
func (s *scenario) systemd() {
	s.t.Helper()
	if !hasSystemd() {
		s.without("systemd", "systemd does not manage this machine")
	}
}

// show reads properties of a unit.
func (s *scenario) show(unit string, properties ...string) string {
	s.t.Helper()
	out, err := exec.Command("systemctl", "show", unit, "-p", strings.Join(properties, ",")).Output()
	s.must(err)
	return string(out)
}

func limits(r *specs.LinuxResources) {
	r.Memory = &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}
	r.Pids = &specs.LinuxPids{Limit: ptr(int64(20))}
	r.CPU = &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(100000))}
}

func TestSystemdScope(t *testing.T) {
	s := begin(t)
	s.systemd()
	b := s.bundle(resources(limits), sh("echo up; sleep 100"), func(c *specs.Spec) {
		c.Annotations = map[string]string{"org.systemd.property.TimeoutStopSec": "7"}
	})
	id := s.id()
	s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
	pid := s.state(id).Pid
	unit := suite.kind + "-" + id + ".scope"
	dir := s.cgroupOf(pid, "memory")
	s.contains("the cgroup", dir, "/system.slice/"+unit)
	file, text := "memory.max", "MemoryMax=67108864"
	if suite.view == "v1" {
		file, text = "memory.limit_in_bytes", "MemoryLimit=67108864"
	}
	equal(s, "limit in the file", s.read(filepath.Join(dir, file)), "67108864")
	shown := s.show(unit, "MemoryMax", "MemoryLimit", "TasksMax", "CPUQuotaPerSecUSec", "Delegate", "TimeoutStopUSec", "Slice", "DefaultDependencies")
	for _, want := range []string{text, "TasksMax=20", "CPUQuotaPerSecUSec=500ms", "Delegate=yes", "TimeoutStopUSec=7s", "Slice=system.slice", "DefaultDependencies=no"} {
		s.contains("properties", shown, want+"\n")
	}
	s.run("start", id).ok()
	r := s.run("exec", id, "cat", "/proc/self/cgroup").ok()
	if suite.view == "v2" {
		equal(s, "the cgroup of exec, from inside", r.out, "0::/\n")
	} else {
		s.contains("the cgroup of exec", r.out, unit)
	}
	s.run("pause", id).ok()
	s.status(id, "paused")
	s.run("resume", id).ok()
	s.must(exec.Command("systemctl", "daemon-reload").Run())
	equal(s, "limit after daemon-reload", s.read(filepath.Join(dir, file)), "67108864")
	s.run("delete", "--force", id).ok()
	if exists(dir) {
		s.errorf("%s is left", dir)
	}
}

func TestSystemdPath(t *testing.T) {
	s := begin(t)
	s.systemd()
	id := s.id()
	b := s.bundle(sh("echo up; sleep 100"), func(c *specs.Spec) { c.Linux.CgroupsPath = "it-a.slice:pre:" + id })
	s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
	s.contains("the cgroup", s.cgroupOf(s.state(id).Pid, "memory"), "/it.slice/it-a.slice/pre-"+id+".scope")
	s.run("delete", id).ok()
	s.must(exec.Command("systemctl", "stop", "it.slice").Run())
	for path, want := range map[string]string{
		"/a":            "/linux/cgroupsPath: expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"/a\" instead",
		"a/b.slice:p:n": "/linux/cgroupsPath: invalid slice name: a/b.slice",
	} {
		b.edit(func(c *specs.Spec) { c.Linux.CgroupsPath = path })
		s.run("--systemd-cgroup", "create", "-b", b.dir, s.id()).failsWith(1, want)
	}
	b.edit(func(c *specs.Spec) {
		c.Linux.CgroupsPath, c.Annotations = "", map[string]string{"org.systemd.property.X": "1"}
	})
	s.run("--systemd-cgroup", "create", "-b", b.dir, s.id()).failsWith(1, "org.systemd.property.X name incorrect: too short")
	b.edit(func(c *specs.Spec) { c.Annotations = map[string]string{"org.systemd.property.NoSuchThing": "true"} })
	s.run("--systemd-cgroup", "create", "-b", b.dir, s.id()).failsWith(1, "error creating systemd unit")
}

// An update holds in the file and in the unit, and one that fails in neither.
func TestSystemdUpdate(t *testing.T) {
	s := begin(t)
	s.systemd()
	b := s.bundle(resources(limits), sh("echo up; sleep 100"))
	id := s.id()
	s.run("--systemd-cgroup", "run", "-d", "-b", b.dir, id).ok().waitFor("up\n")
	unit := suite.kind + "-" + id + ".scope"
	s.run("update", "--pids-limit", "33", "--cpu-quota", "20000", id).ok()
	equal(s, "pids", s.cgroupFile(s.state(id).Pid, "pids", "pids.max"), "33")
	shown := s.show(unit, "TasksMax", "CPUQuotaPerSecUSec")
	s.contains("properties", shown, "TasksMax=33\n")
	s.contains("properties", shown, "CPUQuotaPerSecUSec=200ms\n")
	s.must(exec.Command("systemctl", "daemon-reload").Run())
	equal(s, "pids after daemon-reload", s.cgroupFile(s.state(id).Pid, "pids", "pids.max"), "33")
	s.run("update", "--pids-limit", "44", "--cpuset-cpus", "4000", id).exits(1)
	equal(s, "pids after a failed update", s.cgroupFile(s.state(id).Pid, "pids", "pids.max"), "33")
	s.contains("properties after a failed update", s.show(unit, "TasksMax"), "TasksMax=33\n")
}

// Other device rules stay when systemd applies its own view again.
func TestSystemdUpdateDevices(t *testing.T) {
	s := begin(t)
	s.differs("runc", "cannot change device rules of a container")
	s.systemd()
	b := s.bundle(writable, capabilities("CAP_MKNOD"), sh("mknod /kmsg c 1 11; echo up; sleep 100"))
	id := s.id()
	s.run("--systemd-cgroup", "run", "-d", "-b", b.dir, id).ok().waitFor("up\n")
	const open = "(: >/kmsg) && echo opened; echo x >/dev/null && echo null"
	for _, c := range []struct{ rules, want string }{
		{`[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}]`, "opened\nnull\n"},
		{`[]`, "null\n"},
	} {
		s.run("update", "--devices", "-r", s.write("r.json", `{"devices": `+c.rules+`}`), id).ok()
		equal(s, "after "+c.rules, s.exec(id, nil, "sh", "-c", open).ok().out, c.want)
		s.must(exec.Command("systemctl", "daemon-reload").Run())
		equal(s, "after daemon-reload, "+c.rules, s.exec(id, nil, "sh", "-c", open).ok().out, c.want)
	}
}

// The same id works again at once.
func TestSystemdAgain(t *testing.T) {
	s := begin(t)
	s.systemd()
	id := s.id()
	b := s.bundle(sh("true"))
	for range 5 {
		s.run("--systemd-cgroup", "run", "-b", b.dir, id).ok()
	}
}

// A container's scope is not another container's, even of another state root.
func TestSystemdTaken(t *testing.T) {
	s := begin(t)
	s.systemd()
	id := s.id()
	b := s.bundle(sh("sleep 100"))
	s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
	pid := s.state(id).Pid
	other := filepath.Join(s.dir, "other")
	c := s.cmd("--root", other, "--systemd-cgroup", "create", "-b", b.dir, id)
	c.noRoot = true
	c.run().failsWith(1, "container's cgroup is not empty")
	if syscall.Kill(pid, 0) != nil {
		s.errorf("the first container was ended")
	}
	s.must(os.RemoveAll(other))
}

// What a create leaves that is killed, whenever, delete --force removes.
func TestSystemdCrash(t *testing.T) {
	var b *bundle
	var id string
	begin(t).systemd()
	sweep(t, killSteps(t), 100*time.Millisecond, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.id()
		return s.cmd("--systemd-cgroup", "create", "-b", b.dir, id)
	}, func(s *scenario) { s.run("delete", "--force", id).ok() })
}

// A delete that is killed can be given again.
func TestSystemdCrashOfDelete(t *testing.T) {
	var b *bundle
	var id string
	begin(t).systemd()
	sweep(t, killSteps(t)/4+1, 40*time.Millisecond, func(s *scenario) *command {
		if b == nil {
			b = s.bundle(sh("sleep 100"))
		}
		id = s.id()
		s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
		return s.cmd("delete", "--force", id)
	}, func(s *scenario) { s.run("delete", "--force", id).ok() })
}

// The kernel ends who goes beyond the limit, and nothing of the unit stays, failed or not.
func TestSystemdOOM(t *testing.T) {
	s := begin(t)
	s.systemd()
	b := s.bundle(resources(limits), sh("dd if=/dev/zero of=/dev/null bs=200M count=1; echo exit $?"))
	equal(s, "output", s.run("--systemd-cgroup", "run", "-b", b.dir, s.id()).ok().out, "exit 137\n")
	b.edit(resources(func(r *specs.LinuxResources) { r.Memory = &specs.LinuxMemory{Limit: ptr(int64(4096))} }))
	want := "container init was OOM-killed (memory limit too low?)"
	if suite.view == "v1" {
		want = "unable to set memory limit to 4096" // the kernel refuses what is used already
	}
	s.run("--systemd-cgroup", "run", "-b", b.dir, s.id()).failsWith(1, want)
}

// A program that ends by itself leaves no unit, before anybody deletes the container.
func TestSystemdEnded(t *testing.T) {
	s := begin(t)
	s.systemd()
	id := s.id()
	b := s.bundle(sh("true"))
	s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.eventually("systemd removes the scope", func() bool {
		return strings.Contains(s.show(suite.kind+"-"+id+".scope", "LoadState"), "LoadState=not-found")
	})
	s.run("delete", id).ok()
}

// Without the record that names the unit, delete --force finds it.
func TestSystemdLostRecord(t *testing.T) {
	s := begin(t)
	s.systemd()
	s.differs("runc", "it keeps no such record")
	b := s.bundle(sh("sleep 100"))
	for _, path := range []string{"", "it-lost.slice:pre:NAME"} {
		id := s.id()
		b.edit(func(c *specs.Spec) { c.Linux.CgroupsPath = strings.Replace(path, "NAME", id, 1) })
		s.run("--systemd-cgroup", "create", "-b", b.dir, id).ok()
		pid := s.state(id).Pid
		s.must(os.Remove(filepath.Join(s.root, id, "record")))
		s.run("delete", "--force", id).ok()
		if !gone(pid) {
			s.errorf("process %d is left", pid)
		}
	}
	s.must(exec.Command("systemctl", "stop", "it.slice").Run())
}

// A container that fits in no more than its own process is made nevertheless.
func TestSystemdFewTasks(t *testing.T) {
	s := begin(t)
	s.systemd()
	b := s.bundle(args("true"))
	for limit := range int64(4) {
		b.edit(resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: ptr(limit)} }))
		s.run("--systemd-cgroup", "run", "-b", b.dir, s.id()).ok()
	}
}

func TestSystemdMissing(t *testing.T) {
	s := begin(t)
	if hasSystemd() {
		t.Skip("systemd manages this machine: there is no error to see")
	}
	b := s.bundle()
	s.differs("crun", "it says this in other words")
	s.run("--systemd-cgroup", "create", "-b", b.dir, s.id()).failsWith(1, "systemd not running on this host, cannot use systemd cgroups manager")
}

// The features say that both managers can be used.
func TestSystemdFeatures(t *testing.T) {
	s := begin(t)
	out := s.run("features").ok().out
	s.contains("features", out, `"systemd": true`)
	s.contains("features", out, `"systemdUser": true`)
}
