package cgroups

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// collect lists the processes of a cgroup and of all below it.
func collect(dir string) ([]int, error) {
	var pids []int
	err := walk(dir, func(fd int) error {
		own, err := procs(fd)
		pids = append(pids, own...)
		return err
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("list the processes of cgroup %s: %w", dir, err)
	}
	return pids, nil
}

// procs lists the processes of one cgroup.
func procs(dir int) ([]int, error) {
	fd, err := openAt(dir, "cgroup.procs", unix.O_RDONLY)
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	text, err := readFD(fd, "cgroup.procs")
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
			return nil, err
		}
		if pid > 0 { // 0: a process of another pid namespace
			pids = append(pids, pid)
		}
	}
	return pids, nil
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
