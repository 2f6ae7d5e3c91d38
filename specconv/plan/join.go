package plan

import (
	"maps"
	"slices"
	"strings"
)

// EnterCgroup puts a process that joins a container into the container's cgroup,
// or into one below it. The process is born there.
type EnterCgroup struct {
	// Path is the cgroup from the root of the hierarchies.
	Path string
	// Below names, by controller, the cgroup below it; all have the same one if
	// the only key is empty.
	Below map[string]string
}

// Lane is Host.
func (EnterCgroup) Lane() Lane { return Host }

// Name is "enter-cgroup".
func (EnterCgroup) Name() string { return "enter-cgroup" }

// Action describes the step.
func (s EnterCgroup) Action() string { return "enter cgroup " + s.Path }

// Detail lists the cgroups below.
func (s EnterCgroup) Detail() string {
	parts := make([]string, 0, len(s.Below))
	for _, controller := range slices.Sorted(maps.Keys(s.Below)) {
		part := s.Below[controller]
		if controller != "" {
			part = controller + ":" + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// JoinContainer enters the namespaces of a container's first process by one call
// (setns(2) with a pidfd, Linux 5.8): all of them are those of this process, or
// none is entered.
type JoinContainer struct {
	Namespaces Namespace
}

// Lane is Init.
func (JoinContainer) Lane() Lane { return Init }

// Name is "join-container".
func (JoinContainer) Name() string { return "join-container" }

// Action describes the step.
func (JoinContainer) Action() string { return "join the container's namespaces" }

// Detail lists the namespaces.
func (s JoinContainer) Detail() string { return strings.Join(Names(s.Namespaces), ",") }

// CPUAffinity says on which CPUs the process may run. Those of the runtime are not
// inherited: an engine may be pinned to a few.
type CPUAffinity struct {
	// CPUs is the list as configured, such as "0-3,7". Empty means all CPUs of
	// the cgroup.
	CPUs string
	// Mask has a bit for each CPU, as sched_setaffinity(2) takes it; nothing for
	// all.
	Mask []byte
	// Initial says that the runtime itself goes there before it makes the
	// process.
	Initial bool
}

// Lane is Init, and Host for Initial.
func (s CPUAffinity) Lane() Lane {
	if s.Initial {
		return Host
	}
	return Init
}

// Name is "cpu-affinity".
func (CPUAffinity) Name() string { return "cpu-affinity" }

// Action describes the step.
func (s CPUAffinity) Action() string {
	if s.CPUs == "" {
		return "run on all CPUs of the cgroup"
	}
	return "run on CPUs " + s.CPUs
}

// Detail says when an initial affinity counts.
func (s CPUAffinity) Detail() string {
	if s.Initial {
		return "until the cgroup is entered"
	}
	return ""
}
