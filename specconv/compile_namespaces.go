package specconv

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// namespaces are the container's own namespaces.
type namespaces struct {
	plan.Spawn
	// causes and paths are those of the entries, by position in namespaceKinds.
	causes [len(namespaceKinds)]plan.Cause
	paths  [len(namespaceKinds)]string
}

// namespaceKinds has the kinds in the order in which the ones with a path are
// joined: those that concern no path first, the mount namespace last, since
// afterwards the paths of the others would mean something else. The user
// namespace has its own places.
var namespaceKinds = [...]struct {
	name specs.LinuxNamespaceType
	bit  plan.Namespace
}{
	{specs.IPCNamespace, plan.NamespaceIPC},
	{specs.UTSNamespace, plan.NamespaceUTS},
	{specs.NetworkNamespace, plan.NamespaceNetwork},
	{specs.PIDNamespace, plan.NamespacePID},
	{specs.TimeNamespace, plan.NamespaceTime},
	{specs.CgroupNamespace, plan.NamespaceCgroup},
	{specs.MountNamespace, plan.NamespaceMount},
	{specs.UserNamespace, plan.NamespaceUser},
}

// readNamespaces takes the list of the configuration apart.
func (c *compiler) readNamespaces() {
	for i, entry := range c.linux.Namespaces {
		cause := element("/linux/namespaces", i)
		at := -1
		for k := range namespaceKinds {
			if namespaceKinds[k].name == entry.Type {
				at = k
			}
		}
		if at < 0 {
			c.fail(cause, fmt.Errorf("namespace %q does not exist", entry.Type))
			return
		}
		bit := namespaceKinds[at].bit
		if c.ns.Has(bit) {
			c.fail(cause, fmt.Errorf("malformed spec file: duplicated ns %q", entry.Type))
			return
		}
		c.ns.causes[at], c.ns.paths[at] = cause, entry.Path
		if entry.Path != "" {
			c.ns.Joined |= bit
		} else {
			c.ns.New |= bit
		}
	}
}

// cause gives the entry that asked for the first of the namespaces in set.
func (n *namespaces) cause(set plan.Namespace) plan.Cause {
	for i, kind := range namespaceKinds {
		if set&kind.bit != 0 && n.causes[i] != "" {
			return n.causes[i]
		}
	}
	return causeNamespaces
}

// namespaceRows enters the namespaces. Without a user namespace the new ones are
// made by the very clone that makes the process, but for the cgroup namespace:
// its root is the cgroup of the process that makes it, and a clone would count
// as made by the runtime.
//
// With a user namespace the process makes them itself once it has the ids of the
// container's root: they belong to the user namespace then, and files that the
// kernel makes in them (message queues) have an owner that is mapped.
//
// A namespace is joined with the rights of the host's root over every other user
// namespace, so the user namespace comes last; the rootless runtime has no
// rights but those that joining the user namespace gives, so it comes first.
func (c *compiler) namespaceRows() {
	c.readNamespaces()
	c.chooseFork()
	if c.o.Unit != nil {
		// Before anything that memory is counted for, and before the cgroup namespace.
		c.add(plan.Namespaces, causeCgroup, plan.Rendezvous{Point: plan.PointUnit})
	}
	if score := c.process.OOMScoreAdj; score != nil {
		c.add(plan.Namespaces, "/process/oomScoreAdj", plan.OOMScoreAdj{Value: *score})
	}
	c.add(plan.Namespaces, causeAffinity, plan.CPUAffinity{})
	c.resctrlPoint()
	c.keyLabelRow()
	owned := c.ns.Has(plan.NamespaceUser)
	if owned {
		// Only the host's root may raise a hard limit (setrlimit(2)), and the init works
		// under its own limits as long as it can.
		c.rlimitRows(plan.Namespaces, true)
		c.schedulingRows(plan.Namespaces)
	}
	if c.o.Rootless {
		c.join(plan.NamespaceUser)
	}
	c.join(plan.NamespaceIPC | plan.NamespaceUTS | plan.NamespaceNetwork | plan.NamespacePID | plan.NamespaceTime)
	c.join(plan.NamespaceCgroup | plan.NamespaceMount)
	if owned {
		c.enterUserNamespace()
	}
	c.unshareRows(owned)
	if c.ns.Fork {
		made := c.ns.New & plan.NamespacePID
		c.add(plan.Namespaces, c.ns.cause(plan.NamespacePID|plan.NamespaceTime), plan.Fork{Namespaces: made})
	}
	c.plan.Spawn = c.ns.Spawn
	if !c.o.NoNewKeyring {
		c.add(plan.Namespaces, causeKeyring, plan.Keyring{KeyringName: "_ses." + c.o.ID})
	}
	if c.ns.IsNew(plan.NamespaceNetwork) {
		c.add(plan.Namespaces, c.ns.cause(plan.NamespaceNetwork), plan.Loopback{})
	}
	c.netDeviceRows()
}

// placedRow waits until the runtime has finished the cgroup. The process is born in
// it, with the limits set; the device rules, which take the kernel as long as all
// mounts together, are made at the same time as those, so this comes as late as it can:
// before the first program that is not ours.
func (c *compiler) placedRow(phase plan.Phase) {
	switch c.o.Host.CgroupMode {
	case cgroupV1, cgroupV2, cgroupHybrid:
		c.add(phase, causeCgroup, plan.Rendezvous{Point: plan.PointPlaced})
	}
}

// isPlacedLast reports whether that may come after pivot-root: no hook is run before, and
// no terminal is handed to the runtime, whose answer to that could be taken for this one.
func (c *compiler) isPlacedLast() bool {
	hooks := c.hooks()
	//nolint:staticcheck // prestart is deprecated, and still what engines use.
	return len(hooks.Prestart)+len(hooks.CreateRuntime)+len(hooks.CreateContainer) == 0 && !c.process.Terminal
}

// chooseFork decides whether the container's first process is a child of the one
// that enters the namespaces: unshare(2) never changes the pid and the time
// namespace of the process itself, and there is no flag of clone(2) for the latter
// (pid_namespaces(7), time_namespaces(7)).
func (c *compiler) chooseFork() {
	c.ns.Fork = c.ns.Joined&plan.NamespacePID != 0 ||
		c.ns.IsNew(plan.NamespacePID) && c.ns.Has(plan.NamespaceUser) ||
		c.ns.IsNew(plan.NamespaceTime)
}

// join adds the rows for those of the namespaces that have a path.
func (c *compiler) join(set plan.Namespace) {
	if c.ns.Joined&set == 0 {
		return
	}
	for i, kind := range namespaceKinds {
		if c.ns.Joined&set&kind.bit != 0 {
			c.add(plan.Namespaces, c.ns.causes[i], plan.Join{Namespace: kind.bit, Path: c.ns.paths[i]})
		}
	}
}

// enterUserNamespace makes the process root of its user namespace.
func (c *compiler) enterUserNamespace() {
	if !c.o.Rootless {
		c.join(plan.NamespaceUser)
	}
	c.idMapRows()
	c.add(plan.Namespaces, c.ns.cause(plan.NamespaceUser), plan.SetIDs{NoGroups: c.mayKeepGroups()})
}

// mayKeepGroups says whether setgroups(2) may be denied for good. Only of a user
// namespace that the host's root makes it is known that it is not
// (user_namespaces(7)).
func (c *compiler) mayKeepGroups() bool {
	return c.o.Rootless || c.o.Host.UserNS || c.ns.Joined&plan.NamespaceUser != 0
}

// idMapRows give a new user namespace its id maps. One that is joined has them;
// engines repeat them in the configuration, so they are compared. Without that they are
// read, since what is made on the host belongs to the container's users.
func (c *compiler) idMapRows() {
	uid, gid := c.linux.UIDMappings, c.linux.GIDMappings
	user := c.ns.cause(plan.NamespaceUser)
	cause := plan.Cause("/linux/uidMappings")
	maps := plan.IDMaps{UID: idMappings(uid), GID: idMappings(gid), Joined: !c.ns.IsNew(plan.NamespaceUser)}
	switch {
	case maps.Joined && len(uid)+len(gid) == 0:
		cause = user
	case maps.Joined && len(uid) == 0:
		cause = "/linux/gidMappings"
	case maps.Joined:
	case len(uid) == 0:
		c.fail(user, errors.New("user namespaces enabled, but no uid mappings found"))
		return
	case len(gid) == 0:
		c.fail(user, errors.New("user namespaces enabled, but no gid mappings found"))
		return
	default:
		c.add(plan.Namespaces, user, plan.Unshare{Namespaces: plan.NamespaceUser})
	}
	if c.o.Rootless && !maps.Joined {
		maps.UIDHelper, maps.GIDHelper = !isOwnID(maps.UID, c.o.Host.UID), !isOwnID(maps.GID, c.o.Host.GID)
		maps.DenySetgroups = !maps.GIDHelper
	}
	c.add(plan.Namespaces, user, plan.Rendezvous{Point: plan.PointIDMaps})
	c.add(plan.Namespaces, cause, maps)
}

// isOwnID reports whether a map has one id, the runtime's own. The kernel lets
// anybody write such a map (user_namespaces(7)).
func isOwnID(maps []plan.IDMapping, own uint32) bool {
	return len(maps) == 1 && maps[0].Size == 1 && maps[0].HostID == own
}

func idMappings(list []specs.LinuxIDMapping) []plan.IDMapping {
	out := make([]plan.IDMapping, len(list))
	for i, m := range list {
		out[i] = plan.IDMapping{ContainerID: m.ContainerID, HostID: m.HostID, Size: m.Size}
	}
	return out
}

// unshareRows makes what the clone did not make.
func (c *compiler) unshareRows(owned bool) {
	set := plan.Namespace(0)
	if owned {
		set = c.ns.New &^ (plan.NamespaceUser | plan.NamespacePID | plan.NamespaceCgroup)
	}
	set |= c.ns.New & plan.NamespaceTime
	if set != 0 {
		c.add(plan.Namespaces, c.ns.cause(set), plan.Unshare{Namespaces: set})
	}
	if set&plan.NamespaceTime != 0 {
		c.timeOffsetRows()
	}
	if c.ns.IsNew(plan.NamespaceCgroup) {
		c.add(plan.Namespaces, c.ns.cause(plan.NamespaceCgroup), plan.Unshare{Namespaces: plan.NamespaceCgroup})
	}
}

func (c *compiler) timeOffsetRows() {
	for _, clock := range sortedKeys(c.linux.TimeOffsets) {
		offset := c.linux.TimeOffsets[clock]
		c.add(plan.Namespaces, member("/linux/timeOffsets", clock),
			plan.TimeOffset{Clock: clock, Secs: offset.Secs, Nanos: offset.Nanosecs})
	}
}

// sortedKeys gives the keys of a map in an order that does not change.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
