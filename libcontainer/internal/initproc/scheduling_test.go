package initproc

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

func TestScheduler(t *testing.T) {
	realtime := exec.Command("busybox", "chrt", "-f", "1", "true").Run() == nil
	for _, c := range []struct {
		step plan.Scheduler
		want string
	}{
		{plan.Scheduler{Policy: "SCHED_OTHER", Number: 0, Nice: -3}, "-3 0 0"},
		{plan.Scheduler{Policy: "SCHED_BATCH", Number: 3, Nice: 7}, "7 0 3"},
		{plan.Scheduler{Policy: "SCHED_IDLE", Number: 5}, "0 0 5"},
		{plan.Scheduler{Policy: "SCHED_FIFO", Number: 1, Priority: 11}, "0 11 1"},
		{plan.Scheduler{Policy: "SCHED_RR", Number: 2, Priority: 3}, "0 3 2"},
		{plan.Scheduler{Policy: "SCHED_RR", Number: 2, Priority: 3, Flags: 1}, "0 3 2"},
	} {
		if c.step.Priority > 0 && !realtime {
			t.Logf("%s: left out: no process of this cgroup may have a real-time policy", c.step.Action())
			continue
		}
		out := runPlan(t, 0, append([]plan.Step{c.step}, shell(`set -- $(busybox sed 's/.*) //' /proc/$$/stat); echo ${17} ${38} ${39}`)...)...)
		if err := out.failed(); err != nil {
			t.Errorf("%s: %v", c.step.Action(), err)
		} else if out.stdout != c.want {
			t.Errorf("%s: nice, priority, policy %q, want %q", c.step.Action(), out.stdout, c.want)
		}
	}
	bad := plan.Scheduler{Policy: "SCHED_FIFO", Number: 1, Priority: 1000}
	fails(t, 0, unix.EINVAL, bad, append([]plan.Step{bad}, shell("true")...)...)
}

// A deadline is granted to who may run on all CPUs.
func TestSchedulerDeadline(t *testing.T) {
	step := plan.Scheduler{Policy: "SCHED_DEADLINE", Number: 6, Runtime: 1e6, Deadline: 10e6, Period: 20e6, Flags: 1}
	out := runPlan(t, 0, append([]plan.Step{step}, shell(`set -- $(busybox sed 's/.*) //' /proc/$$/stat); echo ${39}`)...)...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if out.stdout != "6" {
		t.Errorf("policy %q", out.stdout)
	}
}

func TestIOPriority(t *testing.T) {
	for want, step := range map[string]plan.IOPriority{
		"realtime: prio 2":    {Class: "IOPRIO_CLASS_RT", Number: 1, Priority: 2},
		"best-effort: prio 6": {Class: "IOPRIO_CLASS_BE", Number: 2, Priority: 6},
		"idle":                {Class: "IOPRIO_CLASS_IDLE", Number: 3, Priority: 0},
	} {
		out := runPlan(t, 0, append([]plan.Step{step}, shell(`busybox ionice -p $$`)...)...)
		if err := out.failed(); err != nil || !strings.HasPrefix(out.stdout, want) {
			t.Errorf("%v, output %q, want %q", err, out.stdout, want)
		}
	}
}

func TestPersonality(t *testing.T) {
	out := runPlan(t, 0, append([]plan.Step{plan.Personality{Domain: "LINUX32", Number: 8}}, shell(`cat /proc/self/personality`)...)...)
	if err := out.failed(); err != nil || out.stdout != "00000008" {
		t.Errorf("%v, output %q", err, out.stdout)
	}
}

func TestMemoryPolicy(t *testing.T) {
	if _, err := os.Stat("/proc/self/numa_maps"); err != nil {
		t.Skip("this kernel has no memory nodes")
	}
	mask := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for want, step := range map[string]plan.MemoryPolicy{
		"bind:0":          {Mode: "MPOL_BIND", Number: 2, Nodes: "0", Mask: mask},
		"interleave:0":    {Mode: "MPOL_INTERLEAVE", Number: 3, Nodes: "0", Mask: mask},
		"bind=static:0":   {Mode: "MPOL_BIND", Number: 2 | 1<<15, Nodes: "0", Mask: mask},
		"prefer (many):0": {Mode: "MPOL_PREFERRED_MANY", Number: 5, Nodes: "0", Mask: mask},
		"local":           {Mode: "MPOL_LOCAL", Number: 4},
		"default":         {Mode: "MPOL_DEFAULT"},
	} {
		out := runPlan(t, 0, append([]plan.Step{step}, shell(`busybox head -n 1 /proc/self/numa_maps`)...)...)
		if err := out.failed(); err != nil || !strings.Contains(out.stdout, " "+want+" ") {
			t.Errorf("%v, output %q, want %q", err, out.stdout, want)
		}
	}
	// The last bit of the last word counts, and no node has it.
	bad := plan.MemoryPolicy{Mode: "MPOL_BIND", Number: 2, Nodes: "63", Mask: []byte{0, 0, 0, 0, 0, 0, 0, 0x80}}
	fails(t, 0, unix.EINVAL, bad, append([]plan.Step{bad}, shell("true")...)...)
}

// The runtime's own CPUs are not the container's.
func TestAffinityReset(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one CPU cannot be told from all")
	}
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	status := shell(`busybox sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status`)
	inherited := runPlan(t, 0, status...)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	pinned := runPlan(t, 0, status...)
	free := runPlan(t, 0, append([]plan.Step{plan.CPUAffinity{}}, status...)...)
	if err := free.failed(); err != nil {
		t.Fatal(err)
	}
	if free.stdout == pinned.stdout {
		t.Errorf("CPUs %s, as those of who started it", free.stdout)
	}
	// An init that says nothing of CPUs is not begun on one only.
	if inherited.stdout == pinned.stdout {
		t.Errorf("CPUs %s, where more were inherited", inherited.stdout)
	}
}
