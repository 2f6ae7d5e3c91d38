package initproc

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

func (lo *lowerer) lowerProcess(step plan.Step) error {
	switch s := step.(type) {
	case plan.Rlimit:
		lo.rlimit(s)
	case plan.Scheduler:
		lo.scheduler(s)
	case plan.IOPriority:
		lo.ioPriority(s)
	case plan.Personality:
		lo.sys(unix.SYS_PERSONALITY, imm(s.Number))
	case plan.MemoryPolicy:
		lo.memoryPolicy(s)
	case plan.NoNewPrivileges:
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_NO_NEW_PRIVS), imm(1), imm(0), imm(0), imm(0))
	case plan.Seccomp:
		lo.seccomp(s)
	case plan.BoundingSet:
		lo.stdio()
		for bit := range s.Last + 1 {
			if !s.Keep.Has(bit) {
				lo.sys(unix.SYS_PRCTL, imm(unix.PR_CAPBSET_DROP), imm(uint32(bit)), imm(0), imm(0), imm(0))
			}
		}
	case plan.SetIDs:
		lo.setIDs(s)
	case plan.Capabilities:
		lo.capabilities(s)
	case plan.Umask:
		lo.sys(unix.SYS_UMASK, imm(s.Mask))
	case plan.Chdir:
		lo.chdir(s)
	case plan.Lookup:
		lo.lookup(s)
	case plan.Exec:
		lo.finalize()
		lo.add(OpExec, 0, slot(slotExe), lo.strings(s.Args), lo.strings(s.Env))
	default:
		return unsupported(step)
	}
	return nil
}

func (lo *lowerer) seccomp(s plan.Seccomp) {
	lo.finalize()
	filter := lo.bytes(s.Filter)
	// struct sock_fprog: a 16-bit length, padding, a pointer
	prog := lo.words(uint64(len(s.Filter)/8), filter.value)
	lo.relocs = append(lo.relocs, uint32(prog.value)+8)
	if s.Listener {
		lo.add(OpSync, 0, imm(TagSeccomp))
		lo.add(OpListen, unix.SYS_SECCOMP, imm(s.Flags|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER), prog)
		return
	}
	const setModeFilter = 1
	lo.sys(unix.SYS_SECCOMP, imm(setModeFilter), imm(s.Flags), prog)
}

// stdio is adjusted while the init may still do so: streams of the host's null
// device become the container's own, the others belong to its user.
func (lo *lowerer) stdio() {
	user := lo.user()
	for fd := range 3 {
		switch {
		case lo.layout.NullStdio[fd]:
			lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str("/dev/null"), lo.how(unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, resolveInRoot), imm(24)).
				to(slotTmp).tolerate(unix.ENOENT).ifOK(slotRoot)
			lo.add(OpVerify, 0, slot(slotTmp), imm(unix.S_IFCHR), imm(rdev(1, 3)), imm(0), imm(int(ErrOtherNull))).ifOK(slotTmp)
			lo.sys(unix.SYS_DUP3, slot(slotTmp), imm(fd), imm(0)).ifOK(slotTmp)
			lo.close(slotTmp).ifOK(slotTmp)
		case lo.layout.OwnStdio[fd]:
			lo.sys(unix.SYS_FCHOWN, imm(fd), imm(user), imm(^uint32(0))).
				tolerate(unix.EPERM, unix.EROFS, unix.EINVAL)
		}
	}
	if lo.briefRoot {
		lo.close(slotRoot)
	}
}

// ErrOtherNull is a /dev/null of the container that is not the null device. Like ELOOP, for
// one that is a link, it is an error of no other call of the steps that stdio is part of.
const ErrOtherNull = unix.EBADR

// user is the one that the program runs as: the last that the plan changes to.
func (lo *lowerer) user() uint32 {
	for i := len(lo.plan.Entries) - 1; i >= 0; i-- {
		if ids, ok := lo.plan.Entries[i].Step.(plan.SetIDs); ok {
			return ids.UID
		}
	}
	return 0
}

func (lo *lowerer) setIDs(s plan.SetIDs) {
	if s.KeepCaps {
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_KEEPCAPS), imm(1), imm(0), imm(0), imm(0))
	}
	list := make([]byte, 0, 4*len(s.Groups))
	for _, g := range s.Groups {
		list = binary.LittleEndian.AppendUint32(list, g)
	}
	groups := lo.sys(unix.SYS_SETGROUPS, imm(len(s.Groups)), lo.bytes(list))
	if s.NoGroups {
		groups.tolerate(unix.EPERM)
	}
	lo.sys(unix.SYS_SETRESGID, imm(s.GID), imm(s.GID), imm(s.GID))
	lo.sys(unix.SYS_SETRESUID, imm(s.UID), imm(s.UID), imm(s.UID))
	if s.KeepCaps {
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_KEEPCAPS), imm(0), imm(0), imm(0), imm(0))
	}
	if int(lo.step) < len(lo.plan.Entries) && lo.plan.Entries[lo.step].Phase == plan.Namespaces {
		lo.keepGuarded()
	}
}

// capabilities sets the sets of capset(2) and then the ambient one, which was
// the runtime's until here.
func (lo *lowerer) capabilities(s plan.Capabilities) {
	half := func(set plan.CapSet, n int) uint64 { return uint64(set) >> (32 * n) & 0xffffffff }
	header := lo.words(unix.LINUX_CAPABILITY_VERSION_3)
	var data [24]byte
	for n := range 2 {
		binary.LittleEndian.PutUint32(data[12*n:], uint32(half(s.Effective, n)))
		binary.LittleEndian.PutUint32(data[12*n+4:], uint32(half(s.Permitted, n)))
		binary.LittleEndian.PutUint32(data[12*n+8:], uint32(half(s.Inheritable, n)))
	}
	lo.sys(unix.SYS_CAPSET, header, lo.bytes(data[:]))
	lo.sys(unix.SYS_PRCTL, imm(unix.PR_CAP_AMBIENT), imm(unix.PR_CAP_AMBIENT_CLEAR_ALL), imm(0), imm(0), imm(0))
	for bit := range uint8(64) {
		if s.Ambient.Has(bit) {
			// refused for what is not both permitted and inheritable; the
			// compiler has warned of it
			lo.sys(unix.SYS_PRCTL, imm(unix.PR_CAP_AMBIENT), imm(unix.PR_CAP_AMBIENT_RAISE), imm(uint32(bit)), imm(0), imm(0)).
				tolerate(unix.EPERM)
		}
	}
}

// chdir changes the directory and makes sure that it is in the root: a
// descriptor that leaked may lead outside of it (CVE-2024-21626).
func (lo *lowerer) chdir(s plan.Chdir) {
	o := lo.sys(unix.SYS_CHDIR, lo.str(s.Path)).to(slotTmp)
	if s.Retry {
		// nothing between the two tries uses the slot
		o.ifErr(slotTmp)
	}
	if s.Tolerant {
		o.tolerate(unix.EACCES, unix.EPERM)
	}
	lo.add(OpCwd, 0).ifOK(slotTmp)
}

func (lo *lowerer) lookup(s plan.Lookup) {
	list := make([]byte, 0, 256)
	for _, c := range s.Candidates {
		list = append(append(list, c...), 0)
	}
	lo.add(OpFindExe, 0, lo.bytes(list), imm(len(s.Candidates))).to(slotExe)
}
