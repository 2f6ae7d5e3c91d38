package sys

import (
	"encoding/binary"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// OpenDir opens a directory as a place to look names up from, without following
// a link at the end of the path.
func OpenDir(dir int, name string) (int, error) {
	return OpenAt(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// Names lists a directory, without "." and "..", in the kernel's order. The
// descriptor's offset moves to the end.
func Names(dir int) ([]string, error) {
	var names []string
	var buf [2048]byte
	for {
		n, err := retryFD(func() (int, error) { return unix.Getdents(dir, buf[:]) })
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// DirentType gives the type that a directory lists for an entry, DT_UNKNOWN
// where the filesystem does not say (getdents64(2)).
type DirentType struct {
	Name string
	Type uint8
}

// direntHeader is the length of struct linux_dirent64 before the name.
const direntHeader = 19

// Entries is Names together with the type of each entry.
func Entries(dir int) ([]DirentType, error) {
	var list []DirentType
	buf := make([]byte, 16<<10)
	for {
		n, err := retryFD(func() (int, error) { return unix.Getdents(dir, buf) })
		if err != nil || n <= 0 {
			return list, err
		}
		list = appendEntries(list, buf[:n])
	}
}

func appendEntries(list []DirentType, buf []byte) []DirentType {
	for len(buf) >= direntHeader {
		length := int(binary.NativeEndian.Uint16(buf[16:18]))
		if length < direntHeader || length > len(buf) {
			return list
		}
		name := buf[direntHeader:length]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if s := string(name); s != "." && s != ".." {
			list = append(list, DirentType{Name: s, Type: buf[18]})
		}
		buf = buf[length:]
	}
	return list
}

// removeDepth bounds the recursion of RemoveTree.
const removeDepth = 32

// RemoveTree removes name below dir and all that is in it. It follows no link
// and is content if something else removes at the same time.
func RemoveTree(dir int, name string) error {
	return removeTree(dir, name, removeDepth)
}

func removeTree(dir int, name string, depth int) error {
	err := unlink(dir, name, 0)
	if err == nil || !errors.Is(err, unix.EISDIR) {
		return err
	}
	if depth == 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: unix.ELOOP}
	}
	if err := clearDir(dir, name, depth-1); err != nil {
		return err
	}
	return unlink(dir, name, unix.AT_REMOVEDIR)
}

func clearDir(dir int, name string, depth int) error {
	fd, err := OpenDir(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	names, err := Names(fd)
	if err != nil {
		return &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	for _, child := range names {
		if err := removeTree(fd, child, depth); err != nil {
			return err
		}
	}
	return nil
}

func unlink(dir int, name string, flags int) error {
	err := Retry(func() error { return unix.Unlinkat(dir, name, flags) })
	if err == nil || err == unix.ENOENT { //nolint:errorlint // the call's own error, asked on the way to every end
		return nil
	}
	return &fs.PathError{Op: "remove", Path: name, Err: err}
}
