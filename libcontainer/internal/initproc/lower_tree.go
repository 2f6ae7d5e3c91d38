package initproc

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Constants of the mount interface that x/sys/unix has under these names or
// not at all (linux/mount.h).
const (
	atEmptyRecursive = unix.AT_EMPTY_PATH | unix.AT_RECURSIVE
	openTreeClone    = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	moveEmpty        = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
)

func (lo *lowerer) lowerTree(step plan.Step) error {
	switch s := step.(type) {
	case plan.TreePropagation:
		// without recursion it is only the root mount that changes
		lo.treeStays = s.Propagation.Type() == plan.Shared || !s.Propagation.IsRecursive()
		lo.treeProp = s.Propagation
		lo.sys(unix.SYS_MOUNT, lo.str(""), lo.str("/"), lo.str(""), imm(uint64(s.Propagation)), imm(0))
	case plan.Root:
		lo.root(s)
	case plan.Mount:
		return lo.mount(s)
	case plan.Bind:
		lo.bind(s)
	case plan.Remount:
		lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.Dest), lo.how(unix.O_PATH, resolveInRoot), imm(24)).to(slotTarget)
		lo.setattr(slotTarget, s.Attr, 0, false)
		lo.close(slotTarget)
	case plan.RootAttr:
		lo.rootAttr(s)
	case plan.PivotRoot:
		lo.pivot(s)
	}
	return nil
}

// how puts a struct open_how (openat2(2)) into the image.
func (lo *lowerer) how(flags, resolve uint64) arg {
	return lo.words(flags|unix.O_CLOEXEC, 0, resolve)
}

func (lo *lowerer) close(s uint8) op {
	return lo.sys(unix.SYS_CLOSE, slot(s)).once()
}

// setattr changes the attributes and the propagation of the mount in a slot
// (mount_setattr(2)).
func (lo *lowerer) setattr(s uint8, c plan.AttrChange, p plan.Propagation, recursive bool) {
	flags := unix.AT_EMPTY_PATH
	if recursive {
		flags = atEmptyRecursive
	}
	if c.Set&plan.AtimeMask != 0 {
		// the access time policy is one value of which all bits go first
		c.Clear |= plan.AtimeMask
	}
	attr := lo.words(uint64(c.Set), uint64(c.Clear), uint64(p.Type()), 0)
	lo.sys(unix.SYS_MOUNT_SETATTR, slot(s), lo.str(""), imm(flags), attr, imm(32))
}

// root clones the root file system's tree, so that the container has a mount of
// its own, and hangs it where the container's namespace sees the original.
func (lo *lowerer) root(s plan.Root) {
	lo.haveRoot = true
	if s.Parents != 0 {
		lo.parents(s.Path, s.Parents)
	}
	if s.Handed {
		lo.handedRoot(s)
		return
	}
	lo.sys(unix.SYS_OPEN_TREE, imm(unix.AT_FDCWD), lo.str(s.Path), imm(openTreeClone|unix.AT_RECURSIVE)).to(slotRoot)
	lo.sys(unix.SYS_MOVE_MOUNT, slot(slotRoot), lo.str(""), imm(unix.AT_FDCWD), lo.str(s.Path), imm(unix.MOVE_MOUNT_F_EMPTY_PATH))
}

// parents changes the propagation of the mount that holds the path. Which directory
// that mount has its root at is found by trying: the change is refused for what is no
// mount point.
func (lo *lowerer) parents(p string, to plan.Propagation) {
	for first := true; ; first = false {
		if p == "" {
			p = "/"
		}
		o := lo.sys(unix.SYS_MOUNT, lo.str(""), lo.str(p), lo.str(""), imm(uint64(to)), imm(0)).
			to(slotTmp).tolerate(unix.EINVAL, unix.EACCES)
		if !first {
			o.ifErr(slotTmp)
		}
		if p == "/" {
			return
		}
		p, _ = splitPath(p)
	}
}

// mkpath opens or makes a mount point or directory below the root.
func (lo *lowerer) mkpath(path string, kind plan.Kind, noSymlinks bool, to uint8) op {
	resolve := uint64(resolveInRoot)
	if noSymlinks {
		resolve |= unix.RESOLVE_NO_SYMLINKS
	}
	return lo.add(OpMkpath, 0, slot(slotRoot), lo.str(path), imm(int(kind)), imm(resolve)).to(to).to2(slotMade)
}

func (lo *lowerer) mount(s plan.Mount) error {
	if s.OrBind != "" {
		return lo.mountOrBind(s)
	}
	if hasLongOption(s) {
		return lo.mountLong(s)
	}
	lo.mkpath(s.Dest, plan.Directory, s.NoSymlinks, slotTarget)
	lo.sys(unix.SYS_FSOPEN, lo.str(s.Type), imm(unix.FSOPEN_CLOEXEC)).to(slotContext)
	lo.configure(s)
	lo.mountContext(s)
	lo.close(slotTarget)
	if s.Dest == "/dev" {
		lo.haveDev = false
	}
	return nil
}

// mountContext makes a mount of a file system context that has its options, and hangs
// it over slotTarget.
func (lo *lowerer) mountContext(s plan.Mount) {
	lo.fsconfig(unix.FSCONFIG_CMD_CREATE, imm(0), imm(0)).log()
	out := uint8(slotMount)
	if lo.keepsProc(s) {
		out = slotProc
		lo.haveProc = true
	}
	lo.sys(unix.SYS_FSMOUNT, slot(slotContext), imm(unix.FSMOUNT_CLOEXEC), imm(uint64(s.Attr))).to(out).log()
	if s.Propagation != 0 {
		lo.setattr(out, plan.AttrChange{}, s.Propagation, s.Propagation.IsRecursive())
	}
	if s.Type == typeMqueue && s.Label != "" {
		lo.labelFiles(out, s.Label)
	}
	lo.ask(out, s)
	lo.attach(out)
	lo.close(slotContext)
	if out == slotMount {
		lo.close(slotMount)
	}
}

// keepsProc: the container's own procfs is the handle through which the init
// writes to /proc, since nothing can be mounted over what a descriptor shows.
func (lo *lowerer) keepsProc(s plan.Mount) bool {
	return s.Type == "proc" && s.Dest == "/proc" && !lo.haveProc && s.Attr&plan.ReadOnly == 0 && len(s.Data) == 0
}

// attach hangs the mount in a slot over slotTarget.
func (lo *lowerer) attach(mount uint8) op {
	return lo.sys(unix.SYS_MOVE_MOUNT, slot(mount), lo.str(""), slot(slotTarget), lo.str(""), imm(moveEmpty))
}

func (lo *lowerer) fsconfig(cmd int, key, value arg) op {
	return lo.sys(unix.SYS_FSCONFIG, slot(slotContext), imm(cmd), key, value, imm(0))
}

// configure gives a file system context its options.
func (lo *lowerer) configure(s plan.Mount) {
	if s.Source != "" {
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str("source"), lo.str(s.Source)).log()
	}
	if s.CopyMode {
		digits := lo.bytes(make([]byte, 6))
		lo.add(OpCopyMode, 0, slot(slotTarget), digits).ifErrno(slotMade, 0)
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str("mode"), digits).ifErrno(slotMade, 0).log()
	}
	for _, f := range s.Flags {
		if f != "silent" && f != "loud" {
			lo.fsconfig(unix.FSCONFIG_SET_FLAG, lo.str(f), imm(0)).log()
		}
	}
	for _, d := range s.Data {
		lo.option(d)
	}
	if s.Type != typeMqueue {
		lo.context(s.Label)
	}
}

// option is one of the file system's own.
func (lo *lowerer) option(d string) {
	if key, value, isPair := strings.Cut(d, "="); isPair {
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str(key), lo.str(value)).log()
	} else {
		lo.fsconfig(unix.FSCONFIG_SET_FLAG, lo.str(d), imm(0)).log()
	}
}

func (lo *lowerer) bind(s plan.Bind) {
	flags := openTreeClone
	if s.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	if s.SourceLink {
		flags |= unix.AT_SYMLINK_NOFOLLOW
	}
	switch {
	case s.Handed:
		lo.takeSource(slotMount)
	case s.SourceInRoot:
		lo.sys(unix.SYS_OPENAT2, slot(slotRoot), lo.str(s.Source), lo.how(unix.O_PATH, resolveInRoot), imm(24)).to(slotTmp)
		lo.sys(unix.SYS_OPEN_TREE, slot(slotTmp), lo.str(""), imm(flags|unix.AT_EMPTY_PATH)).to(slotMount)
		lo.close(slotTmp)
	default:
		lo.sys(unix.SYS_OPEN_TREE, imm(unix.AT_FDCWD), lo.str(s.Source), imm(flags)).to(slotMount)
	}
	if s.Device != 0 {
		lo.add(OpVerify, 0, slot(slotMount), imm(nodeType(s.Device)), imm(rdev(s.Major, s.Minor)), imm(0), imm(int(unix.ENODEV)))
	}
	if !s.RecursiveAttr.IsZero() {
		lo.setattr(slotMount, s.RecursiveAttr, 0, true)
	}
	if !s.Attr.IsZero() || s.Propagation != 0 {
		recursive := s.Propagation.IsRecursive()
		if recursive && !s.Attr.IsZero() {
			lo.setattr(slotMount, plan.AttrChange{}, s.Propagation, true)
			lo.setattr(slotMount, s.Attr, 0, false)
		} else {
			lo.setattr(slotMount, s.Attr, s.Propagation, recursive)
		}
	}
	if s.IDMap != nil {
		lo.askIDMap(slotMount)
	}
	if s.DestLink {
		lo.attachOverLink(s)
	} else {
		lo.mkpath(s.Dest, s.Kind, s.NoSymlinks, slotTarget)
		lo.attach(slotMount)
		lo.close(slotTarget)
	}
	lo.close(slotMount)
	if s.Dest == "/dev" {
		lo.haveDev = false
	}
}

func (lo *lowerer) rootAttr(s plan.RootAttr) {
	change := plan.AttrChange{}
	if s.ReadOnly {
		change.Set = plan.ReadOnly
	}
	if s.Propagation.IsRecursive() {
		lo.setattr(slotRoot, plan.AttrChange{}, s.Propagation, true)
		if !change.IsZero() {
			lo.setattr(slotRoot, change, 0, false)
		}
		return
	}
	lo.setattr(slotRoot, change, s.Propagation, false)
}

// pivot leaves the host's tree. The old root ends up mounted over the new one
// and is detached from there, so that no directory for it is needed
// (pivot_root(2), "pivot_root(".", ".")").
func (lo *lowerer) pivot(s plan.PivotRoot) {
	dot := lo.str(".")
	if s.Chroot {
		if lo.treeStays {
			lo.sys(unix.SYS_MOUNT, lo.str(""), lo.str("/"), lo.str(""), imm(unix.MS_PRIVATE), imm(0))
			for _, p := range [...]string{"/proc", "/sys"} {
				lo.sys(unix.SYS_MOUNT, lo.str(""), lo.str(p), lo.str(""), imm(unix.MS_SLAVE|unix.MS_REC), imm(0)).
					tolerate(unix.EINVAL, unix.ENOENT)
			}
		}
		// The host's proc and sysfs would stay reachable below the new root.
		for _, p := range [...]string{"/proc", "/sys"} {
			lo.sys(unix.SYS_UMOUNT2, lo.str(p), imm(unix.MNT_DETACH)).tolerate(unix.EINVAL, unix.ENOENT)
		}
		lo.sys(unix.SYS_FCHDIR, slot(slotRoot))
		lo.moveToRoot()
		lo.sys(unix.SYS_CHROOT, dot)
		lo.sys(unix.SYS_CHDIR, lo.str("/"))
		return
	}
	if lo.treeStays {
		lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/"), lo.how(unix.O_PATH|unix.O_DIRECTORY, 0), imm(24)).to(slotTmp)
	}
	lo.sys(unix.SYS_FCHDIR, slot(slotRoot))
	lo.sys(unix.SYS_PIVOT_ROOT, dot, dot)
	if lo.treeStays {
		// Otherwise the unmounting would reach the host.
		lo.sys(unix.SYS_FCHDIR, slot(slotTmp))
		lo.sys(unix.SYS_MOUNT, lo.str(""), dot, lo.str(""), imm(unix.MS_SLAVE|unix.MS_REC), imm(0))
	}
	lo.sys(unix.SYS_UMOUNT2, dot, imm(unix.MNT_DETACH))
	lo.sys(unix.SYS_CHDIR, lo.str("/"))
	if lo.treeStays {
		lo.close(slotTmp)
	}
}
