package specconv

import (
	"fmt"
	"math/bits"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// schedulerPolicy gives the kernel's number of a policy (sched(7),
// linux/sched.h).
func schedulerPolicy(name specs.LinuxSchedulerPolicy) (number uint32, ok bool) {
	switch name {
	case specs.SchedOther:
		return 0, true
	case specs.SchedFIFO:
		return 1, true
	case specs.SchedRR:
		return 2, true
	case specs.SchedBatch:
		return 3, true
	case specs.SchedISO:
		return 4, true
	case specs.SchedIdle:
		return 5, true
	case specs.SchedDeadline:
		return 6, true
	}
	return 0, false
}

// schedResetOnFork is SCHED_FLAG_RESET_ON_FORK, schedKeepParams is
// SCHED_FLAG_KEEP_PARAMS (linux/sched.h).
const (
	schedResetOnFork = 0x01
	schedKeepParams  = 0x10
)

func schedulerFlag(name specs.LinuxSchedulerFlag) (bit uint64, ok bool) {
	switch name {
	case specs.SchedFlagResetOnFork:
		return schedResetOnFork, true
	case specs.SchedFlagReclaim:
		return 0x02, true
	case specs.SchedFlagDLOverrun:
		return 0x04, true
	case specs.SchedFlagKeepPolicy:
		return 0x08, true
	case specs.SchedFlagKeepParams:
		return schedKeepParams, true
	case specs.SchedFlagUtilClampMin:
		return 0x20, true
	case specs.SchedFlagUtilClampMax:
		return 0x40, true
	}
	return 0, false
}

func ioPriorityClass(name specs.IOPriorityClass) (number uint32, ok bool) {
	switch name {
	case specs.IOPRIO_CLASS_RT:
		return 1, true
	case specs.IOPRIO_CLASS_BE:
		return 2, true
	case specs.IOPRIO_CLASS_IDLE:
		return 3, true
	}
	return 0, false
}

// maxIOPriority is the lowest priority of a class (ioprio_set(2)).
const maxIOPriority = 7

// personalityDomain gives the kernel's number (linux/personality.h).
func personalityDomain(name specs.LinuxPersonalityDomain) (number uint32, ok bool) {
	switch name {
	case specs.PerLinux:
		return 0, true
	case specs.PerLinux32:
		return 8, true
	}
	return 0, false
}

// maxNode is the highest number that a memory node can have: the kernel is built
// for 1024 at most (NODES_SHIFT).
const maxNode = 1023

// memoryMode gives the kernel's number of a mode (linux/mempolicy.h), and how many
// nodes it is about.
func memoryMode(name specs.MemoryPolicyModeType) (number uint32, nodes nodeCount, ok bool) {
	switch name {
	case specs.MpolDefault:
		return 0, noNodes, true
	case specs.MpolPreferred:
		return 1, anyNodes, true
	case specs.MpolBind:
		return 2, someNodes, true
	case specs.MpolInterleave:
		return 3, someNodes, true
	case specs.MpolLocal:
		return 4, noNodes, true
	case specs.MpolPreferredMany:
		return 5, someNodes, true
	case specs.MpolWeightedInterleave:
		return 6, someNodes, true
	}
	return 0, anyNodes, false
}

type nodeCount uint8

const (
	anyNodes nodeCount = iota
	noNodes
	someNodes
)

func memoryFlag(name specs.MemoryPolicyFlagType) (bit uint32, ok bool) {
	switch name {
	case specs.MpolFStaticNodes:
		return 1 << 15, true
	case specs.MpolFRelativeNodes:
		return 1 << 14, true
	case specs.MpolFNumaBalancing:
		return 1 << 13, true
	}
	return 0, false
}

// fieldError is what is wrong with a field of an object. The field is a pointer from
// the object on, such as "/policy".
type fieldError struct {
	field plan.Cause
	err   error
}

func badField(field plan.Cause, format string, args ...any) *fieldError {
	return &fieldError{field, fmt.Errorf(format, args...)}
}

// readScheduler gives the step for a scheduler, or why there is none.
func readScheduler(s *specs.Scheduler) (plan.Scheduler, *fieldError) {
	number, ok := schedulerPolicy(s.Policy)
	row := plan.Scheduler{
		Policy: string(s.Policy), Number: number, Nice: s.Nice, Priority: s.Priority,
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}
	switch {
	case s.Policy == "":
		return row, badField("/policy", "scheduler policy is required")
	case !ok:
		return row, badField("/policy", "invalid scheduler policy: %s", s.Policy)
	}
	for i, name := range s.Flags {
		bit, ok := schedulerFlag(name)
		if !ok {
			return row, badField(element("/flags", i), "invalid scheduler flag: %s", name)
		}
		row.Flags |= bit
	}
	return row, checkSchedulerFields(s)
}

// checkSchedulerFields refuses what the kernel would pass over for the policy.
func checkSchedulerFields(s *specs.Scheduler) *fieldError {
	const lowest, highest = -20, 19
	switch {
	case (s.Policy == specs.SchedOther || s.Policy == specs.SchedBatch) && (s.Nice < lowest || s.Nice > highest):
		return badField("/nice", "invalid scheduler.nice: %d when scheduler.policy is %s", s.Nice, s.Policy)
	case s.Priority != 0 && s.Policy != specs.SchedFIFO && s.Policy != specs.SchedRR:
		return badField("/priority", "scheduler.priority can only be specified for SchedFIFO or SchedRR policy")
	case s.Policy != specs.SchedDeadline && (s.Runtime != 0 || s.Deadline != 0 || s.Period != 0):
		return badField("", "scheduler runtime/deadline/period can only be specified for SchedDeadline policy")
	}
	return nil
}

func readIOPriority(p *specs.LinuxIOPriority) (plan.IOPriority, *fieldError) {
	number, ok := ioPriorityClass(p.Class)
	row := plan.IOPriority{Class: string(p.Class), Number: number, Priority: uint32(p.Priority)}
	switch {
	case !ok:
		return row, badField("/class", "invalid ioPriority.Class: %q", p.Class)
	case p.Priority < 0 || p.Priority > maxIOPriority:
		return row, badField("/priority", "invalid ioPriority.Priority: %d", p.Priority)
	}
	return row, nil
}

func readPersonality(p *specs.LinuxPersonality) (plan.Personality, *fieldError) {
	number, ok := personalityDomain(p.Domain)
	if !ok {
		return plan.Personality{}, badField("/domain", "invalid personality domain %s", p.Domain)
	}
	return plan.Personality{Domain: string(p.Domain), Number: number}, nil
}

func readMemoryPolicy(p *specs.LinuxMemoryPolicy) (plan.MemoryPolicy, *fieldError) {
	number, nodes, ok := memoryMode(p.Mode)
	row := plan.MemoryPolicy{Mode: string(p.Mode), Number: number, Nodes: p.Nodes}
	if !ok {
		return row, badField("/mode", "invalid memory policy mode %q", p.Mode)
	}
	for i, name := range p.Flags {
		bit, ok := memoryFlag(name)
		if !ok {
			return row, badField(element("/flags", i), "invalid memory policy flag %q", name)
		}
		row.Number |= bit
	}
	if p.Nodes == "" {
		if nodes == someNodes {
			return row, badField("/nodes", "memory policy mode requires at least one node but got 0")
		}
		return row, nil
	}
	mask, err := parseList(p.Nodes, "memory node", maxNode)
	if err != nil {
		return row, badField("/nodes", "invalid memory policy nodes %q: %w", p.Nodes, err)
	}
	if nodes == noNodes {
		return row, badField("/nodes", "memory policy mode requires 0 nodes but got %d", countBits(mask))
	}
	row.Mask = mask
	return row, nil
}

func countBits(mask []byte) (n int) {
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

// failField stops the compilation at a field of an object.
func (c *compiler) failField(object plan.Cause, bad *fieldError) { c.fail(object+bad.field, bad.err) }
