package initproc

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// joinContainer enters the namespaces of the process whose pidfd is handed over in
// the place of namespaces. Until the fork into the pid namespace no process of the
// container can see this one, but root of its user namespace has rights over it
// once it is in there.
func (lo *lowerer) joinContainer(s plan.JoinContainer) {
	pidfd := imm(lo.layout.firstNamespace() + lo.joins)
	lo.joins++
	lo.undumpable()
	lo.sys(unix.SYS_SETNS, pidfd, imm(uint64(s.Namespaces)))
	lo.sys(unix.SYS_CLOSE, pidfd)
	if s.Namespaces&plan.NamespaceUser != 0 {
		// Other rights undo both (prctl(2), PR_SET_PDEATHSIG and PR_SET_DUMPABLE).
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_PDEATHSIG), imm(int(unix.SIGKILL)))
		lo.undumpable()
	}
	if s.Namespaces&plan.NamespaceMount != 0 {
		// For the terminal and the null device; see stdio.
		lo.briefRoot = true
		lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/"), lo.how(unix.O_PATH|unix.O_DIRECTORY, 0), imm(24)).to(slotRoot)
	}
}

// maskAll is the size in bytes of a mask with a bit for every CPU that any kernel
// knows (NR_CPUS is 8192 at most). The kernel ignores those that it has not.
const maskAll = 1024

// affinity is a wish: the kernel grants what the cgroup has of it, and refuses one
// of which it has nothing.
func (lo *lowerer) affinity(s plan.CPUAffinity) {
	lo.setsAffinity = true
	if len(s.Mask) > 0 {
		lo.sys(unix.SYS_SCHED_SETAFFINITY, imm(0), imm(len(s.Mask)), lo.bytes(s.Mask))
		return
	}
	// A sandbox around the runtime may forbid what nobody has asked for.
	lo.sys(unix.SYS_SCHED_SETAFFINITY, imm(0), imm(maskAll), lo.bytes(bytes.Repeat([]byte{0xff}, maskAll))).
		tolerate(unix.EPERM, unix.ENOSYS)
}
