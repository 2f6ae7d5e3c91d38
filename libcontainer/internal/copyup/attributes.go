package copyup

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"runtime"

	"golang.org/x/sys/unix"
)

// open opens a file of a directory without following links or leaving it.
func open(dir int, name string, flags int) (fd int, st *unix.Stat_t, err error) {
	how := unix.OpenHow{
		Flags:   uint64(unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | flags),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err = unix.Openat2(dir, name, &how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return -1, nil, err
	}
	st = new(unix.Stat_t)
	if err := unix.Fstat(fd, st); err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	return fd, st, nil
}

// setAttributes gives a copy what its original has: the owner first, since a change of
// it takes the set-user-ID bit and file capabilities away (chown(2)).
func setAttributes(from, to int, st *unix.Stat_t) error {
	if err := unix.Fchown(to, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if err := unix.Fchmod(to, st.Mode&0o7777); err != nil {
		return err
	}
	if err := extended(from, to); err != nil {
		return err
	}
	return unix.UtimesNanoAt(to, "", []unix.Timespec{st.Atim, st.Mtim}, unix.AT_EMPTY_PATH)
}

// maxAttributes is what the kernel gives at most, of names and of a value
// (XATTR_LIST_MAX, XATTR_SIZE_MAX).
const maxAttributes = 64 << 10

// extended copies the extended attributes that the new file system can hold. Labels are
// the new file system's own.
func extended(from, to int) error {
	size, err := unix.Flistxattr(from, nil)
	if err != nil || size == 0 {
		return ignoreUnsupported(err)
	}
	names := make([]byte, maxAttributes)
	if size, err = unix.Flistxattr(from, names); err != nil {
		return err
	}
	value := make([]byte, maxAttributes)
	for name := range bytes.SplitSeq(names[:size], []byte{0}) {
		if len(name) == 0 || string(name) == "security.selinux" {
			continue
		}
		n, err := unix.Fgetxattr(from, string(name), value)
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return err
		}
		if err := ignoreUnsupported(unix.Fsetxattr(to, string(name), value[:n], 0)); err != nil {
			return err
		}
	}
	return nil
}

func ignoreUnsupported(err error) error {
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}

func ignoreEnd(err error, path string) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return pathError("read", path, unwrap(err))
}

// unwrap takes the path away that an error has already.
func unwrap(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// asOwner does something as the owner of files that are made meanwhile, with all rights
// that the caller has (setfsuid(2)).
func asOwner(uid, gid uint32, do func() error) error {
	if int(uid) == unix.Geteuid() && int(gid) == unix.Getegid() {
		return do()
	}
	// The thread goes back to where it was: others that the Go runtime runs on it must
	// not be surprised.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&header, &caps[0]); err != nil {
		return err
	}
	oldGID, err := unix.SetfsgidRetGid(int(gid))
	if err != nil {
		return err
	}
	defer func() { _ = unix.Setfsgid(oldGID) }()
	oldUID, err := unix.SetfsuidRetUid(int(uid))
	if err != nil {
		return err
	}
	defer func() { _ = unix.Setfsuid(oldUID) }()
	// Leaving the file system id of root has taken the rights over files away.
	if err := unix.Capset(&header, &caps[0]); err != nil {
		return err
	}
	return do()
}
