package specconv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// processRows gives the process its identity and its limits.
func (c *compiler) processRows() {
	c.rlimitRows(plan.Process, false)
	if !c.ns.Has(plan.NamespaceUser) {
		c.schedulingRows(plan.Process)
	}
	c.executionRows()
	c.labelRows(plan.Process)
	filter := c.seccompFilter()
	if c.process.NoNewPrivileges {
		c.add(plan.Process, "/process/noNewPrivileges", plan.NoNewPrivileges{})
	} else {
		c.seccompRow(plan.Process, filter)
	}
	caps := c.capabilities()
	c.add(plan.Process, c.capabilityCause("bounding"),
		plan.BoundingSet{Keep: caps.bounding, Last: c.o.Host.LastCap})
	c.userRows(caps)
	c.add(plan.Process, c.capabilityCause(""), plan.Capabilities{
		Effective: caps.effective, Permitted: caps.permitted,
		Inheritable: caps.inheritable, Ambient: caps.ambient,
	})
	c.umaskRow()
	c.add(plan.Process, "/process/args", plan.Lookup{
		Program: c.program(), Candidates: candidates(c.program(), c.env),
	})
	if c.process.NoNewPrivileges && filter.Listener {
		c.seccompRow(plan.Process, filter)
	} else if c.process.NoNewPrivileges {
		c.lastFilter = filter
	}
}

// execRow executes the program, behind the filter that needs no privileges.
func (c *compiler) execRow() {
	c.seccompRow(plan.Start, c.lastFilter)
	c.add(plan.Start, "/process/args", plan.Exec{
		Args: c.process.Args, Env: c.env, PreserveFDs: c.o.ListenFDs + c.o.PreserveFDs,
	})
}

// userRows changes the working directory and the user.
func (c *compiler) userRows(caps capabilitySets) {
	user := &c.process.User
	cwd := plan.Chdir{Path: c.process.Cwd, Tolerant: user.UID != 0}
	c.add(plan.Process, "/process/cwd", cwd)
	cause := plan.Cause("/process/user")
	if user.UID == 0 && user.GID == 0 && len(user.AdditionalGids) == 0 {
		// The user may be left out.
		cause = causeUser
	}
	c.add(plan.Process, cause, plan.SetIDs{
		UID: user.UID, GID: user.GID, Groups: user.AdditionalGids,
		NoGroups: len(user.AdditionalGids) == 0 && c.mayKeepGroups(),
		// Leaving uid 0 takes all capabilities away (capabilities(7), "Effect of
		// user ID changes"). Without them the next row could not set any.
		KeepCaps: user.UID != 0 && caps.permitted|caps.effective|caps.inheritable != 0,
	})
	if cwd.Tolerant {
		cwd.Tolerant, cwd.Retry = false, true
		c.add(plan.Process, "/process/cwd", cwd)
	}
}

func (c *compiler) umaskRow() {
	row, cause := plan.Umask{Mask: 0o022}, causeUmask
	if mask := c.process.User.Umask; mask != nil {
		row.Mask, cause = *mask&0o777, "/process/user/umask"
	}
	c.add(plan.Process, cause, row)
}

func (c *compiler) rlimitRows(phase plan.Phase, raise bool) {
	for i := range c.process.Rlimits {
		r := &c.process.Rlimits[i]
		cause := element("/process/rlimits", i)
		resource, ok := rlimitNumber(r.Type)
		if !ok {
			c.fail(cause, fmt.Errorf("wrong rlimit value: %s", r.Type))
			return
		}
		c.add(phase, cause, plan.Rlimit{Type: r.Type, Resource: resource, Soft: r.Soft, Hard: r.Hard, Raise: raise})
	}
}

// rlimitNumber gives the kernel's number of a limit (asm-generic/resource.h,
// which amd64, arm64 and riscv64 use).
func rlimitNumber(name string) (int, bool) {
	switch name {
	case "RLIMIT_CPU":
		return 0, true
	case "RLIMIT_FSIZE":
		return 1, true
	case "RLIMIT_DATA":
		return 2, true
	case "RLIMIT_STACK":
		return 3, true
	case "RLIMIT_CORE":
		return 4, true
	case "RLIMIT_RSS":
		return 5, true
	case "RLIMIT_NPROC":
		return 6, true
	case "RLIMIT_NOFILE":
		return 7, true
	case "RLIMIT_MEMLOCK":
		return 8, true
	case "RLIMIT_AS":
		return 9, true
	case "RLIMIT_LOCKS":
		return 10, true
	case "RLIMIT_SIGPENDING":
		return 11, true
	case "RLIMIT_MSGQUEUE":
		return 12, true
	case "RLIMIT_NICE":
		return 13, true
	case "RLIMIT_RTPRIO":
		return 14, true
	case "RLIMIT_RTTIME":
		return 15, true
	}
	return 0, false
}

// program is args[0].
func (c *compiler) program() string {
	if len(c.process.Args) == 0 {
		c.fail("/process/args", fmt.Errorf("args must not be empty"))
		return ""
	}
	return c.process.Args[0]
}

// candidates lists the paths at which a program may be. A relative directory in
// PATH is passed over: a program found in the working directory by chance is not
// the one that was meant.
func candidates(program string, env []string) []string {
	if strings.Contains(program, "/") {
		return []string{program}
	}
	path, _ := variable(env, "PATH")
	if program == "" || path == "" {
		return nil
	}
	list := make([]string, 0, 1+strings.Count(path, ":"))
	for dir := range strings.SplitSeq(path, ":") {
		if strings.HasPrefix(dir, "/") {
			list = append(list, strings.TrimRight(dir, "/")+"/"+program)
		}
	}
	return list
}

// homeRow looks for HOME. The answer is among the facts; the row is there to say
// where the variable comes from.
func (c *compiler) homeRow() {
	if c.needsHome() {
		c.add(plan.Prepare, causeHome, plan.Home{UID: c.process.User.UID})
	}
}

// needsHome says whether HOME has to be looked up: it is when the configuration
// has an environment without it. A configuration without an environment gets
// none.
func (c *compiler) needsHome() bool {
	if c.process.Env == nil {
		return false
	}
	home, _ := variable(c.process.Env, "HOME")
	return home == ""
}

// variable gives the value that counts, which is the last.
func variable(env []string, name string) (value string, ok bool) {
	for _, entry := range slices.Backward(env) {
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:], true
		}
	}
	return "", false
}

// environment gives each variable once, with the value that comes last, and adds
// what the runtime owes the program: activation sockets (sd_listen_fds(3)) and
// HOME.
func (c *compiler) environment() []string {
	given := c.process.Env
	all := make([]string, 0, len(given)+4)
	all = append(all, given...)
	if c.o.ListenFDs > 0 {
		all = append(all, "LISTEN_FDS="+strconv.Itoa(c.o.ListenFDs), "LISTEN_PID=1")
		if c.o.ListenNames != "" {
			all = append(all, "LISTEN_FDNAMES="+c.o.ListenNames)
		}
	}
	if c.o.NotifyDir != "" {
		all = append(all, "NOTIFY_SOCKET="+notifyMount+"/notify.sock")
	}
	last := lastEntries(all)
	env := all[:0]
	for i, entry := range all {
		name, value, ok := strings.Cut(entry, "=")
		if ok && (!last(name, i) || name == "HOME" && value == "") {
			continue
		}
		env = append(env, entry)
	}
	if c.needsHome() {
		home := c.o.Facts.Home
		if home == "" {
			home = "/"
		}
		env = append(env, "HOME="+home)
	}
	return env
}

// lastEntries gives a function that says whether entry number i is the last one
// with its name. Environments of pods can have thousands of entries; for the
// usual few dozen a map costs more than looking.
func lastEntries(all []string) func(name string, i int) bool {
	const few = 64
	if len(all) <= few {
		return func(name string, i int) bool {
			_, again := variable(all[i+1:], name)
			return !again
		}
	}
	last := make(map[string]int, len(all))
	for i, entry := range all {
		if name, _, ok := strings.Cut(entry, "="); ok {
			last[name] = i
		}
	}
	return func(name string, i int) bool { return last[name] == i }
}

// startRows wait for the start, where there is one to wait for, and execute.
func (c *compiler) startRows() {
	if c.o.Create {
		c.add(plan.Start, causeCreate, plan.Rendezvous{Point: plan.PointReady})
		c.add(plan.Start, causeCreate, plan.Gate{})
	}
	hooks := c.hooks()
	c.hookRows(plan.Start, plan.StartContainer, "/hooks/startContainer", hooks.StartContainer)
	c.execRow()
	c.hookRows(plan.Start, plan.Poststart, "/hooks/poststart", hooks.Poststart)
}
