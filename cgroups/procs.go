package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// collect lists the processes of a cgroup and of all below it. What vanishes while it looks is gone.
func collect(dir string) ([]int, error) {
	pids, err := procs(dir)
	if err != nil {
		return nil, err
	}
	children, err := subgroups(dir)
	if err != nil {
		return nil, err
	}
	for _, child := range children {
		more, err := collect(child)
		if err != nil {
			return nil, err
		}
		pids = append(pids, more...)
	}
	return pids, nil
}

// procs lists the processes of one cgroup.
func procs(dir string) ([]int, error) {
	text, err := read(dir + "/cgroup.procs")
	switch {
	case gone(err), errors.Is(err, unix.EOPNOTSUPP): // a threaded cgroup: its processes are listed further up
		return nil, nil
	case err != nil:
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(text) {
		pid, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("read %s/cgroup.procs: %w", dir, err)
		}
		if pid > 0 { // 0: a process of another pid namespace
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// subgroups lists the child directories of a cgroup.
func subgroups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !gone(err) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, dir+"/"+e.Name())
		}
	}
	return dirs, nil
}

// Pids asks one hierarchy: v2 if there is one, else that of the freezer, which a container cannot leave by accident.
func (m *cgroupfs) Pids() ([]int, error) {
	t := m.unified()
	for _, name := range []string{"freezer", "devices", "pids", "name=systemd"} {
		if t == nil {
			t = m.controller(name)
		}
	}
	if t == nil && len(m.trees) > 0 {
		t = &m.trees[0]
	}
	if t == nil {
		return nil, nil
	}
	pids, err := collect(t.dir())
	return sorted(pids), err
}

// members lists the processes of all hierarchies, without the calling process, whose thread may have joined.
func (m *cgroupfs) members() ([]int, error) {
	var all []int
	for i := range m.trees {
		pids, err := collect(m.trees[i].dir())
		if err != nil {
			return nil, err
		}
		all = append(all, pids...)
	}
	self := os.Getpid()
	return slices.DeleteFunc(sorted(all), func(pid int) bool { return pid == self }), nil
}

func sorted(pids []int) []int {
	slices.Sort(pids)
	return slices.Compact(pids)
}

func (m *cgroupfs) Signal(sig int) error {
	if unix.Signal(sig) == unix.SIGKILL {
		return m.Kill()
	}
	pids, err := m.Pids()
	if err != nil {
		return err
	}
	return signalAll(pids, unix.Signal(sig))
}

func signalAll(pids []int, sig unix.Signal) error {
	var errs []error
	self := os.Getpid()
	for _, pid := range pids {
		if pid == self {
			continue
		}
		if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("signal process %d: %w", pid, err))
		}
	}
	return errors.Join(errs...)
}
