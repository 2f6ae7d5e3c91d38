package initproc

import (
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	devptsMagic = 0x1cd1
	procMagic   = 0x9fa0
)

func (lo *lowerer) lowerNode(step plan.Step) {
	switch s := step.(type) {
	case plan.Mkdir:
		lo.mkpath(s.Path, plan.Directory, false, slotTarget)
		lo.close(slotTarget)
	case plan.Mknod:
		lo.mknod(s)
	case plan.Symlink:
		lo.symlink(s)
	case plan.Mask:
		lo.mask(s)
	case plan.Protect:
		lo.protect(s)
	case plan.Console:
		lo.console(s)
	}
}

// parent opens the directory of a path and gives its slot, the name in it, and
// whether the slot is to be closed. /dev is opened once, and never through a
// symbolic link: images have used one to have nodes made on the host
// (CVE-2026-41579).
func (lo *lowerer) parent(p string) (dir uint8, name string, temporary bool) {
	d, name := splitPath(p)
	if d != "/dev" {
		if d == "" {
			return slotRoot, name, false
		}
		lo.mkpath(d, plan.Directory, false, slotTarget)
		return slotTarget, name, true
	}
	if !lo.haveDev {
		lo.haveDev = true
		lo.mkpath("/dev", plan.Directory, true, slotDev)
	}
	return slotDev, name, false
}

func nodeType(t byte) uint32 {
	switch t {
	case 'b':
		return unix.S_IFBLK
	case 'p':
		return unix.S_IFIFO
	}
	return unix.S_IFCHR
}

func rdev(major, minor uint32) uint64 { return uint64(major)<<32 | uint64(minor) }

func (lo *lowerer) mknod(s plan.Mknod) {
	dir, name, temporary := lo.parent(s.Path)
	at := lo.str(name)
	device := unix.Mkdev(s.Major, s.Minor)
	wanted := rdev(s.Major, s.Minor)
	if s.Type == 'p' {
		device, wanted = 0, 0
	}
	lo.sys(unix.SYS_MKNODAT, slot(dir), at, imm(nodeType(s.Type)|s.Mode), imm(device)).to(slotTmp).tolerate(unix.EEXIST)
	// One that is there already has to be the same (runtime-spec, "Devices").
	lo.sys(unix.SYS_OPENAT2, slot(dir), at, lo.how(unix.O_PATH|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH), imm(24)).
		to(slotTmp2).ifErrno(slotTmp, unix.EEXIST)
	lo.add(OpVerify, 0, slot(slotTmp2), imm(nodeType(s.Type)), imm(wanted), imm(0), imm(int(unix.EEXIST))).
		ifErrno(slotTmp, unix.EEXIST)
	lo.close(slotTmp2).ifErrno(slotTmp, unix.EEXIST)
	if s.UID != 0 || s.GID != 0 {
		lo.sys(unix.SYS_FCHOWNAT, slot(dir), at, imm(s.UID), imm(s.GID), imm(unix.AT_SYMLINK_NOFOLLOW)).ifOK(slotTmp)
	}
	if temporary {
		lo.close(dir)
	}
}

func (lo *lowerer) symlink(s plan.Symlink) {
	if s.IfExists != "" {
		lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.IfExists), lo.how(unix.O_PATH, resolveInRoot), imm(24)).
			to(slotTmp).tolerate(unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES)
	}
	dir, name, temporary := lo.parent(s.Path)
	at := lo.str(name)
	if s.Replace {
		lo.sys(unix.SYS_UNLINKAT, slot(dir), at, imm(0)).tolerate(unix.ENOENT)
	}
	link := lo.sys(unix.SYS_SYMLINKAT, lo.str(s.Target), slot(dir), at).tolerate(unix.EEXIST)
	if s.Exact {
		link.to(slotTmp2)
		lo.matchLink(dir, at, s.Target)
	}
	if s.IfExists != "" {
		link.ifOK(slotTmp)
		lo.close(slotTmp).ifOK(slotTmp)
	}
	if temporary {
		lo.close(dir)
	}
}

// matchLink makes sure that what slotTmp2 says is there already is the same link. Of what
// is no link nothing is read.
func (lo *lowerer) matchLink(dir uint8, at arg, target string) {
	there := lo.bytes(make([]byte, len(target)+2))
	lo.sys(unix.SYS_READLINKAT, slot(dir), at, there, imm(len(target)+1)).ifErrno(slotTmp2, unix.EEXIST).tolerate(unix.EINVAL)
	lo.add(OpMatch, 0, there, lo.str(target), imm(len(target)), imm(int(unix.EEXIST)), imm(0)).ifErrno(slotTmp2, unix.EEXIST)
}

// mask hides a path. The source for files is the host's null device, opened
// once and checked, never the container's (CVE-2025-31133).
func (lo *lowerer) mask(s plan.Mask) {
	first := !lo.haveMask
	lo.maskSources(s.Label)
	lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.Path), lo.how(unix.O_PATH, resolveInRoot), imm(24)).
		to(slotTarget).tolerate(unix.ENOENT, unix.ENOTDIR)
	lo.add(OpVerify, 0, slot(slotTarget), imm(unix.S_IFDIR), imm(0), imm(0), imm(int(unix.ENOTDIR))).
		to(slotTmp).ifOK(slotTarget).tolerate(unix.ENOTDIR)
	clone := imm(openTreeClone | unix.AT_EMPTY_PATH)
	// a directory
	if first {
		// It gets the tmpfs itself: a mount that never hung anywhere keeps the execve
		// that closes it waiting for an RCU grace period.
		lo.attach(slotHidden).ifOK(slotTmp)
	} else {
		// a clone of the tmpfs, or itself where an old kernel (before 6.15) does not
		// clone a mount that hangs nowhere yet
		lo.sys(unix.SYS_OPEN_TREE, slot(slotHidden), lo.str(""), clone).to(slotMount).ifOK(slotTmp).tolerate(unix.EINVAL)
		lo.attach(slotHidden).ifErrno(slotMount, unix.EINVAL)
		lo.attach(slotMount).ifOK(slotMount)
		lo.close(slotMount).ifOK(slotMount)
	}
	// a file
	lo.sys(unix.SYS_OPEN_TREE, slot(slotNull), lo.str(""), clone).to(slotTmp2).ifErrno(slotTmp, unix.ENOTDIR)
	lo.attach(slotTmp2).ifOK(slotTmp2)
	lo.close(slotTmp2).ifOK(slotTmp2)
	lo.close(slotTarget).ifOK(slotTarget)
}

func (lo *lowerer) maskSources(label string) {
	if lo.haveMask {
		return
	}
	lo.haveMask = true
	lo.openNull()
	lo.sys(unix.SYS_FSOPEN, lo.str("tmpfs"), imm(unix.FSOPEN_CLOEXEC)).to(slotContext)
	for _, kv := range [...][2]string{{"nr_blocks", "1"}, {"nr_inodes", "1"}, {"mode", "0555"}} {
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str(kv[0]), lo.str(kv[1])).log()
	}
	lo.context(label)
	lo.fsconfig(unix.FSCONFIG_CMD_CREATE, imm(0), imm(0)).log()
	attr := uint64(plan.ReadOnly | plan.NoSuid | plan.NoDev | plan.NoExec)
	lo.sys(unix.SYS_FSMOUNT, slot(slotContext), imm(unix.FSMOUNT_CLOEXEC), imm(attr)).to(slotHidden)
	lo.close(slotContext)
}

func (lo *lowerer) openNull() {
	if lo.haveNull {
		return
	}
	lo.haveNull = true
	lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/dev/null"), lo.how(unix.O_PATH, 0), imm(24)).to(slotNull)
	lo.add(OpVerify, 0, slot(slotNull), imm(unix.S_IFCHR), imm(rdev(1, 3)), imm(0), imm(int(unix.ENODEV)))
}

func (lo *lowerer) protect(s plan.Protect) {
	lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.Path), lo.how(unix.O_PATH, resolveInRoot), imm(24)).
		to(slotTarget).tolerate(unix.ENOENT, unix.ENOTDIR)
	lo.sys(unix.SYS_OPEN_TREE, slot(slotTarget), lo.str(""), imm(openTreeClone|atEmptyRecursive)).to(slotMount).ifOK(slotTarget)
	attr := lo.words(uint64(plan.ReadOnly), 0, 0, 0)
	lo.sys(unix.SYS_MOUNT_SETATTR, slot(slotMount), lo.str(""), imm(unix.AT_EMPTY_PATH), attr, imm(32)).ifOK(slotTarget)
	lo.attach(slotMount).ifOK(slotTarget)
	lo.close(slotMount).ifOK(slotTarget)
	lo.close(slotTarget).ifOK(slotTarget)
}

// console takes the terminal from the container's devpts by descriptor alone:
// paths there belong to the container (CVE-2025-52565).
func (lo *lowerer) console(s plan.Console) {
	lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str("/dev/pts/ptmx"),
		lo.how(unix.O_RDWR|unix.O_NOCTTY|unix.O_NOFOLLOW, resolveInRoot|unix.RESOLVE_NO_SYMLINKS), imm(24)).to(slotMaster)
	lo.add(OpVerify, 0, slot(slotMaster), imm(unix.S_IFCHR), imm(rdev(5, 2)), imm(devptsMagic), imm(int(unix.ENODEV)))
	lo.sys(unix.SYS_IOCTL, slot(slotMaster), imm(unix.TIOCSPTLCK), lo.words(0))
	lo.sys(unix.SYS_IOCTL, slot(slotMaster), imm(unix.TIOCGPTPEER), imm(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).to(slotPeer)
	if s.Height != 0 && s.Width != 0 {
		size := uint64(s.Height) | uint64(s.Width)<<16
		lo.sys(unix.SYS_IOCTL, slot(slotPeer), imm(unix.TIOCSWINSZ), lo.words(size))
	}
	if s.UID != 0 {
		lo.sys(unix.SYS_FCHOWN, slot(slotPeer), imm(s.UID), imm(^uint32(0)))
	}
	if s.Bind {
		dir, name, temporary := lo.parent("/dev/console")
		at := lo.str(name)
		lo.sys(unix.SYS_MKNODAT, slot(dir), at, imm(unix.S_IFREG|0o600), imm(0)).tolerate(unix.EEXIST)
		lo.sys(unix.SYS_OPENAT2, slot(dir), at, lo.how(unix.O_PATH|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS), imm(24)).to(slotTmp)
		lo.sys(unix.SYS_OPEN_TREE, slot(slotPeer), lo.str(""), imm(openTreeClone|unix.AT_EMPTY_PATH)).to(slotMount)
		lo.sys(unix.SYS_MOVE_MOUNT, slot(slotMount), lo.str(""), slot(slotTmp), lo.str(""), imm(moveEmpty))
		lo.close(slotMount)
		lo.close(slotTmp)
		if temporary {
			lo.close(dir)
		}
	}
	lo.add(OpSendFD, 0, imm(TagConsole), slot(slotMaster))
	lo.add(OpSync, 0, imm(0))
	lo.close(slotMaster)
	for fd := range 3 {
		lo.sys(unix.SYS_DUP3, slot(slotPeer), imm(fd), imm(0))
	}
	lo.close(slotPeer)
	lo.sys(unix.SYS_IOCTL, imm(0), imm(unix.TIOCSCTTY), imm(0))
}
