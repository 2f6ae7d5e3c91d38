package initproc

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// installedInit is where a package puts the init. A build may set another path
// with -ldflags "-X github.com/ocirun/ocirun/libcontainer/internal/initproc.installedInit=...".
var installedInit = "/usr/libexec/ocirun/init"

// ErrNoSource means that the init cannot be run from anything that is safe from
// being written to by the container (CVE-2019-5736).
var ErrNoSource = errors.New("no safe way to execute the init")

// openInit gives a descriptor to execute the init from: the installed file on a
// detached read-only mount, a sealed memfd, or an unlinked file in dir, whichever
// can be had first. The container may get hold of it through /proc/PID/exe and
// can write to none of them.
func openInit(dir int) (int, error) {
	fd, installedErr := openInstalled()
	if installedErr == nil {
		return fd, nil
	}
	if initBlob == "" {
		return -1, fmt.Errorf("%w: %s: %w", ErrNoSource, installedInit, installedErr)
	}
	fd, memfdErr := openMemfd()
	if memfdErr == nil {
		return fd, nil
	}
	fd, err := openUnlinked(dir)
	if err == nil {
		return fd, nil
	}
	return -1, fmt.Errorf("%w: memfd: %w; temporary file: %w", ErrNoSource, memfdErr, err)
}

var errForeignInit = errors.New("not the init of this build, or not owned by root alone")

// openInstalled takes the installed init only if it is, byte for byte, the one
// of this build. Monitors that alarm on memfd execution see a file here.
func openInstalled() (int, error) {
	file, err := unix.Open(installedInit, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	var st unix.Stat_t
	if err := unix.Fstat(file, &st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Uid != 0 || st.Mode&0o022 != 0 || st.Mode&0o111 == 0 {
		return -1, errForeignInit
	}
	if initBlob != "" && !sameContent(file, st.Size) {
		return -1, errForeignInit
	}
	tree, err := unix.OpenTree(file, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		unix.Close(tree)
		return -1, err
	}
	return tree, nil
}

func sameContent(file int, size int64) bool {
	if size != int64(len(initBlob)) {
		return false
	}
	buf := make([]byte, size+1)
	n, err := unix.Pread(file, buf, 0)
	return err == nil && string(buf[:n]) == initBlob
}

// openMemfd puts the init into sealed memory.
func openMemfd() (int, error) { return sys.SealedMemfd("ocirun-init", true, sys.Bytes(initBlob)) }

// openUnlinked writes the init to a file without a name. It is no other
// container's, so that overwriting it harms nobody else.
func openUnlinked(dir int) (int, error) {
	w, err := unix.Openat(dir, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o500)
	if err != nil {
		return -1, err
	}
	defer unix.Close(w)
	if err := sys.WriteAll(w, sys.Bytes(initBlob)); err != nil {
		return -1, err
	}
	// a file that is open for writing cannot be executed
	return unix.Open(selfFD(w), unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

func selfFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
