package libcontainer

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// A page that somebody else has written to must not make the runtime take a process
// of the host for its own: it would signal and kill it.
func TestAdoptOnlyOwnChildren(t *testing.T) {
	stranger := os.Getppid()
	l := newLaunch()
	l.init = &initproc.Init{Pid: 1 << 22, Pidfd: -1}
	if err := l.adopt(initproc.Progress{Child: stranger}); !errors.Is(err, errNoChild) {
		t.Errorf("adopted its parent: %v", err)
	}
	if l.pid == stranger || l.init.Pid == stranger {
		t.Errorf("pid %d, init %d", l.pid, l.init.Pid)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		child.Process.Kill()
		child.Wait()
	}()
	if err := l.adopt(initproc.Progress{Child: child.Process.Pid}); err != nil || l.pid != child.Process.Pid {
		t.Errorf("its own child: pid %d, %v", l.pid, err)
	}
	unix.Close(l.init.Pidfd)
	if sys.IsChild(0) || sys.IsChild(-1) || sys.IsChild(1) {
		t.Error("0, -1 or 1 is a child")
	}
}

// Who can trace an init can make it say anything.
func TestUnexpectedMessages(t *testing.T) {
	l := newLaunch()
	l.plan = &plan.Plan{}
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.takeConsole(fd, ""); !errors.Is(err, errUnexpected) {
		t.Errorf("a terminal: %v", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("the descriptor is still open: %v", err)
	}
	if err := l.handListener(nil, specs.State{}); !errors.Is(err, errUnexpected) {
		t.Errorf("a listener: %v", err)
	}
	if err := l.handListener(&specs.LinuxSeccomp{}, specs.State{}); !errors.Is(err, errUnexpected) {
		t.Errorf("a listener without an agent: %v", err)
	}
}
