// Package integration runs a runtime's real binary as an engine or a person
// would, and looks at containers from outside and inside.
//
// Everything is in the test files. A scenario makes bundles with a busybox root
// file system, gives commands with a time limit, and ends with an oracle: the
// cgroups, mounts, processes, state and /run of the machine must be what they
// were before it.
//
// The runtime is built from this module unless RUNTIME names another binary,
// for example RUNTIME=/usr/sbin/runc; a scenario that differs from a peer on
// purpose says why. OCIRUN_TEST_CGROUP=v2 runs everything in a view of the
// machine that has only cgroup v2, whatever its own hierarchies are.
// OCIRUN_TEST_HAS lists what the machine was made to have (controllers, systemd,
// apparmor, ...): a scenario that misses one of these fails instead of being skipped.
package integration
