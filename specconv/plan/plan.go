package plan

import "strings"

// Lane says who carries out a step.
type Lane uint8

// The three lanes of a plan. Host steps are done by the runtime on the host,
// init steps by the init inside the new namespaces; at a wait step the init
// stops until the runtime answers.
const (
	Host Lane = iota
	Init
	Wait
)

// String gives the lane's name as it is printed in the text and JSON forms.
func (l Lane) String() string {
	switch l {
	case Host:
		return "host"
	case Init:
		return "init"
	case Wait:
		return "wait"
	}
	return "unknown"
}

// Phase is the stage of a container's life that a step belongs to. Phases run
// in the order of their values.
type Phase uint8

// The phases of a plan.
const (
	// Prepare is what the host does before the first process exists.
	Prepare Phase = iota
	// Namespaces joins and makes namespaces and waits to be placed.
	Namespaces
	// Rootfs builds the mount tree.
	Rootfs
	// System sets what belongs to the namespaces: names, sysctls, network.
	System
	// Process gives the process its identity and its limits.
	Process
	// Start waits for the start of the container and executes the program.
	Start
	// Stop is what is done when the container is deleted.
	Stop
)

// String gives the phase's name as it is printed in the text and JSON forms.
func (p Phase) String() string {
	names := [...]string{"prepare", "namespaces", "rootfs", "system", "process", "start", "stop"}
	if int(p) < len(names) {
		return names[p]
	}
	return "unknown"
}

// Cause says why a step is in the plan: a JSON pointer (RFC 6901) into
// config.json such as "/mounts/3", or, for what the runtime adds on its own,
// "default:" and a word, such as "default:devices".
type Cause string

// Default makes the cause of a step that no field of config.json asked for.
func Default(what string) Cause { return Cause("default:" + what) }

// IsDefault reports whether the runtime added the step on its own.
func (c Cause) IsDefault() bool { return strings.HasPrefix(string(c), "default:") }

// Step is one thing to do. The concrete types of this package are the whole
// set; a type switch over them is how a step is executed.
type Step interface {
	// Lane says who carries the step out.
	Lane() Lane
	// Name is the step's kind in one word, the "step" key of the JSON form.
	Name() string
	// Action says what is done, as it stands in an error message:
	// "mount tmpfs on /dev/shm".
	Action() string
	// Detail is what else is worth printing: flags, options, sizes. It may be
	// empty.
	Detail() string
}

// Entry is a step in its place.
type Entry struct {
	Phase Phase
	Cause Cause
	Step  Step
}

// Plan is a compiled container: how its first process is started and what is
// then done, in order.
type Plan struct {
	Spawn   Spawn
	Entries []Entry
}

// Add appends a step.
func (p *Plan) Add(phase Phase, cause Cause, step Step) {
	p.Entries = append(p.Entries, Entry{Phase: phase, Cause: cause, Step: step})
}

// Namespace is a kind of namespace. Its value is the kernel's CLONE_NEW* bit
// (clone(2)).
type Namespace uint64

// The namespaces of Linux.
const (
	NamespaceTime    Namespace = 0x00000080
	NamespaceMount   Namespace = 0x00020000
	NamespaceCgroup  Namespace = 0x02000000
	NamespaceUTS     Namespace = 0x04000000
	NamespaceIPC     Namespace = 0x08000000
	NamespaceUser    Namespace = 0x10000000
	NamespacePID     Namespace = 0x20000000
	NamespaceNetwork Namespace = 0x40000000
)

// String gives the name that runtime-spec uses for the namespace.
func (n Namespace) String() string {
	switch n {
	case NamespaceTime:
		return "time"
	case NamespaceMount:
		return "mount"
	case NamespaceCgroup:
		return "cgroup"
	case NamespaceUTS:
		return "uts"
	case NamespaceIPC:
		return "ipc"
	case NamespaceUser:
		return "user"
	case NamespacePID:
		return "pid"
	case NamespaceNetwork:
		return "network"
	}
	return "unknown"
}

// Spawn says how the first process is made. A namespace is in at most one of
// the two sets; one that is in neither is inherited from the runtime.
type Spawn struct {
	// New has the bits of the namespaces that are made anew.
	New Namespace
	// Joined has the bits of the namespaces that are entered by path; each has
	// its Join step.
	Joined Namespace
	// Fork says that the process that enters the namespaces is not the
	// container's first process but makes it: needed to join a pid namespace,
	// and for new user and time namespaces.
	Fork bool
}

// Has reports whether the namespace is one of the container's own, new or joined.
func (s Spawn) Has(n Namespace) bool { return (s.New|s.Joined)&n != 0 }

// IsNew reports whether the namespace is made anew.
func (s Spawn) IsNew(n Namespace) bool { return s.New&n != 0 }

// Names lists the namespaces in set, in the order in which they are printed.
func Names(set Namespace) []string {
	order := [...]Namespace{
		NamespaceUser, NamespacePID, NamespaceNetwork, NamespaceIPC,
		NamespaceUTS, NamespaceMount, NamespaceCgroup, NamespaceTime,
	}
	var names []string
	for _, n := range order {
		if set&n != 0 {
			names = append(names, n.String())
		}
	}
	return names
}
