package libcontainer

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// lockPatience is how long a command waits for another one on the same container.
const lockPatience = 10 * time.Second

// errBusy is given when another command keeps a container locked.
var errBusy = errors.New("container is busy with another command")

// lock keeps other commands that change the container out until unlock is
// called. It gives errBusy when patience has run out. The lock does not outlive
// the process.
func (d *directory) lock(patience time.Duration) (unlock func(), err error) {
	// A description of its own: the lock is that of this call, not of all who
	// use the directory in this process.
	fd, err := sys.OpenDir(d.fd, ".")
	runtime.KeepAlive(d)
	if errors.Is(err, unix.ENOENT) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	err = sys.Lock(fd, patience)
	if err == nil {
		return func() { unix.Close(fd) }, nil
	}
	unix.Close(fd)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errBusy
	}
	return nil, fmt.Errorf("lock container: %w", err)
}
