package initproc

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// TestNetIsEnteredInTime: before anything that depends on the network namespace, and
// before anything that waits for an answer, which would come instead of it.
func TestNetIsEnteredInTime(t *testing.T) {
	tree := plan.TreePropagation{Propagation: plan.Slave | plan.Recursive}
	proc := plan.Mount{Type: "proc", Source: "proc", Dest: "/proc"}
	tmpfs := plan.Mount{Type: "tmpfs", Source: "tmpfs", Dest: "/tmp"}
	copied := tmpfs
	copied.CopyUp = true
	cases := map[string]struct {
		steps []plan.Step
		// at is the step before which the namespace is entered.
		at int
	}{
		"sysfs":      {[]plan.Step{tree, plan.Root{Path: "/"}, proc, tmpfs, plan.Mount{Type: "sysfs", Source: "sysfs", Dest: "/sys"}, plan.PivotRoot{}}, 4},
		"bind":       {[]plan.Step{tree, plan.Bind{Source: "/a", Dest: "/b"}}, 1},
		"copy up":    {[]plan.Step{tree, copied}, 1},
		"other type": {[]plan.Step{plan.Mount{Type: "nfs", Source: "host:/", Dest: "/nfs"}}, 0},
		"rendezvous": {[]plan.Step{tree, plan.Rendezvous{Point: plan.PointHooks}}, 1},
		"time":       {[]plan.Step{plan.Unshare{Namespaces: plan.NamespaceCgroup}, plan.Unshare{Namespaces: plan.NamespaceIPC}}, 1},
		"program":    {[]plan.Step{plan.Loopback{}, plan.Exec{Args: []string{"a"}}}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := &plan.Plan{}
			for _, s := range c.steps {
				p.Add(plan.Process, "", s)
			}
			program, err := Lower(p, &Layout{Net: true})
			if err != nil {
				t.Fatal(err)
			}
			if at := receives(t, program); len(at) != 1 || at[0] != c.at {
				t.Errorf("entered in the steps %v, want %d", at, c.at)
			}
		})
	}
}

// receives gives the steps that receive a descriptor, and makes sure that none waits for
// an answer before.
func receives(t *testing.T, p *Program) (steps []int) {
	t.Helper()
	for i := range p.Ops() {
		switch Opcode(p.code[i*opSize+offCode]) {
		case OpRecvFD:
			steps = append(steps, p.Step(i))
		case OpSync:
			if len(steps) == 0 {
				t.Errorf("operation %d waits for an answer before the namespace has come", i)
			}
		}
	}
	return steps
}

func TestNetIsEntered(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes namespaces: needs root")
	}
	net := make(chan int)
	go func() {
		// The thread ends with its goroutine.
		runtime.LockOSThread()
		fd := -1
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		} else if fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
		net <- fd
	}()
	fd := <-net
	if fd < 0 {
		return
	}
	defer unix.Close(fd)
	name, err := os.Readlink(selfFD(fd))
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{Spawn: plan.Spawn{New: mountNamespaces &^ plan.NamespaceNetwork}}
	for _, s := range append(rootSteps(busyboxRoot(t), plan.Rendezvous{Point: plan.PointHooks}),
		shell(`/bin/busybox readlink /proc/self/ns/net; /bin/busybox ls /proc/self/fd | /bin/busybox wc -l`)...) {
		p.Add(plan.Process, "", s)
	}
	out := runJoining(t, p, &Layout{Net: true}, fd)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if want := name + "\n4"; out.stdout != want {
		t.Errorf("output %q, want %q", out.stdout, want)
	}
}
