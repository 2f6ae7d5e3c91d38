package specconv

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// wantsIDMap reports whether a mount is to be id-mapped: mappings say so without an
// option as well.
func wantsIDMap(m *specs.Mount, f *mountFields) bool {
	return f.idMap || len(m.UIDMappings)+len(m.GIDMappings) > 0
}

// mountIDMap gives the id map of a mount, nil without one. A mount without mappings of
// its own takes those of the container's user namespace (runtime-spec config.md, "Linux
// mount options", idmap).
func (c *compiler) mountIDMap(m *specs.Mount, f *mountFields) *plan.MountIDMap {
	if !wantsIDMap(m, f) {
		return nil
	}
	uids, gids, err := mountMappings(m, c.linux)
	if err != nil {
		c.fail("/mounts", err)
		return nil
	}
	row := &plan.MountIDMap{UID: idMappings(uids), GID: idMappings(gids), Recursive: f.recursiveIDMap}
	if len(row.UID)+len(row.GID) > 0 {
		return row
	}
	for i, kind := range namespaceKinds {
		if kind.bit == plan.NamespaceUser && c.ns.paths[i] != "" {
			row.UID, row.GID, row.Namespace = nil, nil, c.ns.paths[i]
			return row
		}
	}
	row.UID, row.GID = idMappings(c.linux.UIDMappings), idMappings(c.linux.GIDMappings)
	return row
}
