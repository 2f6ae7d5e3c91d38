package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Store is a directory of containers, one subdirectory each. Its methods may be
// called from many processes and goroutines at once.
type Store struct {
	root string
	// Warn, if set, is told what went wrong without making a call fail, such
	// as a poststop hook that failed.
	Warn func(message string)
}

// NewStore gives the store at root, which need not exist; the first container
// makes it. A relative root is relative to the working directory.
func NewStore(root string) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if root == "/" {
		return nil, errors.New("the root of the store must not be /")
	}
	return &Store{root: root}, nil
}

// Root is the store's directory, absolute.
func (s *Store) Root() string { return s.root }

func (s *Store) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}

// idMax is the longest file name.
const idMax = 255

// checkID accepts what can be the name of a container.
func checkID(id string) error {
	if id == "" {
		return ErrEmptyID
	}
	if len(id) > idMax || id == "." || id == ".." {
		return ErrInvalidID
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '_', c == '+', c == '.', c == '-':
		default:
			return ErrInvalidID
		}
	}
	return nil
}

// directory is the directory of one container, held open: it stays that one,
// whatever happens to its name.
type directory struct {
	fd int
	id string
	// spec is the configuration of a container that was just created from it.
	spec *specs.Spec
}

// newDirectory takes over the descriptor; it is closed with the last use. That is by a
// finalizer, since runtime.AddCleanup starts a goroutine for it, and with that a thread, in
// every process that makes or looks at a container; package os has started that of finalizers.
func newDirectory(fd int, id string) *directory {
	d := &directory{fd: fd, id: id}
	runtime.SetFinalizer(d, func(d *directory) { unix.Close(d.fd) })
	return d
}

// openRoot opens the store's directory.
func (s *Store) openRoot() (int, error) {
	return sys.OpenAt(unix.AT_FDCWD, s.root, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

// makeRoot makes the store's directory unless it exists, and opens it.
func (s *Store) makeRoot() (int, error) {
	fd, err := s.openRoot()
	if !errors.Is(err, fs.ErrNotExist) {
		return fd, err
	}
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return -1, err
	}
	return s.openRoot()
}

// makeDirectory makes the directory of a new container. The kernel lets exactly
// one caller make it: that is who owns the id.
func (s *Store) makeDirectory(id string) (*directory, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	root, err := s.makeRoot()
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	err = sys.Retry(func() error { return unix.Mkdirat(root, id, 0o711) })
	if errors.Is(err, unix.EEXIST) {
		return nil, ErrExist
	}
	if err != nil {
		return nil, &fs.PathError{Op: "mkdir", Path: filepath.Join(s.root, id), Err: err}
	}
	fd, err := sys.OpenDir(root, id)
	if err != nil {
		_ = unix.Unlinkat(root, id, unix.AT_REMOVEDIR)
		return nil, err
	}
	return newDirectory(fd, id), nil
}

// openDirectory opens the directory of a container; ErrNotExist if there is none.
func (s *Store) openDirectory(id string) (*directory, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	root, err := s.openRoot()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	return openDirectoryAt(root, id, id)
}

func openDirectoryAt(root int, name, id string) (*directory, error) {
	fd, err := sys.OpenDir(root, name)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return newDirectory(fd, id), nil
}

// load reads the container's record. On errRecord it still gives what could be
// read.
func (d *directory) load() (*record, error) {
	data, err := sys.ReadFileAt(d.fd, recordName, recordLimit)
	runtime.KeepAlive(d)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	return decodeRecord(d.id, data)
}

// Container is one container of a store. It stays the same container even if it
// is deleted and another one gets its id.
type Container struct {
	store *Store
	dir   *directory
}

// ID is the container's name.
func (c *Container) ID() string { return c.dir.id }

// Load finds a container: ErrNotExist if there is none of that id.
func (s *Store) Load(id string) (*Container, error) {
	c, err := s.Open(id)
	if err != nil {
		return nil, err
	}
	if _, err := c.dir.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Open finds a container without a look at its record, which is read when it is
// needed for the first time: that is when a damaged one shows.
func (s *Store) Open(id string) (*Container, error) {
	dir, err := s.openDirectory(id)
	if err != nil {
		return nil, err
	}
	return &Container{store: s, dir: dir}, nil
}
