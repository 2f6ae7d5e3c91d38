package libcontainer

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// prepare reads, checks and compiles the bundle. Nothing is changed by it.
func (b *builder) prepare() error {
	if err := checkID(b.id); err != nil {
		return err
	}
	if err := checkFiles(b.o.ListenFDs + b.o.PreserveFDs); err != nil {
		return err
	}
	start := b.o.Trace.begin()
	bundle, err := specconv.Load(b.o.Bundle)
	if err != nil {
		return err
	}
	b.bundle = bundle
	b.o.Trace.end(start, "load config.json")
	b.done = make(chan struct{})
	if wantsNetNamespace(bundle.Spec) {
		if b.control, err = initproc.NewControl(); err != nil {
			return err
		}
		b.net = makeNetNamespace(b.control, b.done)
	}
	if err := b.compile(); err != nil {
		return err
	}
	return b.checkTerminal()
}

// compile finds out what the compiler wants to know, and runs it.
func (b *builder) compile() error {
	start := b.o.Trace.begin()
	host, err := cgroups.Probe()
	if err != nil {
		return err
	}
	if err := b.probe(host); err != nil {
		return err
	}
	b.o.Trace.end(start, "probe the host")
	start = b.o.Trace.begin()
	if err := b.validate(); err != nil {
		return err
	}
	if b.options.Facts, err = b.inspect(); err != nil {
		return err
	}
	b.o.Trace.end(start, "validate and inspect the bundle")
	start = b.o.Trace.begin()
	compiled, warnings, err := specconv.Compile(b.bundle, b.options)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		b.warn(w)
	}
	b.plan = compiled
	b.o.Trace.end(start, "compile the plan")
	return nil
}

// inspect looks at what the configuration names on the host. What a container that was made
// before needed then may be gone.
func (b *builder) inspect() (specconv.Facts, error) {
	if b.made == nil {
		return specconv.Inspect(b.bundle)
	}
	facts, gone := specconv.InspectLeft(b.bundle)
	for _, p := range gone {
		b.warn("not there any more: " + p.Error())
	}
	return facts, nil
}

// probe decides where the cgroup will be and collects what the compiler has to know of
// the host. With an error about the cgroup the rest is there.
func (b *builder) probe(host cgroups.Host) error {
	cgroupErr := b.chooseCgroup(host)
	b.options = specconv.Options{
		ID: b.id, Create: b.gated, NoPivot: b.o.NoPivot, NoNewKeyring: b.o.NoNewKeyring, Rootless: unix.Geteuid() != 0,
		ListenFDs: b.o.ListenFDs, ListenNames: b.o.ListenNames, PreserveFDs: b.o.PreserveFDs, ConsoleSocket: b.o.ConsoleSocket != "", Detach: b.detached,
		Host: probeHost(host, b.bundle.Spec, b.bundle.Spec.Process),
	}
	b.options.Host.UserNS = InUserNamespace()
	if b.o.NotifySocket != "" {
		b.options.NotifyDir = filepath.Join(b.store.root, b.id, notifyName)
	}
	var err error
	if b.options.Host.Resctrl, err = probeResctrl(b.bundle.Spec); err != nil {
		return err
	}
	if cgroupErr != nil {
		return cgroupErr
	}
	b.options.CgroupPath, b.options.CgroupPaths = b.cgroupPath(), b.cgroup.Paths()
	if b.made != nil {
		b.options.CgroupPath, b.options.CgroupPaths = b.made.Cgroup.Path, b.made.Cgroup.paths()
	}
	b.options.Unit, b.options.NoCgroup = unitStep(b.unit), b.o.CgroupManager == NoCgroup
	if len(b.options.CgroupPaths) == 0 {
		// What there is of hierarchies is not for this user.
		b.options.Host.CgroupMode = cgroups.ModeNone.String()
	}
	return nil
}

// validate gives the first error; warnings are only told.
func (b *builder) validate() error {
	var first error
	for _, p := range specconv.Validate(b.bundle, b.options) {
		switch {
		case p.Warning, b.made != nil:
			b.warn(p.Error())
		case first == nil:
			first = p
		}
	}
	return first
}

// checkTerminal: a terminal that nobody in this process serves has to go to a
// socket, and a socket is of use for nothing else.
func (b *builder) checkTerminal() error {
	terminal := b.bundle.Spec.Process.Terminal
	switch {
	case b.detached && terminal && b.o.ConsoleSocket == "":
		return ErrConsoleNeeded
	case b.o.ConsoleSocket != "" && (!b.detached || !terminal):
		return ErrConsoleUseless
	}
	return nil
}

// record takes the id and writes down what the later stages will leave on the
// host.
//
// The directories of the cgroup are added by place, after it has looked at them:
// what stands in the record is killed when the container is removed.
func (b *builder) record() error {
	start := b.o.Trace.begin()
	created, err := b.store.begin(&record{
		ID: b.id, Bundle: b.bundle.Dir, Rootfs: b.rootfs(), Created: time.Now(),
		Inputs: inputs{
			Create: b.gated, NoPivot: b.o.NoPivot, NoNewKeyring: b.o.NoNewKeyring, Rootless: b.o.Rootless,
			ConsoleSocket: b.o.ConsoleSocket != "", Detach: b.detached, Notify: b.o.NotifySocket != "",
			ListenFDs: b.o.ListenFDs, ListenNames: b.o.ListenNames, PreserveFDs: b.o.PreserveFDs, CgroupManager: b.o.CgroupManager,
		},
		SharedPID: !b.plan.Spawn.IsNew(plan.NamespacePID),
		Cgroup:    cgroupPlace{Mode: b.host.Mode.String(), Path: b.options.CgroupPath},
	}, b.bundle.Raw)
	if err != nil {
		return err
	}
	created.dir.spec = b.bundle.Spec
	b.creation = created
	b.o.Trace.end(start, "write the record")
	return nil
}

// rootfs is the root file system's absolute path on the host.
func (b *builder) rootfs() string {
	p := b.bundle.Spec.Root.Path
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(b.bundle.Dir, p)
}
