package libcontainer

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// joinsUnmapped says that the container joins a user namespace whose id maps the
// configuration does not repeat: they are known when a process is in it.
func joinsUnmapped(linux *specs.Linux) bool {
	if linux == nil || len(linux.UIDMappings)+len(linux.GIDMappings) > 0 {
		return false
	}
	for i := range linux.Namespaces {
		if n := &linux.Namespaces[i]; n.Type == specs.UserNamespace {
			return n.Path != ""
		}
	}
	return false
}

// idsOnHost gives the ids that a user of the user namespace of a process has on the
// host.
func idsOnHost(pid int, uid, gid uint32) (hostUID, hostGID int, err error) {
	if hostUID, err = idOnHost(procFile(pid, "uid_map"), uid); err != nil {
		return 0, 0, err
	}
	hostGID, err = idOnHost(procFile(pid, "gid_map"), gid)
	return hostUID, hostGID, err
}

func idOnHost(path string, id uint32) (int, error) {
	list, err := readIDMap(path)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return int(m.HostID + (id - m.ContainerID)), nil
		}
	}
	return 0, fmt.Errorf("%s: no id of the host for %d", path, id)
}

func readIDMap(path string) ([]plan.IDMapping, error) {
	const limit = 1 << 16
	text, err := sys.ReadFileAt(unix.AT_FDCWD, path, limit)
	if err != nil {
		return nil, err
	}
	list, err := parseIDMap(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// handOver gives what is the container's to its users, now that the ids of a user
// namespace that it has joined can be read. An id that the host does not have owns
// nothing.
func (b *builder) handOver() error {
	if b.serving != nil {
		if uid, gid, err := idsOnHost(b.init.Pid, 0, 0); err == nil {
			if err := b.serving.stdio.chown(uid, gid); err != nil {
				return err
			}
		}
	}
	for i, e := range b.plan.Entries {
		owner, ok := e.Step.(plan.CgroupOwner)
		if !ok || !owner.Inside {
			continue
		}
		uid, err := idOnHost(procFile(b.init.Pid, "uid_map"), owner.UID)
		if err != nil || uid == 0 {
			continue
		}
		if err := b.cgroup.Chown(uid, -1); err != nil {
			return b.plan.Failed(i, err, "")
		}
	}
	return nil
}
