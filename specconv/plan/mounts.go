package plan

import (
	"strconv"
	"strings"
)

// Attr is a set of mount attributes; the values are the kernel's MOUNT_ATTR_*
// bits (mount_setattr(2)).
type Attr uint64

// Mount attributes. AtimeMask covers the three values of the access time
// policy, of which relatime is zero.
const (
	ReadOnly    Attr = 0x00000001
	NoSuid      Attr = 0x00000002
	NoDev       Attr = 0x00000004
	NoExec      Attr = 0x00000008
	AtimeMask   Attr = 0x00000070
	NoAtime     Attr = 0x00000010
	StrictAtime Attr = 0x00000020
	NoDirAtime  Attr = 0x00000080
	IDMap       Attr = 0x00100000
	NoSymfollow Attr = 0x00200000
)

// String lists the attributes as mount options.
func (a Attr) String() string {
	var parts []string
	for _, f := range [...]struct {
		bit  Attr
		name string
	}{
		{ReadOnly, "ro"},
		{NoSuid, "nosuid"},
		{NoDev, "nodev"},
		{NoExec, "noexec"},
		{NoAtime, "noatime"},
		{StrictAtime, "strictatime"},
		{NoDirAtime, "nodiratime"},
		{IDMap, "idmap"},
		{NoSymfollow, "nosymfollow"},
	} {
		if a&f.bit != 0 {
			parts = append(parts, f.name)
		}
	}
	return strings.Join(parts, ",")
}

// Propagation is how mount events pass between a mount and its peers; the
// values are the kernel's MS_* bits (mount(2), mount_namespaces(7)).
type Propagation uint64

// The propagation types. Recursive is added for the r... forms.
const (
	Unbindable Propagation = 1 << 17
	Private    Propagation = 1 << 18
	Slave      Propagation = 1 << 19
	Shared     Propagation = 1 << 20
	Recursive  Propagation = 1 << 14
)

// Type is the propagation without the recursion flag.
func (p Propagation) Type() Propagation { return p &^ Recursive }

// IsRecursive reports whether the mounts below are meant as well.
func (p Propagation) IsRecursive() bool { return p&Recursive != 0 }

// String gives the mount option, such as "rslave".
func (p Propagation) String() string {
	name := ""
	switch p.Type() {
	case Unbindable:
		name = "unbindable"
	case Private:
		name = "private"
	case Slave:
		name = "slave"
	case Shared:
		name = "shared"
	default:
		return ""
	}
	if p.IsRecursive() {
		return "r" + name
	}
	return name
}

// AttrChange sets and clears attributes of a mount. The cleared ones go first,
// so that a bit in both is set.
type AttrChange struct {
	Set, Clear Attr
}

// IsZero reports whether nothing changes.
func (c AttrChange) IsZero() bool { return c.Set == 0 && c.Clear == 0 }

func (c AttrChange) describe(prefix string) string {
	var parts []string
	if set := c.Set.String(); set != "" {
		parts = append(parts, prefix+strings.ReplaceAll(set, ",", ","+prefix))
	}
	for _, f := range [...]struct {
		bit  Attr
		name string
	}{
		{ReadOnly, "rw"},
		{NoSuid, "suid"},
		{NoDev, "dev"},
		{NoExec, "exec"},
		{NoDirAtime, "diratime"},
		{NoSymfollow, "symfollow"},
	} {
		if c.Clear&^c.Set&f.bit != 0 {
			parts = append(parts, prefix+f.name)
		}
	}
	if c.Clear&AtimeMask != 0 && c.Set&AtimeMask == 0 {
		parts = append(parts, prefix+"relatime")
	}
	return strings.Join(parts, ",")
}

// Kind is what a mount point has to be.
type Kind uint8

// The kinds of mount points.
const (
	Directory Kind = iota
	File
)

// TreePropagation sets the propagation of the host's mounts as the container's
// mount namespace sees them, before anything is mounted.
type TreePropagation struct {
	Propagation Propagation
}

// Lane is Init.
func (TreePropagation) Lane() Lane { return Init }

// Name is "tree-propagation".
func (TreePropagation) Name() string { return "tree-propagation" }

// Action describes the step.
func (s TreePropagation) Action() string {
	return "make the inherited mounts " + s.Propagation.String()
}

// Detail is empty.
func (TreePropagation) Detail() string { return "" }

// Root makes the root file system a mount of its own.
type Root struct {
	// Path is absolute, on the host.
	Path string
	// Parents, unless zero, is what the mount that holds the path has to be made
	// first, since the inherited mounts may stay shared.
	Parents Propagation
	// Handed is as in Bind.
	Handed bool
}

// Lane is Init.
func (Root) Lane() Lane { return Init }

// Name is "root".
func (Root) Name() string { return "root" }

// Action describes the step.
func (s Root) Action() string { return "take " + s.Path + " as root" }

// Detail says who opens the path.
func (s Root) Detail() string { return handed(s.Handed) }

func handed(by bool) string {
	if by {
		return "(opened by the runtime)"
	}
	return ""
}

// Mount mounts a new instance of a file system.
type Mount struct {
	// Type is the file system, Source what mount tables show as its device.
	Type, Source string
	// Dest is the absolute path below the container's root.
	Dest string
	Attr Attr
	// Flags are options of the file system instance that take no value and that
	// the kernel knows for every file system: "sync", "dirsync", "lazytime",
	// "mand", "silent", "ro".
	Flags []string
	// Data has the file system's own options, each "key" or "key=value".
	Data        []string
	Propagation Propagation
	// NoSymlinks refuses a destination with a symbolic link in its path; it is
	// set for file systems that a link must not lead astray (proc, sysfs).
	NoSymlinks bool
	// CopyMode gives the new file system the mode of the directory it covers,
	// where that existed.
	CopyMode bool
	// Label is the SELinux context of all files.
	Label string
	// CopyUp copies what the mount point holds into the new file system.
	CopyUp bool
	// IDMap maps the owners of files.
	IDMap *MountIDMap
	// OrBind is the tree of the host that is bound, with the same attributes on all
	// of it, if the kernel refuses the file system to a user namespace that does not
	// own the namespace behind it (EPERM). Empty: the refusal is an error.
	OrBind string
}

// Lane is Init.
func (Mount) Lane() Lane { return Init }

// Name is "mount".
func (Mount) Name() string { return "mount" }

// Action describes the step.
func (s Mount) Action() string { return "mount " + s.Type + " on " + s.Dest }

// Detail gives the attributes, the options and the propagation.
func (s Mount) Detail() string {
	parts := make([]string, 0, 6)
	parts = appendNonEmpty(parts, s.Attr.String(), strings.Join(s.Flags, ","), strings.Join(s.Data, ","))
	if s.Propagation != 0 {
		parts = append(parts, s.Propagation.String())
	}
	if s.CopyMode {
		parts = append(parts, "(mode of the directory below)")
	}
	if s.Label != "" {
		parts = append(parts, "label="+s.Label)
	}
	if s.CopyUp {
		parts = append(parts, "(with a copy of the directory below)")
	}
	if s.IDMap != nil {
		parts = append(parts, s.IDMap.describe())
	}
	if s.OrBind != "" {
		parts = append(parts, "(or bind "+s.OrBind+")")
	}
	return strings.Join(parts, " ")
}

// Bind mounts a tree or a file of the host.
type Bind struct {
	// Source is an absolute path on the host.
	Source string
	Dest   string
	// Kind is what the source is, and so what the mount point has to be.
	Kind Kind
	// Recursive takes the mounts below the source along.
	Recursive bool
	// Attr changes the mount itself, RecursiveAttr also those below it.
	Attr, RecursiveAttr AttrChange
	// Propagation of zero keeps what the source has after TreePropagation.
	Propagation Propagation
	// SourceInRoot says that Source is a path below the container's root.
	SourceInRoot bool
	// NoSymlinks is as in Mount.
	NoSymlinks bool
	// SourceLink binds the symbolic link itself that Source may be, DestLink mounts
	// over the one that Dest may be.
	SourceLink, DestLink bool
	// IDMap maps the owners of files.
	IDMap *MountIDMap
	// Handed says that the runtime opens the source and hands it over: root of the
	// container's user namespace may lack the right to reach it.
	Handed bool
	// Device is 'c' or 'b' if the source has to be the device Major:Minor.
	Device       byte
	Major, Minor uint32
}

// Lane is Init.
func (Bind) Lane() Lane { return Init }

// Name is "bind".
func (Bind) Name() string { return "bind" }

// Action describes the step.
func (s Bind) Action() string { return "bind " + s.Source + " on " + s.Dest }

// Detail gives the attributes and the propagation.
func (s Bind) Detail() string {
	parts := make([]string, 0, 10)
	if s.Recursive {
		parts = append(parts, "recursive")
	}
	if s.Kind == File {
		parts = append(parts, "file")
	}
	if s.SourceLink {
		parts = append(parts, "src-nofollow")
	}
	if s.DestLink {
		parts = append(parts, "dest-nofollow")
	}
	if s.Device != 0 {
		parts = append(parts, string(s.Device), u32(s.Major)+":"+u32(s.Minor))
	}
	parts = appendNonEmpty(parts, s.Attr.describe(""), s.RecursiveAttr.describe("r"))
	if s.Propagation != 0 {
		parts = append(parts, s.Propagation.String())
	}
	if s.IDMap != nil {
		parts = append(parts, s.IDMap.describe())
	}
	parts = appendNonEmpty(parts, handed(s.Handed))
	return strings.Join(parts, " ")
}

// Remount changes the attributes of a mount that is already there. It comes
// late in a plan: a tmpfs becomes read-only after what belongs in it is made.
type Remount struct {
	Dest string
	Attr AttrChange
}

// Lane is Init.
func (Remount) Lane() Lane { return Init }

// Name is "remount".
func (Remount) Name() string { return "remount" }

// Action describes the step.
func (s Remount) Action() string { return "remount " + s.Dest }

// Detail gives the attributes.
func (s Remount) Detail() string { return s.Attr.describe("") }

// PivotRoot makes the container's root the root of the mount namespace and
// detaches the host's tree (pivot_root(2)).
type PivotRoot struct {
	// Chroot moves the mount over the root and changes into it instead, for
	// roots that pivot_root refuses (an initramfs).
	Chroot bool
}

// Lane is Init.
func (PivotRoot) Lane() Lane { return Init }

// Name is "pivot-root".
func (PivotRoot) Name() string { return "pivot-root" }

// Action describes the step.
func (s PivotRoot) Action() string {
	if s.Chroot {
		return "change root"
	}
	return "pivot root"
}

// Detail is empty.
func (PivotRoot) Detail() string { return "" }

// RootAttr sets the propagation and the read-only flag of the container's root.
type RootAttr struct {
	ReadOnly    bool
	Propagation Propagation
}

// Lane is Init.
func (RootAttr) Lane() Lane { return Init }

// Name is "root-attr".
func (RootAttr) Name() string { return "root-attr" }

// Action describes the step.
func (s RootAttr) Action() string { return "set the attributes of the root" }

// Detail gives the attributes.
func (s RootAttr) Detail() string {
	parts := make([]string, 0, 2)
	if s.ReadOnly {
		parts = append(parts, "ro")
	}
	parts = appendNonEmpty(parts, s.Propagation.String())
	return strings.Join(parts, " ")
}

// Console opens a pseudo terminal in the container's devpts, makes it the
// controlling terminal and the standard streams of the process, and hands the
// other end to the runtime.
type Console struct {
	// Height and Width are in characters; 0 leaves the size alone.
	Height, Width uint16
	// UID owns the terminal.
	UID uint32
	// Bind mounts the terminal on /dev/console (the container's first process
	// only).
	Bind bool
}

// Lane is Init.
func (Console) Lane() Lane { return Init }

// Name is "console".
func (Console) Name() string { return "console" }

// Action describes the step.
func (Console) Action() string { return "open the terminal" }

// Detail gives the size.
func (s Console) Detail() string {
	if s.Height == 0 || s.Width == 0 {
		return ""
	}
	return strconv.Itoa(int(s.Width)) + "x" + strconv.Itoa(int(s.Height))
}

func appendNonEmpty(list []string, items ...string) []string {
	for _, item := range items {
		if item != "" {
			list = append(list, item)
		}
	}
	return list
}
