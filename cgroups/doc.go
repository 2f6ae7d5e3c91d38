// Package cgroups creates, limits, freezes, kills, measures and removes the cgroup of a container, on cgroup v1, on
// cgroup v2 and on the hybrid of both.
//
// [Probe] looks at the machine once and gives plain data, [New] computes where a container's cgroup goes without any
// effect, so that a runtime can record [Manager.Paths] before [Manager.Create] makes the first directory; [Load] gives a
// manager back from such a record alone.
//
// # Placing a process
//
// On v2 a child is best born in its cgroup: [Manager.OpenDir] gives the descriptor for clone3 with CLONE_INTO_CGROUP.
// On v1 the kernel has no such call, and moving another process costs an RCU grace period (about 15 ms), because it
// locks out every fork and exit of the machine. Moving the calling thread alone takes no such lock (Linux 5.5), so
// [Manager.Join] moves the calling thread, whose children are then born in the right place.
//
// # Which controllers are enabled on v2
//
// All that the root of the hierarchy offers, from the top down, so that statistics exist and later updates work. The
// usual case, a parent that delegates already, costs one read of the new cgroup's own cgroup.controllers. A controller
// that no limit needs and that cannot be enabled is no error.
package cgroups
