package specconv

import (
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// optionKind says what a mount option is about.
type optionKind uint8

const (
	// The zero value has no effect: "defaults".
	_ optionKind = iota
	// optionAttr changes attributes of the mount (mount_setattr(2)).
	optionAttr
	// optionPropagation sets the propagation type (mount_namespaces(7)).
	optionPropagation
	// optionBind makes the mount a bind mount.
	optionBind
	// optionSuper is a flag of the file system instance that every file system
	// takes (mount(2)).
	optionSuper
	// optionRemount changes a mount that is there already.
	optionRemount
	// optionCopyUp copies what a tmpfs covers into it.
	optionCopyUp
	// optionIDMap maps the owners of files (mount_setattr(2)).
	optionIDMap
	// optionCopyLink makes the symbolic link that the source is in the container, in
	// place of binding what it leads to. This and the next two are crun's.
	optionCopyLink
	// optionSourceLink binds the symbolic link itself that the source is.
	optionSourceLink
	// optionDestLink mounts over the symbolic link that the destination is.
	optionDestLink
)

// mountOption is a row of the table of mount options (runtime-spec config.md,
// "Linux mount options"). What is not in the table goes to the file system.
type mountOption struct {
	name string
	// set and clear are MOUNT_ATTR_* bits for optionAttr; for optionPropagation
	// set has the plan.Propagation bits.
	set, clear uint32
	kind       optionKind
	// recursive says that the mounts below are meant as well.
	recursive bool
}

const (
	attrAtime    = uint32(plan.AtimeMask)
	attrNoAtime  = uint32(plan.NoAtime)
	attrStrict   = uint32(plan.StrictAtime)
	attrNoDirA   = uint32(plan.NoDirAtime)
	attrNoDev    = uint32(plan.NoDev)
	attrNoExec   = uint32(plan.NoExec)
	attrNoSuid   = uint32(plan.NoSuid)
	attrNoFollow = uint32(plan.NoSymfollow)
	attrReadOnly = uint32(plan.ReadOnly)

	recursiveProp = uint32(plan.Recursive)
)

// mountOptions is sorted by name. The access time policy is one value of three:
// its positive forms replace it as a whole, its negative ones only take the
// named policy away, so that "noatime,norelatime" is still noatime as it is with
// mount(2), where relatime is what remains when nothing else is asked for.
var mountOptions = [...]mountOption{
	{name: "async", kind: optionSuper},
	{name: "atime", kind: optionAttr, clear: attrNoAtime},
	{name: "bind", kind: optionBind},
	{name: "copy-symlink", kind: optionCopyLink},
	{name: "defaults"},
	{name: "dest-nofollow", kind: optionDestLink},
	{name: "dev", kind: optionAttr, clear: attrNoDev},
	{name: "diratime", kind: optionAttr, clear: attrNoDirA},
	{name: "dirsync", kind: optionSuper},
	{name: "exec", kind: optionAttr, clear: attrNoExec},
	{name: "idmap", kind: optionIDMap},
	{name: "iversion", kind: optionSuper},
	{name: "lazytime", kind: optionSuper},
	{name: "loud", kind: optionSuper},
	{name: "mand", kind: optionSuper},
	{name: "noatime", kind: optionAttr, set: attrNoAtime, clear: attrAtime},
	{name: "nodev", kind: optionAttr, set: attrNoDev},
	{name: "nodiratime", kind: optionAttr, set: attrNoDirA},
	{name: "noexec", kind: optionAttr, set: attrNoExec},
	{name: "noiversion", kind: optionSuper},
	{name: "nolazytime", kind: optionSuper},
	{name: "nomand", kind: optionSuper},
	{name: "norelatime", kind: optionAttr},
	{name: "nostrictatime", kind: optionAttr, clear: attrStrict},
	{name: "nosuid", kind: optionAttr, set: attrNoSuid},
	{name: "nosymfollow", kind: optionAttr, set: attrNoFollow},
	{name: "private", kind: optionPropagation, set: uint32(plan.Private)},
	{name: "ratime", kind: optionAttr, clear: attrNoAtime, recursive: true},
	{name: "rbind", kind: optionBind, recursive: true},
	{name: "rdev", kind: optionAttr, clear: attrNoDev, recursive: true},
	{name: "rdiratime", kind: optionAttr, clear: attrNoDirA, recursive: true},
	{name: "relatime", kind: optionAttr, clear: attrAtime},
	{name: "remount", kind: optionRemount},
	{name: "rexec", kind: optionAttr, clear: attrNoExec, recursive: true},
	{name: "ridmap", kind: optionIDMap, recursive: true},
	{name: "rnoatime", kind: optionAttr, set: attrNoAtime, clear: attrAtime, recursive: true},
	{name: "rnodev", kind: optionAttr, set: attrNoDev, recursive: true},
	{name: "rnodiratime", kind: optionAttr, set: attrNoDirA, recursive: true},
	{name: "rnoexec", kind: optionAttr, set: attrNoExec, recursive: true},
	{name: "rnorelatime", kind: optionAttr, recursive: true},
	{name: "rnostrictatime", kind: optionAttr, clear: attrStrict, recursive: true},
	{name: "rnosuid", kind: optionAttr, set: attrNoSuid, recursive: true},
	{name: "rnosymfollow", kind: optionAttr, set: attrNoFollow, recursive: true},
	{name: "ro", kind: optionAttr, set: attrReadOnly},
	{name: "rprivate", kind: optionPropagation, set: uint32(plan.Private) | recursiveProp},
	{name: "rrelatime", kind: optionAttr, clear: attrAtime, recursive: true},
	{name: "rro", kind: optionAttr, set: attrReadOnly, recursive: true},
	{name: "rrw", kind: optionAttr, clear: attrReadOnly, recursive: true},
	{name: "rshared", kind: optionPropagation, set: uint32(plan.Shared) | recursiveProp},
	{name: "rslave", kind: optionPropagation, set: uint32(plan.Slave) | recursiveProp},
	{name: "rstrictatime", kind: optionAttr, set: attrStrict, clear: attrAtime, recursive: true},
	{name: "rsuid", kind: optionAttr, clear: attrNoSuid, recursive: true},
	{name: "rsymfollow", kind: optionAttr, clear: attrNoFollow, recursive: true},
	{name: "runbindable", kind: optionPropagation, set: uint32(plan.Unbindable) | recursiveProp},
	{name: "rw", kind: optionAttr, clear: attrReadOnly},
	{name: "shared", kind: optionPropagation, set: uint32(plan.Shared)},
	{name: "silent", kind: optionSuper},
	{name: "slave", kind: optionPropagation, set: uint32(plan.Slave)},
	{name: "src-nofollow", kind: optionSourceLink},
	{name: "strictatime", kind: optionAttr, set: attrStrict, clear: attrAtime},
	{name: "suid", kind: optionAttr, clear: attrNoSuid},
	{name: "symfollow", kind: optionAttr, clear: attrNoFollow},
	{name: "sync", kind: optionSuper},
	{name: "tmpcopyup", kind: optionCopyUp},
	{name: "unbindable", kind: optionPropagation, set: uint32(plan.Unbindable)},
}

// lookupOption finds a mount option. An unknown one is the file system's.
func lookupOption(name string) (*mountOption, bool) {
	low, high := 0, len(mountOptions)
	for low < high {
		middle := (low + high) / 2
		switch row := &mountOptions[middle]; {
		case row.name == name:
			return row, true
		case row.name < name:
			low = middle + 1
		default:
			high = middle
		}
	}
	// Two may have a value.
	if base, _, ok := strings.Cut(name, "="); ok && (base == "idmap" || base == "ridmap") {
		return lookupOption(base)
	}
	return nil, false
}

// apply adds an optionAttr to the change that the options before it amount to.
// The kernel replaces the access time policy only as a whole, so a change of it
// clears the whole mask (mount_setattr(2)).
func (o *mountOption) apply(c plan.AttrChange) plan.AttrChange {
	c.Set = c.Set&^plan.Attr(o.clear) | plan.Attr(o.set)
	c.Clear = c.Clear&^plan.Attr(o.set) | plan.Attr(o.clear)
	if (c.Set|c.Clear)&plan.AtimeMask != 0 {
		c.Clear |= plan.AtimeMask
	}
	return c
}

// propagation gives the type that an optionPropagation sets.
func (o *mountOption) propagation() plan.Propagation { return plan.Propagation(o.set) }

// superFlag gives the flag of the file system instance that an optionSuper is
// about, and whether it is turned on or off.
func (o *mountOption) superFlag() (flag string, on bool) {
	switch o.name {
	case "async":
		return "sync", false
	case "loud":
		return "silent", false
	case "noiversion", "nolazytime", "nomand":
		return o.name[len("no"):], false
	}
	return o.name, true
}

// isBind reports whether the options make a mount a bind mount; its type says
// nothing about it (runtime-spec config.md, "Linux mounts").
func isBind(options []string) bool {
	for _, name := range options {
		if name == "bind" || name == "rbind" {
			return true
		}
	}
	return false
}
