package plan

import (
	"strconv"
	"strings"
	"time"
)

// Cgroup creates the container's cgroup and, in the host lane, is where the
// limits that follow it in the plan are applied.
type Cgroup struct {
	// Path is the cgroup, from the root of the hierarchies.
	Path string
	// Mode is "v1", "v2", "hybrid" or "none".
	Mode string
}

// Lane is Host.
func (Cgroup) Lane() Lane { return Host }

// Name is "cgroup".
func (Cgroup) Name() string { return "cgroup" }

// Action describes the step.
func (s Cgroup) Action() string { return "create cgroup " + s.Path }

// Detail gives the version of the hierarchy.
func (s Cgroup) Detail() string { return s.Mode }

// SystemdUnit has systemd start a transient unit with the container's first process in it,
// whose cgroup is the container's.
type SystemdUnit struct {
	// Unit is the name of a scope, or of a slice.
	Unit string
	// Slice is the slice that a scope is in.
	Slice string
	// User asks the manager of the calling user.
	User bool
	// Properties are those that the unit is started with, as "Name=value".
	Properties []string
}

// Lane is Host.
func (SystemdUnit) Lane() Lane { return Host }

// Name is "systemd-unit".
func (SystemdUnit) Name() string { return "systemd-unit" }

// Action describes the step.
func (s SystemdUnit) Action() string {
	text := "start systemd unit " + s.Unit
	if s.Slice != "" && s.Slice != s.Unit {
		text += " in " + s.Slice
	}
	if s.User {
		text += " of the user"
	}
	return text
}

// Detail gives the properties.
func (s SystemdUnit) Detail() string { return strings.Join(s.Properties, " ") }

// CgroupOwner gives the cgroup to a user, who may then divide it, but not raise its limits.
type CgroupOwner struct {
	// UID is the host's.
	UID uint32
	// Inside says that UID is one of a user namespace that is joined, whose maps are
	// read when a process is in it.
	Inside bool
}

// Lane is Host.
func (CgroupOwner) Lane() Lane { return Host }

// Name is "cgroup-owner".
func (CgroupOwner) Name() string { return "cgroup-owner" }

// Action describes the step.
func (s CgroupOwner) Action() string { return "give the cgroup to user " + u32(s.UID) }

// Detail says whose id it is, if it is not the host's.
func (s CgroupOwner) Detail() string {
	if s.Inside {
		return "(of the joined user namespace)"
	}
	return ""
}

// Limit is one resource limit of the container's cgroup.
type Limit struct {
	// Resource is the limit's name in runtime-spec below linux.resources, with
	// dots: "memory.limit".
	Resource string
	// Value is the limit as configured, in the unit of the specification.
	Value string
}

// Lane is Host.
func (Limit) Lane() Lane { return Host }

// Name is "limit".
func (Limit) Name() string { return "limit" }

// Action describes the step.
func (s Limit) Action() string { return "limit " + s.Resource + " to " + s.Value }

// Detail is empty.
func (Limit) Detail() string { return "" }

// DeviceRule is one rule of the container's device access list. A later rule
// outweighs an earlier one.
type DeviceRule struct {
	Allow bool
	// Type is 'a', 'b' or 'c'.
	Type byte
	// Major and Minor are device numbers; -1 stands for all.
	Major, Minor int64
	// Access is made of the letters r, w and m.
	Access string
}

// Lane is Host.
func (DeviceRule) Lane() Lane { return Host }

// Name is "device-rule".
func (DeviceRule) Name() string { return "device-rule" }

// Action describes the step.
func (s DeviceRule) Action() string {
	verb := "deny devices "
	if s.Allow {
		verb = "allow devices "
	}
	return verb + string(s.Type) + " " + wildcard(s.Major) + ":" + wildcard(s.Minor)
}

// Detail gives the kinds of access.
func (s DeviceRule) Detail() string { return s.Access }

func wildcard(n int64) string {
	if n < 0 {
		return "*"
	}
	return strconv.FormatInt(n, 10)
}

// HookKind is one of the six lists of hooks of runtime-spec.
type HookKind string

// The kinds of hooks (runtime-spec config.md, "POSIX-platform Hooks").
const (
	Prestart        HookKind = "prestart"
	CreateRuntime   HookKind = "createRuntime"
	CreateContainer HookKind = "createContainer"
	StartContainer  HookKind = "startContainer"
	Poststart       HookKind = "poststart"
	Poststop        HookKind = "poststop"
)

// Hook runs a program at a point of the container's life. The init runs
// createContainer and startContainer hooks, the host the others.
type Hook struct {
	Kind  HookKind
	Index int
	// Path is absolute. Args begins with the name the program is to see as its
	// own; empty means the path. Nil Env means the caller's environment.
	Path string
	Args []string
	Env  []string
	// Timeout of zero means none.
	Timeout time.Duration
}

// Lane is Init for createContainer and startContainer hooks, otherwise Host.
func (s Hook) Lane() Lane {
	if s.Kind == CreateContainer || s.Kind == StartContainer {
		return Init
	}
	return Host
}

// Name is "hook".
func (Hook) Name() string { return "hook" }

// Action describes the step in the words that callers of runc look for.
func (s Hook) Action() string {
	return "running " + string(s.Kind) + " hook #" + strconv.Itoa(s.Index) + ": " + s.Path
}

// Detail gives the arguments and the time limit.
func (s Hook) Detail() string {
	var parts []string
	if len(s.Args) > 1 {
		parts = append(parts, "args="+quoteAll(s.Args[1:]))
	}
	if s.Timeout > 0 {
		parts = append(parts, "timeout="+s.Timeout.String())
	}
	return strings.Join(parts, " ")
}

// IDMapping is one line of a user or group id map.
type IDMapping struct {
	ContainerID, HostID, Size uint32
}

// IDMaps writes the id maps of a new user namespace.
type IDMaps struct {
	UID, GID []IDMapping
	// UIDHelper and GIDHelper say that newuidmap(1) and newgidmap(1) write the maps,
	// since the kernel lets the runtime map only the id that it has itself.
	UIDHelper, GIDHelper bool
	// DenySetgroups gives setgroups(2) up, without which the kernel lets nobody map
	// their own group (user_namespaces(7)).
	DenySetgroups bool
	// Joined says that the user namespace was there before: it must have these maps,
	// or those of them that are given; if none is, they are read.
	Joined bool
}

// Lane is Host.
func (IDMaps) Lane() Lane { return Host }

// Name is "id-maps".
func (IDMaps) Name() string { return "id-maps" }

// Action describes the step.
func (s IDMaps) Action() string {
	switch {
	case s.Joined && len(s.UID)+len(s.GID) == 0:
		return "read id maps"
	case s.Joined:
		return "compare id maps"
	}
	return "write id maps"
}

// Detail lists the ranges as container:host:size, and what writes them unless it
// is the runtime itself.
func (s IDMaps) Detail() string {
	if s.Joined && len(s.UID)+len(s.GID) == 0 {
		return ""
	}
	detail := "uid=" + mappings(s.UID) + " gid=" + mappings(s.GID)
	if s.UIDHelper {
		detail += " newuidmap"
	}
	if s.GIDHelper {
		detail += " newgidmap"
	}
	if s.DenySetgroups {
		detail += " setgroups=deny"
	}
	return detail
}

func mappings(list []IDMapping) string {
	parts := make([]string, len(list))
	for i, m := range list {
		parts[i] = u32(m.ContainerID) + ":" + u32(m.HostID) + ":" + u32(m.Size)
	}
	return strings.Join(parts, ",")
}

func u32(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// Resctrl gives the container its share of caches and memory bandwidth (Linux:
// Documentation/filesystems/resctrl.rst).
type Resctrl struct {
	// Class is the class of service, "/" for the default one. Empty means one of the
	// container's own.
	Class string
	// L3, Bandwidth and More are lines for the schemata.
	L3, Bandwidth string
	More          []string
	// Monitored asks for a monitoring group.
	Monitored bool
}

// Lane is Host.
func (Resctrl) Lane() Lane { return Host }

// Name is "resctrl".
func (Resctrl) Name() string { return "resctrl" }

// Action describes the step.
func (s Resctrl) Action() string {
	if s.Class == "" {
		return "make a class of service for the container"
	}
	return "enter class of service " + s.Class
}

// Detail gives the schemata.
func (s Resctrl) Detail() string {
	parts := appendNonEmpty(make([]string, 0, 4), s.L3, s.Bandwidth, strings.Join(s.More, " "))
	if s.Monitored {
		parts = append(parts, "monitored")
	}
	return strings.Join(parts, " ")
}

// NetDevice moves a network device of the host into the container's network namespace.
type NetDevice struct {
	// Device is its name on the host, As the name that it gets.
	Device, As string
}

// Lane is Host.
func (NetDevice) Lane() Lane { return Host }

// Name is "net-device".
func (NetDevice) Name() string { return "net-device" }

// Action describes the step.
func (s NetDevice) Action() string { return "move network device " + s.Device }

// Detail gives the new name.
func (s NetDevice) Detail() string {
	if s.As == s.Device {
		return ""
	}
	return "as " + s.As
}

// Home looks up the user's home directory in the container's /etc/passwd and
// puts HOME into the environment. Without an entry it is "/".
type Home struct {
	UID uint32
}

// Lane is Host: text from an image is not parsed inside the container.
func (Home) Lane() Lane { return Host }

// Name is "home".
func (Home) Name() string { return "home" }

// Action describes the step.
func (s Home) Action() string { return "look up HOME of uid " + u32(s.UID) }

// Detail is empty.
func (Home) Detail() string { return "" }
