package libcontainer

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

const pointerResources = "/linux/resources"

// chooseCgroup decides where the container's cgroup is. Nothing is made yet.
func (b *builder) chooseCgroup(host cgroups.Host) error {
	switch b.o.CgroupManager {
	case Systemd:
		return b.chooseUnit(host)
	case NoCgroup:
		b.host = cgroups.Host{Root: host.Root}
		b.cgroup = noCgroup()
		return nil
	}
	if b.made != nil {
		// A path that is not absolute was taken from the cgroup of who made the container.
		return b.knowCgroup(host)
	}
	m, err := cgroups.New(cgroups.Config{
		ID: b.id, Path: b.cgroupsPath(), Resources: b.resources(), Rootless: b.o.Rootless, Host: host,
	})
	if err != nil {
		return specconv.Problem{Pointer: "/linux/cgroupsPath", Err: err}
	}
	b.host, b.cgroup = host, m
	return nil
}

// knowCgroup is chooseCgroup for a container that has its cgroup.
func (b *builder) knowCgroup(host cgroups.Host) error {
	m, err := b.made.Cgroup.manager()
	if err != nil {
		return err
	}
	if m == nil {
		m = noCgroup()
	}
	b.host, b.cgroup = host, m
	return nil
}

func (b *builder) cgroupsPath() string {
	if l := b.bundle.Spec.Linux; l != nil {
		return l.CgroupsPath
	}
	return ""
}

func (b *builder) resources() *specs.LinuxResources {
	if l := b.bundle.Spec.Linux; l != nil {
		return l.Resources
	}
	return nil
}

// cgroupPath is the cgroup from the root of its hierarchy.
func (b *builder) cgroupPath() string {
	paths := b.cgroup.Paths()
	if dir, ok := paths[""]; ok {
		return strings.TrimPrefix(dir, b.host.Unified)
	}
	for _, h := range b.host.V1 {
		for _, controller := range h.Controllers {
			if dir, ok := paths[controller]; ok {
				return strings.TrimPrefix(dir, h.Mount)
			}
		}
	}
	return ""
}

// checkCgroup refuses a cgroup that is in use. It comes after the id is taken, so
// that a second container of the same id is told of that, and before the cgroup is
// recorded, since what stands in the record is killed when the container is
// removed.
func (b *builder) checkCgroup() error {
	if !b.cgroup.Exists() {
		return nil
	}
	pids, err := b.cgroup.Pids()
	if err != nil {
		return err
	}
	if len(pids) > 0 {
		return specconv.Problem{Pointer: "/linux/cgroupsPath", Err: &cgroups.NotEmptyError{Path: b.options.CgroupPath, Count: len(pids)}}
	}
	return nil
}

// cgroupPlace is what the record says about the cgroup.
func (b *builder) cgroupPlace() cgroupPlace {
	place := cgroupPlace{Mode: b.host.Mode.String(), Path: b.options.CgroupPath}
	if b.unit != nil {
		place.Unit, place.User = b.unit.Name(), b.unit.User()
	}
	paths := b.cgroup.Paths()
	for _, controller := range slices.Sorted(maps.Keys(paths)) {
		place.Dirs = append(place.Dirs, cgroupDir{Controller: controller, Dir: paths[controller]})
	}
	return place
}

// place makes the cgroup and sets its limits, so that no process of the container
// ever runs without them.
//
// Systemd makes a cgroup around a process; see enterUnit.
func (b *builder) place() error {
	if err := b.checkCgroup(); err != nil {
		return err
	}
	if err := b.creation.recordCgroup(b.cgroupPlace()); err != nil {
		return err
	}
	if b.unit != nil {
		return nil
	}
	return b.makeCgroup()
}

// makeCgroup is place for a cgroup that was recorded.
func (b *builder) makeCgroup() error {
	start := b.o.Trace.begin()
	if err := b.cgroup.Create(); err != nil {
		return cgroupError(err)
	}
	b.madeCgroup = true
	b.o.Trace.end(start, "create the cgroup")
	b.warnOfCgroup()
	var first *specs.LinuxResources
	first, b.lateLimits = cgroups.StartLimits(b.resources())
	if first != nil {
		start = b.o.Trace.begin()
		if err := b.cgroup.Set(first); err != nil {
			return cgroupError(err)
		}
		b.o.Trace.end(start, "set limits")
	}
	// What Set has to say about the fields was said when they were validated.
	b.cgroupWarnings = len(b.cgroup.Warnings())
	if err := b.giveCgroup(); err != nil {
		return err
	}
	return b.placeResctrl()
}

// warnOfCgroup tells what the cgroup has found out since the last call.
func (b *builder) warnOfCgroup() {
	all := b.cgroup.Warnings()
	for _, w := range all[b.cgroupWarnings:] {
		b.warn(w)
	}
	b.cgroupWarnings = len(all)
}

// giveCgroup makes the cgroup the container's user's, where the plan says so.
func (b *builder) giveCgroup() error {
	for i, e := range b.plan.Entries {
		owner, ok := e.Step.(plan.CgroupOwner)
		if !ok || owner.Inside {
			continue
		}
		if err := b.cgroup.Chown(int(owner.UID), -1); err != nil {
			return b.plan.Failed(i, err, "")
		}
	}
	return nil
}

// setDevices makes the device rules. On version 2 it does so beside what the
// caller does, since the kernel takes as long to check the program as to make the
// namespaces. The result comes from the channel; the init waits for it at its
// rendezvous.
func (b *builder) setDevices() <-chan error {
	var rules []specs.LinuxDeviceCgroup
	if r := b.resources(); r != nil {
		rules = r.Devices
	}
	done := make(chan error, 1)
	if !b.hasDeviceRules() {
		done <- nil
		return done
	}
	set := func() { done <- cgroupError(b.cgroup.SetDevices(rules)) }
	if b.host.Mode == cgroups.ModeV2 {
		b.net.after(set)
	} else {
		set()
	}
	return done
}

// hasDeviceRules reports whether the plan has any: without the rights of the host's
// root there are none.
func (b *builder) hasDeviceRules() bool {
	for i := range b.plan.Entries {
		if _, ok := b.plan.Entries[i].Step.(plan.DeviceRule); ok {
			return true
		}
	}
	return false
}

// cgroupError puts the pointer of a limit in front of what went wrong with it.
func cgroupError(err error) error {
	if err == nil {
		return nil
	}
	var field *cgroups.FieldError
	if errors.As(err, &field) {
		return specconv.Problem{Pointer: plan.Cause(pointerResources + field.Pointer), Err: field.Err}
	}
	return err
}

// enterCgroup brings the calling thread to where its child is to be born: into the
// version 1 hierarchies by moving there for a moment, which is a hundred times
// quicker than moving the child, and into version 2 by the descriptor that it
// gives. leave brings the thread back.
func (b *builder) enterCgroup() (dir int, leave func() error, err error) {
	if b.unit != nil {
		return -1, func() error { return nil }, nil
	}
	return joinCgroup(b.cgroup, b.host.Unified != "", len(b.host.V1) > 0, b.o.Rootless)
}

// joinCgroup is enterCgroup for a cgroup that has directories in these versions of
// hierarchies; if it is tolerant it may lack that of version 2.
func joinCgroup(cgroup cgroups.Manager, unified, v1, tolerant bool) (dir int, leave func() error, err error) {
	leave = func() error { return nil }
	dir = -1
	if unified {
		dir, err = cgroup.OpenDir()
		if err != nil && !(tolerant && errors.Is(err, cgroups.ErrNoUnified)) {
			return -1, leave, err
		}
	}
	if !v1 {
		return dir, leave, nil
	}
	runtime.LockOSThread()
	thread, err := cgroup.Join()
	if err != nil {
		runtime.UnlockOSThread()
		closeAll(dir)
		return -1, leave, err
	}
	return dir, func() error {
		defer runtime.UnlockOSThread()
		return thread.Leave()
	}, nil
}

// confirmPlaced sets the limits that would have forbidden the clone, and answers
// the init that waits for its cgroup.
func (b *builder) confirmPlaced() error {
	if b.lateLimits != nil {
		if err := b.awaitInit(); err != nil {
			return err
		}
		if err := b.cgroup.Set(b.lateLimits); err != nil {
			return b.explainOOM(cgroupError(err))
		}
	}
	for _, e := range b.plan.Entries {
		if r, ok := e.Step.(plan.Rendezvous); ok && r.Point == plan.PointPlaced {
			if err := b.init.Answer(); err != nil && !errors.Is(err, unix.EPIPE) {
				return b.explainEnd(err)
			}
		}
	}
	return nil
}

// initTimeout bounds the wait for the first sign of life of an init.
const initTimeout = 10 * time.Second

// awaitInit waits until the init runs, or has ended. Its start is no proof of memory of
// its own: the kernel may close the descriptors of the old program, which is what the
// start waits for, before it leaves the old memory, which is the runtime's.
func (b *builder) awaitInit() error {
	for deadline := time.Now().Add(initTimeout); time.Now().Before(deadline); {
		progress, err := b.progress()
		if err != nil {
			return err
		}
		if progress.State != initproc.StateNew {
			return nil
		}
		ended, err := sys.WaitReadable(b.init.Pidfd, time.Millisecond)
		if ended || err != nil {
			return err // how it ended is found out by those who talk to it
		}
	}
	return nil
}
