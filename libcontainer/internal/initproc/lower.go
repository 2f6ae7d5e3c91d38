package initproc

import (
	"encoding/binary"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Layout says where the init finds what the runtime hands over, and what the
// runtime alone knows.
type Layout struct {
	// PreserveFDs is the number of descriptors, from 3 on, that are the
	// container's own. The init's stand behind them.
	PreserveFDs int
	// Namespaces are the descriptors of the namespaces to join, one for each
	// Join entry of the plan, in order.
	Namespaces int
	// Gate says that a listening socket is handed over.
	Gate bool
	// Net says that a new network namespace is handed over by Control.Send, with its loopback
	// device up, in place of one that the clone makes.
	Net bool
	// Sources is the number of mounts that the runtime hands over through a queue, one
	// for each entry of the plan that is Handed, in order.
	Sources int
	// HardLimit gives the runtime's own limit on a resource, which the init inherits
	// (getrlimit(2)).
	HardLimit func(resource int) uint64
	// NullStdio marks the standard streams that are the host's null device; they
	// are opened again inside of the container. OwnStdio marks those that are
	// given to the container's user.
	NullStdio, OwnStdio [3]bool
	// Reachable lets a runtime without privileges that owns the user namespace enter
	// the others while the init waits for its start. The init holds nothing of the host
	// by then.
	Reachable bool
	// HookState gives the state that a hook of the init reads, as JSON.
	HookState func(plan.HookKind) []byte
	// Environ is the environment of createContainer hooks that have none.
	Environ func() []string
	// Traced asks for a time stamp per operation.
	Traced bool
}

// The descriptors of the init, counted from the first behind the preserved ones.
const (
	fdImage = iota
	fdPage
	fdControl
	fdGate // only with Layout.Gate; the namespaces follow
)

func (l *Layout) fd(which int) int { return 3 + l.PreserveFDs + which }

func (l *Layout) firstNamespace() int {
	if l.Gate {
		return l.fd(fdGate) + 1
	}
	return l.fd(fdGate)
}

func (l *Layout) sources() int { return l.firstNamespace() + l.Namespaces }

func (l *Layout) firstFree() int {
	if l.Sources > 0 {
		return l.sources() + 1
	}
	return l.sources()
}

// The slots. Each has one meaning throughout.
const (
	slotRoot    = iota // the mount of the container's root
	slotProc           // a procfs of the container's pid namespace, nothing mounted over it
	slotDev            // the container's /dev
	slotNull           // the host's null device
	slotHidden         // the empty tmpfs over masked directories
	slotTarget         // a mount point or directory
	slotMade           // 1 if the mount point was made just now
	slotContext        // a file system context
	slotMount          // a detached mount
	slotTmp
	slotTmp2
	slotMaster // the terminal
	slotPeer
	slotExe  // the path of the program
	slotTime // the offsets of the time namespace for children
	slotHung // 0 if a handed root hangs in its own place
)

// resolveInRoot is how every path below the container's root is looked up.
const resolveInRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// lowerer turns the entries of one plan into operations.
type lowerer struct {
	*image
	layout *Layout
	plan   *plan.Plan

	joins     int
	taken     int  // of the layout's sources
	haveNet   bool // the network namespace that is handed over was entered
	handed    bool // the root is one of them
	treeProp  plan.Propagation
	haveRoot  bool
	briefRoot bool // it is closed before the working directory is entered
	haveDev   bool
	haveNull  bool
	haveProc  bool
	haveMask  bool
	treeStays bool // the inherited mounts stay shared with the host
	finalized bool
	// asks: an operation before this one waits for an answer of the runtime.
	// asksPlaced: the init says when it waits for its cgroup.
	asks, asksPlaced bool
	setsAffinity     bool // an operation says on which CPUs it runs
}

// Lower makes the operations for a plan. It fails for a plan that the init
// cannot execute; nothing but the plan and the layout goes in.
func Lower(p *plan.Plan, l *Layout) (*Program, error) {
	lo := &lowerer{image: newImage(), layout: l, plan: p}
	lo.traced = l.Traced
	lo.prologue()
	for i, e := range p.Entries {
		if e.Step.Lane() == plan.Host {
			continue
		}
		lo.step = uint16(i)
		if err := lo.lower(e.Step); err != nil {
			return nil, p.Failed(i, err, "")
		}
	}
	return &Program{image: lo.image, pageSize: progressLen(lo.stamps()), asksPlaced: lo.asksPlaced, setsAffinity: lo.setsAffinity}, nil
}

func (im *image) stamps() int {
	if im.traced {
		return im.ops()
	}
	return 0
}

// Program is a lowered plan.
type Program struct {
	*image
	pageSize   int
	asksPlaced bool
	// setsAffinity: what the init inherits of it lasts until then.
	setsAffinity bool
}

// Image lays the program out for the init, in parts that follow each other.
func (p *Program) Image() [][]byte { return p.finish(p.pageSize) }

// PageSize is the size of the progress page that the program needs.
func (p *Program) PageSize() int { return p.pageSize }

// AsksPlaced reports whether the init sends TagPlaced before it waits for its cgroup.
// Otherwise the answer may be given at any time.
func (p *Program) AsksPlaced() bool { return p.asksPlaced }

// Ops is the number of operations.
func (p *Program) Ops() int { return p.ops() }

// Step is the entry of the plan that an operation belongs to, or -1.
func (p *Program) Step(op int) int {
	if op < 0 || op >= p.ops() {
		return -1
	}
	step := binary.LittleEndian.Uint16(p.code[op*opSize+offStep:])
	if step == noStep {
		return -1
	}
	return int(step)
}

// prologue is what every init does first, whatever the plan.
func (lo *lowerer) prologue() {
	// The runtime may have been started with signals blocked, and leaked
	// descriptors of its caller may have come along.
	lo.sys(unix.SYS_RT_SIGPROCMASK, imm(2), lo.words(0), imm(0), imm(8))
	lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_PDEATHSIG), imm(int(unix.SIGKILL)))
	lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_NAME), lo.str("ocirun:[init]"))
	lo.sys(unix.SYS_CLOSE_RANGE, imm(lo.layout.firstFree()), imm(^uint32(0)), imm(0))
	// Only EPERM is possible: the process is a group leader already.
	lo.sys(unix.SYS_SETSID).tolerate(unix.EPERM)
	lo.sys(unix.SYS_UMASK, imm(0))
	if lo.plan.Spawn.IsNew(plan.NamespaceTime) {
		lo.openTimeOffsets()
	}
	if !lo.plan.Spawn.Has(plan.NamespaceUser) {
		lo.undumpable()
	}
}

// undumpable keeps processes of the container from tracing the init and from
// opening its descriptors through /proc (CVE-2016-9962).
func (lo *lowerer) undumpable() {
	lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_DUMPABLE), imm(0))
}

func (lo *lowerer) lower(step plan.Step) error {
	if !isNetFree(step) {
		lo.enterNet()
	}
	switch s := step.(type) {
	case plan.Rendezvous:
		lo.rendezvous(s)
	case plan.Gate:
		lo.gate()
	case plan.Hook:
		lo.hook(s)
	case plan.TreePropagation, plan.Root, plan.Mount, plan.Bind, plan.Remount, plan.PivotRoot, plan.RootAttr:
		return lo.lowerTree(step)
	case plan.Mkdir, plan.Mknod, plan.Symlink, plan.Mask, plan.Protect, plan.Console:
		lo.lowerNode(step)
	case plan.Join, plan.JoinContainer, plan.CPUAffinity, plan.Label, plan.Unshare, plan.Fork, plan.TimeOffset, plan.Keyring, plan.Loopback, plan.Hostname,
		plan.Sysctl, plan.OOMScoreAdj:
		return lo.lowerSystem(step)
	default:
		return lo.lowerProcess(step)
	}
	return nil
}

// Tags of the messages on the control socket.
const (
	TagIDMaps  = 1
	TagHooks   = 2
	TagReady   = 3
	TagConsole = 4
	TagSeccomp = 5
	// TagPlaced asks for what PointPlaced waits for, where the init has asked for other
	// things before.
	TagPlaced = 6
	// TagIDMap comes with a mount whose files are to get other owners.
	TagIDMap = 7
	// TagCopyFrom and TagCopyTo come with a directory and the mount that its content is
	// to be copied to.
	TagCopyFrom = 8
	TagCopyTo   = 9
	// TagNetDevices asks for network devices.
	TagNetDevices = 10
	// TagResctrl asks for the class of service.
	TagResctrl = 11
)

func (lo *lowerer) rendezvous(s plan.Rendezvous) {
	switch s.Point {
	case plan.PointIDMaps:
		lo.asks = true
		lo.add(OpSync, 0, imm(TagIDMaps))
		lo.undumpable()
	case plan.PointResctrl:
		lo.asks = true
		lo.add(OpSync, 0, imm(TagResctrl))
	case plan.PointNetDevices:
		lo.asks = true
		lo.add(OpSync, 0, imm(TagNetDevices))
	case plan.PointHooks:
		lo.add(OpSync, 0, imm(TagHooks))
	case plan.PointReady:
		lo.finalize()
		lo.closeKept()
		// The runtime may be gone as soon as it has answered. Should it go before
		// that, the end of the socket tells.
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_PDEATHSIG), imm(0))
		if lo.layout.Reachable {
			// As soon as the creation is answered somebody may want to.
			lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_DUMPABLE), imm(1))
		}
		lo.add(OpSync, 0, imm(TagReady))
	default:
		// The runtime knows by itself when to place the process, but its answer could be
		// taken for that to an earlier question.
		tag := 0
		if lo.asks {
			tag, lo.asksPlaced = TagPlaced, true
		}
		lo.add(OpSync, 0, imm(tag))
	}
}

// closeKept closes what the setting up has kept open, so that a container which
// waits for its start holds nothing but what the start needs.
func (lo *lowerer) closeKept() {
	for _, kept := range [...]struct {
		slot uint8
		open bool
	}{
		{slotRoot, lo.haveRoot},
		{slotProc, lo.haveProc},
		{slotDev, lo.haveDev},
		{slotNull, lo.haveNull},
		{slotHidden, lo.haveMask},
	} {
		if kept.open {
			lo.close(kept.slot)
		}
	}
}

// gate is the end of the runtime's part: from here on the container outlives it.
func (lo *lowerer) gate() {
	listener := imm(lo.layout.fd(fdGate))
	lo.sys(unix.SYS_CLOSE, imm(lo.layout.fd(fdControl)))
	lo.add(OpGate, 0, listener)
	if lo.layout.Reachable {
		lo.undumpable()
	}
	lo.sys(unix.SYS_CLOSE, listener)
}

// finalize marks every descriptor that is not the container's for closing at
// execve. It has to come before a seccomp filter, which may not allow it.
func (lo *lowerer) finalize() {
	if lo.finalized {
		return
	}
	lo.finalized = true
	lo.sys(unix.SYS_CLOSE_RANGE, imm(3+lo.layout.PreserveFDs), imm(^uint32(0)), imm(unix.CLOSE_RANGE_CLOEXEC))
	if !lo.layout.Gate {
		lo.sys(unix.SYS_PRCTL, imm(unix.PR_SET_PDEATHSIG), imm(0))
		lo.endAlone()
	}
}

// endAlone ends an init whose runtime is gone. One that went before the init could
// wish to die with it, which a frozen cgroup delays at will, may have left an answer
// behind: so only an end of the socket counts, and the last step but one looks for it.
func (lo *lowerer) endAlone() {
	lo.sys(unix.SYS_RECVFROM, imm(lo.layout.fd(fdControl)), lo.words(0), imm(1),
		imm(unix.MSG_PEEK|unix.MSG_DONTWAIT), imm(0), imm(0)).to(slotTmp).tolerate(unix.EAGAIN)
	lo.add(OpSync, 0, imm(0)).ifOK(slotTmp)
}

func (lo *lowerer) hook(s plan.Hook) {
	env := s.Env
	if s.Kind == plan.CreateContainer {
		// The hook's working directory is the root file system, which is not the
		// root of the mount namespace yet.
		lo.sys(unix.SYS_FCHDIR, slot(slotRoot))
		if env == nil {
			env = lo.layout.Environ()
		}
	} else if env == nil {
		env = lo.containerEnv()
	}
	args := s.Args
	if len(args) == 0 {
		args = []string{s.Path}
	}
	var state []byte
	if lo.layout.HookState != nil {
		state = lo.layout.HookState(s.Kind)
	}
	lo.add(OpHook, 0, lo.str(s.Path), lo.strings(args), lo.strings(env), imm(len(state)), lo.bytes(state),
		imm(s.Timeout.Milliseconds()))
}

// containerEnv is the environment of the program.
func (lo *lowerer) containerEnv() []string {
	for _, e := range lo.plan.Entries {
		if x, ok := e.Step.(plan.Exec); ok {
			return x.Env
		}
	}
	return nil
}

// splitPath gives the directory and the name of a clean absolute path.
func splitPath(p string) (dir, name string) {
	dir, name = path.Split(p)
	return strings.TrimSuffix(dir, "/"), name
}

func unsupported(step plan.Step) error {
	return fmt.Errorf("the init cannot do %q", step.Name())
}
