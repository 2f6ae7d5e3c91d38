package specconv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	phaseRootfs = plan.Rootfs

	typeTmpfs  = "tmpfs"
	typeCgroup = "cgroup"
)

// rootfsRows builds the mount tree.
func (c *compiler) rootfsRows() {
	if !c.ns.Has(plan.NamespaceMount) {
		c.fail("/linux/namespaces", errors.New("without a mount namespace the container's mounts would be the "+
			`host's: add {"type": "mount"}`))
		return
	}
	c.rootRows()
	for i := range c.spec.Mounts {
		c.mountRow(i)
	}
	c.notifyRow()
	c.deviceRows()
	if !c.isPlacedLast() {
		c.placedRow(phaseRootfs)
	}
	c.createHookRows()
	c.consoleRow()
	if cwd := inContainer(c.process.Cwd); cwd != "/" {
		c.add(phaseRootfs, "/process/cwd", plan.Mkdir{Path: cwd, Mode: 0o755})
	}
	c.sysctlRows()
	c.lateReadOnlyRows()
	c.pathRows()
	c.add(phaseRootfs, "/root/path", plan.PivotRoot{Chroot: c.o.NoPivot})
	c.rootAttrRows()
}

// notifyMount is where the container finds its socket for sd_notify(3), on every
// runtime.
const notifyMount = "/run/notify"

// notifyRow lets the container see the socket's directory, and change nothing in it.
func (c *compiler) notifyRow() {
	if c.o.NotifyDir == "" {
		return
	}
	c.add(phaseRootfs, causeNotify, plan.Bind{
		Source: c.o.NotifyDir, Dest: notifyMount, Kind: plan.Directory, Handed: c.hands(),
		Attr: plan.AttrChange{Set: plan.NoSuid | plan.NoDev | plan.NoExec | plan.ReadOnly},
	})
}

// rootRows sets the propagation of what is inherited from the host and takes the
// root file system.
func (c *compiler) rootRows() {
	name, cause := c.linux.RootfsPropagation, plan.Cause("/linux/rootfsPropagation")
	if name == "" {
		// Mounts of the host appear in the container; its own never on the host.
		name, cause = "rslave", causePropagation
	}
	option, ok := lookupOption(name)
	if !ok || option.kind != optionPropagation {
		c.fail(cause, fmt.Errorf("rootfsPropagation=%s is not supported", name))
		return
	}
	tree := option.propagation()
	if tree.Type() == plan.Unbindable {
		// Of what cannot be bound nothing could get into the container: the root alone
		// becomes so, in the end.
		tree = plan.Private | tree&plan.Recursive
	}
	c.add(phaseRootfs, cause, plan.TreePropagation{Propagation: tree})
	// The mount that holds the root may be anywhere below "/". It is known to be
	// no longer shared, and possible to bind, only after these two.
	parents := plan.Private
	switch tree {
	case plan.Slave | plan.Recursive, plan.Private | plan.Recursive:
		parents = 0
	case plan.Slave:
		parents = plan.Slave
	}
	c.add(phaseRootfs, "/root/path", plan.Root{Path: c.onHost(c.spec.Root.Path), Parents: parents, Handed: c.hands()})
}

// hands says whether the runtime opens what the host gives to the container: in a
// user namespace the container's root may be nobody to the directories above it. The
// runtime of an ordinary user may not clone mounts, and one that joins a mount
// namespace does not see the mounts in it.
func (c *compiler) hands() bool {
	return c.ns.Has(plan.NamespaceUser) && c.ns.IsNew(plan.NamespaceMount) && !c.o.Rootless
}

// rootAttrRows sets what the whole root is in the end. Private needs no row: the
// root was bound out of a private mount.
func (c *compiler) rootAttrRows() {
	if option, ok := lookupOption(c.linux.RootfsPropagation); ok && option.kind == optionPropagation {
		if p := option.propagation(); p.Type() != plan.Private {
			c.add(phaseRootfs, "/linux/rootfsPropagation", plan.RootAttr{Propagation: p})
		}
	}
	if c.spec.Root.Readonly {
		c.add(phaseRootfs, "/root/readonly", plan.RootAttr{ReadOnly: true})
	}
}

// mountFields are what the options of a mount amount to.
type mountFields struct {
	bind, recursive, remount bool
	attr, recursiveAttr      plan.AttrChange
	propagation              plan.Propagation
	// flags and data are the file system's: flags that every one knows, and its
	// own options.
	flags, data []string
	// The mount options of these names.
	copyUp, copyLink, sourceLink, destLink, idMap, recursiveIDMap bool
}

func readMountOptions(options []string) mountFields {
	var f mountFields
	for _, name := range options {
		option, ok := lookupOption(name)
		if !ok {
			if name != "" {
				f.data = append(f.data, name)
			}
			continue
		}
		switch option.kind {
		case optionBind:
			f.bind = true
			f.recursive = f.recursive || option.recursive
		case optionRemount:
			f.remount = true
		case optionAttr:
			if option.recursive {
				f.recursiveAttr = option.apply(f.recursiveAttr)
			} else {
				f.attr = option.apply(f.attr)
			}
		case optionPropagation:
			f.propagation = option.propagation()
		case optionSuper:
			f.setFlag(option.superFlag())
		case optionIDMap:
			f.idMap = true
			f.recursiveIDMap = f.recursiveIDMap || option.recursive
		default:
			f.setExtension(option.kind)
		}
	}
	return f
}

// setExtension notes what the kernel has no flag for.
func (f *mountFields) setExtension(kind optionKind) {
	switch kind {
	case optionCopyUp:
		f.copyUp = true
	case optionCopyLink:
		f.copyLink = true
	case optionSourceLink:
		f.sourceLink = true
	case optionDestLink:
		f.destLink = true
	}
}

func (f *mountFields) setFlag(flag string, on bool) {
	for i, present := range f.flags {
		if present == flag {
			if !on {
				f.flags = append(f.flags[:i], f.flags[i+1:]...)
			}
			return
		}
	}
	if on {
		f.flags = append(f.flags, flag)
	}
}

func (c *compiler) mountRow(i int) {
	m := &c.spec.Mounts[i]
	cause, dest := element("/mounts", i), inContainer(m.Destination)
	f := readMountOptions(m.Options)
	switch {
	case f.bind && !f.remount:
		c.bindRow(i, cause, dest, &f)
	case f.remount:
		if len(f.flags)+len(f.data) > 0 {
			c.fail(cause, fmt.Errorf("remount of %s can change only attributes of the mount, not %s",
				dest, strings.Join(append(f.flags, f.data...), ",")))
			return
		}
		c.add(phaseRootfs, cause, plan.Remount{Dest: dest, Attr: merge(f.attr, f.recursiveAttr)})
	case m.Type == typeCgroup:
		c.cgroupMountRows(cause, dest, &f)
	default:
		c.fsMountRow(m, cause, dest, &f)
	}
}

// bindRow keeps the propagation of the source as TreePropagation left it unless
// the configuration names one.
func (c *compiler) bindRow(i int, cause plan.Cause, dest string, f *mountFields) {
	if target, ok := c.o.Facts.Links[i]; ok && f.copyLink {
		c.add(phaseRootfs, cause, plan.Symlink{Target: target, Path: dest, Exact: true})
		return
	}
	row := plan.Bind{
		Source: c.onHost(c.spec.Mounts[i].Source), Dest: dest,
		Recursive: f.recursive, Attr: f.attr, RecursiveAttr: f.recursiveAttr, Propagation: f.propagation,
		SourceLink: f.sourceLink, DestLink: f.destLink, IDMap: c.mountIDMap(&c.spec.Mounts[i], f),
		Handed: c.hands(),
	}
	if i < len(c.o.Facts.Kinds) {
		row.Kind = c.o.Facts.Kinds[i]
	}
	c.add(phaseRootfs, cause, row)
}

func (c *compiler) fsMountRow(m *specs.Mount, cause plan.Cause, dest string, f *mountFields) {
	row := plan.Mount{
		Type: m.Type, Source: m.Source, Dest: dest,
		Attr: merge(f.attr, f.recursiveAttr).Set, Flags: f.flags, Data: f.data, Propagation: f.propagation,
		Label:  c.mountLabel(m.Type),
		CopyUp: f.copyUp && m.Type == typeTmpfs, IDMap: c.mountIDMap(m, f),
	}
	if row.Source == "" {
		row.Source = m.Type
	}
	if isLateReadOnly(m.Type, dest) {
		row.Attr &^= plan.ReadOnly
	}
	switch m.Type {
	case "proc", "sysfs", "mqueue", "devpts":
		row.NoSymlinks = m.Type != "devpts"
		row.OrBind = c.orBind(m.Type)
	case typeTmpfs:
		row.CopyMode = !hasData(f.data, "mode=")
	default:
		// What lies on a device or in other directories must not be written to
		// by the file system itself either (mount(2), MS_RDONLY).
		if row.Attr&plan.ReadOnly != 0 {
			row.Flags = append(row.Flags, "ro")
		}
	}
	c.add(phaseRootfs, cause, row)
}

// orBind names the host's tree that takes the place of a file system which the
// kernel may refuse to a user namespace: sysfs belongs to the network namespace, procfs
// to the pid namespace, and the container's root has no power over one that is
// inherited or joined.
func (c *compiler) orBind(fsType string) string {
	owned := plan.NamespaceNetwork
	if fsType == "proc" {
		owned = plan.NamespacePID
	}
	switch {
	case fsType != "proc" && fsType != "sysfs",
		!c.ns.Has(plan.NamespaceUser) && !c.o.Host.UserNS, c.ns.IsNew(owned):
		return ""
	case fsType == "proc":
		return "/proc"
	}
	return "/sys"
}

// merge gives one change for a mount that has no others below it.
func merge(a, b plan.AttrChange) plan.AttrChange {
	return plan.AttrChange{Set: a.Set&^b.Clear | b.Set, Clear: a.Clear&^b.Set | b.Clear}
}

func hasData(data []string, prefix string) bool {
	for _, option := range data {
		if strings.HasPrefix(option, prefix) {
			return true
		}
	}
	return false
}

// isLateReadOnly says whether a new mount can become read-only only when all
// mount points, devices and links inside it are made.
func isLateReadOnly(fsType, dest string) bool { return fsType == typeTmpfs || dest == "/dev" }

// lateReadOnlyRows makes read-only what had to be written while the rest of the
// tree was built.
func (c *compiler) lateReadOnlyRows() {
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		dest := inContainer(m.Destination)
		late := isLateReadOnly(m.Type, dest) || m.Type == typeCgroup && c.cgroupTmpfs()
		if !late {
			continue
		}
		f := readMountOptions(m.Options)
		if f.bind || f.remount || merge(f.attr, f.recursiveAttr).Set&plan.ReadOnly == 0 {
			continue
		}
		c.add(phaseRootfs, element("/mounts", i),
			plan.Remount{Dest: dest, Attr: plan.AttrChange{Set: plan.ReadOnly}})
	}
}

// consoleRow opens the terminal.
func (c *compiler) consoleRow() {
	if c.process.Terminal {
		c.add(phaseRootfs, "/process/terminal", c.console(true))
	}
}

func (c *compiler) console(bind bool) plan.Console {
	row := plan.Console{UID: c.process.User.UID, Bind: bind}
	// Sizes beyond what a terminal can have are no sizes (tty_ioctl(4)).
	if s := c.process.ConsoleSize; s != nil && s.Height <= 0xffff && s.Width <= 0xffff {
		row.Height, row.Width = uint16(s.Height), uint16(s.Width)
	}
	return row
}
