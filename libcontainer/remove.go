package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// The order of a removal: mark the record, end the processes, remove the cgroup,
// take the directory out of the store by a rename, run the poststop hooks, remove
// the files. Whatever is killed in between, the next removal of the same id finds
// what is left and goes on. Creating a container that fails is undone by the same
// steps.

// The waits of a removal by force for somebody who may never answer.
const (
	// makerPatience is for the maker of a container, whose first process has been
	// killed, to see that and to undo what it did.
	makerPatience = 5 * time.Second
	// holderPatience is for another command, which has had its process killed
	// under it.
	holderPatience = 2 * time.Second
)

// Remove deletes a container that has stopped, or that was created and not
// started; then its process is killed. With force it kills what runs, passes by
// commands that hang on the container, also works with a record that is damaged or
// missing, and has nothing against an id that is not there. A poststop hook that
// fails is no error but is told to Store.Warn.
//
// A container that is still being created is removed by force like this: its
// record is marked, its processes are killed; its maker sees either and undoes
// what it did. Nothing is done to the maker's own process.
func (s *Store) Remove(id string, force bool) error {
	d, err := s.openDirectory(id)
	if err == nil {
		err = s.remove(d, force)
	}
	if !errors.Is(err, ErrNotExist) {
		return err
	}
	found, finishErr := s.finishRemovals(id)
	if finishErr != nil {
		return finishErr
	}
	if found || force {
		return nil
	}
	return err
}

func (s *Store) remove(d *directory, force bool) error {
	if force {
		s.breakIn(d)
	}
	unlock, err := d.lockToRemove(force)
	if err != nil {
		return err
	}
	defer unlock()
	root, err := s.openOwn(d)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	r, err := d.load()
	switch {
	case errors.Is(err, ErrNotExist) && !force:
		// A maker that was killed at its first step leaves an empty directory,
		// which alone this removes.
		_ = unix.Unlinkat(root, d.id, unix.AT_REMOVEDIR)
		return err
	case err != nil && !force:
		return err
	case err != nil:
		r = d.salvage(r)
	case !force:
		if err := d.checkRemovable(); err != nil {
			return err
		}
	}
	if err := d.note(r, newEntry(lineDeleting)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.warn("mark the record of container %s: %v", d.id, err)
	}
	if force {
		r = d.awaitMaker(r)
		if r.damaged && len(r.Cgroup.Dirs) == 0 {
			// One of the lines that are lost may have said where the cgroup is.
			r = d.salvage(r)
		}
	}
	return s.destroy(root, d, r, true)
}

// removeEnded deletes a container on behalf of who has run it and seen it end.
func (s *Store) removeEnded(c *Container, r *record) error {
	unlock, err := c.dir.lock(lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	return s.removeLocked(c.dir, r)
}

// removeLocked is destroy for a container that has stopped or is to be stopped,
// by a caller who holds the lock.
func (s *Store) removeLocked(d *directory, r *record) error {
	root, err := s.openOwn(d)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	return s.destroy(root, d, r, true)
}

// openOwn opens the store. It is ErrNotExist if the directory is no longer in it:
// somebody else has removed it, and its id may be another container's.
func (s *Store) openOwn(d *directory) (root int, err error) {
	root, err = s.openRoot()
	if errors.Is(err, fs.ErrNotExist) {
		return -1, ErrNotExist
	}
	if err != nil {
		return -1, err
	}
	if !d.isNamed(root, d.id) {
		unix.Close(root)
		return -1, ErrNotExist
	}
	return root, nil
}

// breakIn kills the first process and marks the record before the lock is taken,
// so that a command which hangs on the container has a reason to give the lock up.
func (s *Store) breakIn(d *directory) {
	r, err := d.load()
	if err != nil {
		return
	}
	_ = d.note(r, newEntry(lineDeleting))
	if err := r.end(); err != nil {
		s.warn("kill container %s: %v", d.id, err)
	}
}

func (d *directory) lockToRemove(force bool) (unlock func(), err error) {
	patience := lockPatience
	if force {
		patience = holderPatience
	}
	unlock, err = d.lock(patience)
	if force && errors.Is(err, errBusy) {
		return func() {}, nil
	}
	return unlock, err
}

func (d *directory) checkRemovable() error {
	_, status, err := d.status()
	if err != nil {
		return err
	}
	if status != Stopped && status != Created {
		return fmt.Errorf("cannot delete container %s that is not stopped: %s", d.id, status)
	}
	return nil
}

// awaitMaker waits until nobody is making the container any more, and gives what
// its record says then. The maker sees the mark, or its process die.
func (d *directory) awaitMaker(r *record) *record {
	const pause = 5 * time.Millisecond
	for deadline := time.Now().Add(makerPatience); time.Now().Before(deadline); time.Sleep(pause) {
		creating, err := d.isCreating()
		if err != nil || !creating {
			break
		}
		if now, err := d.load(); err == nil {
			r = now
			_ = r.end()
		}
	}
	if now, err := d.load(); err == nil {
		return now
	}
	return r
}

// destroy does what the order at the top says, from the processes on. It leaves
// the record in place when something before the rename fails, so that it can be
// tried again.
func (s *Store) destroy(root int, d *directory, r *record, poststop bool) error {
	if err := r.end(); err != nil {
		return err
	}
	if err := r.removeCgroup(); err != nil {
		return err
	}
	if err := r.Resctrl.Remove(); err != nil {
		return err
	}
	return s.discard(root, d, func() {
		if poststop {
			s.poststop(d, r)
		}
	})
}

// removeCgroup first kills what is left in it: with a pid namespace of its own a
// container has nothing left when its first process has ended.
func (r *record) removeCgroup() error {
	cgroup, err := r.Cgroup.manager()
	if err != nil || cgroup == nil {
		return err
	}
	if r.SharedPID || r.IsDeleting || !r.IsCreated {
		if err := cgroup.Kill(); err != nil {
			return err
		}
	}
	err = cgroup.Remove()
	if err == nil {
		return nil
	}
	if killErr := cgroup.Kill(); killErr != nil {
		return errors.Join(err, killErr)
	}
	return cgroup.Remove()
}

// rollback removes a container whose creation has failed, by its maker, who has
// killed what it started. Poststop says whether its poststop hooks are to be run.
func (s *Store) rollback(c *creation, poststop bool) error {
	c.release()
	unlock, err := c.dir.lock(holderPatience)
	if err == nil {
		defer unlock()
	}
	root, err := s.openOwn(c.dir)
	if err == nil {
		defer unix.Close(root)
		return s.destroy(root, c.dir, c.record, poststop)
	}
	// It was deleted by force. The cgroup may have been made after that, or be
	// another container's by now: then it has processes and stays.
	cgroup, cgroupErr := c.record.Cgroup.manager()
	if cgroupErr == nil && cgroup != nil {
		cgroupErr = cgroup.Remove()
	}
	return errors.Join(err, cgroupErr, c.record.Resctrl.Remove())
}

// poststop runs the hooks of that kind, each of them whatever becomes of the
// others (runtime-spec runtime.md, "Lifecycle", 13).
func (s *Store) poststop(d *directory, r *record) {
	spec, err := d.config()
	if err != nil {
		s.warn("poststop hooks of container %s are not run: %v", d.id, err)
		return
	}
	hooks := hooksOf(spec, plan.Poststop)
	if len(hooks) == 0 {
		return
	}
	state := hookState(d.id, Stopped, 0, r.Bundle, spec.Annotations)
	for _, hook := range hooks {
		if err := (hookCall{Hook: hook, State: state, Watch: -1}).run(); err != nil {
			s.warn("container %s: %v", d.id, err)
		}
	}
	_ = d.note(r, newEntry(linePoststop))
}
