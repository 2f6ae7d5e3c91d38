package plan

import (
	"strconv"
	"strings"
)

// Join enters a namespace by the path of its file.
type Join struct {
	Namespace Namespace
	Path      string
}

// Lane is Init.
func (Join) Lane() Lane { return Init }

// Name is "join".
func (Join) Name() string { return "join" }

// Action describes the step.
func (s Join) Action() string { return "join " + s.Namespace.String() + " namespace " + s.Path }

// Detail is empty.
func (Join) Detail() string { return "" }

// Unshare makes new namespaces from inside, where the time matters: a cgroup
// namespace has its root where the process is, so it comes after placing.
type Unshare struct {
	Namespaces Namespace
}

// Lane is Init.
func (Unshare) Lane() Lane { return Init }

// Name is "unshare".
func (Unshare) Name() string { return "unshare" }

// Action describes the step.
func (s Unshare) Action() string {
	return "unshare " + strings.Join(Names(s.Namespaces), ", ") + " namespace"
}

// Detail is empty.
func (Unshare) Detail() string { return "" }

// Fork makes the container's first process out of the one that entered the
// namespaces.
type Fork struct {
	// Namespaces are made anew for the child.
	Namespaces Namespace
	// Joins says that the child is a further process of a running container.
	Joins bool
}

// Lane is Init.
func (Fork) Lane() Lane { return Init }

// Name is "fork".
func (Fork) Name() string { return "fork" }

// Action describes the step.
func (s Fork) Action() string {
	if s.Joins {
		return "fork into the container's pid namespace"
	}
	return "fork the container's first process"
}

// Detail gives the namespaces.
func (s Fork) Detail() string { return strings.Join(Names(s.Namespaces), ",") }

// TimeOffset sets a clock of a new time namespace.
type TimeOffset struct {
	// Clock is "monotonic" or "boottime".
	Clock string
	Secs  int64
	Nanos uint32
}

// Lane is Init.
func (TimeOffset) Lane() Lane { return Init }

// Name is "time-offset".
func (TimeOffset) Name() string { return "time-offset" }

// Action describes the step.
func (s TimeOffset) Action() string { return "offset the " + s.Clock + " clock" }

// Detail gives the offset.
func (s TimeOffset) Detail() string {
	return strconv.FormatInt(s.Secs, 10) + "s+" + u32(s.Nanos) + "ns"
}

// Keyring joins a new session keyring (keyrings(7)). A kernel without keyrings
// is no error.
type Keyring struct {
	KeyringName string
}

// Lane is Init.
func (Keyring) Lane() Lane { return Init }

// Name is "keyring".
func (Keyring) Name() string { return "keyring" }

// Action describes the step.
func (s Keyring) Action() string { return "join session keyring " + s.KeyringName }

// Detail is empty.
func (Keyring) Detail() string { return "" }

// Loopback brings up the loopback device of a new network namespace.
type Loopback struct{}

// Lane is Init.
func (Loopback) Lane() Lane { return Init }

// Name is "loopback".
func (Loopback) Name() string { return "loopback" }

// Action describes the step.
func (Loopback) Action() string { return "bring up the loopback device" }

// Detail is empty.
func (Loopback) Detail() string { return "" }

// Hostname sets the host name or, with Domain, the NIS domain name of the UTS
// namespace.
type Hostname struct {
	Value  string
	Domain bool
}

// Lane is Init.
func (Hostname) Lane() Lane { return Init }

// Name is "hostname" or "domainname".
func (s Hostname) Name() string {
	if s.Domain {
		return "domainname"
	}
	return "hostname"
}

// Action describes the step.
func (s Hostname) Action() string { return "set " + s.Name() + " " + s.Value }

// Detail is empty.
func (Hostname) Detail() string { return "" }

// Sysctl writes a kernel parameter of one of the container's namespaces.
type Sysctl struct {
	// Key has the form of a path below /proc/sys: "net/ipv4/ip_forward".
	Key, Value string
}

// Lane is Init.
func (Sysctl) Lane() Lane { return Init }

// Name is "sysctl".
func (Sysctl) Name() string { return "sysctl" }

// Action describes the step.
func (s Sysctl) Action() string { return "set sysctl " + s.Key }

// Detail gives the value.
func (s Sysctl) Detail() string { return s.Value }

// OOMScoreAdj sets how likely the process is to be killed when memory runs out
// (proc_pid_oom_score_adj(5)).
type OOMScoreAdj struct {
	Value int
}

// Lane is Init.
func (OOMScoreAdj) Lane() Lane { return Init }

// Name is "oom-score-adj".
func (OOMScoreAdj) Name() string { return "oom-score-adj" }

// Action describes the step.
func (s OOMScoreAdj) Action() string { return "set oom_score_adj " + strconv.Itoa(s.Value) }

// Detail is empty.
func (OOMScoreAdj) Detail() string { return "" }

// NoNewPrivileges keeps the process and its children from gaining privileges by
// executing a file (prctl(2), PR_SET_NO_NEW_PRIVS).
type NoNewPrivileges struct{}

// Lane is Init.
func (NoNewPrivileges) Lane() Lane { return Init }

// Name is "no-new-privileges".
func (NoNewPrivileges) Name() string { return "no-new-privileges" }

// Action describes the step.
func (NoNewPrivileges) Action() string { return "set no_new_privs" }

// Detail is empty.
func (NoNewPrivileges) Detail() string { return "" }

// Seccomp loads the system call filter.
type Seccomp struct {
	// Filter is an array of struct sock_filter in native byte order.
	Filter []byte
	// Flags are the SECCOMP_FILTER_FLAG_* bits of seccomp(2).
	Flags uint64
	// Listener says that the kernel gives a descriptor for the calls that an agent
	// is to judge; the runtime hands it over while the init stands still.
	Listener bool
}

// Lane is Init.
func (Seccomp) Lane() Lane { return Init }

// Name is "seccomp".
func (Seccomp) Name() string { return "seccomp" }

// Action describes the step.
func (Seccomp) Action() string { return "load the seccomp filter" }

// Detail gives the filter's length and the flags.
func (s Seccomp) Detail() string {
	detail := strconv.Itoa(len(s.Filter)/8) + " instructions"
	if s.Flags != 0 {
		detail += " flags=0x" + strconv.FormatUint(s.Flags, 16)
	}
	if s.Listener {
		detail += " with a listener"
	}
	return detail
}

// BoundingSet drops every capability that is not in Keep from the bounding set.
type BoundingSet struct {
	Keep CapSet
	// Last is the highest capability that the kernel knows.
	Last uint8
}

// Lane is Init.
func (BoundingSet) Lane() Lane { return Init }

// Name is "bounding-set".
func (BoundingSet) Name() string { return "bounding-set" }

// Action describes the step.
func (BoundingSet) Action() string { return "limit the capability bounding set" }

// Detail lists what is kept.
func (s BoundingSet) Detail() string { return "keep " + s.Keep.String() }

// SetIDs changes to the user and the groups of the process.
type SetIDs struct {
	UID, GID uint32
	Groups   []uint32
	// NoGroups tolerates that the supplementary groups of the runtime stay, where the
	// user namespace denies setgroups(2).
	NoGroups bool
	// KeepCaps keeps the permitted capabilities over the change, for the
	// Capabilities step that follows.
	KeepCaps bool
}

// Lane is Init.
func (SetIDs) Lane() Lane { return Init }

// Name is "set-ids".
func (SetIDs) Name() string { return "set-ids" }

// Action describes the step.
func (s SetIDs) Action() string { return "change to user " + u32(s.UID) + ":" + u32(s.GID) }

// Detail lists the supplementary groups.
func (s SetIDs) Detail() string {
	if len(s.Groups) == 0 {
		return ""
	}
	parts := make([]string, len(s.Groups))
	for i, g := range s.Groups {
		parts[i] = u32(g)
	}
	return "groups=" + strings.Join(parts, ",")
}

// Capabilities sets four of the process's five capability sets; the fifth is
// BoundingSet's (capabilities(7)).
type Capabilities struct {
	Effective, Permitted, Inheritable, Ambient CapSet
}

// Lane is Init.
func (Capabilities) Lane() Lane { return Init }

// Name is "capabilities".
func (Capabilities) Name() string { return "capabilities" }

// Action describes the step.
func (Capabilities) Action() string { return "apply capabilities" }

// Detail lists the sets; one that equals the effective set is not repeated.
func (s Capabilities) Detail() string {
	detail := "effective=" + s.Effective.String()
	for _, other := range [...]struct {
		name string
		set  CapSet
		omit bool
	}{
		{"permitted", s.Permitted, s.Permitted == s.Effective},
		{"inheritable", s.Inheritable, s.Inheritable == 0},
		{"ambient", s.Ambient, s.Ambient == 0},
	} {
		if !other.omit {
			detail += " " + other.name + "=" + other.set.String()
		}
	}
	return detail
}

// Umask sets the file mode creation mask.
type Umask struct {
	Mask uint32
}

// Lane is Init.
func (Umask) Lane() Lane { return Init }

// Name is "umask".
func (Umask) Name() string { return "umask" }

// Action describes the step.
func (s Umask) Action() string { return "set umask " + octal(s.Mask) }

// Detail is empty.
func (Umask) Detail() string { return "" }

// Chdir changes to the working directory and checks that it lies inside the
// container's root.
type Chdir struct {
	Path string
	// Tolerant puts off a permission error: the change is tried again as the
	// container's user.
	Tolerant bool
	// Retry says that this is that second try: it is made only if the first was
	// refused, since the user may lack the right to do what root has done.
	Retry bool
}

// Lane is Init.
func (Chdir) Lane() Lane { return Init }

// Name is "chdir".
func (Chdir) Name() string { return "chdir" }

// Action describes the step in the words that callers of runc look for.
func (s Chdir) Action() string {
	return "chdir to cwd (" + strconv.Quote(s.Path) + ") set in config.json"
}

// Detail is empty.
func (Chdir) Detail() string { return "" }

// Lookup finds the program to execute, with the rights of the container's user.
type Lookup struct {
	// Program is args[0].
	Program string
	// Candidates are the paths tried, in order: the program itself if it has a
	// slash, else the program in each directory of PATH.
	Candidates []string
}

// Lane is Init.
func (Lookup) Lane() Lane { return Init }

// Name is "lookup".
func (Lookup) Name() string { return "lookup" }

// Action describes the step in the words that callers of runc look for.
func (s Lookup) Action() string { return "exec: " + strconv.Quote(s.Program) }

// Detail lists the candidates.
func (s Lookup) Detail() string {
	if len(s.Candidates) == 1 && s.Candidates[0] == s.Program {
		return ""
	}
	return strings.Join(s.Candidates, ":")
}

// Exec executes the program that Lookup found.
type Exec struct {
	Args []string
	// Env has each variable once. The Home step may add HOME.
	Env []string
	// PreserveFDs is the number of descriptors from 3 on that the program is to
	// inherit.
	PreserveFDs int
}

// Lane is Init.
func (Exec) Lane() Lane { return Init }

// Name is "exec".
func (Exec) Name() string { return "exec" }

// Action describes the step.
func (s Exec) Action() string {
	const most = 1000
	text := quoteAll(s.Args[:min(len(s.Args), most)])
	if len(text) > most {
		text = text[:most] + "..."
	}
	return "exec " + text
}

// Detail counts the environment and the inherited descriptors.
func (s Exec) Detail() string {
	detail := "env=" + strconv.Itoa(len(s.Env))
	if s.PreserveFDs > 0 {
		detail += " preserve-fds=" + strconv.Itoa(s.PreserveFDs)
	}
	return detail
}

// quoteAll prints words so that their borders can be told.
func quoteAll(words []string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = strconv.Quote(w)
	}
	return strings.Join(parts, " ")
}
