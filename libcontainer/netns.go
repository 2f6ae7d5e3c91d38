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

// netNamespace is a network namespace that is being made.
type netNamespace struct {
	fd   int
	err  error
	done chan struct{}
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

// makeNetNamespace begins to make a network namespace with its loopback device up.
func makeNetNamespace() *netNamespace {
	n := &netNamespace{fd: -1, done: make(chan struct{})}
	go func() {
		defer close(n.done)
		n.fd, n.err = unshareNet()
	}()
	return n
}

// take waits for the namespace and gives its descriptor, which is the caller's.
func (n *netNamespace) take() (int, error) {
	<-n.done
	fd := n.fd
	n.fd = -1
	return fd, n.err
}

// drop gives the namespace up.
func (n *netNamespace) drop() {
	if n == nil {
		return
	}
	<-n.done
	closeAll(n.fd)
	n.fd = -1
}

// unshareNet makes the namespace on a thread that then goes back to where it was.
// One that cannot is not given back to the Go runtime, which ends it.
func unshareNet() (fd int, err error) {
	runtime.LockOSThread()
	const own = "/proc/thread-self/ns/net"
	home, err := sys.OpenAt(unix.AT_FDCWD, own, unix.O_RDONLY, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return -1, err
	}
	defer unix.Close(home)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return -1, os.NewSyscallError("unshare", err)
	}
	fd, err = sys.OpenAt(unix.AT_FDCWD, own, unix.O_RDONLY, 0)
	if err == nil {
		err = raiseLoopback()
	}
	if homeErr := unix.Setns(home, unix.CLONE_NEWNET); homeErr == nil {
		runtime.UnlockOSThread()
	} else if err == nil {
		err = os.NewSyscallError("setns", homeErr)
	}
	if err != nil {
		closeAll(fd)
		return -1, err
	}
	return fd, nil
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
