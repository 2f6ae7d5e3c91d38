package specconv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// maxConfigSize is the size in bytes that a config.json may have. The largest
// ones that engines write have some hundred kilobytes.
const maxConfigSize = 16 << 20

// Load reads and decodes the config.json of a bundle. Errors about the text are
// a *SyntaxError or a *TypeError.
func Load(dir string) (*Bundle, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("chdir %s: %w", dir, err)
	}
	raw, err := readFile(filepath.Join(dir, ConfigFile), maxConfigSize)
	if err != nil {
		return nil, missing(dir, err)
	}
	spec, end, err := decodeConfig(raw)
	if err != nil {
		return nil, err
	}
	return &Bundle{Dir: dir, Raw: raw, Spec: spec, end: end}, nil
}

// LoadProcess reads and decodes the file of a process of its own, which may be a
// pipe. Errors about the text are as those of Load.
func LoadProcess(path string) (*specs.Process, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxConfigSize+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxConfigSize {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	}
	return DecodeProcess(path, raw)
}

// missing says which part of the path of a config.json is at fault, in the words
// of a runtime that changes to the bundle first.
func missing(dir string, err error) error {
	var stat unix.Stat_t
	switch dirErr := unix.Stat(dir, &stat); {
	case dirErr != nil:
		return fmt.Errorf("chdir %s: %w", dir, dirErr)
	case stat.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("chdir %s: %w", dir, unix.ENOTDIR)
	case errors.Is(err, fs.ErrNotExist):
		return ErrNoConfig
	}
	return err
}

// readFile reads a regular file of at most limit bytes. It does not wait for
// what is no file, such as a FIFO.
func readFile(path string, limit int64) ([]byte, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	data, err := readDescriptor(fd, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, nil
}

// ErrNoConfig says that the bundle has no configuration. Callers know the text.
var ErrNoConfig = errors.New("JSON specification file " + ConfigFile + " not found")

// errNotRegular: only regular files are read.
var errNotRegular = errors.New("not a regular file")

// errTooLarge: the file exceeds its limit.
var errTooLarge = errors.New("file is too large")

// readDescriptor reads an open regular file from its beginning. The size is
// taken from fstat(2): a file that grows meanwhile is cut off there.
func readDescriptor(fd int, limit int64) ([]byte, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	switch {
	case stat.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, unix.EISDIR
	case stat.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errNotRegular
	case stat.Size > limit:
		return nil, errTooLarge
	}
	data := make([]byte, stat.Size)
	for done := 0; done < len(data); {
		n, err := retry(func() (int, error) { return unix.Pread(fd, data[done:], int64(done)) })
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return nil, io.ErrUnexpectedEOF
		}
		done += n
	}
	return data, nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
