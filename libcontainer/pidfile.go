package libcontainer

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// writePidFile writes a process id in decimal, without a newline, so that a
// reader of path sees all of it or nothing: into ".NAME" beside it, which is then
// renamed. A ".NAME" that somebody left behind is replaced.
func writePidFile(path string, pid int) error {
	dir, name := filepath.Split(path)
	temporary := dir + "." + name
	text := strconv.AppendInt(nil, int64(pid), 10)
	err := sys.CreateFileAt(unix.AT_FDCWD, temporary, text, 0o666)
	if errors.Is(err, fs.ErrExist) {
		if err = unlinkFile(temporary); err == nil {
			err = sys.CreateFileAt(unix.AT_FDCWD, temporary, text, 0o666)
		}
	}
	if err != nil {
		return err
	}
	if err := sys.Retry(func() error { return unix.Rename(temporary, path) }); err != nil {
		return errors.Join(&fs.PathError{Op: "rename", Path: path, Err: err}, unlinkFile(temporary))
	}
	return nil
}

func unlinkFile(path string) error {
	if err := sys.Retry(func() error { return unix.Unlink(path) }); err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}
