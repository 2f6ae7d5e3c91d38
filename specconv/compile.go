package specconv

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// compiler is one compilation: what it reads, and the plan as far as it is
// made. Sections add rows in the order in which Compile calls them; the first
// error stays.
type compiler struct {
	dir     string
	spec    *specs.Spec
	process *specs.Process
	linux   *specs.Linux
	o       *Options
	ns      namespaces
	env     []string
	// labelled: the rows of the labels are there.
	labelled bool

	// lastFilter is what is loaded right before the program is executed.
	lastFilter plan.Seccomp

	plan     *plan.Plan
	warnings []string
	err      error
}

// The causes of what the runtime does on its own. They are constants, since
// plan.Default would put them together for each row.
const (
	causeAffinity     plan.Cause = "default:cpu-affinity"
	causeCapabilities plan.Cause = "default:capabilities"
	causeCgroup       plan.Cause = "default:cgroup"
	causeCreate       plan.Cause = "default:create"
	causeDeviceRules  plan.Cause = "default:device-rules"
	causeDevices      plan.Cause = "default:devices"
	causeExec         plan.Cause = "default:exec"
	causeHome         plan.Cause = "default:home"
	causeKeyring      plan.Cause = "default:keyring"
	causeNotify       plan.Cause = "default:notify"
	causeLinks        plan.Cause = "default:links"
	causeNamespaces   plan.Cause = "default:namespaces"
	causePropagation  plan.Cause = "default:propagation"
	causeUmask        plan.Cause = "default:umask"
	causeUser         plan.Cause = "default:user"
)

// Compile makes the plan of a container. It is a pure function: it looks at
// nothing but its arguments, and the same arguments give the same plan, which
// shares strings with the bundle. The bundle must have passed Validate; what
// slips through gives a [Problem], never a panic. The warnings are about what
// the configuration asks for and will not get.
//
// The order of the rows is decided here and nowhere else:
//
//  1. The host makes the cgroup with its limits and device rules first, so that
//     no process of the container is ever outside of them. Where systemd makes it,
//     which it does around a process, that process waits for it before all else.
//     The device rules may be complete later; the init waits for them before the first
//     hook, or where there is none before what is only about the process.
//  2. oom_score_adj is written before the process enters anything, as long as it
//     has the rights of the host's root and may write its own /proc files.
//  3. Namespaces, in an order of their own (see [compiler.namespaceRows]).
//  4. Mounts in the order of the configuration, then devices and links, which
//     belong in the /dev that a mount has made.
//  5. Host hooks and createContainer hooks see all mounts and the host's tree, so
//     they come before pivot-root and before paths are masked.
//  6. The terminal belongs to the container's devpts, so it comes after mounts;
//     it is bound on /dev/console, so it comes before /dev turns read-only.
//  7. The working directory is made while the root can be written.
//  8. Sysctls come after the hooks, which may bring the network devices that they
//     are about, and before protected and masked paths: a user namespace may
//     mount a new procfs only while the one it has hides nothing
//     (mount_namespaces(7), "mount_too_revealing").
//  9. What is made read-only late, then protected, then masked paths: a path that
//     is in both lists ends up masked. All before pivot-root, since the null
//     device that masks a file is the host's, which the image cannot forge;
//     paths are resolved below the container's root by descriptor, so they mean
//     the same as after it.
//  10. Pivot-root, and only then the root's own attributes: a shared mount is
//     refused as the place of the old root (pivot_root(2)).
//  11. Names of the container; then what only the process is about.
//  12. Without no_new_privs a filter can be loaded only with CAP_SYS_ADMIN, that
//     is before capabilities are given up; with it, it is loaded last, behind the
//     gate and the hooks, so that it need not allow what the set-up itself calls.
//     One with a listener is loaded before the container counts as created: its
//     agent gets to know a container that is being created.
//  13. The bounding set is limited while CAP_SETPCAP is there. Then the working
//     directory, as root, since the user may lack the right to pass through
//     directories above it; once more as the user if root was refused, as on a
//     network file system that trusts no root. Then ids, which keep capabilities
//     if the next row needs them, then capabilities.
//  14. The program is looked up with the rights that it will run with, before the
//     container counts as created, so that a wrong name fails the creation.
//  15. The gate, then startContainer hooks, then the last filter and the program.
func Compile(b *Bundle, o Options) (*plan.Plan, []string, error) {
	c := newCompiler(b, nil, &o)
	if c.err != nil {
		return nil, nil, c.err
	}
	c.cgroupRows()
	c.resctrlRow()
	c.homeRow()
	c.namespaceRows()
	c.rootfsRows()
	c.hostnameRows()
	if c.isPlacedLast() {
		c.placedRow(plan.System)
	}
	c.processRows()
	c.startRows()
	c.stopRows()
	if c.err != nil {
		return nil, nil, c.err
	}
	return c.plan, c.warnings, nil
}

// newCompiler takes the process of the configuration where none is given.
func newCompiler(b *Bundle, process *specs.Process, o *Options) *compiler {
	c := &compiler{dir: b.Dir, spec: b.Spec, process: process, o: o, plan: &plan.Plan{}}
	if c.spec != nil && process == nil {
		c.process = c.spec.Process
	}
	switch {
	case c.spec == nil:
		c.fail("", errors.New("config cannot be null"))
		return c
	case c.process == nil:
		c.fail("/process", errors.New("process property must not be empty"))
		return c
	case c.spec.Root == nil:
		c.fail("/root", errors.New("root must be specified"))
		return c
	}
	if c.linux = c.spec.Linux; c.linux == nil {
		c.linux = &specs.Linux{}
	}
	// Most configurations need no second array.
	rows := 64 + len(c.spec.Mounts) + len(c.linux.MaskedPaths) + len(c.linux.ReadonlyPaths) +
		len(c.linux.Devices) + len(c.linux.Sysctl) + len(c.process.Rlimits)
	if c.linux.Resources != nil {
		rows += len(c.linux.Resources.Devices)
	}
	c.plan.Entries = make([]plan.Entry, 0, rows)
	c.env = c.environment()
	return c
}

func (c *compiler) add(phase plan.Phase, cause plan.Cause, step plan.Step) {
	c.plan.Entries = append(c.plan.Entries, plan.Entry{Phase: phase, Cause: cause, Step: step})
}

func (c *compiler) fail(where plan.Cause, err error) {
	if c.err == nil {
		c.err = Problem{Pointer: where, Err: err}
	}
}

func (c *compiler) warn(text string) { c.warnings = append(c.warnings, text) }

// element points at an element of a list.
func element(list string, index int) plan.Cause {
	return plan.Cause(list + "/" + strconv.Itoa(index))
}

// member points at a member of an object whose keys are free; RFC 6901 section
// 3 says how "~" and "/" are written in a pointer.
func member(object, key string) plan.Cause {
	if strings.ContainsAny(key, "~/") {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
	}
	return plan.Cause(object + "/" + key)
}

// inContainer makes a path of the container absolute and clean. A relative one
// starts at the root (runtime-spec config.md, "Mounts", on destination).
func inContainer(name string) string {
	if name != "" && name[0] == '/' {
		return path.Clean(name)
	}
	return path.Clean("/" + name)
}

// onHost makes a path of the host absolute; a relative one starts at the bundle.
func (c *compiler) onHost(name string) string {
	if name != "" && name[0] == '/' {
		return path.Clean(name)
	}
	return path.Join(c.dir, name)
}
