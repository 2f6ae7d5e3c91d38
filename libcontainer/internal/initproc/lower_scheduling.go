package initproc

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// scheduler passes a struct sched_attr of its first version (sched_setattr(2)).
func (lo *lowerer) scheduler(s plan.Scheduler) {
	const size = 48
	attr := make([]byte, 0, size)
	attr = binary.LittleEndian.AppendUint32(attr, size)
	attr = binary.LittleEndian.AppendUint32(attr, s.Number)
	attr = binary.LittleEndian.AppendUint64(attr, s.Flags)
	attr = binary.LittleEndian.AppendUint32(attr, uint32(s.Nice))
	attr = binary.LittleEndian.AppendUint32(attr, uint32(s.Priority))
	for _, n := range [...]uint64{s.Runtime, s.Deadline, s.Period} {
		attr = binary.LittleEndian.AppendUint64(attr, n)
	}
	lo.sys(unix.SYS_SCHED_SETATTR, imm(0), lo.bytes(attr), imm(0))
}

// ioPriority is about the process group, which the init leads.
func (lo *lowerer) ioPriority(s plan.IOPriority) {
	const whoProcessGroup, classShift = 2, 13
	lo.sys(unix.SYS_IOPRIO_SET, imm(whoProcessGroup), imm(0), imm(s.Number<<classShift|s.Priority))
}

// memoryPolicy gives the number of the mask's bits and one more, which is what the
// kernel takes off (set_mempolicy(2), "BUGS").
func (lo *lowerer) memoryPolicy(s plan.MemoryPolicy) {
	if len(s.Mask) == 0 {
		lo.sys(unix.SYS_SET_MEMPOLICY, imm(s.Number), imm(0), imm(0))
		return
	}
	lo.sys(unix.SYS_SET_MEMPOLICY, imm(s.Number), lo.bytes(s.Mask), imm(8*len(s.Mask)+1))
}
