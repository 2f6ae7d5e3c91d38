package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// spawn starts the init. What it is handed of the host, the pidfd of the
// container's first process, is closed before it can be seen in the container.
func (x *execution) spawn() error {
	preserved, err := preservedFDs(0, x.o.PreserveFDs)
	if err != nil {
		return err
	}
	x.layout = initproc.Layout{PreserveFDs: x.o.PreserveFDs, Namespaces: 1, Traced: x.o.Trace != nil}
	if !x.process.Terminal {
		layoutStreams(&x.layout, x.stdio, x.process.User.UID != 0)
	}
	start := x.o.Trace.begin()
	if x.program, err = initproc.Lower(x.plan, &x.layout); err != nil {
		return err
	}
	if x.page, err = initproc.NewProgress(x.program.PageSize()); err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	x.o.Trace.end(start, "lower the plan")
	back, err := x.goInitial()
	if err != nil {
		return err
	}
	defer back()
	start = x.o.Trace.begin()
	defer func() { x.o.Trace.end(start, "start the init") }()
	return x.place(&initproc.Spawn{
		Layout: &x.layout, Program: x.program, StateDir: x.container.dir.fd, Page: x.page,
		Stdio: x.stdio, Preserved: preserved, Gate: -1, Namespaces: []int{x.target}, Cgroup: -1,
	})
}

// goInitial moves the calling thread to the CPUs that the process is to begin on.
func (x *execution) goInitial() (back func(), err error) {
	for i, e := range x.plan.Entries {
		row, ok := e.Step.(plan.CPUAffinity)
		if !ok || !row.Initial {
			continue
		}
		runtime.LockOSThread()
		before, err := sys.Affinity()
		if err == nil {
			err = sys.SetAffinity(row.Mask)
		}
		if err != nil {
			runtime.UnlockOSThread()
			return nil, x.plan.Failed(i, err, "")
		}
		return func() {
			defer runtime.UnlockOSThread()
			if err := sys.SetAffinity(before); err != nil {
				x.warn("go back to the CPUs of before: " + err.Error())
			}
		}, nil
	}
	return func() {}, nil
}

// place starts the init inside the container's cgroup, or inside of the one below
// it that the caller named.
func (x *execution) place(s *initproc.Spawn) error {
	dirs, err := x.record.Cgroup.below(x.o.Cgroups)
	if err != nil {
		return err
	}
	place := x.record.Cgroup
	place.Dirs = dirs
	manager, err := place.manager()
	switch {
	case err != nil:
		return err
	case manager == nil:
		return x.launchIn(s, -1)
	case x.options.Paused || x.options.PlacedLater:
		return x.placeLater(s, manager)
	}
	unified, v1 := place.kinds()
	dir, leave, err := joinCgroup(manager, unified, v1, false)
	if err != nil {
		return err
	}
	defer func() { closeAll(dir) }()
	err = x.launchIn(s, dir)
	if errors.Is(err, unix.EBUSY) && len(x.o.Cgroups) == 0 {
		// The cgroup has become one for cgroups only, so its processes are below.
		var own int
		if own, err = x.openInitCgroup(); err == nil {
			err = x.launchIn(s, own)
			unix.Close(own)
		}
	}
	if leaveErr := leave(); err == nil {
		err = leaveErr
	}
	return err
}

func (x *execution) launchIn(s *initproc.Spawn, cgroup int) (err error) {
	s.Cgroup = cgroup
	x.init, err = initproc.Start(s)
	if err == nil {
		x.pid = x.init.Pid
	}
	return err
}

// placeLater moves the init into a cgroup that is frozen, where it stops at once.
// Born there it would not even come to its first instruction, with the runtime
// waiting for that; and a thread of the runtime that joins a frozen cgroup of
// version 1 cannot be killed. It is also the way into a cgroup that only systemd may
// bring a process into.
func (x *execution) placeLater(s *initproc.Spawn, manager cgroups.Manager) error {
	if err := x.launchIn(s, -1); err != nil {
		return err
	}
	if err := manager.Place(x.init.Pid); err != nil {
		return err
	}
	return x.init.Answer()
}

// unified is the directory of version 2, or empty.
func (p cgroupPlace) unified() string {
	for _, d := range p.Dirs {
		if d.Controller == "" {
			return d.Dir
		}
	}
	return ""
}

// kinds says in which versions of hierarchies there is a directory.
func (p cgroupPlace) kinds() (unified, v1 bool) {
	for _, d := range p.Dirs {
		if d.Controller == "" {
			unified = true
		} else {
			v1 = true
		}
	}
	return unified, v1
}

// below gives the directories with names below them, by controller; the only name
// may be for all. Controllers of one hierarchy move together.
func (p cgroupPlace) below(names map[string]string) ([]cgroupDir, error) {
	if len(names) == 0 {
		return p.Dirs, nil
	}
	all, same := names[""]
	moved := map[string]string{}
	for _, d := range p.Dirs {
		name, given := names[d.Controller]
		if same {
			name, given = all, true
		}
		if !given {
			continue
		}
		dir := path.Join(d.Dir, name)
		if dir != d.Dir && !strings.HasPrefix(dir, d.Dir+"/") {
			return nil, fmt.Errorf("bad sub cgroup path: %s", name)
		}
		if other, ok := moved[d.Dir]; ok && other != dir {
			return nil, fmt.Errorf("controller %s is in one hierarchy with another, which goes to %s", d.Controller, other)
		}
		moved[d.Dir] = dir
	}
	for controller := range names {
		if controller != "" && !p.has(controller) {
			return nil, fmt.Errorf("the container has no cgroup of controller %q", controller)
		}
	}
	dirs := make([]cgroupDir, len(p.Dirs))
	for i, d := range p.Dirs {
		if dir, ok := moved[d.Dir]; ok {
			d.Dir = dir
		}
		dirs[i] = d
	}
	return dirs, nil
}

func (p cgroupPlace) has(controller string) bool {
	for _, d := range p.Dirs {
		if d.Controller == controller {
			return true
		}
	}
	return false
}

// openInitCgroup opens the version 2 cgroup that the container's first process is
// in, provided it is below the container's: a container that can write to its
// hierarchy could have moved it anywhere.
func (x *execution) openInitCgroup() (int, error) {
	text, err := x.record.Init.Cgroups()
	if err != nil || !x.isAlive() {
		return -1, ErrExecStopped
	}
	own := x.record.Cgroup.unified()
	dir := strings.TrimSuffix(own, x.record.Cgroup.Path) + unifiedPath(string(text))
	if path.Clean(dir) != dir || !strings.HasPrefix(dir, own+"/") {
		return -1, fmt.Errorf("cgroup %s takes no processes, and the container's first one is not below it but in %s: %w", own, dir, unix.EBUSY)
	}
	return sys.OpenAt(unix.AT_FDCWD, dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// unifiedPath takes the path in the version 2 hierarchy out of a process's list of
// cgroups (cgroups(7), "/proc/pid/cgroup").
func unifiedPath(list string) string {
	for line := range strings.Lines(list) {
		if p, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return p
		}
	}
	return ""
}
