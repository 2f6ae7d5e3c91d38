package specconv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Inspect looks at the host: at the root file system, at the source of each bind
// mount, and for the user's home directory. An error is a [Problem].
func Inspect(b *Bundle) (Facts, error) {
	facts, problems := inspect(b, true)
	if err := FirstError(problems); err != nil {
		return Facts{}, err
	}
	return facts, nil
}

// InspectLeft is [Inspect] for a container that was made before: it gives what there is
// still, and what is not.
func InspectLeft(b *Bundle) (Facts, []Problem) {
	facts, gone := inspect(b, false)
	if facts.Home == "" && b.Spec != nil && wantsHome(b.Spec.Process) {
		facts.Home = "/"
	}
	return facts, gone
}

// inspect stops at the first problem if it is told to.
func inspect(b *Bundle, stop bool) (facts Facts, problems []Problem) {
	if b.Spec == nil || b.Spec.Root == nil {
		return facts, []Problem{{Pointer: "/root", Err: errors.New("root must be specified"), Ref: "config.md#root"}}
	}
	root, err := openRoot(b.Dir, b.Spec.Root.Path)
	if err != nil {
		problems = append(problems, Problem{Pointer: "/root/path", Err: fmt.Errorf("invalid rootfs: %w", err), Ref: "config.md#root"})
		if stop {
			return facts, problems
		}
	} else {
		defer unix.Close(root)
	}
	facts.Kinds = make([]plan.Kind, len(b.Spec.Mounts))
	for i := range b.Spec.Mounts {
		m := &b.Spec.Mounts[i]
		if !isBind(m.Options) {
			continue
		}
		if err := facts.source(b.Dir, i, m); err != nil {
			problems = append(problems, Problem{Pointer: element("/mounts", i), Err: err, Ref: refMounts})
			if stop {
				return facts, problems
			}
		}
	}
	if err == nil && wantsHome(b.Spec.Process) {
		facts.Home = lookupHome(b, root)
	}
	return facts, problems
}

// errRootPath has the text that callers of runc know.
var errRootPath = errors.New("not an absolute path, or a symlink")

// openRoot opens the root file system. A symbolic link in the path that the
// configuration gives is refused, since the path means the same in every later
// look only without one; the way to the bundle is the caller's own.
func openRoot(dir, path string) (fd int, err error) {
	absolute := joinHost(dir, path)
	fd, err = openDirectory(unix.AT_FDCWD, absolute, unix.RESOLVE_NO_SYMLINKS)
	if errors.Is(err, unix.ELOOP) && path != "" && path[0] != '/' {
		var bundle int
		if bundle, err = openDirectory(unix.AT_FDCWD, dir, 0); err == nil {
			fd, err = openDirectory(bundle, path, unix.RESOLVE_NO_SYMLINKS)
			unix.Close(bundle)
		}
	}
	switch {
	case errors.Is(err, unix.ELOOP):
		return -1, errRootPath
	case err != nil:
		return -1, &fs.PathError{Op: "stat", Path: absolute, Err: err}
	}
	return fd, nil
}

func openDirectory(at int, path string, resolve uint64) (int, error) {
	return openAt(at, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: resolve,
	})
}

// openAt is openat2(2). A lookup that stays below a directory can be disturbed by
// somebody who moves directories; it is tried again, but not for ever.
func openAt(at int, path string, how *unix.OpenHow) (fd int, err error) {
	for range 64 {
		fd, err = unix.Openat2(at, path, how)
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
	return -1, err
}

// source looks at the source of a bind mount.
func (f *Facts) source(dir string, number int, m *specs.Mount) error {
	var stat unix.Stat_t
	source := joinHost(dir, m.Source)
	look, copied := linkOptions(m.Options)
	if err := statPath(source, &stat, look); err != nil {
		return sourceError(source, err)
	}
	if copied && stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		target, err := os.Readlink(source)
		if err != nil {
			return sourceError(source, err)
		}
		if f.Links == nil {
			f.Links = map[int]string{}
		}
		f.Links[number] = target
	}
	if inContainer(m.Destination) == "/proc" && !isProcRoot(source, &stat) {
		return fmt.Errorf("%q cannot be mounted because it is not of type proc", m.Destination)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		f.Kinds[number] = plan.File
	}
	return nil
}

func sourceError(source string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("failed to fulfil mount request: %w", &fs.PathError{Op: "open", Path: source, Err: err})
}

// linkOptions says how the source is to be looked at, and whether it is copied if it is
// a link.
func linkOptions(options []string) (flags int, copied bool) {
	for _, name := range options {
		switch name {
		case "copy-symlink":
			return unix.AT_SYMLINK_NOFOLLOW, true
		case "src-nofollow":
			flags = unix.AT_SYMLINK_NOFOLLOW
		}
	}
	return flags, false
}

// joinHost makes a path of the host absolute; a relative one starts at the bundle.
func joinHost(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func statPath(path string, stat *unix.Stat_t, flags int) error {
	_, err := retry(func() (int, error) { return 0, unix.Fstatat(unix.AT_FDCWD, path, stat, flags) })
	return err
}

// isProcRoot reports whether a path is the root of a procfs. What a container has
// at /proc is where it writes its own labels, so nothing else may look like it
// (CVE-2019-16884).
func isProcRoot(path string, stat *unix.Stat_t) bool {
	const procRootInode = 1
	var system unix.Statfs_t
	_, err := retry(func() (int, error) { return 0, unix.Statfs(path, &system) })
	return err == nil && system.Type == unix.PROC_SUPER_MAGIC && stat.Ino == procRootInode
}
