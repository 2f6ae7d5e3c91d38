package specconv

import (
	"errors"
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// The values of Host.CgroupMode.
const (
	cgroupV1     = "v1"
	cgroupV2     = "v2"
	cgroupHybrid = "hybrid"
	cgroupNone   = "none"
)

// cgroupRoot is where the host has its hierarchies.
const cgroupRoot = "/sys/fs/cgroup"

// cgroupTmpfs says whether a mount of type "cgroup" is a tmpfs that holds a
// mount for each hierarchy.
func (c *compiler) cgroupTmpfs() bool {
	return c.o.Host.CgroupMode == cgroupV1 || c.o.Host.CgroupMode == cgroupHybrid
}

// cgroupMountRows lowers a mount of type "cgroup", which means "the container's
// view of its cgroups" whatever the host has.
func (c *compiler) cgroupMountRows(cause plan.Cause, dest string, f *mountFields) {
	switch {
	case c.cgroupTmpfs():
		c.hierarchyRows(cause, dest, f)
	case c.o.Host.CgroupMode == cgroupV2:
		c.unifiedRow(cause, dest, f)
	case c.o.Rootless || c.o.Host.UserNS || c.o.NoCgroup:
		// What is there may be the host's, and the user's own (CVE-2023-25809).
		c.warn(string(cause) + ": " + dest + " is empty: there is no cgroup that could be shown")
		c.add(phaseRootfs, cause, plan.Mount{
			Type: typeTmpfs, Source: typeTmpfs, Dest: dest, Data: []string{"mode=755", "nr_blocks=1", "nr_inodes=1"},
			Attr: plan.ReadOnly | plan.NoSuid | plan.NoDev | plan.NoExec, NoSymlinks: true, Label: c.linux.MountLabel,
		})
	default:
		c.fail(cause, errors.New("no cgroup hierarchy is mounted on this host"))
	}
}

// unifiedRow shows the unified hierarchy. Without a cgroup namespace it has to
// be the host's mount: a mount of one's own would show the same, and, made in the
// host's cgroup namespace, would take its options (nsdelegate,
// memory_recursiveprot) from the whole machine (cgroups(7)).
func (c *compiler) unifiedRow(cause plan.Cause, dest string, f *mountFields) {
	attr := merge(f.attr, f.recursiveAttr)
	if !c.ns.Has(plan.NamespaceCgroup) {
		source := cgroupRoot
		if own := c.o.CgroupPaths[""]; own != "" && c.ns.Has(plan.NamespaceUser) {
			// The container's root may be a user who owns more of the hierarchy
			// (CVE-2023-25809).
			source = own
		}
		c.add(phaseRootfs, cause, plan.Bind{
			Source: source, Dest: dest, Recursive: true,
			RecursiveAttr: attr, Propagation: f.propagation, NoSymlinks: true,
		})
		return
	}
	c.add(phaseRootfs, cause, plan.Mount{
		Type: "cgroup2", Source: typeCgroup, Dest: dest, Attr: attr.Set,
		Flags: f.flags, Data: f.data, Propagation: f.propagation, NoSymlinks: true,
	})
}

// hierarchyRows shows the hierarchies of version 1, each below a tmpfs under the
// name that it has on the host. The tmpfs turns read-only later, when everything
// is in it; nothing in there has a use for devices or programs, asked for or not.
func (c *compiler) hierarchyRows(cause plan.Cause, dest string, f *mountFields) {
	attr := merge(f.attr, f.recursiveAttr)
	attr.Set |= plan.NoSuid | plan.NoDev | plan.NoExec
	attr.Clear &^= plan.NoSuid | plan.NoDev | plan.NoExec
	c.add(phaseRootfs, cause, plan.Mount{
		Type: typeTmpfs, Source: typeTmpfs, Dest: dest, Attr: attr.Set &^ plan.ReadOnly,
		Data: []string{"mode=755"}, Propagation: f.propagation, NoSymlinks: true, Label: c.linux.MountLabel,
	})
	for _, name := range sortedKeys(c.o.Host.HostCgroups) {
		c.hierarchyRow(cause, dest, name, attr)
	}
	if c.o.Host.CgroupMode == cgroupHybrid {
		c.hybridRow(cause, dest+"/unified", attr)
	}
}

// hierarchyRow shows one hierarchy. With a cgroup namespace its root is the
// container's cgroup; without one that cgroup is bound there. A hierarchy in
// which the container has no cgroup is left out rather than shown as a whole.
func (c *compiler) hierarchyRow(cause plan.Cause, dest, name string, attr plan.AttrChange) {
	if name == "" || name == "unified" {
		return
	}
	dir, own := c.ownCgroup(name)
	switch {
	case c.ns.Has(plan.NamespaceCgroup):
		c.add(phaseRootfs, cause, plan.Mount{
			Type: typeCgroup, Source: hierarchySource(name), Dest: dest + "/" + name,
			Attr: attr.Set, Data: hierarchyData(name), NoSymlinks: true,
		})
	case own:
		c.add(phaseRootfs, cause, plan.Bind{Source: dir, Dest: dest + "/" + name, Attr: attr, NoSymlinks: true})
	default:
		return
	}
	if !strings.Contains(name, ",") {
		return
	}
	for controller := range strings.SplitSeq(name, ",") {
		c.add(phaseRootfs, cause, plan.Symlink{Target: name, Path: dest + "/" + controller})
	}
}

func (c *compiler) hybridRow(cause plan.Cause, dest string, attr plan.AttrChange) {
	if c.ns.Has(plan.NamespaceCgroup) {
		c.add(phaseRootfs, cause, plan.Mount{
			Type: "cgroup2", Source: typeCgroup, Dest: dest, Attr: attr.Set, NoSymlinks: true,
		})
	} else if dir := c.o.CgroupPaths[""]; dir != "" {
		c.add(phaseRootfs, cause, plan.Bind{Source: dir, Dest: dest, Attr: attr, NoSymlinks: true})
	}
}

// ownCgroup finds the container's cgroup in a hierarchy, which is known by the
// name of the directory or of any controller in it.
func (c *compiler) ownCgroup(name string) (dir string, ok bool) {
	if dir = c.o.CgroupPaths[name]; dir != "" {
		return dir, true
	}
	for controller := range strings.SplitSeq(name, ",") {
		if dir = c.o.CgroupPaths[controller]; dir != "" {
			return dir, true
		}
	}
	dir = c.o.CgroupPaths["name="+name]
	return dir, dir != ""
}

// hierarchyData gives the mount options that select a hierarchy: its controllers
// or, if it has none, its name (cgroups(7), "Mounting v1 controllers").
func hierarchyData(name string) []string {
	if isNamedHierarchy(name) {
		return []string{"name=" + name}
	}
	return strings.Split(name, ",")
}

func hierarchySource(name string) string {
	if isNamedHierarchy(name) {
		return name
	}
	return typeCgroup
}

func isNamedHierarchy(name string) bool {
	first, _, _ := strings.Cut(name, ",")
	switch first {
	case "blkio", "cpu", "cpuacct", "cpuset", "debug", "devices", "freezer", "hugetlb", "memory", "misc",
		"net_cls", "net_prio", "perf_event", "pids", "rdma":
		return false
	}
	return true
}
