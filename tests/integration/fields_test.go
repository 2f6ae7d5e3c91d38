package integration

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// unknownField is why a peer does nothing of what is asked.
const unknownField = "1.1.5 does not know the field"

// scheduleProbe prints nice value, real-time priority and policy (proc_pid_stat(5)).
const scheduleProbe = `set -- $(sed 's/.*) //' /proc/$$/stat); echo ${17} ${38} ${39}`

func scheduler(sched specs.Scheduler) edit {
	return func(c *specs.Spec) { c.Process.Scheduler = &sched }
}

// realtime gives the cgroup the time that real-time policies take from it, which is
// none on version 1 (Linux: Documentation/scheduler/sched-rt-group.rst).
func realtime(c *specs.Spec) {
	if exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us") {
		c.Linux.Resources.CPU = &specs.LinuxCPU{RealtimePeriod: ptr(uint64(1000000)), RealtimeRuntime: ptr(int64(1000))}
	}
}

// needsRealtime skips where the kernel gives real-time policies to the root of cgroup version 2 alone (CONFIG_RT_GROUP_SCHED;
// Linux: Documentation/admin-guide/cgroup-v2.rst, "CPU"), so that the tests themselves cannot have one.
func (s *scenario) needsRealtime() {
	s.t.Helper()
	if suite.view == "v2" && exec.Command("chrt", "--fifo", "1", "true").Run() != nil {
		s.without("realtime", "no process of a cgroup may have a real-time policy here")
	}
}

// N26.
func TestN26Scheduler(t *testing.T) {
	cases := []struct {
		name string
		edit edit
		want string
	}{
		{"other", scheduler(specs.Scheduler{Policy: specs.SchedOther, Nice: -5}), "-5 0 0"},
		{"batch", scheduler(specs.Scheduler{Policy: specs.SchedBatch, Nice: 4}), "4 0 3"},
		{"idle", scheduler(specs.Scheduler{Policy: specs.SchedIdle}), "0 0 5"},
		{"fifo", scheduler(specs.Scheduler{Policy: specs.SchedFIFO, Priority: 7}), "0 7 1"},
		{"round robin", scheduler(specs.Scheduler{Policy: specs.SchedRR, Priority: 8, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork}}), "0 8 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", unknownField)
			b := s.bundle(c.edit, sh(scheduleProbe))
			if strings.HasPrefix(c.want, "0 7") || strings.HasPrefix(c.want, "0 8") {
				s.needsRealtime()
				b.edit(realtime)
			}
			equal(s, "nice, priority, policy", b.payload(), c.want+"\n")
		})
	}
}

// A user namespace takes the rights that a policy needs, not the policy.
func TestFieldsSchedulerInUserNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	s.needsRealtime()
	b := s.bundle(scheduler(specs.Scheduler{Policy: specs.SchedFIFO, Priority: 7, Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork}}), realtime,
		mapped, sh(scheduleProbe+"; (set -- $(sed 's/.*) //' /proc/self/stat); echo ${39})"))
	equal(s, "the program's, its child's", b.payload(), "0 7 1\n0\n")
}

// mapped puts the container into a user namespace.
func mapped(c *specs.Spec) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 0, Size: 65536}}
	c.Linux.UIDMappings, c.Linux.GIDMappings = ids, ids
	namespace(specs.UserNamespace, "")(c)
}

func TestFieldsSchedulerRefused(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	b := s.bundle(scheduler(specs.Scheduler{Policy: specs.SchedFIFO, Priority: 100}))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/process/scheduler: set scheduling policy SCHED_FIFO: invalid argument")
	b.edit(scheduler(specs.Scheduler{Policy: "SCHED_BOGUS"}))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/process/scheduler/policy: invalid scheduler policy: SCHED_BOGUS")
	s.oracle()
}

// N27.
func TestN27IOPriority(t *testing.T) {
	for want, priority := range map[string]specs.LinuxIOPriority{
		"realtime: prio 0\n":    {Class: specs.IOPRIO_CLASS_RT, Priority: 0},
		"best-effort: prio 7\n": {Class: specs.IOPRIO_CLASS_BE, Priority: 7},
		"idle\n":                {Class: specs.IOPRIO_CLASS_IDLE, Priority: 0},
	} {
		t.Run(string(priority.Class), func(t *testing.T) {
			s := begin(t)
			s.differs("runc", unknownField)
			b := s.bundle(func(c *specs.Spec) { c.Process.IOPriority = &priority }, sh("ionice -p $$"))
			equal(s, "priority", b.payload(), want)
		})
	}
}

// N53.
func TestN53Personality(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	b := s.bundle(sh("cat /proc/self/personality"))
	equal(s, "default", b.payload(), "00000000\n")
	b.edit(func(c *specs.Spec) {
		c.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32, Flags: []specs.LinuxPersonalityFlag{"ODD"}}
	})
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "LINUX32", r.out, "00000008\n")
	s.contains("flags are none", r.err, "ignoring unsupported personality flags: ODD")
}

// N48.
func TestN48MemoryPolicy(t *testing.T) {
	s := begin(t)
	if !exists("/proc/self/numa_maps") {
		s.without("numa", "this kernel has no memory nodes")
	}
	s.differs("runc", unknownField)
	b := s.bundle(sh("head -n 1 /proc/self/numa_maps"))
	s.contains("default", b.payload(), " default ")
	b.edit(func(c *specs.Spec) {
		c.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0", Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes}}
	})
	s.contains("bind", b.payload(), " bind=static:0 ")
	b.edit(func(c *specs.Spec) { c.Linux.MemoryPolicy.Nodes = "1000" })
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/linux/memoryPolicy: set memory policy MPOL_BIND: invalid argument; none of the nodes")
}

// An engine may be pinned to a CPU; what it runs is not.
func TestFieldsAffinityIsNotInherited(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 hands its own CPUs on")
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("no taskset")
	}
	b := s.bundle(sh("sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status"))
	all := b.payload()
	pinned := s.cmd("run", "-b", b.dir, s.id()).through("taskset", "-c", "0").ok()
	equal(s, "CPUs of a container of a pinned runtime", pinned.out, all)
	b.edit(mapped)
	pinned = s.cmd("run", "-b", b.dir, s.id()).through("taskset", "-c", "0").ok()
	equal(s, "in a user namespace", pinned.out, all)
}

// No capability raises a limit above what the kernel has for all.
func TestFieldsRlimitAboveNrOpen(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives the number of the limit")
	most := s.read("/proc/sys/fs/nr_open")
	n, err := strconv.ParseUint(most, 10, 64)
	s.must(err)
	b := s.bundle(func(c *specs.Spec) { c.Process.Rlimits = nil }, rlimit("RLIMIT_NOFILE", 1024, n+1))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/process/rlimits/0: set RLIMIT_NOFILE: operation not permitted; it may not be above the sysctl fs.nr_open, which is "+most)
}

// A limit that may not be raised is named.
func TestFieldsRlimitRefused(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives the number of the limit")
	b := s.bundle(rlimit("RLIMIT_MEMLOCK", 1<<40, 1<<40))
	r := s.cmd("run", "-b", b.dir, s.id()).through("/bin/sh", "-c", `ulimit -l 64; exec setpriv --bounding-set -sys_resource "$@"`, "sh")
	r.failsWith(1, "/process/rlimits/1: set RLIMIT_MEMLOCK: operation not permitted; raising a hard limit needs CAP_SYS_RESOURCE")
}
