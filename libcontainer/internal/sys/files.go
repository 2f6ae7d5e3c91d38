package sys

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrTooLarge is given for a file that is longer than the caller allows.
var ErrTooLarge = errors.New("file too large")

// OpenAt opens name below dir, close-on-exec. It follows links: for trusted
// directories only.
func OpenAt(dir int, name string, flags int, mode uint32) (int, error) {
	fd, err := retryFD(func() (int, error) {
		return unix.Openat(dir, name, flags|unix.O_CLOEXEC, mode)
	})
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// inRootTries bounds the retries of a lookup that races with renames: openat2
// gives EAGAIN when it cannot tell whether ".." left the root (openat2(2)).
const inRootTries = 256

// OpenInRoot opens path below root as if root were "/": links and ".." are
// resolved inside it and links of procfs are refused (openat2(2), Linux 5.6).
func OpenInRoot(root int, path string, flags int, mode uint32) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	var err error
	for range inRootTries {
		var fd int
		fd, err = retryFD(func() (int, error) { return unix.Openat2(root, path, &how) })
		if err == nil {
			return fd, nil
		}
		if err != unix.EAGAIN { //nolint:errorlint // the call's own error, asked on the way to a start
			break
		}
	}
	return -1, &fs.PathError{Op: "openat2", Path: path, Err: err}
}

// ReadAll reads a descriptor from its start to its end without moving its
// offset. A file longer than limit bytes gives ErrTooLarge.
func ReadAll(fd int, limit int64) ([]byte, error) {
	var stat unix.Stat_t
	if err := Retry(func() error { return unix.Fstat(fd, &stat) }); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, unix.EINVAL
	}
	// One byte more than the file has finds its end in the same read.
	buf := make([]byte, 0, max(min(stat.Size, limit), 511)+1)
	for {
		n, err := retryFD(func() (int, error) {
			return unix.Pread(fd, buf[len(buf):cap(buf)], int64(len(buf)))
		})
		if err != nil {
			return nil, err
		}
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, ErrTooLarge
		}
		if n == 0 {
			return buf, nil
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
}

// ReadFileAt reads the regular file name below dir, at most limit bytes of it.
// It never blocks on a pipe or a device and does not follow a link at the end.
func ReadFileAt(dir int, name string, limit int64) ([]byte, error) {
	fd, err := OpenAt(dir, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	data, err := ReadAll(fd, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// WriteAll writes all of data, in as few writes as the kernel takes it.
func WriteAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := retryFD(func() (int, error) { return unix.Write(fd, data) })
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		data = data[n:]
	}
	return nil
}

// CreateFileAt makes the file name below dir, which must not exist, and writes
// data into it. Nothing is left behind when it fails.
func CreateFileAt(dir int, name string, data []byte, mode uint32) error {
	fd, err := OpenAt(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := WriteAll(fd, data); err != nil {
		_ = unix.Unlinkat(dir, name, 0)
		return &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}

// Reserve makes the filesystem set size bytes aside for the file, beyond its
// end, so that later writes cannot run out of space (fallocate(2)). Filesystems
// that cannot do so are let pass.
func Reserve(fd int, size int64) error {
	err := Retry(func() error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// OpenMountTable opens the list of the caller's mounts (proc_pid_mountinfo(5)). It takes
// the kernel long to make; no container of the ordinary kind needs it.
func OpenMountTable() (*os.File, error) { return os.Open("/proc/self/mountinfo") }

// Bytes gives the bytes of a string, uncopied: for system calls that read them.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
