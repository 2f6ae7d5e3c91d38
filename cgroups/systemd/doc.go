// Package systemd lets systemd own the cgroup of a container: a transient scope (systemd.scope(5)), or a slice, of the
// system's manager or of a user's. It talks to the manager over D-Bus.
//
// [New] computes names, directories and properties and has no effect, so that a runtime can record them before
// [Unit.Create] starts the unit; [Load] gives a manager back from such a record alone. All else is done to the cgroup itself,
// as [cgroups.New] does it: systemd delegates the cgroup of a scope.
//
// # The first process
//
// systemd makes no scope without a process. [Unit.Pid] is that of the container, which waits for the end of Create before
// it does anything. A process that only holds the place, so that the container's could be born in the cgroup, would take no
// less time, since systemd has to move it as well, and one process more. It would also not do for a user whose session is
// not below the user's manager: such a user may not clone into the scope, and systemd can move the process.
//
// # Limits
//
// They are set twice: as properties of the unit, since systemd writes what it knows again at times (daemon-reload), and to
// the files, since systemd knows less than there is and rounds.
package systemd
