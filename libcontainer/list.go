package libcontainer

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Entry is one container of a list: its state, or why there is none.
type Entry struct {
	ID    string
	State *State
	Err   error
}

// List gives all containers of the store, sorted by id. A container that cannot
// be read has its error in its entry; the others are not affected. A store that
// was never used gives an error that is fs.ErrNotExist.
func (s *Store) List() ([]Entry, error) {
	root, err := s.openRoot()
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	found, err := sys.Entries(root)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b sys.DirentType) int { return strings.Compare(a.Name, b.Name) })
	entries := make([]Entry, 0, len(found))
	for _, f := range found {
		if f.Type != unix.DT_DIR && f.Type != unix.DT_UNKNOWN || checkID(f.Name) != nil {
			continue
		}
		if entry, exists := s.entry(root, f.Name); exists {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// entry reads one container. It is gone if it was removed since it was listed.
func (s *Store) entry(root int, id string) (e Entry, exists bool) {
	dir, err := openDirectoryAt(root, id, id)
	if errors.Is(err, ErrNotExist) {
		return Entry{}, false
	}
	if err != nil {
		return Entry{ID: id, Err: err}, true
	}
	state, err := (&Container{store: s, dir: dir}).State()
	if errors.Is(err, ErrNotExist) && !dir.isLinked() {
		return Entry{}, false
	}
	return Entry{ID: id, State: state, Err: err}, true
}

// isLinked reports whether the directory still has a name.
func (d *directory) isLinked() bool {
	var stat unix.Stat_t
	err := sys.Retry(func() error { return unix.Fstat(d.fd, &stat) })
	return err == nil && stat.Nlink > 0
}
