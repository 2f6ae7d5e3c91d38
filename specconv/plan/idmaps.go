package plan

// MountIDMap maps the owners of the files of a mount (mount_setattr(2),
// MOUNT_ATTR_IDMAP): a file of ContainerID on the disk belongs to HostID where it is
// mounted.
type MountIDMap struct {
	UID, GID []IDMapping
	// Namespace is the path of a user namespace whose maps are taken instead.
	Namespace string
	// Recursive means the mounts below as well.
	Recursive bool
}

func (m *MountIDMap) describe() string {
	name := "idmap"
	if m.Recursive {
		name = "ridmap"
	}
	if m.Namespace != "" {
		return name + "=" + m.Namespace
	}
	return name + " uid=" + mappings(m.UID) + " gid=" + mappings(m.GID)
}
