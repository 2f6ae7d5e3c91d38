package initproc

import (
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// ask has the runtime do what the init cannot do with a mount that is not attached
// yet: it has no rights over ids of the host, and no code that copies trees.
func (lo *lowerer) ask(mount uint8, s plan.Mount) {
	if s.IDMap != nil {
		lo.askIDMap(mount)
	}
	if s.CopyUp {
		// There is nothing in a directory that was made just now.
		lo.add(OpSendFD, 0, imm(TagCopyFrom), slot(slotTarget)).ifErrno(slotMade, 0)
		lo.add(OpSendFD, 0, imm(TagCopyTo), slot(mount)).ifErrno(slotMade, 0)
		lo.add(OpSync, 0, imm(0)).ifErrno(slotMade, 0)
		lo.asks = true
	}
}

// askIDMap has the owners of the files of a mount mapped.
func (lo *lowerer) askIDMap(mount uint8) {
	lo.add(OpSendFD, 0, imm(TagIDMap), slot(mount))
	lo.add(OpSync, 0, imm(0))
	lo.asks = true
}

// attachOverLink hangs slotMount over what the destination is, even if that is a
// symbolic link. What is missing is made as for other mounts.
func (lo *lowerer) attachOverLink(s plan.Bind) {
	dir, name, temporary := lo.parent(s.Dest)
	lo.sys(unix.SYS_OPENAT2, slot(dir), lo.str(name), lo.how(unix.O_PATH|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH), imm(24)).
		to(slotTmp).tolerate(unix.ENOENT)
	if temporary {
		lo.close(dir)
	}
	lo.mkpath(s.Dest, s.Kind, s.NoSymlinks, slotTarget).ifErr(slotTmp)
	lo.attach(slotMount).ifErr(slotTmp)
	lo.close(slotTarget).ifErr(slotTmp)
	lo.sys(unix.SYS_MOVE_MOUNT, slot(slotMount), lo.str(""), slot(slotTmp), lo.str(""), imm(moveEmpty)).ifOK(slotTmp)
	lo.close(slotTmp).ifOK(slotTmp)
}
