package specconv

import (
	"errors"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

func TestValidateScheduler(t *testing.T) {
	scheduler := func(text string) string { return `{"process": {"scheduler": {` + text + `}}}` }
	const all = "process scheduler can't be used together with AllowedCPUs"
	checkRows(t, []row{
		{name: "N26 no policy", patch: scheduler(``), want: "/process/scheduler/policy: scheduler policy is required"},
		{name: "N26 unknown policy", patch: scheduler(`"policy": "X"`), want: "/process/scheduler/policy: invalid scheduler policy: X"},
		{name: "N26 nice", patch: scheduler(`"policy": "SCHED_OTHER", "nice": 100`), want: "/process/scheduler/nice: invalid scheduler.nice: 100 when scheduler.policy is SCHED_OTHER"},
		{name: "N26 nice below", patch: scheduler(`"policy": "SCHED_BATCH", "nice": -21`), want: "/process/scheduler/nice: invalid scheduler.nice: -21 when scheduler.policy is SCHED_BATCH"},
		{name: "N26 nice at its ends", patch: scheduler(`"policy": "SCHED_BATCH", "nice": -20`)},
		{name: "N26 nice means nothing for others", patch: scheduler(`"policy": "SCHED_FIFO", "nice": 100, "priority": 1`)},
		{name: "N26 priority", patch: scheduler(`"policy": "SCHED_OTHER", "priority": 1`), want: "/process/scheduler/priority: scheduler.priority can only be specified for SchedFIFO or SchedRR policy"},
		{name: "N26 runtime", patch: scheduler(`"policy": "SCHED_RR", "runtime": 1`), want: "/process/scheduler: scheduler runtime/deadline/period can only be specified for SchedDeadline policy"},
		{name: "N26 deadline", patch: scheduler(`"policy": "SCHED_DEADLINE", "runtime": 1, "deadline": 2, "period": 3`)},
		{name: "N26 flag", patch: scheduler(`"policy": "SCHED_ISO", "flags": ["SCHED_FLAG_RECLAIM", "X"]`), want: "/process/scheduler/flags/1: invalid scheduler flag: X"},
		{name: "N26 all flags", patch: scheduler(`"policy": "SCHED_IDLE", "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN",
			"SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"]`)},
		{name: "N26 deadline in a cpuset", patch: `{"process": {"scheduler": {"policy": "SCHED_DEADLINE"}}, "linux": {"resources": {"cpu": {"cpus": "0"}}}}`, want: "/process/scheduler/policy: " + all},
		{name: "N26 another in a cpuset", patch: `{"process": {"scheduler": {"policy": "SCHED_IDLE"}}, "linux": {"resources": {"cpu": {"cpus": "0"}}}}`},
	})
}

func TestValidateIOPriority(t *testing.T) {
	priority := func(text string) string { return `{"process": {"ioPriority": {` + text + `}}}` }
	checkRows(t, []row{
		{name: "N27 class", patch: priority(`"class": "X", "priority": 1`), want: `/process/ioPriority/class: invalid ioPriority.Class: "X"`},
		{name: "N27 no class", patch: priority(`"priority": 1`), want: `/process/ioPriority/class: invalid ioPriority.Class: ""`},
		{name: "N27 priority", patch: priority(`"class": "IOPRIO_CLASS_BE", "priority": 9`), want: "/process/ioPriority/priority: invalid ioPriority.Priority: 9"},
		{name: "N27 negative", patch: priority(`"class": "IOPRIO_CLASS_RT", "priority": -1`), want: "/process/ioPriority/priority: invalid ioPriority.Priority: -1"},
		{name: "N27 fine", patch: priority(`"class": "IOPRIO_CLASS_IDLE", "priority": 7`)},
	})
}

func TestValidateMemoryPolicy(t *testing.T) {
	policy := func(text string) string { return `{"linux": {"memoryPolicy": {` + text + `}}}` }
	checkRows(t, []row{
		{name: "N48 no mode", patch: policy(``), want: `/linux/memoryPolicy/mode: invalid memory policy mode ""`},
		{name: "N48 mode", patch: policy(`"mode": "X"`), want: `/linux/memoryPolicy/mode: invalid memory policy mode "X"`},
		{name: "N48 flag", patch: policy(`"mode": "MPOL_BIND", "nodes": "0", "flags": ["X"]`), want: `/linux/memoryPolicy/flags/0: invalid memory policy flag "X"`},
		{name: "N48 nodes", patch: policy(`"mode": "MPOL_BIND", "nodes": "x"`), want: `/linux/memoryPolicy/nodes: invalid memory policy nodes "x": "x" is not the number of a memory node`},
		{name: "N48 nodes backwards", patch: policy(`"mode": "MPOL_BIND", "nodes": "3-1"`), want: `/linux/memoryPolicy/nodes: invalid memory policy nodes "3-1": invalid range: 3-1`},
		{name: "N48 node beyond all", patch: policy(`"mode": "MPOL_BIND", "nodes": "1024"`), want: `/linux/memoryPolicy/nodes: invalid memory policy nodes "1024": memory node 1024 is out of range 0-1023`},
		{name: "N48 bind without nodes", patch: policy(`"mode": "MPOL_BIND"`), want: "/linux/memoryPolicy/nodes: memory policy mode requires at least one node but got 0"},
		{name: "N48 interleave without nodes", patch: policy(`"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": ""`), want: "/linux/memoryPolicy/nodes: memory policy mode requires at least one node but got 0"},
		{name: "N48 default with nodes", patch: policy(`"mode": "MPOL_DEFAULT", "nodes": "0"`), want: "/linux/memoryPolicy/nodes: memory policy mode requires 0 nodes but got 1"},
		{name: "N48 local with nodes", patch: policy(`"mode": "MPOL_LOCAL", "nodes": "0,2-3"`), want: "/linux/memoryPolicy/nodes: memory policy mode requires 0 nodes but got 3"},
		{name: "N48 preferred without nodes is local", patch: policy(`"mode": "MPOL_PREFERRED"`)},
		{name: "N48 empty nodes", patch: policy(`"mode": "MPOL_DEFAULT", "nodes": ""`)},
		{name: "N48 all flags", patch: policy(`"mode": "MPOL_PREFERRED_MANY", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]`)},
	})
}

func TestValidatePersonality(t *testing.T) {
	personality := func(text string) string { return `{"linux": {"personality": {` + text + `}}}` }
	checkRows(t, []row{
		{name: "N53 no domain", patch: personality(``), want: "/linux/personality/domain: invalid personality domain "},
		{name: "N53 domain", patch: personality(`"domain": "BSD"`), want: "/linux/personality/domain: invalid personality domain BSD"},
		{name: "N53 flags", patch: personality(`"domain": "LINUX32", "flags": ["A", "B"]`), want: "W /linux/personality/flags: ignoring unsupported personality flags: A, B"},
		{name: "N53 fine", patch: personality(`"domain": "LINUX"`)},
	})
}

// What slips through validation stops the compiler, and never without a pointer.
func TestCompileBadScheduling(t *testing.T) {
	for patch, want := range map[string]plan.Cause{
		`{"process": {"scheduler": {"policy": "X"}}}`:             "/process/scheduler/policy",
		`{"process": {"ioPriority": {"class": "X"}}}`:             "/process/ioPriority/class",
		`{"linux": {"personality": {"domain": "X"}}}`:             "/linux/personality/domain",
		`{"linux": {"memoryPolicy": {"mode": "MPOL_BIND"}}}`:      "/linux/memoryPolicy/nodes",
		`{"linux": {"memoryPolicy": {"mode": "MPOL_UNHEARDOF"}}}`: "/linux/memoryPolicy/mode",
	} {
		spec, err := Decode(change(t, good, patch))
		if err != nil {
			t.Fatal(err)
		}
		b := &Bundle{Dir: "/b", Spec: spec}
		_, _, err = Compile(b, testOptions(b))
		var problem Problem
		if !errors.As(err, &problem) || problem.Pointer != want {
			t.Errorf("%s: %v", patch, err)
		}
	}
}
