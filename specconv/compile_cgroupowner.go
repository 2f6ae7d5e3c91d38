package specconv

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// cgroupOwnerRow gives the cgroup to the user of the process where that user can see
// nothing above it, and can write to what it sees (runtime-spec config-linux.md, "Cgroup
// ownership"). Version 1 has nothing that could be given away safely.
func (c *compiler) cgroupOwnerRow() {
	if c.o.Host.CgroupMode != cgroupV2 || c.o.Rootless || !c.makesNamespace(specs.CgroupNamespace) {
		return
	}
	at := c.writableCgroupMount()
	owner, ok := c.cgroupOwner(c.process.User.UID)
	if at < 0 || !ok || owner == (plan.CgroupOwner{}) {
		return
	}
	c.add(plan.Prepare, element("/mounts", at), owner)
}

// makesNamespace reports whether a namespace is made anew. It is for what comes before
// the namespaces are read.
func (c *compiler) makesNamespace(kind specs.LinuxNamespaceType) bool {
	for i := range c.linux.Namespaces {
		if n := &c.linux.Namespaces[i]; n.Type == kind {
			return n.Path == ""
		}
	}
	return false
}

// writableCgroupMount gives the number of the mount that shows the cgroup for writing,
// or -1.
func (c *compiler) writableCgroupMount() int {
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		if m.Type != typeCgroup || inContainer(m.Destination) != cgroupRoot {
			continue
		}
		f := readMountOptions(m.Options)
		if !f.bind && !f.remount && merge(f.attr, f.recursiveAttr).Set&plan.ReadOnly == 0 {
			return i
		}
	}
	return -1
}

// cgroupOwner gives the host's id of a user of the container; false if there is none.
func (c *compiler) cgroupOwner(uid uint32) (plan.CgroupOwner, bool) {
	for i := range c.linux.Namespaces {
		n := &c.linux.Namespaces[i]
		if n.Type != specs.UserNamespace {
			continue
		}
		if n.Path != "" && len(c.linux.UIDMappings) == 0 {
			return plan.CgroupOwner{UID: uid, Inside: true}, true
		}
		for k := range c.linux.UIDMappings {
			if m := &c.linux.UIDMappings[k]; overlap(m.ContainerID, m.Size, uid, 1) {
				return plan.CgroupOwner{UID: m.HostID + (uid - m.ContainerID)}, true
			}
		}
		return plan.CgroupOwner{}, false
	}
	return plan.CgroupOwner{UID: uid}, true
}
