package plan

import (
	"strconv"
	"strings"
)

// Scheduler sets the scheduling policy of the process and its parameters
// (sched_setattr(2)).
type Scheduler struct {
	// Policy is the name, such as "SCHED_FIFO", Number the kernel's number of it.
	Policy string
	Number uint32
	// Flags are the SCHED_FLAG_* bits of the kernel.
	Flags uint64
	// Nice is for the policies that are not real-time ones, Priority for SCHED_FIFO
	// and SCHED_RR.
	Nice, Priority int32
	// Runtime, Deadline and Period are in nanoseconds, for SCHED_DEADLINE.
	Runtime, Deadline, Period uint64
}

// Lane is Init.
func (Scheduler) Lane() Lane { return Init }

// Name is "scheduler".
func (Scheduler) Name() string { return "scheduler" }

// Action describes the step.
func (s Scheduler) Action() string { return "set scheduling policy " + s.Policy }

// Detail lists the parameters that are not zero.
func (s Scheduler) Detail() string {
	var parts []string
	if s.Nice != 0 {
		parts = append(parts, "nice="+strconv.Itoa(int(s.Nice)))
	}
	if s.Priority != 0 {
		parts = append(parts, "priority="+strconv.Itoa(int(s.Priority)))
	}
	for _, time := range [...]struct {
		name  string
		value uint64
	}{{"runtime", s.Runtime}, {"deadline", s.Deadline}, {"period", s.Period}} {
		if time.value != 0 {
			parts = append(parts, time.name+"="+strconv.FormatUint(time.value, 10)+"ns")
		}
	}
	if s.Flags != 0 {
		parts = append(parts, "flags=0x"+strconv.FormatUint(s.Flags, 16))
	}
	return strings.Join(parts, " ")
}

// IOPriority sets the I/O scheduling class and priority of the process group
// (ioprio_set(2)).
type IOPriority struct {
	// Class is the name, such as "IOPRIO_CLASS_BE", Number the kernel's number of it.
	Class    string
	Number   uint32
	Priority uint32
}

// Lane is Init.
func (IOPriority) Lane() Lane { return Init }

// Name is "io-priority".
func (IOPriority) Name() string { return "io-priority" }

// Action describes the step.
func (s IOPriority) Action() string { return "set I/O priority " + s.Class + " " + u32(s.Priority) }

// Detail is empty.
func (IOPriority) Detail() string { return "" }

// Personality sets the execution domain of the process (personality(2)).
type Personality struct {
	// Domain is "LINUX" or "LINUX32", Number the kernel's number of it.
	Domain string
	Number uint32
}

// Lane is Init.
func (Personality) Lane() Lane { return Init }

// Name is "personality".
func (Personality) Name() string { return "personality" }

// Action describes the step.
func (s Personality) Action() string { return "set personality " + s.Domain }

// Detail is empty.
func (Personality) Detail() string { return "" }

// MemoryPolicy sets from which memory nodes the process gets its memory
// (set_mempolicy(2)). The kernel leaves out nodes that the cpuset forbids.
type MemoryPolicy struct {
	// Mode is the name, such as "MPOL_BIND", Number the kernel's number of it with
	// the flags.
	Mode   string
	Number uint32
	// Nodes is the list as configured, Mask has a bit for each of them.
	Nodes string
	Mask  []byte
}

// Lane is Init.
func (MemoryPolicy) Lane() Lane { return Init }

// Name is "memory-policy".
func (MemoryPolicy) Name() string { return "memory-policy" }

// Action describes the step.
func (s MemoryPolicy) Action() string { return "set memory policy " + s.Mode }

// Detail gives the nodes and the flags.
func (s MemoryPolicy) Detail() string {
	var parts []string
	if s.Nodes != "" {
		parts = append(parts, "nodes="+s.Nodes)
	}
	const modeBits = 0xff
	if flags := s.Number &^ modeBits; flags != 0 {
		parts = append(parts, "flags=0x"+strconv.FormatUint(uint64(flags), 16))
	}
	return strings.Join(parts, " ")
}
