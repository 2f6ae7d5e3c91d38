package libcontainer

import (
	"errors"
	"os"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// ExecOptions says which process is added to a container.
type ExecOptions struct {
	// Process is all there is to know about the process. Without it, it is the
	// process of the container's configuration with Changes.
	Process *specs.Process
	Changes ProcessChanges
	// Detach returns as soon as the program runs.
	Detach bool
	// Exits is as that of RunOptions. Moreover Exec need not return: unless there is a trace or
	// a warning to be written, the calling process itself becomes one of a few kilobytes that
	// stays with the program and exits with its status.
	Exits bool
	// PidFile, ConsoleSocket, PidfdSocket and PreserveFDs are as those of
	// CreateOptions, but for this process.
	PidFile, ConsoleSocket, PidfdSocket string
	PreserveFDs                         int
	// Cgroups names an existing cgroup below the container's for the process, by
	// controller. The only key is empty if it is the same one for all, as there is
	// with version 2. Without it, a container whose own cgroup takes no processes
	// (because cgroups below it have controllers) gets the process where its first
	// one is.
	Cgroups map[string]string
	// IgnorePaused allows to add a process to a paused container. It will begin
	// when the container is resumed, and so does Exec not return before.
	IgnorePaused bool
	// Stdio are the process's standard streams; nil means those of the caller.
	Stdio [3]*os.File
	// Trace, if set, receives the time of every step.
	Trace *Trace
	// Warn, if set, is told what is odd but no error.
	Warn func(message string)
}

// ProcessChanges is what a process has of its own that is otherwise as the first
// one of its container.
type ProcessChanges struct {
	// Args is the program with its arguments.
	Args []string
	// Cwd replaces the working directory unless it is empty.
	Cwd string
	// Env is added to the environment; the last one of a name counts.
	Env []string
	// Terminal says whether the process has one, whatever the configuration says.
	Terminal bool
	// UID and GID replace those of the configuration if they are set.
	UID, GID *uint32
	// AdditionalGIDs are added to the supplementary groups.
	AdditionalGIDs []uint32
	// Capabilities are added to the bounding, the effective and the permitted set,
	// and to the ambient set if the configuration has an inheritable one, which is
	// never added to (CVE-2022-29162).
	Capabilities []string
	// NoNewPrivileges replaces that of the configuration if it is set.
	NoNewPrivileges *bool
	// AppArmorProfile and SELinuxLabel replace those of the configuration unless
	// they are empty.
	AppArmorProfile, SELinuxLabel string
}

// stream is the descriptor of a standard stream of the process.
func (o *ExecOptions) stream(n int) int {
	if f := o.Stdio[n]; f != nil {
		return int(f.Fd())
	}
	return n
}

// errNoArgs has the words that callers of runc know.
var errNoArgs = errors.New("exec args cannot be empty")

// apply makes the changes in a copy of the process, which shares with it what is
// not changed. The second result lists the fields that were given.
func (ch *ProcessChanges) apply(p specs.Process) (*specs.Process, []plan.Cause, error) {
	if len(ch.Args) == 0 {
		return nil, nil, errNoArgs
	}
	given := []plan.Cause{"/process/args", "/process/terminal"}
	p.Args, p.Terminal = ch.Args, ch.Terminal
	if ch.Cwd != "" {
		p.Cwd = ch.Cwd
		given = append(given, "/process/cwd")
	}
	if len(ch.Env) > 0 {
		p.Env = slices.Concat(p.Env, ch.Env)
		given = append(given, "/process/env")
	}
	if ch.UID != nil || ch.GID != nil || len(ch.AdditionalGIDs) > 0 {
		ch.applyUser(&p.User)
		given = append(given, "/process/user")
	}
	if len(ch.Capabilities) > 0 {
		p.Capabilities = ch.addCapabilities(p.Capabilities)
		given = append(given, "/process/capabilities")
	}
	if ch.NoNewPrivileges != nil {
		p.NoNewPrivileges = *ch.NoNewPrivileges
		given = append(given, "/process/noNewPrivileges")
	}
	if ch.AppArmorProfile != "" {
		p.ApparmorProfile = ch.AppArmorProfile
		given = append(given, "/process/apparmorProfile")
	}
	if ch.SELinuxLabel != "" {
		p.SelinuxLabel = ch.SELinuxLabel
		given = append(given, "/process/selinuxLabel")
	}
	return &p, given, nil
}

func (ch *ProcessChanges) applyUser(u *specs.User) {
	if ch.UID != nil {
		u.UID = *ch.UID
	}
	if ch.GID != nil {
		u.GID = *ch.GID
	}
	u.AdditionalGids = slices.Concat(u.AdditionalGids, ch.AdditionalGIDs)
}

func (ch *ProcessChanges) addCapabilities(old *specs.LinuxCapabilities) *specs.LinuxCapabilities {
	if old == nil {
		old = &specs.LinuxCapabilities{}
	}
	sets := *old
	sets.Bounding = slices.Concat(sets.Bounding, ch.Capabilities)
	sets.Effective = slices.Concat(sets.Effective, ch.Capabilities)
	sets.Permitted = slices.Concat(sets.Permitted, ch.Capabilities)
	if sets.Inheritable != nil {
		sets.Ambient = slices.Concat(sets.Ambient, ch.Capabilities)
	}
	return &sets
}
