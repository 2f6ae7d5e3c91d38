package libcontainer

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// hiddenTries bounds the search for a free name of a directory being removed.
const hiddenTries = 100

// hiddenName is the name of a directory while its files are removed. '~' is in
// no id, so it can neither be taken for a container nor be one's name.
func hiddenName(id string, n int) string {
	name := "~" + strconv.Itoa(n) + "~" + id
	return name[:min(len(name), idMax)]
}

// discard takes the directory out of the store at once, by a rename, and then
// removes its files. Between the two it calls last.
func (s *Store) discard(root int, d *directory, last func()) error {
	name, err := s.hide(root, d)
	if err != nil {
		return err
	}
	last()
	return d.remove(root, name)
}

// remove removes the directory, which has that name now. What is in it is known, unless
// somebody else has put something there.
func (d *directory) remove(root int, name string) error {
	for _, file := range [...]string{gateName, progressName, configName, recordName} {
		_ = unix.Unlinkat(d.fd, file, 0)
	}
	runtime.KeepAlive(d)
	if unix.Unlinkat(root, name, unix.AT_REMOVEDIR) == nil {
		return nil
	}
	return sys.RemoveTree(root, name)
}

// hide renames the directory. It is ErrNotExist if it no longer has its name.
func (s *Store) hide(root int, d *directory) (string, error) {
	if !d.isNamed(root, d.id) {
		return "", ErrNotExist
	}
	for n := range hiddenTries {
		name := hiddenName(d.id, n)
		err := sys.Retry(func() error {
			return unix.Renameat2(root, d.id, root, name, unix.RENAME_NOREPLACE)
		})
		if err == nil {
			return name, nil
		}
		if errors.Is(err, unix.ENOENT) {
			return "", ErrNotExist
		}
		if !errors.Is(err, unix.EEXIST) {
			return "", &fs.PathError{Op: "rename", Path: filepath.Join(s.root, d.id), Err: err}
		}
	}
	return "", &fs.PathError{Op: "rename", Path: filepath.Join(s.root, d.id), Err: unix.EEXIST}
}

// isNamed reports whether name below root is this very directory.
func (d *directory) isNamed(root int, name string) bool {
	var here, there unix.Stat_t
	err := sys.Retry(func() error { return unix.Fstat(d.fd, &here) })
	if err == nil {
		err = sys.Retry(func() error { return unix.Fstatat(root, name, &there, unix.AT_SYMLINK_NOFOLLOW) })
	}
	runtime.KeepAlive(d)
	return err == nil && here.Dev == there.Dev && here.Ino == there.Ino
}

// finishRemovals removes what removals of the id have left that were killed
// between the rename and the end. It reports whether there was any.
func (s *Store) finishRemovals(id string) (found bool, err error) {
	root, err := s.openRoot()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(root)
	for n := range hiddenTries {
		name := hiddenName(id, n)
		d, err := openDirectoryAt(root, name, id)
		if errors.Is(err, ErrNotExist) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		unlock, err := d.lock(0)
		if err != nil {
			continue // somebody is at it
		}
		if !d.isNamed(root, name) {
			unlock() // somebody was at it and has just finished
			continue
		}
		r, loadErr := d.load()
		if loadErr == nil && !r.PoststopRun {
			s.poststop(d, r)
		}
		err = sys.RemoveTree(root, name)
		unlock()
		if err != nil {
			return found, err
		}
		found = true
	}
	return found, nil
}
