package specconv

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	refMappings = "config-linux.md#user-namespace-mappings"
	refOffsets  = "config-linux.md#offset-for-time-namespace"
)

// userNamespace checks what goes with a user or a time namespace.
func (v *validator) userNamespace() {
	switch {
	case v.has(plan.NamespaceUser):
		v.mappings()
	case v.o.Rootless && !v.o.Host.UserNS:
		v.failf("/linux/namespaces", "", `rootless container requires user namespaces: add {"type": "user"} and mappings`)
	default:
		if len(v.linux.UIDMappings) > 0 {
			v.warnf("/linux/uidMappings", refMappings, "ignoring uidMappings without a user namespace")
		}
		if len(v.linux.GIDMappings) > 0 {
			v.warnf("/linux/gidMappings", refMappings, "ignoring gidMappings without a user namespace")
		}
	}
	if v.o.Rootless && v.o.Host.CgroupMode == cgroupNone && !v.has(plan.NamespacePID) {
		v.warnf("/linux/namespaces", "",
			"with neither a cgroup nor a pid namespace, processes of the container may outlive it: nobody could find them")
	}
	if len(v.linux.TimeOffsets) > 0 || v.has(plan.NamespaceTime) {
		v.timeNamespace()
	}
}

// namespaceAt gives the place of a namespace in the list, and its path.
func (v *validator) namespaceAt(kind specs.LinuxNamespaceType) (where plan.Cause, path string) {
	for i := range v.linux.Namespaces {
		if n := &v.linux.Namespaces[i]; n.Type == kind {
			return element("/linux/namespaces", i), n.Path
		}
	}
	return "/linux/namespaces", ""
}

// mappings checks the id maps of a user namespace. One that is joined has maps
// already; only what the configuration says of them can be checked here.
func (v *validator) mappings() {
	where, path := v.namespaceAt(specs.UserNamespace)
	if path == "" {
		if len(v.linux.UIDMappings) == 0 {
			v.failf(where, refMappings, "user namespaces enabled, but no uid mappings found")
		}
		if len(v.linux.GIDMappings) == 0 {
			v.failf(where, refMappings, "user namespaces enabled, but no gid mappings found")
		}
	}
	v.mapping("/linux/uidMappings", "uid", v.linux.UIDMappings)
	v.mapping("/linux/gidMappings", "gid", v.linux.GIDMappings)
	if p := v.spec.Process; p != nil {
		v.mapped(v.linux.UIDMappings, p.User.UID, "/process/user/uid", "cannot setuid to unmapped uid %d in user namespace")
		v.mapped(v.linux.GIDMappings, p.User.GID, "/process/user/gid", "cannot setgid to unmapped gid %d in user namespace")
		for i, gid := range p.User.AdditionalGids {
			v.mapped(v.linux.GIDMappings, gid, element("/process/user/additionalGids", i),
				"cannot set additional group %d unmapped in user namespace")
		}
	}
	for i := range v.spec.Mounts {
		v.mountOwner(i)
	}
}

// maxRanges is how many ranges a map may have (user_namespaces(7), Linux 4.15).
const maxRanges = 340

// mapping checks one map of the user namespace, which has to have a root.
func (v *validator) mapping(pointer, kind string, list []specs.LinuxIDMapping) {
	if len(list) > 0 && !maps(list, 0) {
		v.failf(plan.Cause(pointer), refMappings, "user namespaces enabled, but no mapping found for %s 0", kind)
	}
	v.ranges(pointer, list)
}

// ranges checks a map by the kernel's rules.
func (v *validator) ranges(pointer string, list []specs.LinuxIDMapping) {
	if len(list) > maxRanges {
		v.failf(plan.Cause(pointer), refMappings, "%d ranges are more than the %d that the kernel takes", len(list), maxRanges)
		return
	}
	for i := range list {
		m := &list[i]
		switch {
		case m.Size == 0:
			v.failf(element(pointer, i)+"/size", refMappings, "the size of a range must not be 0")
		case uint64(m.ContainerID)+uint64(m.Size) > uint64(noID) || uint64(m.HostID)+uint64(m.Size) > uint64(noID):
			v.failf(element(pointer, i), refMappings, "the range ends above the highest id, %d", noID-1)
		}
		for k := range i {
			if overlap(m.ContainerID, m.Size, list[k].ContainerID, list[k].Size) ||
				overlap(m.HostID, m.Size, list[k].HostID, list[k].Size) {
				v.failf(element(pointer, i), refMappings, "the range overlaps with range %d: invalid argument", k)
				break
			}
		}
	}
}

func overlap(a, aSize, b, bSize uint32) bool {
	return uint64(a) < uint64(b)+uint64(bSize) && uint64(b) < uint64(a)+uint64(aSize)
}

func maps(list []specs.LinuxIDMapping, id uint32) bool {
	for i := range list {
		if overlap(list[i].ContainerID, list[i].Size, id, 1) {
			return true
		}
	}
	return false
}

// mapped refuses an id that the container does not have. No map, as far as is
// known, has all.
func (v *validator) mapped(list []specs.LinuxIDMapping, id uint32, where plan.Cause, format string) {
	if len(list) > 0 && id != noID && !maps(list, id) {
		v.failf(where, refMappings, format, id)
	}
}

// mountOwner checks the owners that the options of a new file system name.
func (v *validator) mountOwner(i int) {
	m := &v.spec.Mounts[i]
	if isBind(m.Options) {
		return
	}
	for k, option := range m.Options {
		for _, owner := range [...]struct {
			prefix string
			list   []specs.LinuxIDMapping
		}{{"uid=", v.linux.UIDMappings}, {"gid=", v.linux.GIDMappings}} {
			text, ok := strings.CutPrefix(option, owner.prefix)
			id, err := strconv.ParseUint(text, 10, 32)
			if !ok || err != nil || len(owner.list) == 0 || maps(owner.list, uint32(id)) {
				continue
			}
			kind := "a container with a user namespace"
			if v.o.Rootless {
				kind = "rootless container"
			}
			v.failf(v.optionPointer(i, k), refMappings, "cannot specify %s mount option for %s: the id is not mapped", option, kind)
		}
	}
}

// timeNamespace checks the clocks.
func (v *validator) timeNamespace() {
	where, path := v.namespaceAt(specs.TimeNamespace)
	switch {
	case !v.has(plan.NamespaceTime):
		v.failf("/linux/timeOffsets", refOffsets, "time namespace offsets specified, but time namespace isn't enabled in the config")
		return
	case path != "" && len(v.linux.TimeOffsets) > 0:
		v.failf("/linux/timeOffsets", refOffsets,
			"time namespace enabled, but both namespace path and time offsets specified -- you may only provide one")
	case !v.o.Host.TimeNS:
		v.failf(where, refOffsets, "time namespaces aren't enabled in the kernel")
	}
	const second = 1_000_000_000
	for _, clock := range sortedKeys(v.linux.TimeOffsets) {
		if clock != "monotonic" && clock != "boottime" {
			v.failf(member("/linux/timeOffsets", clock), refOffsets, `clock %q has no offset: only "monotonic" and "boottime" have`, clock)
		}
		if nanos := v.linux.TimeOffsets[clock].Nanosecs; nanos >= second {
			v.failf(member("/linux/timeOffsets", clock)+"/nanosecs", refOffsets, "%d nanoseconds are a second or more", nanos)
		}
	}
}
