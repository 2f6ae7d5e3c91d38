package libcontainer

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// socketPatience bounds how long the other end of a console or pidfd socket may
// keep a command waiting.
const socketPatience = 10 * time.Second

// The payloads that go with a pidfd: that of a container's first process, and
// that of one which was added to a running container.
const (
	pidfdInit = "standard"
	pidfdExec = "setns"
)

// ptyName is the payload that goes with the master end of a terminal; receivers
// use it as the name of the file.
const ptyName = "/dev/ptmx"

// sendToSocket connects to the unix stream socket at path and sends a
// descriptor with its payload, in one message. Any length of path will do.
func sendToSocket(path, payload string, fd int) error {
	socket, err := sys.ConnectUnix(path, socketPatience)
	if err != nil {
		return fmt.Errorf("dial unix %s: connect: %w", path, errnoOf(err))
	}
	defer unix.Close(socket)
	if err := sys.SendFDs(socket, []byte(payload), fd); err != nil {
		return fmt.Errorf("send to socket %s: %w", path, err)
	}
	return nil
}

// sendConsole hands the master end of the container's terminal over.
func sendConsole(path string, master int) error {
	return sendToSocket(path, ptyName, master)
}

// sendPidfd hands a process over; the payload is pidfdInit or pidfdExec.
func sendPidfd(path, payload string, pidfd int) error {
	return sendToSocket(path, payload, pidfd)
}
