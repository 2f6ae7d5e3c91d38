package initproc

import (
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// keepGuarded does again what a change of ids undoes: it takes back that the init
// ends with the runtime and, depending on fs.suid_dumpable, lets it be traced
// (prctl(2), PR_SET_PDEATHSIG and PR_SET_DUMPABLE).
func (lo *lowerer) keepGuarded() {
	lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_PDEATHSIG), imm(int(unix.SIGKILL)))
	lo.undumpable()
}

// rlimit sets a limit, or prepares for that with what the runtime's own is not enough.
func (lo *lowerer) rlimit(s plan.Rlimit) {
	switch {
	case !s.Raise:
		lo.sys(unix.SYS_PRLIMIT64, imm(0), imm(s.Resource), lo.words(s.Soft, s.Hard), imm(0))
	case lo.layout.HardLimit == nil || lo.layout.HardLimit(s.Resource) < s.Hard:
		lo.sys(unix.SYS_PRLIMIT64, imm(0), imm(s.Resource), lo.words(s.Hard, s.Hard), imm(0))
	}
}

// openTimeOffsets opens the file that the offsets are written to before the init
// hides from others: from then on the file belongs to the host's root. The write is
// judged by the rights of who has opened the file.
func (lo *lowerer) openTimeOffsets() {
	lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/proc/self/timens_offsets"),
		lo.how(unix.O_WRONLY, unix.RESOLVE_NO_MAGICLINKS), imm(24)).to(slotTime).tolerate(unix.ENOENT)
	lo.add(OpVerify, 0, slot(slotTime), imm(unix.S_IFREG), imm(0), imm(procMagic), imm(int(unix.EXDEV))).ifOK(slotTime)
}

// takeSource receives the next mount that the runtime hands over. It is a slave of
// what it was cloned from; see TreePropagation for what it has to be.
func (lo *lowerer) takeSource(to uint8) {
	queue := imm(lo.layout.sources())
	lo.add(OpRecvFD, 0, queue).to(to)
	lo.taken++
	if lo.taken == lo.layout.Sources {
		lo.sys(unix.SYS_CLOSE, queue)
	}
	p := lo.treeProp
	if !p.IsRecursive() || p.Type() == plan.Slave || to == slotRoot && p.Type() == plan.Shared {
		// pivot_root(2) takes no shared mount
		return
	}
	lo.setattr(to, plan.AttrChange{}, p, true)
}

// handedRoot hangs the root where the container's namespace sees the original or,
// where the container's root may not go there, over the root directory: what is
// there stays within reach of every path until pivot_root, since the look-up of an
// absolute path begins below it.
func (lo *lowerer) handedRoot(s plan.Root) {
	lo.handed = true
	lo.takeSource(slotRoot)
	hang := func(path string) op {
		return lo.sys(unix.SYS_MOVE_MOUNT, slot(slotRoot), lo.str(""), imm(unix.AT_FDCWD), lo.str(path), imm(unix.MOVE_MOUNT_F_EMPTY_PATH))
	}
	hang(s.Path).to(slotHung).tolerate(unix.EACCES)
	if s.Parents != 0 {
		lo.sys(unix.SYS_MOUNT, lo.str(""), lo.str("/"), lo.str(""), imm(uint64(s.Parents)), imm(0)).ifErr(slotHung)
	}
	hang("/").ifErr(slotHung)
}

// moveToRoot moves the working directory's mount over the root directory, unless it
// hangs there.
func (lo *lowerer) moveToRoot() {
	move := lo.sys(unix.SYS_MOUNT, lo.str("."), lo.str("/"), lo.str(""), imm(unix.MS_MOVE), imm(0))
	if lo.handed {
		move.ifOK(slotHung)
	}
}

// mountOrBind mounts a file system, or binds the host's tree if that is refused.
func (lo *lowerer) mountOrBind(s plan.Mount) error {
	lo.mkpath(s.Dest, plan.Directory, s.NoSymlinks, slotTarget)
	lo.sys(unix.SYS_FSOPEN, lo.str(s.Type), imm(unix.FSOPEN_CLOEXEC)).to(slotContext).tolerate(unix.EPERM)
	start := len(lo.code)
	lo.configure(s)
	lo.fsconfig(unix.FSCONFIG_CMD_CREATE, imm(0), imm(0)).to(slotTmp).tolerate(unix.EPERM).log()
	lo.ifOKFrom(start, slotContext)
	lo.sys(unix.SYS_FSMOUNT, slot(slotContext), imm(unix.FSMOUNT_CLOEXEC), imm(uint64(s.Attr))).
		to(slotMount).ifOK(slotTmp).tolerate(unix.EPERM)
	lo.close(slotContext).ifOK(slotContext)

	tree := imm(openTreeClone | unix.AT_RECURSIVE)
	lo.sys(unix.SYS_OPEN_TREE, imm(unix.AT_FDCWD), lo.str(s.OrBind), tree).to(slotTmp).ifErr(slotMount)
	lo.sys(unix.SYS_OPEN_TREE, imm(unix.AT_FDCWD), lo.str(s.OrBind), tree).to(slotTmp2).ifErrno(slotMount, -skipped)
	for _, from := range [...]uint8{slotMount, slotTmp, slotTmp2} {
		start := len(lo.code)
		if from != slotMount {
			lo.setattr(from, plan.AttrChange{Set: s.Attr}, 0, true)
		}
		if s.Propagation != 0 {
			lo.setattr(from, plan.AttrChange{}, s.Propagation, s.Propagation.IsRecursive())
		}
		lo.attach(from)
		lo.close(from)
		lo.ifOKFrom(start, from)
	}
	lo.close(slotTarget)
	return nil
}

// ifOKFrom skips the operations from an offset of the code on where the slot holds
// an error or nothing.
func (lo *lowerer) ifOKFrom(start int, slot uint8) {
	for at := start; at < len(lo.code); at += opSize {
		op(lo.code[at : at+opSize]).ifOK(slot)
	}
}
