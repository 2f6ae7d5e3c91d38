package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// stdio are the standard streams between the runtime's caller and a process that
// the runtime stays for.
type stdio struct {
	// child is what the process gets as its descriptors 0 to 2: the caller's
	// own where nothing has to be copied, else the end of a pipe.
	child [3]int
	// own are the caller's streams.
	own [3]int
	// ours are the runtime's ends of the pipes, -1 where there is none.
	ours [3]int
}

// prepareStdio makes the pipes of a process without a terminal and gives them to
// the container's root, so that a program in it may open /dev/stdout. A stream
// that is the null device needs no copying and is handed on as it is. With a
// terminal there is nothing to make: its master takes the place of the pipes.
func prepareStdio(terminal bool, own [3]int, uid, gid int) (*stdio, error) {
	s := &stdio{own: own, child: own, ours: [3]int{-1, -1, -1}}
	if terminal {
		return s, nil
	}
	for i, fd := range own {
		null, err := isNullDevice(fd)
		if err == nil && !null {
			err = s.makePipe(i, uid, gid)
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("standard stream %d: %w", i, err)
		}
	}
	return s, nil
}

// nullDevice is the number of /dev/null (null(4)).
const nullDevice = 1<<8 | 3

func isNullDevice(fd int) (bool, error) {
	var stat unix.Stat_t
	err := sys.Retry(func() error { return unix.Fstat(fd, &stat) })
	if err != nil {
		return false, err
	}
	return stat.Mode&unix.S_IFMT == unix.S_IFCHR && uint64(stat.Rdev) == nullDevice, nil //nolint:unconvert // the type differs by architecture
}

func (s *stdio) makePipe(i, uid, gid int) error {
	var pipe [2]int
	if err := sys.Retry(func() error { return unix.Pipe2(pipe[:], unix.O_CLOEXEC) }); err != nil {
		return err
	}
	theirs := min(i, 1) // they read their input and write their output
	s.child[i], s.ours[i] = pipe[theirs], pipe[1-theirs]
	if uid != 0 || gid != 0 {
		if err := chownPipe(s.child[i], uid, gid); err != nil {
			return err
		}
	}
	return unix.SetNonblock(s.ours[i], true)
}

// chown gives the pipes to another owner.
func (s *stdio) chown(uid, gid int) error {
	for i, fd := range s.child {
		if s.ours[i] < 0 || fd < 0 {
			continue
		}
		if err := chownPipe(fd, uid, gid); err != nil {
			return err
		}
	}
	return nil
}

func chownPipe(fd, uid, gid int) error {
	err := sys.Retry(func() error { return unix.Fchown(fd, uid, gid) })
	if err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("change owner of pipe: %w", err)
	}
	return nil
}

// closeChild closes the process's ends: to be called as soon as it has them.
func (s *stdio) closeChild() {
	for i, fd := range s.child {
		if s.ours[i] >= 0 && fd >= 0 {
			unix.Close(fd)
			s.child[i] = -1
		}
	}
}

// close closes all ends of pipes that are still open.
func (s *stdio) close() {
	s.closeChild()
	sys.CloseAll(s.ours[:])
	s.ours = [3]int{-1, -1, -1}
}
