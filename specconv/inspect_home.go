package specconv

import (
	"bytes"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	passwdFile = "/etc/passwd"
	// maxPasswd is how much of a passwd file is read, in bytes, and
	// maxPasswdLine how long a line may be. The file is an image's and may be
	// anything.
	maxPasswd     = 1 << 20
	maxPasswdLine = 64 << 10
	// noHome is the home directory of a user who has none.
	noHome = "/"
)

// wantsHome reports whether HOME has to be looked up: the environment of the
// configuration lacks it. A configuration without an environment gets none.
func wantsHome(p *specs.Process) bool {
	if p == nil || p.Env == nil {
		return false
	}
	home, _ := variable(p.Env, "HOME")
	return home == ""
}

// lookupHome finds the home directory of the process's user in the passwd file
// that the container will see. Root is an O_PATH descriptor of its root.
func lookupHome(b *Bundle, root int) string {
	fd := openPasswd(b, root)
	if fd < 0 {
		return noHome
	}
	defer unix.Close(fd)
	text := readPasswd(fd)
	return homeOf(text, b.Spec.Process.User.UID)
}

// HomeIn finds a user's home directory in the passwd file of a container that is
// there already; "/" if there is none. Root is an O_PATH descriptor of its root.
func HomeIn(root int, uid uint32) string {
	fd := openFile(root, passwdFile, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
	if fd < 0 {
		return noHome
	}
	defer unix.Close(fd)
	return homeOf(readPasswd(fd), uid)
}

// WantsHome reports whether HOME has to be looked up for a process: its
// environment lacks it. A process without an environment gets none.
func WantsHome(p *specs.Process) bool { return wantsHome(p) }

// openPasswd opens the passwd file, or gives -1. The last mount at or above it
// decides where it comes from; whatever else than a bind mount is there is empty
// or none of our business.
func openPasswd(b *Bundle, root int) int {
	for i := len(b.Spec.Mounts) - 1; i >= 0; i-- {
		m := &b.Spec.Mounts[i]
		below, covers := strings.CutPrefix(passwdFile, inContainer(m.Destination))
		if !covers || below != "" && below[0] != '/' {
			continue
		}
		if !isBind(m.Options) {
			return -1
		}
		source := joinHost(b.Dir, m.Source)
		if below == "" {
			return openFile(unix.AT_FDCWD, source, 0)
		}
		dir, err := openDirectory(unix.AT_FDCWD, source, 0)
		if err != nil {
			return -1
		}
		defer unix.Close(dir)
		return openFile(dir, below, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
	}
	return openFile(root, passwdFile, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
}

// openFile does not wait for a FIFO and does not take a terminal over, should the
// file be one.
func openFile(at int, path string, resolve uint64) int {
	fd, err := openAt(at, path, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: resolve,
	})
	if err != nil {
		return -1
	}
	return fd
}

// readPasswd reads as much of a regular file as is allowed.
func readPasswd(fd int) []byte {
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	text := make([]byte, min(stat.Size, maxPasswd))
	done := 0
	for done < len(text) {
		n, err := retry(func() (int, error) { return unix.Pread(fd, text[done:], int64(done)) })
		if err != nil || n == 0 {
			break
		}
		done += n
	}
	text = text[:done]
	if stat.Size > maxPasswd {
		// The last line is not whole.
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return text
}

// homeOf finds the home directory of a user in the text of a passwd file
// (passwd(5)). The first line with the user's number counts.
func homeOf(text []byte, uid uint32) string {
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		if len(line) > maxPasswdLine {
			continue
		}
		// name:password:UID:GID:comment:directory:shell
		_, rest, _ := bytes.Cut(line, []byte{':'})
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		number, rest, _ := bytes.Cut(rest, []byte{':'})
		if !isNumber(number, uid) {
			continue
		}
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		home, _, _ := bytes.Cut(rest, []byte{':'})
		if len(home) == 0 || bytes.IndexByte(home, 0) >= 0 {
			return noHome
		}
		return string(home)
	}
	return noHome
}

// isNumber compares decimal digits with a number of 32 bits. A text that is
// anything else stands for no user, above all not for 0.
func isNumber(text []byte, want uint32) bool {
	n := uint64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + uint64(c-'0')
		if n > uint64(^uint32(0)) {
			return false
		}
	}
	return len(text) > 0 && n == uint64(want)
}
