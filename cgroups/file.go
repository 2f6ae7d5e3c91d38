package cgroups

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// The paths of this package are cleaned, absolute and lead through root-owned directories into cgroupfs, which has no
// links of its own; openat2 makes the kernel refuse what should not be there.
const resolve = unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// retry repeats a system call that a signal interrupted: the Go runtime preempts with SIGURG.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR { //nolint:errorlint // the call's own error, asked on the way to a start
			return err
		}
	}
}

// open opens an absolute path, close-on-exec. The error is bare: callers know what they wanted of the file.
func open(path string, flags int) (int, error) { return openHow(unix.AT_FDCWD, path, flags, resolve) }

// openAt opens something in a directory of a cgroup file system.
func openAt(dir int, name string, flags int) (int, error) {
	return openHow(dir, name, flags, resolve|unix.RESOLVE_NO_XDEV)
}

func openHow(dir int, path string, flags int, resolve uint64) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: resolve}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(dir, path, &how)
		// EAGAIN: a rename or mount raced with the lookup; the manual asks for a bounded retry.
		if err == nil || !errors.Is(err, unix.EINTR) && (!errors.Is(err, unix.EAGAIN) || tries > 100) {
			return fd, err
		}
	}
}

// read gives the content of a cgroup file, without the final newline.
func read(path string) (string, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	return readFD(fd, path)
}

func readFD(fd int, path string) (string, error) {
	buf, n := make([]byte, 4096), 0
	for {
		var got int
		err := retry(func() (err error) { got, err = unix.Read(fd, buf[n:]); return err })
		if err != nil {
			return "", &fs.PathError{Op: "read", Path: path, Err: err}
		}
		n += got
		// A list may come in pieces of whole lines, as many as fit. A read that leaves half of the room was the last one:
		// no line is that long. This saves small files a read.
		if got == 0 || n < len(buf)/2 && buf[n-1] == '\n' {
			break
		}
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
	for n > 0 && buf[n-1] == '\n' {
		n--
	}
	return string(buf[:n]), nil
}

// write writes a value to a cgroup file with one system call: the kernel takes each write as a whole command.
func write(path, value string) error {
	fd, err := open(path, unix.O_WRONLY)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	return writeFD(fd, path, value)
}

func writeFD(fd int, path, value string) error {
	err := retry(func() error { _, err := unix.Write(fd, []byte(value)); return err })
	if err != nil {
		return &WriteError{Path: path, Value: value, Err: err}
	}
	return nil
}

// gone tells whether an error means that a cgroup is being or was removed.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// denied tells whether an error means that the caller has no power over a cgroup.
func denied(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS)
}
