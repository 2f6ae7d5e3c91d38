package specconv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// ExecOptions are what the compiler wants to know about a process that joins a
// container. Of Options, ID, Host, Facts.Home, CgroupPath, NoNewKeyring,
// Rootless and PreserveFDs count.
type ExecOptions struct {
	Options
	// Cgroups names the cgroups below the container's that the process goes to,
	// by controller; the only key is empty if all are of one name.
	Cgroups map[string]string
	// Paused: the container is frozen. The process would be so from its birth,
	// before anybody knows it, so it is moved there when it waits for that.
	Paused bool
	// PlacedLater: systemd has to move the process into the cgroup, which the runtime may
	// not enter.
	PlacedLater bool
	// File: the process comes from a file of its own, and pointers are into that.
	File bool
	// Given lists the fields, as pointers into config.json, that the caller has
	// put in place of those of the configuration. What is wrong with them is no
	// fault of a file, and so has no pointer.
	Given []plan.Cause
}

// CompileExec makes the plan of a process that joins a running container. As
// Compile it is a pure function; the process must have passed ValidateExec. The
// warnings are about what the process asks for and will not get.
//
// The order of the rows is that of Compile wherever both have them. What is
// different:
//
//  1. The cgroup comes before the namespaces, since the container's cgroup
//     namespace may not show where the process comes from, and it is entered by
//     birth: nothing of the container is ever run outside of it.
//  2. All namespaces are entered by one call, so that they belong to one process
//     and cannot be those of another that got its id. The kernel takes the user
//     namespace first.
//  3. Only then the process forks into the pid namespace: what processes of the
//     container can see, and with CAP_SYS_PTRACE look into, has nothing of the
//     host left in it (CVE-2016-9962). A process that was born there by a clone of
//     the runtime would spare one fork, and hand the runtime's memory over.
//  4. There is no gate and there are no hooks.
//  5. The working directory has to exist.
func CompileExec(b *Bundle, process *specs.Process, o ExecOptions) (*plan.Plan, []string, error) {
	c := newCompiler(b, process, &o.Options)
	if c.err != nil {
		return nil, nil, c.err
	}
	c.joinCgroupRows(&o)
	c.homeRow()
	c.joinRows(&o)
	if process.Terminal {
		c.add(plan.Process, "/process/terminal", c.console(false))
	}
	c.processRows()
	c.execRow()
	if c.err != nil {
		return nil, nil, o.place(c.err)
	}
	for i := range c.plan.Entries {
		e := &c.plan.Entries[i]
		e.Cause = o.cause(e.Cause, causeExec)
	}
	return c.plan, c.warnings, nil
}

// joinCgroupRows are what the runtime does before there is a process.
func (c *compiler) joinCgroupRows(o *ExecOptions) {
	if affinity := c.process.ExecCPUAffinity; affinity != nil && affinity.Initial != "" {
		c.affinityRow("/process/execCPUAffinity/initial", plan.CPUAffinity{CPUs: affinity.Initial, Initial: true})
	}
	if c.o.CgroupPath != "" {
		c.add(plan.Prepare, causeCgroup, plan.EnterCgroup{Path: c.o.CgroupPath, Below: o.Cgroups})
	}
}

// joinRows makes the process one of the container.
func (c *compiler) joinRows(o *ExecOptions) {
	c.readNamespaces()
	c.ns.Joined, c.ns.New = c.ns.Joined|c.ns.New, 0
	c.ns.Fork = c.ns.Has(plan.NamespacePID)
	c.plan.Spawn = c.ns.Spawn
	c.joinScoreRow()
	owned := c.ns.Has(plan.NamespaceUser)
	if owned {
		// Only the host's root may raise a hard limit (setrlimit(2)).
		c.rlimitRows(plan.Namespaces, true)
		c.schedulingRows(plan.Namespaces)
	}
	if o.Paused || o.PlacedLater {
		c.add(plan.Namespaces, causeCgroup, plan.Rendezvous{Point: plan.PointPlaced})
	}
	c.joinAffinityRow()
	c.resctrlPoint()
	// The procfs of the host serves as long as it is the one that is there.
	c.keyLabelRow()
	c.labelRows(plan.Namespaces)
	c.add(plan.Namespaces, causeNamespaces, plan.JoinContainer{Namespaces: c.ns.Joined})
	if owned {
		c.add(plan.Namespaces, c.ns.cause(plan.NamespaceUser), plan.SetIDs{NoGroups: true})
	}
	if c.ns.Fork {
		c.add(plan.Namespaces, c.ns.cause(plan.NamespacePID), plan.Fork{Joins: true})
	}
	if !c.o.NoNewKeyring {
		c.add(plan.Namespaces, causeKeyring, plan.Keyring{KeyringName: "_ses." + c.o.ID})
	}
}

// joinScoreRow gives the process the container's score where it has none of its
// own: the runtime's is that of a system service, which is killed last.
func (c *compiler) joinScoreRow() {
	score := c.process.OOMScoreAdj
	if score == nil && c.spec.Process != nil {
		score = c.spec.Process.OOMScoreAdj
	}
	if score != nil {
		c.add(plan.Namespaces, "/process/oomScoreAdj", plan.OOMScoreAdj{Value: *score})
	}
}

// joinAffinityRow undoes the affinity that is inherited from the runtime, unless
// the configuration has one (runtime-spec config.md, "Linux Process": an empty
// final affinity leaves the initial one alone).
func (c *compiler) joinAffinityRow() {
	switch affinity := c.process.ExecCPUAffinity; {
	case affinity == nil || affinity.Initial == "" && affinity.Final == "":
		c.add(plan.Namespaces, causeExec, plan.CPUAffinity{})
	case affinity.Final != "":
		c.affinityRow("/process/execCPUAffinity/final", plan.CPUAffinity{CPUs: affinity.Final})
	}
}

func (c *compiler) affinityRow(cause plan.Cause, row plan.CPUAffinity) {
	mask, err := parseCPUs(row.CPUs)
	if err != nil {
		c.fail(cause, err)
		return
	}
	row.Mask = mask
	phase := plan.Namespaces
	if row.Initial {
		phase = plan.Prepare
	}
	c.add(phase, cause, row)
}

// ValidateExec finds what is wrong with a process that is to join a container.
func ValidateExec(process *specs.Process, o ExecOptions) []Problem {
	problems := ValidateProcess(process, o.Options)
	for i := range problems {
		problems[i].Pointer = o.cause(problems[i].Pointer, "")
	}
	return problems
}

// affinity checks the lists of CPUs of processes that will join.
func (v *validator) affinity(a *specs.CPUAffinity) {
	if a == nil {
		return
	}
	for _, f := range [...]struct{ field, name, list string }{
		{"initial", "Initial", a.Initial}, {"final", "Final", a.Final},
	} {
		if f.list == "" {
			continue
		}
		if _, err := parseCPUs(f.list); err != nil {
			v.fail(plan.Cause(processPointer+"/execCPUAffinity/"+f.field), refLinux, fmt.Errorf("bad CPUAffinity.%s: %w", f.name, err))
		}
	}
}

const processPointer = "/process"

// cause turns a pointer into config.json into one into the file that the process
// comes from, or gives the substitute for what the caller has given.
func (o *ExecOptions) cause(where, substitute plan.Cause) plan.Cause {
	rest, ok := strings.CutPrefix(string(where), processPointer+"/")
	switch {
	case !ok:
		return where
	case o.File:
		return plan.Cause("/" + rest)
	case slices.ContainsFunc(o.Given, func(given plan.Cause) bool {
		return where == given || strings.HasPrefix(string(where), string(given)+"/")
	}):
		return substitute
	}
	return where
}

// place corrects the pointer of an error.
func (o *ExecOptions) place(err error) error {
	var problem Problem
	if errors.As(err, &problem) {
		problem.Pointer = o.cause(problem.Pointer, "")
		return problem
	}
	return err
}
