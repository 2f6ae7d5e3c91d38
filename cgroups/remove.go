package cgroups

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

func (m *cgroupfs) Remove() error {
	dirs := make([]string, len(m.trees))
	for i := range m.trees {
		dirs[i] = m.trees[i].dir()
	}
	return removeAll(dirs)
}

// removeAll removes cgroups with what is below them. A process on its way out keeps its cgroup busy for a moment, so
// all are tried in rounds, with pauses that double.
func removeAll(dirs []string) error {
	for pause := time.Millisecond; ; pause *= 2 {
		var busy []string
		var errs []error
		for _, dir := range dirs {
			if err := removeTree(dir); err != nil {
				busy, errs = append(busy, dir), append(errs, fmt.Errorf("remove cgroup %s: %w", dir, err))
			}
		}
		if len(busy) == 0 {
			return nil
		}
		if pause > removeTimeout/2 {
			return errors.Join(errs...)
		}
		time.Sleep(pause)
		dirs = busy
	}
}

// removeTree removes a cgroup; containers may have made some below it.
func removeTree(dir string) error {
	err := rmdir(dir)
	if err == nil || !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTEMPTY) {
		return err
	}
	if err := walk(dir, nil, removeAt); err != nil {
		return err
	}
	return rmdir(dir)
}

// removeAt removes a cgroup by the name it has in its parent.
func removeAt(parent int, name string) error {
	err := retry(func() error { return unix.Unlinkat(parent, name, unix.AT_REMOVEDIR) })
	if gone(err) {
		return nil
	}
	return err
}

// rmdir removes one directory; one that is gone is as good.
func rmdir(dir string) error {
	err := retry(func() error { return unix.Rmdir(dir) })
	if gone(err) {
		return nil
	}
	return err
}
