package libcontainer

import (
	"os"
	"time"

	"github.com/ocirun/ocirun/specconv/plan"
)

// CreateOptions says how a container is created. Bundle is the only field that
// is needed.
type CreateOptions struct {
	// Bundle is the directory that holds config.json.
	Bundle string
	// PidFile, if set, receives the process id of the container's first process
	// in decimal, without a newline.
	PidFile string
	// ConsoleSocket is the path of a listening unix stream socket that receives
	// the master end of the container's terminal.
	ConsoleSocket string
	// PidfdSocket is the path of a unix socket that receives a pidfd of the
	// container's first process.
	PidfdSocket string
	// PreserveFDs is the number of descriptors, from 3 on, that the container
	// inherits beside the standard streams.
	PreserveFDs int
	// ListenFDs is the number of activation sockets (sd_listen_fds(3)), which
	// stand before the preserved descriptors.
	ListenFDs int
	// ListenNames are the names of these sockets with colons between, the value of
	// LISTEN_FDNAMES in the caller's environment; empty if they have none.
	ListenNames string
	// NotifySocket is where a service manager listens for sd_notify(3), the value of
	// NOTIFY_SOCKET in the caller's environment. If set, the program gets a socket
	// of its own, and the service manager learns when the program is ready.
	NotifySocket string
	// NoPivot moves the root with MS_MOVE and chroot(2) instead of pivot_root(2).
	NoPivot bool
	// NoNewKeyring keeps the caller's session keyring.
	NoNewKeyring bool
	// CgroupManager says who makes the container's cgroup; empty means Cgroupfs.
	CgroupManager CgroupManager
	// Rootless ignores missing permission for cgroups.
	Rootless bool
	// Stdio are the container's standard streams; nil means those of the
	// process.
	Stdio [3]*os.File
	// Trace, if set, receives the time of every step.
	Trace *Trace
	// Warn, if set, is told what is odd but no error.
	Warn func(message string)
}

// CgroupManager says who makes the cgroup of a container.
type CgroupManager string

// The values of CgroupManager.
const (
	// Cgroupfs: the runtime makes it.
	Cgroupfs CgroupManager = "cgroupfs"
	// Systemd: the system's manager of services does, or that of the user for callers
	// other than the host's root.
	Systemd CgroupManager = "systemd"
	// NoCgroup: there is none, and so no limits, no device rules, no statistics and no
	// pause.
	NoCgroup CgroupManager = "disabled"
)

// RunOptions says how a container is run from its creation to its end.
type RunOptions struct {
	CreateOptions
	// Detach returns as soon as the program runs.
	Detach bool
	// Keep leaves the container's state and cgroup behind when it has ended.
	Keep bool
	// NoSubreaper leaves orphaned processes to the caller's reaper.
	NoSubreaper bool
	// Exits: the calling process ends as soon as Run has returned. Nothing of its own is put
	// back then but the terminal: neither how it handles signals nor its children.
	Exits bool
}

// StartOptions says how a container is started.
type StartOptions struct {
	// NotifySocket is as in CreateOptions. If the container was created with one, Start
	// returns when the program is ready or has ended.
	NotifySocket string
	// Trace, if set, receives the time of every step.
	Trace *Trace
	// Warn, if set, is told what is odd but no error.
	Warn func(message string)
}

// Status is what a container is doing (runtime-spec runtime.md, "State"), with
// "paused" beside the four values of the specification.
type Status string

// The values of Status.
const (
	Creating Status = "creating"
	Created  Status = "created"
	Running  Status = "running"
	Stopped  Status = "stopped"
	Paused   Status = "paused"
)

// State describes a container at one moment.
type State struct {
	OCIVersion string
	ID         string
	// Pid is that of the first process, or 0 if it has ended.
	Pid     int
	Status  Status
	Bundle  string
	Rootfs  string
	Created time.Time
	// Annotations are those of config.json.
	Annotations map[string]string
	// OwnerUID is the user who created the container.
	OwnerUID int
}

// Explanation is a plan together with what is known of its execution.
type Explanation struct {
	Plan *plan.Plan
	// Warnings are what the compiler had to say about the configuration.
	Warnings []string
}
