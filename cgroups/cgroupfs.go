package cgroups

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// cgroupfs is the driver that writes to the cgroup file system itself.
type cgroupfs struct {
	trees []tree
	paths map[string]string
	// resources tell Create which controllers and cpus are needed.
	resources *specs.LinuxResources
	// rootless does without device rules, tolerant also without a hierarchy, where the caller has no power.
	rootless, tolerant bool
	// adopt: the container's process is there before the cgroup is readied.
	adopt bool
	// forbidden is why a rootless container has no cgroup in some hierarchy.
	forbidden error
	// fresh is true until limits or devices were set: what the kernel holds then is known without a look.
	fresh, freshDevices bool
	// unavailable says why a v2 controller could not be enabled.
	unavailable map[string]error
	// seeded are the cpuset files that Create wrote already.
	seeded   map[string]string
	warnings []string
	// journal, during an update, keeps what files held before.
	journal *journal
	// observe, in tests, sees each value written.
	observe func(path, value string)
}

// New computes where a container's cgroup goes. It has no effect: the caller may record Paths first. For a rootless
// container these are what the caller may make.
func New(c Config) (Manager, error) {
	if c.Host.Mode == ModeNone && !c.Rootless {
		return nil, fmt.Errorf("no cgroup file system is mounted at %s", c.Host.Root)
	}
	trees, err := layout(&c)
	if err != nil {
		return nil, err
	}
	m := &cgroupfs{
		trees: trees, resources: c.Resources, rootless: c.Rootless, tolerant: c.Rootless && c.Path == "",
		adopt: c.Adopt, fresh: true, freshDevices: true,
	}
	m.paths = pathsOf(trees)
	if m.tolerant {
		return m, m.skipForbidden()
	}
	return m, nil
}

// Load gives the manager of a recorded container from what Paths gave. The record is not trusted.
func Load(paths map[string]string) (Manager, error) { return LoadAt(DefaultRoot, paths) }

// LoadAt is [Load] for another root.
func LoadAt(root string, paths map[string]string) (Manager, error) {
	trees, err := treesOf(root, paths)
	if err != nil {
		return nil, err
	}
	return &cgroupfs{trees: trees, paths: paths}, nil
}

func (m *cgroupfs) Paths() map[string]string { return m.paths }

func (m *cgroupfs) Warnings() []string { return m.warnings }

func (m *cgroupfs) warn(text string) { m.warnings = append(m.warnings, text) }

// controller finds the hierarchy of a v1 controller.
func (m *cgroupfs) controller(name string) *tree {
	for i := range m.trees {
		if slices.Contains(m.trees[i].controllers, name) && m.trees[i].absent == nil {
			return &m.trees[i]
		}
	}
	return nil
}

// unified finds the v2 hierarchy.
func (m *cgroupfs) unified() *tree {
	for i := range m.trees {
		if m.trees[i].v2() && m.trees[i].absent == nil {
			return &m.trees[i]
		}
	}
	return nil
}

// pure tells whether v2 is all there is.
func (m *cgroupfs) pure() bool { return len(m.trees) == 1 && m.trees[0].v2() }

func (m *cgroupfs) Exists() bool {
	for i := range m.trees {
		if unix.Access(m.trees[i].dir(), unix.F_OK) == nil {
			return true
		}
	}
	return false
}

func (m *cgroupfs) OpenDir() (int, error) {
	t := m.unified()
	if t == nil {
		return -1, ErrNoUnified
	}
	fd, err := open(t.dir(), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, fmt.Errorf("open cgroup %s: %w", t.dir(), err)
	}
	return fd, nil
}

func (m *cgroupfs) OOMKilled() (bool, error) {
	path := ""
	if t := m.controller("memory"); t != nil {
		path = t.file("memory.oom_control")
	} else if t := m.unified(); t != nil {
		path = t.file("memory.events")
	}
	if path == "" {
		return false, nil
	}
	text, err := read(path)
	if err != nil {
		if gone(err) { // also a v2 cgroup without the memory controller
			return false, nil
		}
		return false, err
	}
	n, _ := keyed(text, "oom_kill")
	return n > 0, nil
}

// put writes a value to a file of a hierarchy.
func (m *cgroupfs) put(t *tree, name, value string) error {
	err := m.putFile(t.file(name), value)
	if errors.Is(err, unix.ENOENT) {
		err = m.missing(t, name, err)
	}
	return err
}

func (m *cgroupfs) putFile(path, value string) error {
	if m.journal != nil {
		m.journal.note(path, value)
	}
	err := write(path, value)
	if err == nil && m.observe != nil {
		m.observe(path, value)
	}
	return err
}
