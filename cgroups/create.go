package cgroups

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func (m *cgroupfs) Create() error {
	for i := range m.trees {
		t := &m.trees[i]
		err := m.make(t)
		if err == nil {
			continue
		}
		if m.tolerant && denied(err) {
			m.removeMade(t)
			t.absent = err
			m.paths = pathsOf(m.trees)
			continue
		}
		return errors.Join(err, m.Rollback())
	}
	return nil
}

// make makes the container's cgroup in one hierarchy and readies it for processes.
func (m *cgroupfs) make(t *tree) error {
	if err := t.mkdir(); err != nil {
		return err
	}
	if t.made == 0 && !m.adopt {
		if err := m.checkReuse(t); err != nil {
			return err
		}
	}
	if t.v2() {
		return m.enable(t)
	}
	if slices.Contains(t.controllers, "cpuset") {
		return m.seedCpuset(t)
	}
	return nil
}

// mkdir makes the leaf, and what is missing above it.
func (t *tree) mkdir() error {
	leaf := t.dir()
	err := mkdir(leaf)
	if errors.Is(err, unix.ENOENT) {
		for i := 1; i < len(t.rel) && (err == nil || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOENT)); i++ {
			if t.rel[i] == '/' {
				if err = mkdir(t.mount + t.rel[:i]); err == nil {
					t.made++
				} else if errors.Is(err, unix.EEXIST) {
					t.made = 0
				}
			}
		}
		if err == nil || errors.Is(err, unix.EEXIST) {
			err = mkdir(leaf)
		}
	}
	switch {
	case err == nil:
		t.made++
	case errors.Is(err, unix.EEXIST):
		t.made = 0
	default:
		return fmt.Errorf("create cgroup %s: %w%s", leaf, err, hintMkdir(err))
	}
	return nil
}

func mkdir(dir string) error {
	return retry(func() error { return unix.Mkdir(dir, 0o755) })
}

func hintMkdir(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return " (cgroup.max.descendants of an ancestor is reached, or the kernel's memory cgroup ids are used up)"
	case errors.Is(err, unix.EAGAIN):
		return " (cgroup.max.depth or cgroup.max.descendants of an ancestor is reached)"
	case errors.Is(err, unix.EROFS):
		return " (the cgroup file system is mounted read-only)"
	case denied(err):
		return " (not delegated to this user)"
	}
	return ""
}

// checkReuse refuses a cgroup that was there before and is in use.
func (m *cgroupfs) checkReuse(t *tree) error {
	pids, err := collect(t.dir())
	if err != nil {
		return fmt.Errorf("create cgroup %s: %w", t.dir(), err)
	}
	if len(pids) > 0 {
		return &NotEmptyError{Path: t.dir(), Count: len(pids)}
	}
	if t.v2() || slices.Contains(t.controllers, "freezer") {
		frozen, err := t.frozen()
		if err != nil {
			return err
		}
		if frozen {
			return ErrFrozen
		}
	}
	return nil
}

func (m *cgroupfs) Created() []string {
	var dirs []string
	for i := range m.trees {
		dir := m.trees[i].dir()
		for range m.trees[i].made {
			dirs, dir = append(dirs, dir), path.Dir(dir)
		}
	}
	return dirs
}

func (m *cgroupfs) Rollback() error {
	var errs []error
	for i := range m.trees {
		if t := &m.trees[i]; t.made > 0 {
			errs = append(errs, removeAll([]string{t.dir()}))
			m.removeMade(t)
		}
	}
	return errors.Join(errs...)
}

// removeMade removes the directories that mkdir made. A parent that someone else uses by now stays.
func (m *cgroupfs) removeMade(t *tree) {
	for dir := t.dir(); t.made > 0; t.made-- {
		_ = rmdir(dir)
		dir = path.Dir(dir)
	}
}

// seedCpuset gives a v1 cpuset its processors and memory nodes: a new one has none and takes no process.
func (m *cgroupfs) seedCpuset(t *tree) error {
	wanted := map[string]string{"cpuset.cpus": "", "cpuset.mems": ""}
	if r := m.resources; r != nil && r.CPU != nil {
		wanted["cpuset.cpus"], wanted["cpuset.mems"] = r.CPU.Cpus, r.CPU.Mems
	}
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		inherited, err := inheritCpuset(t.mount, path.Dir(t.rel), name)
		if err != nil {
			return err
		}
		value := wanted[name]
		if value == "" {
			if t.made == 0 {
				if now, err := read(t.file(name)); err == nil && now != "" {
					continue
				}
			}
			value = inherited
		}
		if err := m.put(t, name, value); err != nil {
			if wanted[name] != "" {
				return field("/cpu/"+strings.TrimPrefix(name, "cpuset."), err)
			}
			return err
		}
		if m.seeded == nil {
			m.seeded = make(map[string]string, 2)
		}
		m.seeded[name] = value
	}
	return nil
}

// inheritCpuset reads a value of a cpuset; one that is empty gets its parent's first.
func inheritCpuset(mount, rel, name string) (string, error) {
	file := path.Join(mount, rel, name)
	value, err := read(file)
	if err != nil || value != "" || rel == "/" {
		return value, err
	}
	if value, err = inheritCpuset(mount, path.Dir(rel), name); err != nil {
		return "", err
	}
	return value, write(file, value)
}
