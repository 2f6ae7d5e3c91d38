package specconv

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// ConfigFile is the name of a bundle's configuration (runtime-spec bundle.md).
const ConfigFile = "config.json"

// Bundle is a container's configuration together with where it was found.
type Bundle struct {
	// Dir is the absolute path of the bundle; relative paths of the
	// configuration start here.
	Dir string
	// Raw is the text of config.json.
	Raw []byte
	// Spec is the decoded text.
	Spec *specs.Spec

	// end is the offset in Raw behind the JSON value, or 0.
	end int
}

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Pointer says where in config.json.
	Pointer plan.Cause
	// Err says what, without the pointer.
	Err error
	// Warning marks what is odd but no reason to refuse the configuration.
	Warning bool
	// Ref is the place in runtime-spec that settles the matter, such as
	// "config.md#mounts", or empty where the runtime itself sets the rule.
	Ref string
}

// Error gives the pointer and the text: "/process/cwd: Cwd must be an absolute
// path".
func (p Problem) Error() string {
	if p.Pointer == "" {
		return p.Err.Error()
	}
	return string(p.Pointer) + ": " + p.Err.Error()
}

// Unwrap gives the error without the pointer.
func (p Problem) Unwrap() error { return p.Err }

// Facts are what Inspect found out about the host for one bundle.
type Facts struct {
	// Kinds has an element for each of the configuration's mounts. For a bind
	// mount it is what the source is; otherwise it means nothing.
	Kinds []plan.Kind
	// Links has, by the number of the mount, what those sources that are symbolic links
	// and have the option copy-symlink lead to.
	Links map[int]string
	// Home is the home directory of the process's user, "/" if none is known.
	// It is empty if the environment of the configuration has a HOME.
	Home string
}

// Host is what the runtime knows of the machine whatever the bundle.
type Host struct {
	// LastCap is the highest capability that the kernel knows
	// (/proc/sys/kernel/cap_last_cap).
	LastCap uint8
	// Caps are the capabilities that the runtime itself may hand on: it has them
	// in its permitted and its bounding set. Zero means all.
	Caps plan.CapSet
	// SeccompFlags are the SECCOMP_FILTER_FLAG_* bits that the kernel knows. Zero
	// means all: every kernel that the runtime works on knows them but the one
	// that is about a listener (Linux 5.19), and only a listener makes use of it.
	SeccompFlags uint
	// CgroupMode is "v1", "v2", "hybrid" or "none".
	CgroupMode string
	// HostCgroups gives, for version 1, the mount point of each hierarchy by the
	// name of its directory below /sys/fs/cgroup.
	HostCgroups map[string]string
	// AppArmor, SELinux and TimeNS say what the kernel has and enables.
	AppArmor, SELinux, TimeNS bool
	// Resctrl says what there is to share of caches and memory bandwidth. It matters only
	// where the configuration asks for that.
	Resctrl Resctrl
	// UID and GID are the effective ids of the runtime. They matter only with a user
	// namespace of the container's own.
	UID, GID uint32
	// UserNS says that the runtime itself is in a user namespace other than the
	// initial one.
	UserNS bool
}

// Resctrl says what the file system of resource control offers (Linux:
// Documentation/filesystems/resctrl.rst).
type Resctrl struct{ Mounted, L3, Bandwidth, Monitoring bool }

// Options are what the caller of the runtime asked for, and what is known of the
// host, so that validation and compilation need to look at nothing else.
type Options struct {
	// ID is the container's name.
	ID    string
	Host  Host
	Facts Facts
	// CgroupPath is the container's cgroup from the root of the hierarchies.
	CgroupPath string
	// CgroupPaths gives the absolute directory of the container's cgroup by
	// controller; the unified hierarchy has the empty name.
	CgroupPaths map[string]string
	// Unit is the unit of systemd that owns the cgroup, or nil.
	Unit *plan.SystemdUnit
	// NoCgroup says that the container is to have no cgroup whatever the host has.
	NoCgroup bool
	// Create puts the gate before the start of the program; without it the
	// program runs at once.
	Create bool
	// NoPivot moves the root with MS_MOVE and chroot(2).
	NoPivot bool
	// NoNewKeyring keeps the caller's session keyring.
	NoNewKeyring bool
	// Rootless says that the runtime lacks the rights of the host's root.
	Rootless bool
	// ListenFDs is the number of activation sockets (sd_listen_fds(3)).
	ListenFDs int
	// ListenNames are their names, as LISTEN_FDNAMES has them, or empty.
	ListenNames string
	// PreserveFDs is the number of other descriptors that the program inherits.
	PreserveFDs int
	// NotifyDir is the host's directory with the container's socket for sd_notify(3),
	// or empty.
	NotifyDir string
	// ConsoleSocket says that there is a socket for the terminal's master end.
	ConsoleSocket bool
	// Detach says that the runtime does not wait for the end of the program.
	Detach bool
}
