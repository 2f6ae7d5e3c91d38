package libcontainer

import (
	"os"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// A new network namespace takes the kernel as long as the rest of a container's
// set-up takes the runtime. So a thread of its own makes it, beside everything that
// comes before the init, and the init enters it.

// ownNetNamespace is that of the calling thread.
const ownNetNamespace = "/proc/thread-self/ns/net"

// netNamespace is a network namespace that is being made.
type netNamespace struct {
	fd int
	// made is closed when fd is there, or err; up when the loopback device is up as
	// well, or upErr.
	made, up   chan struct{}
	err, upErr error
}

// wantsNetNamespace reports whether the namespace can be made ahead: one of the
// container's own that belongs to the runtime's user namespace.
func wantsNetNamespace(spec *specs.Spec) bool {
	if spec.Linux == nil {
		return false
	}
	wanted := false
	for _, n := range spec.Linux.Namespaces {
		switch {
		case n.Type == specs.UserNamespace:
			return false
		case n.Type == specs.NetworkNamespace:
			wanted = n.Path == ""
		}
	}
	return wanted
}

// makeNetNamespace begins to make a network namespace with its loopback device up. done is
// closed when the init is let go.
func makeNetNamespace(done <-chan struct{}) *netNamespace {
	n := &netNamespace{fd: -1, made: make(chan struct{}), up: make(chan struct{})}
	go n.make(done)
	return n
}

// take waits for the namespace and gives its descriptor, which is the caller's.
func (n *netNamespace) take() (int, error) {
	<-n.made
	fd := n.fd
	n.fd = -1
	return fd, n.err
}

// ready waits until the loopback device is up.
func (n *netNamespace) ready() error {
	if n == nil {
		return nil
	}
	<-n.up
	return n.upErr
}

// drop gives the namespace up.
func (n *netNamespace) drop() {
	if n == nil {
		return
	}
	<-n.up
	closeAll(n.fd)
	n.fd = -1
}

// make makes the namespace on a thread that then goes back to where it was.
func (n *netNamespace) make(done <-chan struct{}) {
	runtime.LockOSThread()
	home, err := sys.OpenAt(unix.AT_FDCWD, ownNetNamespace, unix.O_RDONLY, 0)
	if err == nil {
		defer unix.Close(home)
		err = os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWNET))
	}
	if err != nil {
		runtime.UnlockOSThread()
		n.err = err
		close(n.made)
		close(n.up)
		return
	}
	n.fd, n.err = sys.OpenAt(unix.AT_FDCWD, ownNetNamespace, unix.O_RDONLY, 0)
	close(n.made)
	n.upErr = raiseLoopback()
	close(n.up)
	goHome(home, done)
}

// goHome brings the calling thread, which is locked, back to its network namespace. Root
// of a user namespace may leave that of the host and not come back (setns(2)): such a
// thread must not run anything else, and the Go runtime ends it when its goroutine
// returns. It may be the one that started the init, before it was locked, and the kernel
// would end the init with it (prctl(2), PR_SET_PDEATHSIG). So it stays until done.
func goHome(home int, done <-chan struct{}) {
	if err := unix.Setns(home, unix.CLONE_NEWNET); err == nil {
		runtime.UnlockOSThread()
		return
	}
	<-done
}

// raiseLoopback sets the flags of "lo" (netdevice(7)).
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl", unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request))
}

// inNetNamespace does something on a thread that is in another network namespace, and
// brings the thread back. One that cannot be brought back is kept until done is closed.
func inNetNamespace(namespace int, done <-chan struct{}, do func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := sys.OpenAt(unix.AT_FDCWD, ownNetNamespace, unix.O_RDONLY, 0)
		if err == nil {
			defer unix.Close(home)
			err = os.NewSyscallError("setns", unix.Setns(namespace, unix.CLONE_NEWNET))
		}
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		result <- do()
		goHome(home, done)
	}()
	return <-result
}
