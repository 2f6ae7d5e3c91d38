package systemd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

// Config says which unit a container gets.
type Config struct {
	// ID is the container's id, in the unit's name where Path is empty.
	ID string
	// Path is linux.cgroupsPath, "slice:prefix:name". It is the scope prefix-name.scope in the slice, or, if the name ends in
	// ".slice", that slice. Empty, and an empty slice, mean the default one: system.slice, user.slice of a user.
	Path string
	// Prefix begins the unit's name where Path is empty.
	Prefix string
	// User asks the manager of the calling user, not that of the system. It takes a machine with cgroup v2 alone.
	User bool
	// Annotations set properties of the unit where their keys begin with "org.systemd.property.".
	Annotations map[string]string
	// Resources are the container's limits and device rules.
	Resources *specs.LinuxResources
	// Host is the result of cgroups.Probe.
	Host cgroups.Host
}

// Unit is the cgroup of a container that systemd owns. It is not safe for concurrent use.
type Unit struct {
	// Manager does all that needs no systemd.
	cgroups.Manager
	// Pid is the process that the scope begins with; it has to be set before Create, and to exist.
	Pid int

	names
	user    bool
	v1      bool
	bus     *manager
	initial []Property
	sent    []Property
	// killedBefore counts what the OOM killer had ended in the whole slice before the unit was started.
	killedBefore uint64
	// fresh: the unit was computed, not loaded, so its properties are known.
	fresh   bool
	started bool
}

// ErrUserV1 refuses what cannot work: cgroup v1 has no delegation to users.
var ErrUserV1 = errors.New("the systemd manager of a user can own cgroups of version 2 only, which this machine does not have")

// New computes the unit of a container and asks systemd, which has to run, where its cgroup will be. It starts nothing.
// Errors about the path are *PathError, about an annotation *AnnotationError, those about limits *cgroups.FieldError.
func New(c Config) (*Unit, error) {
	slice := "system.slice"
	if c.User {
		slice = "user.slice"
	}
	n, err := parsePath(c.Path, c.ID, c.Prefix, slice)
	if err != nil {
		return nil, &PathError{err}
	}
	extra, err := annotated(c.Annotations)
	if err != nil {
		return nil, err
	}
	if c.User && c.Host.Mode != cgroups.ModeV2 {
		return nil, ErrUserV1
	}
	bus, err := connect(c.User)
	if err != nil {
		return nil, err
	}
	u := &Unit{names: n, user: c.User, v1: c.Host.Mode != cgroups.ModeV2, bus: bus, fresh: true}
	if err := u.prepare(&c, extra); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

func (u *Unit) prepare(c *Config, extra []Property) error {
	m, err := cgroups.New(cgroups.Config{
		ID: c.ID, Path: u.bus.controlGroup + u.path(), Resources: c.Resources, Rootless: c.User, Host: c.Host, Adopt: true,
	})
	if err != nil {
		return err
	}
	u.Manager = m
	conv := converter{v1: u.v1, version: u.bus.version}
	first, _ := cgroups.StartLimits(c.Resources)
	if err := conv.convert(first); err != nil {
		return err
	}
	u.sent = conv.list
	u.initial = append(u.general(c.ID), conv.list...)
	if u.v1 {
		var rules []specs.LinuxDeviceCgroup
		if c.Resources != nil {
			rules = c.Resources.Devices
		}
		devices, err := deviceRules(rules)
		if err != nil {
			return err
		}
		u.initial = append(u.initial, devices...)
	}
	u.initial = override(u.initial, extra)
	return nil
}

// general are the properties that every unit has.
func (u *Unit) general(id string) []Property {
	list := make([]Property, 0, 24)
	list = append(list, text("Description", "container "+id))
	if u.isSlice() {
		// A slice is where its name says, and wants its parent.
		list = append(list, listProperty("Wants", "as", []any{parentSlice(u.unit)}))
	} else {
		list = append(list, text("Slice", u.slice), flag("Delegate", true))
	}
	io := "IOAccounting"
	if u.v1 {
		io = "BlockIOAccounting"
	}
	return append(list,
		flag("CPUAccounting", true), flag("MemoryAccounting", true), flag("TasksAccounting", true), flag(io, true),
		// Stopping the machine is the engine's or systemd-shutdown's affair, not that of dependencies.
		flag("DefaultDependencies", false),
		// A unit that has failed is forgotten as well: what became of the container is known here.
		text("CollectMode", "inactive-or-failed"),
	)
}

// override adds properties, in the place of those of the same name.
func override(list, more []Property) []Property {
	for _, p := range more {
		list = slices.DeleteFunc(list, func(q Property) bool { return q.Name == p.Name })
		list = append(list, p)
	}
	return list
}

// Load gives the manager of a recorded container: its unit, and what Paths gave. The record is not trusted. Systemd is not
// asked for anything until something needs it.
func Load(unit string, user bool, paths map[string]string) (*Unit, error) {
	if !strings.HasSuffix(unit, suffixScope) && !strings.HasSuffix(unit, suffixSlice) || escape(unit) != unit || len(unit) > maxName {
		return nil, fmt.Errorf("recorded systemd unit %q is neither a scope nor a slice", unit)
	}
	m, err := cgroups.Load(paths)
	if err != nil {
		return nil, err
	}
	_, unified := paths[""]
	return &Unit{Manager: m, names: names{unit: unit}, user: user, v1: !unified || len(paths) > 1}, nil
}

// Name is the unit's name, "ocirun-web.scope".
func (u *Unit) Name() string { return u.unit }

// Slice is the slice that the scope is in, empty for a unit that was loaded.
func (u *Unit) Slice() string { return u.slice }

// User tells whether the unit is one of a user's manager.
func (u *Unit) User() bool { return u.user }

// Properties are those that the unit is started with, but for its process.
func (u *Unit) Properties() []Property { return u.initial }

// Close gives up the connection to systemd.
func (u *Unit) Close() {
	if u != nil && u.bus != nil {
		u.bus.close()
		u.bus = nil
	}
}

func (u *Unit) connect() (err error) {
	if u.bus == nil {
		u.bus, err = connect(u.user)
	}
	return err
}

// Create starts the unit, with the process Pid in it, and readies what systemd does not know of.
func (u *Unit) Create() error {
	if err := u.connect(); err != nil {
		return err
	}
	u.killedBefore = u.killedInSlice()
	list := u.initial
	if !u.isSlice() {
		list = append(slices.Clip(list), listProperty("PIDs", "au", []any{uint64(u.Pid)}))
	}
	if err := u.bus.start(u.unit, list); err != nil {
		if !isError(err, errUnitExists) {
			// A job that has not ended in time may still go on.
			_ = u.bus.stop(u.unit)
		}
		return err
	}
	u.started = true
	err := u.Manager.Create()
	if err == nil && (u.v1 || u.isSlice()) {
		err = u.Manager.Place(u.Pid)
	}
	if err != nil {
		return errors.Join(err, u.Rollback())
	}
	return nil
}

// Rollback stops the unit if Create started it.
func (u *Unit) Rollback() error {
	if !u.started {
		return nil
	}
	u.started = false
	return errors.Join(u.bus.stop(u.unit), u.Manager.Rollback())
}

// Remove stops the unit and removes what systemd leaves of its cgroup. While it has processes it stays (cgroups.ErrBusy): it
// may be another container's by now. Where systemd cannot be reached, an empty cgroup is removed nevertheless.
func (u *Unit) Remove() error {
	if err := u.awaitEmpty(); err != nil {
		return err
	}
	connectErr := ErrNotRunning
	if running() {
		connectErr = u.connect()
	}
	if connectErr == nil {
		if err := u.bus.stop(u.unit); err != nil {
			return errors.Join(err, u.Manager.Remove())
		}
	}
	if err := u.Manager.Remove(); err != nil {
		return errors.Join(connectErr, err)
	}
	return nil
}

// awaitEmpty waits for processes that are about to end.
func (u *Unit) awaitEmpty() error {
	for pause := time.Millisecond; ; pause *= 2 {
		pids, err := u.Pids()
		if err != nil || len(pids) == 0 {
			return err
		}
		if pause > time.Second/2 {
			return fmt.Errorf("stop systemd unit %q: %w", u.unit, cgroups.ErrBusy)
		}
		time.Sleep(pause)
	}
}

// Set applies limits, those that the unit does not have yet also to the unit.
func (u *Unit) Set(r *specs.LinuxResources) error {
	if _, err := u.tell(r); err != nil {
		return err
	}
	return u.Manager.Set(r)
}

// Update changes limits of the unit and of its cgroup; if it fails, both are as before.
func (u *Unit) Update(r *specs.LinuxResources) error {
	before, err := u.tell(r)
	if err != nil {
		return err
	}
	if err := u.Manager.Update(r); err != nil {
		if len(before) > 0 {
			err = errors.Join(err, u.bus.set(u.unit, before))
		}
		return err
	}
	return nil
}

// tell sends systemd the limits that it does not know yet, and gives what those were before.
func (u *Unit) tell(r *specs.LinuxResources) (before []Property, err error) {
	conv := converter{v1: u.v1}
	if !u.fresh {
		// Not the first limits: some are counted from others, that hold already.
		r = u.complete(&conv, r)
	}
	if err := u.connect(); err != nil {
		return nil, err
	}
	conv.version = u.bus.version
	if err := conv.convert(r); err != nil {
		return nil, err
	}
	if err := u.otherDevices(&conv, r.Devices); err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(conv.list, func(p Property) bool {
		return slices.ContainsFunc(u.sent, func(q Property) bool { return q.String() == p.String() })
	})
	if len(list) == 0 {
		return nil, nil
	}
	if !u.fresh {
		if before, err = u.bus.current(u.unit, u.iface(), list); err != nil {
			return nil, err
		}
		for i, p := range list {
			if p.String() == noDevices.String() {
				before[i] = p
			}
		}
	}
	return before, u.bus.set(u.unit, list)
}

// noDevices empties the list, to which other values of the property are added.
var noDevices = listProperty("DeviceAllow", "a(ss)", []any{})

// otherDevices adds device rules to what an update tells systemd; see deviceRules.
func (u *Unit) otherDevices(c *converter, rules []specs.LinuxDeviceCgroup) error {
	if u.fresh || !u.v1 || rules == nil {
		return nil
	}
	properties, err := deviceRules(rules)
	if err != nil {
		return err
	}
	c.add(noDevices)
	c.list = append(c.list, properties...)
	return nil
}

func (u *Unit) iface() string {
	if u.isSlice() {
		return "org.freedesktop.systemd1.Slice"
	}
	return "org.freedesktop.systemd1.Scope"
}

// Place moves a process into the unit, by systemd where the caller may not do it.
func (u *Unit) Place(pid int) error {
	err := u.Manager.Place(pid)
	if err == nil || !u.user {
		return err
	}
	if busErr := u.connect(); busErr != nil {
		return errors.Join(err, busErr)
	}
	// Below the unit's own cgroup there may be others.
	_, below, _ := strings.Cut(u.Paths()[""], "/"+cgroupName(u.unit))
	return u.bus.attach(u.unit, below, pid)
}

var _ cgroups.Manager = (*Unit)(nil)
