package copyup

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// Tree copies what is in the directory from into the directory to, and gives to the
// owner of from: files of all kinds with their owners, modes, times, extended attributes
// and hard links. The descriptors may be those of paths only (O_PATH). Errors are
// *fs.PathError with a path from the directory on.
//
// The new files must belong to ids that their file system knows, so where to belongs to
// another than the caller, they are made by that one.
func Tree(from, to int) error {
	source, err := reopen(from)
	if err != nil {
		return err
	}
	defer unix.Close(source)
	target, err := reopen(to)
	if err != nil {
		return err
	}
	defer unix.Close(target)
	var owner unix.Stat_t
	if err := unix.Fstat(target, &owner); err != nil {
		return &fs.PathError{Op: "stat", Path: ".", Err: err}
	}
	c := copier{root: target, links: map[inode]string{}}
	return asOwner(owner.Uid, owner.Gid, func() error { return c.top(source, target) })
}

// inode is a file with several names.
type inode struct{ dev, ino uint64 }

type copier struct {
	// root is the top of the copy, links the first name below it of each file that has
	// more.
	root  int
	links map[inode]string
}

func reopen(dir int) (int, error) {
	return sys.OpenAt(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

// top copies all but the mode, which the options of the mount decide.
func (c *copier) top(source, target int) error {
	var st unix.Stat_t
	if err := unix.Fstat(source, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: ".", Err: err}
	}
	if err := c.entries(source, target, ""); err != nil {
		return err
	}
	if err := unix.Fchown(target, int(st.Uid), int(st.Gid)); err != nil {
		return &fs.PathError{Op: "chown", Path: ".", Err: err}
	}
	return nil
}

// entries copies what is in a directory.
func (c *copier) entries(source, target int, path string) error {
	dup, err := unix.FcntlInt(uintptr(source), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	dir := os.NewFile(uintptr(dup), path)
	defer dir.Close()
	const atOnce = 1024
	for {
		names, err := dir.Readdirnames(atOnce)
		for _, name := range names {
			if err := c.entry(source, target, path, name); err != nil {
				return err
			}
		}
		if len(names) == 0 || err != nil {
			return ignoreEnd(err, path)
		}
	}
}

// entry copies one file. What vanishes meanwhile is not missed.
func (c *copier) entry(source, target int, dir, name string) error {
	path := dir + name
	var st unix.Stat_t
	err := unix.Fstatat(source, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if !isDir && st.Nlink > 1 {
		known, ok := c.links[inode{st.Dev, st.Ino}]
		if ok {
			return pathError("link", path, unix.Linkat(c.root, known, target, name, 0))
		}
		c.links[inode{st.Dev, st.Ino}] = path
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return c.directory(source, target, path, name)
	case unix.S_IFREG:
		return c.regular(source, target, path, name)
	case unix.S_IFLNK:
		return c.symlink(source, target, path, name, &st)
	}
	return c.node(target, path, name, &st)
}

func pathError(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

func (c *copier) directory(source, target int, path, name string) error {
	from, st, err := open(source, name, unix.O_DIRECTORY)
	if err != nil {
		return pathError("open", path, err)
	}
	defer unix.Close(from)
	if err := unix.Mkdirat(target, name, 0o700); err != nil {
		return pathError("mkdir", path, err)
	}
	to, _, err := open(target, name, unix.O_DIRECTORY)
	if err != nil {
		return pathError("open", path, err)
	}
	defer unix.Close(to)
	if err := c.entries(from, to, path+"/"); err != nil {
		return err
	}
	return pathError("set the attributes of", path, setAttributes(from, to, st))
}

func (c *copier) regular(source, target int, path, name string) error {
	from, st, err := open(source, name, unix.O_NONBLOCK)
	if err != nil {
		return pathError("open", path, err)
	}
	defer unix.Close(from)
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		// It was another file a moment ago.
		return pathError("open", path, unix.EAGAIN)
	}
	to, err := sys.OpenAt(target, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return pathError("create", path, unwrap(err))
	}
	defer unix.Close(to)
	if err := content(from, to); err != nil {
		return pathError("copy", path, err)
	}
	return pathError("set the attributes of", path, setAttributes(from, to, st))
}

// content copies until the end, which may have moved since the file was opened.
func content(from, to int) error {
	const atOnce = 1 << 24
	for {
		n, err := unix.Sendfile(to, from, nil, atOnce)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return nil
		}
	}
}

func (c *copier) symlink(source, target int, path, name string, st *unix.Stat_t) error {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(source, name, buf)
	if err != nil {
		return pathError("readlink", path, err)
	}
	if err := unix.Symlinkat(string(buf[:n]), target, name); err != nil {
		return pathError("symlink", path, err)
	}
	err = unix.Fchownat(target, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	if err == nil {
		err = unix.UtimesNanoAt(target, name, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
	}
	return pathError("set the attributes of", path, err)
}

// node copies devices, pipes and sockets.
func (c *copier) node(target int, path, name string, st *unix.Stat_t) error {
	if err := unix.Mknodat(target, name, st.Mode&unix.S_IFMT|0o600, int(st.Rdev)); err != nil {
		return pathError("mknod", path, err)
	}
	err := unix.Fchownat(target, name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	if err == nil {
		// The name is nobody else's: the file system is not mounted anywhere yet.
		err = unix.Fchmodat(target, name, st.Mode&0o7777, 0)
	}
	return pathError("set the attributes of", path, err)
}
