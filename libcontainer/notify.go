package libcontainer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// A service manager that starts a container waits for sd_notify(3). The program of
// the container gets a socket of the container's own for that, and the runtime
// passes on that it is ready: what else the program says would let it do with the
// service what it likes.

// Where the socket is below the container's directory. The directory is what the
// container sees.
const (
	notifyName       = "notify"
	notifySocketName = "notify.sock"
)

// barrierPatience is how long the service manager may take to see the messages
// (sd_notify_barrier(3)).
const barrierPatience = 30 * time.Second

// notifyMax is as long as a message of a program may be.
const notifyMax = 4096

// notifier waits for the program to be ready, on behalf of who listens at host.
type notifier struct {
	socket int
	host   string
	warn   func(string)
}

// makeNotifyDirectory makes the directory that the container is to see.
func (d *directory) makeNotifyDirectory() error {
	const mode = 0o755
	err := sys.Retry(func() error { return unix.Mkdirat(d.fd, notifyName, mode) })
	if err == nil { // whatever the umask is
		err = unix.Fchmodat(d.fd, notifyName, mode, 0)
	}
	runtime.KeepAlive(d)
	if err != nil {
		return &os.PathError{Op: "mkdir", Path: notifyName, Err: err}
	}
	return nil
}

// openNotifier makes the container's socket. There is no notifier if nobody
// listens, or if the container was created without its directory.
func (d *directory) openNotifier(host string, warn func(string)) (*notifier, error) {
	if host == "" {
		return nil, nil
	}
	dir, err := sys.OpenAt(d.fd, notifyName, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	runtime.KeepAlive(d)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	defer unix.Close(dir)
	if err := unix.Unlinkat(dir, notifySocketName, 0); err != nil && err != unix.ENOENT {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	socket, err := sys.BindDatagrams(dir, notifySocketName)
	if err != nil {
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	const everybody = 0o777 // whoever the program runs as
	if err := unix.Fchmodat(dir, notifySocketName, everybody, 0); err != nil {
		unix.Close(socket)
		return nil, fmt.Errorf("notify socket: %w", err)
	}
	return &notifier{socket: socket, host: host, warn: warn}, nil
}

func (n *notifier) close() {
	if n != nil {
		unix.Close(n.socket)
	}
}

// relay waits until the program is ready or has ended, and tells the service
// manager that it is, and which process to watch. That it cannot be told is no
// reason to stop the container.
func (n *notifier) relay(pidfd, mainPID int) {
	ready, err := n.await(pidfd)
	if err == nil && ready != nil {
		err = n.tell(ready, mainPID)
	}
	if err != nil && n.warn != nil {
		n.warn("pass on the notification of the container: " + err.Error())
	}
}

// await gives the line that says that the program is ready, or nil if it has ended.
func (n *notifier) await(pidfd int) ([]byte, error) {
	fds := []unix.PollFd{{Fd: int32(n.socket), Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
	message := make([]byte, notifyMax)
	for {
		if _, err := sys.Poll(fds, time.Time{}); err != nil {
			return nil, err
		}
		if fds[0].Revents == 0 {
			return nil, nil
		}
		size, err := unix.Read(n.socket, message)
		if err != nil && err != unix.EINTR {
			return nil, err
		}
		for line := range bytes.SplitSeq(message[:max(size, 0)], []byte{'\n'}) {
			if bytes.HasPrefix(line, []byte("READY=")) {
				return line, nil
			}
		}
	}
}

// tell sends what the service manager is to know, and waits until it has seen it.
func (n *notifier) tell(ready []byte, mainPID int) error {
	host, err := sys.ConnectDatagrams(n.host)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", n.host, err)
	}
	defer unix.Close(host)
	for _, message := range [...]string{string(ready), "MAINPID=" + strconv.Itoa(mainPID)} {
		if err := sys.SendFDs(host, []byte(message)); err != nil {
			return fmt.Errorf("send to %s: %w", n.host, err)
		}
	}
	var barrier [2]int
	if err := unix.Pipe2(barrier[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(barrier[0])
	err = sys.SendFDs(host, []byte("BARRIER=1"), barrier[1])
	unix.Close(barrier[1])
	if err != nil {
		return fmt.Errorf("send to %s: %w", n.host, err)
	}
	if seen, err := sys.WaitReadable(barrier[0], barrierPatience); err != nil || !seen {
		return errors.Join(fmt.Errorf("%s has not seen the messages within %v", n.host, barrierPatience), err)
	}
	return nil
}

// openNotifier does it for a container whose program starts at once.
func (b *builder) openNotifier() (err error) {
	if b.o.NotifySocket == "" {
		return nil
	}
	if err := b.creation.dir.makeNotifyDirectory(); err != nil || b.gated {
		return err
	}
	b.notifier, err = b.creation.dir.openNotifier(b.o.NotifySocket, b.warn)
	return err
}

// notify passes on that the program is ready: it waits for that only if nobody stays
// with the program.
func (b *builder) notify() error {
	n := b.notifier
	if n == nil {
		return nil
	}
	if b.detached {
		n.relay(b.init.Pidfd, b.pid)
		n.close()
		return nil
	}
	pidfd, err := unix.FcntlInt(uintptr(b.init.Pidfd), unix.F_DUPFD_CLOEXEC, 0) // the relay may outlive the builder
	if err != nil {
		n.close()
		return err
	}
	go func() {
		n.relay(pidfd, os.Getpid())
		unix.Close(pidfd)
		n.close()
	}()
	return nil
}
