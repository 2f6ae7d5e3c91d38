package libcontainer

import (
	"fmt"
	"os"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
)

// A new network namespace takes the kernel as long as the rest of a container's
// set-up takes the runtime. So a thread of its own makes it, beside everything that
// comes before the init, and the init enters it.

// ownNetNamespace is that of the calling thread.
const ownNetNamespace = "/proc/thread-self/ns/net"

// netNamespace is a network namespace that is being made.
type netNamespace struct {
	control *initproc.Control
	// cpu is where the maker was, who goes on there.
	cpu int
	// ready is closed when the init has been sent the namespace and its loopback device is
	// up, or err says why not.
	ready chan struct{}
	err   error
	// next is what the same goroutine does after that, if anything.
	next   chan func()
	closed bool
}

// undelivered says that the init was not there to take the namespace.
type undelivered struct{ error }

func (u undelivered) Unwrap() error { return u.error }

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

// makeNetNamespace begins to make a network namespace with its loopback device up, and to
// send it to the init, which need not be there yet. done is closed when the init is let go.
func makeNetNamespace(control *initproc.Control, done <-chan struct{}) *netNamespace {
	n := &netNamespace{control: control, cpu: sys.CPU(), ready: make(chan struct{}), next: make(chan func(), 1)}
	go n.work(done)
	// The thread that was woken may stand behind this one: it goes elsewhere.
	sys.Yield()
	return n
}

// wait waits until nothing is left to do about the namespace.
func (n *netNamespace) wait() error {
	if n == nil {
		return nil
	}
	<-n.ready
	return n.err
}

// after has something done beside what the caller does, but not before the namespace is
// ready: the init needs that first, and a third thread that works would slow both down.
func (n *netNamespace) after(task func()) {
	if n == nil {
		go task()
		return
	}
	n.next <- task
	n.finish()
}

// drop ends the work for the namespace.
func (n *netNamespace) drop() {
	if n == nil {
		return
	}
	<-n.ready
	n.finish()
}

// finish lets the goroutine end. It does so early: nothing that wakes a thread should be
// left for the container's end.
func (n *netNamespace) finish() {
	if !n.closed {
		n.closed = true
		close(n.next)
	}
}

func (n *netNamespace) work(done <-chan struct{}) {
	back := sys.AvoidCPU(n.cpu)
	growStack(0)
	runtime.LockOSThread()
	home, err := sys.OpenAt(unix.AT_FDCWD, ownNetNamespace, unix.O_RDONLY, 0)
	if err == nil {
		err = os.NewSyscallError("unshare", unix.Unshare(unix.CLONE_NEWNET))
	}
	if err != nil {
		closeAll(home)
		back()
		n.err = namespaceProblem("make network namespace", err)
		close(n.ready)
		runtime.UnlockOSThread()
		n.doNext()
		return
	}
	n.err = n.equip()
	close(n.ready)
	back() // before the thread can be anybody else's
	isHome := goHome(home)
	unix.Close(home)
	if !isHome {
		go n.doNext()
		<-done
		return
	}
	n.doNext()
}

// growStack makes the stack of the calling goroutine large enough for all that it is to do, by
// the size of a frame of which nothing is touched (as cmd/ocirun/internal/begin does for the
// first goroutine, which no library may). Otherwise it would grow by way of 4 KiB, and the
// first stack of that size in a process touches eight pages, for those to come.
//
//go:noinline
func growStack(use int) byte {
	if use == 0 {
		return 0
	}
	var frame [28 << 10]byte
	frame[use] = 1
	return frame[use/2]
}

func (n *netNamespace) doNext() {
	if task := <-n.next; task != nil {
		task()
	}
}

// equip sends the namespace of the calling thread to the init, and raises its loopback
// device.
func (n *netNamespace) equip() error {
	fd, err := sys.OpenAt(unix.AT_FDCWD, ownNetNamespace, unix.O_RDONLY, 0)
	if err != nil {
		return namespaceProblem("make network namespace", err)
	}
	defer unix.Close(fd)
	if err := n.control.Send(fd); err != nil {
		return undelivered{err}
	}
	return namespaceProblem("bring up the loopback device", raiseLoopback())
}

func namespaceProblem(what string, err error) error {
	if err == nil {
		return nil
	}
	return specconv.Problem{Pointer: "/linux/namespaces", Err: fmt.Errorf("%s: %w", what, err)}
}

// goHome brings the calling thread, which is locked, back to its network namespace, and
// unlocks it. Root of a user namespace may leave that of the host and not come back
// (setns(2)): such a thread must not run anything else, and the Go runtime ends it when
// its goroutine returns. It may be the one that started the init, before it was locked, and
// the kernel would end the init with it (prctl(2), PR_SET_PDEATHSIG). So it has to stay
// until the init is let go.
func goHome(home int) bool {
	if err := unix.Setns(home, unix.CLONE_NEWNET); err != nil {
		return false
	}
	runtime.UnlockOSThread()
	return true
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
		if !goHome(home) {
			<-done
		}
	}()
	return <-result
}
