package initproc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// mapped is an init in a user namespace of its own.
type mapped struct {
	steps []plan.Step
	// sources are paths of mounts to hand over, in order; messages stand for them in
	// tests of the queue itself.
	sources  []string
	messages int
	// missing is how many the layout announces beyond those.
	missing int
	// deny gives setgroups up.
	deny bool
}

// intoUserNamespace are the steps that precede others, in the order of the compiler.
func intoUserNamespace(more plan.Namespace) []plan.Step {
	return []plan.Step{
		plan.Unshare{Namespaces: plan.NamespaceUser},
		plan.Rendezvous{Point: plan.PointIDMaps},
		plan.SetIDs{NoGroups: true},
		plan.Unshare{Namespaces: more},
	}
}

func (m *mapped) plan() *plan.Plan {
	p := &plan.Plan{Spawn: plan.Spawn{New: plan.NamespaceUser}}
	for _, s := range m.steps {
		phase := plan.Process
		switch step := s.(type) {
		case plan.SetIDs:
			phase = plan.Namespaces
		case plan.Unshare:
			p.Spawn.New |= step.Namespaces
		}
		p.Add(phase, "/test", s)
	}
	return p
}

// queue fills a queue with what is handed over, and closes the runtime's end.
func (m *mapped) queue(t *testing.T) int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	t.Cleanup(func() { unix.Close(pair[1]) })
	for range m.messages {
		if err := unix.Sendmsg(pair[0], []byte{0}, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range m.sources {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err == nil {
			// As the runtime does: the host's mounts may be shared, and nothing of the container shall show there.
			err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Propagation: unix.MS_SLAVE})
		}
		if err == nil {
			err = unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(fd), nil, 0)
			unix.Close(fd)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return pair[1]
}

func (m *mapped) run(t *testing.T) *outcome {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("maps ids: needs root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out := &outcome{plan: m.plan()}
	layout := &Layout{Sources: len(m.sources) + m.messages + m.missing}
	program, err := Lower(out.plan, layout)
	if err != nil {
		t.Fatal(err)
	}
	page, err := NewProgress(program.PageSize())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(page)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in, err := Start(&Spawn{
		Layout: layout, Program: program, StateDir: unix.AT_FDCWD, Page: page, Cgroup: -1, Sources: m.queue(t),
		Stdio: [3]int{0, int(w.Fd()), int(w.Fd())},
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer unix.Close(in.Pidfd)
	m.serve(t, in)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	out.stdout, out.status = strings.TrimSpace(string(text)), waitFor(t, in.Pid)
	if out.progress, err = ReadProgress(page, 0); err != nil {
		t.Fatal(err)
	}
	return out
}

// serve writes the id maps when the init waits for them.
func (m *mapped) serve(t *testing.T, in *Init) {
	t.Helper()
	for {
		tag, _, err := in.Receive()
		if err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Fatal(err)
		}
		if tag == 0 {
			return
		}
		files := [][2]string{{"uid_map", "0 200000 65536"}, {"gid_map", "0 200000 65536"}}
		if m.deny {
			files = append([][2]string{{"setgroups", "deny"}}, files...)
		}
		for _, f := range files {
			if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", in.Pid, f[0]), []byte(f[1]), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := in.Answer(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHandedSources builds a root out of what only the host's root can reach.
func TestHandedSources(t *testing.T) {
	root := busyboxRoot(t)
	for _, dir := range []string{"dev", "src"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "f"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(root), filepath.Dir(source)} {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(source, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []plan.Propagation{plan.Slave | plan.Recursive, plan.Private | plan.Recursive} {
		m := &mapped{sources: []string{root, source}, steps: append(intoUserNamespace(plan.NamespaceMount),
			plan.TreePropagation{Propagation: tree},
			plan.Root{Path: root, Handed: true},
			plan.Bind{Source: source, Dest: "/src", Handed: true, Attr: plan.AttrChange{Set: plan.ReadOnly}},
			plan.Mount{Type: "tmpfs", Source: "tmpfs", Dest: "/dev"},
			plan.Bind{Source: "/dev/zero", Dest: "/dev/zero", Kind: plan.File, Device: 'c', Major: 1, Minor: 5},
			// the network namespace is the host's
			plan.Mount{Type: "sysfs", Source: "sysfs", Dest: "/sys", Attr: plan.ReadOnly, OrBind: "/sys"},
			plan.PivotRoot{})}
		m.steps = append(m.steps, shell(`busybox cat /src/f; echo; ls /dev; ls -d /sys/class; stat -c %u /dev; touch /src/x 2>/dev/null || echo refused; pwd`)...)
		out := m.run(t)
		if err := out.failed(); err != nil {
			t.Fatal(err)
		}
		if want := "content\nzero\n/sys/class\n0\nrefused\n/"; out.stdout != want {
			t.Errorf("got %q, want %q", out.stdout, want)
		}
	}
}

func TestDeviceThatDiffers(t *testing.T) {
	bad := plan.Bind{Source: "/dev/zero", Dest: "/dev/null", Kind: plan.File, Device: 'c', Major: 1, Minor: 3}
	fails(t, mountNamespaces, unix.ENODEV, bad, rootSteps(busyboxRoot(t), bad)...)
}

// A runtime that hands over nothing more has given up; one that hands over something
// else than a descriptor is broken.
func TestQueueThatEnds(t *testing.T) {
	bind := plan.Bind{Source: "/etc", Dest: "/x", Handed: true}
	m := &mapped{messages: 1, steps: append(intoUserNamespace(plan.NamespaceMount), bind)}
	if err := m.run(t).failed(); !errors.Is(err, unix.EPROTO) || !strings.Contains(err.Error(), bind.Action()) {
		t.Errorf("a message without a descriptor: %v", err)
	}
	root := busyboxRoot(t)
	m = &mapped{sources: []string{root}, missing: 1, steps: append(intoUserNamespace(plan.NamespaceMount),
		plan.Root{Path: root, Handed: true}, bind)}
	out := m.run(t)
	if out.failed() != nil || out.status.ExitStatus() != 1 || out.progress.State != StateSetup {
		t.Errorf("state %v, status %v, %v", out.progress.State, out.status, out.failed())
	}
}

func TestTimeOffsets(t *testing.T) {
	m := &mapped{steps: append(intoUserNamespace(plan.NamespaceTime),
		plan.TimeOffset{Clock: "boottime", Secs: 7, Nanos: 5}, plan.TimeOffset{Clock: "monotonic", Secs: -3})}
	m.steps = append(m.steps, shell(`cat /proc/self/timens_offsets`)...)
	out := m.run(t)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(out.stdout), " "); got != "monotonic -3 0 boottime 7 5" {
		t.Errorf("offsets %q", got)
	}
}

func TestGroupsDenied(t *testing.T) {
	m := &mapped{deny: true, steps: append(intoUserNamespace(plan.NamespaceMount), plan.SetIDs{UID: 5, GID: 6, NoGroups: true})}
	m.steps = append(m.steps, shell(`id -u; id -g`)...)
	out := m.run(t)
	if err := out.failed(); err != nil || out.stdout != "5\n6" {
		t.Errorf("output %q, %v", out.stdout, err)
	}
	asked := plan.SetIDs{Groups: []uint32{7}}
	m = &mapped{deny: true, steps: append(intoUserNamespace(plan.NamespaceMount), asked)}
	if err := m.run(t).failed(); !errors.Is(err, unix.EPERM) {
		t.Errorf("groups that are denied: %v", err)
	}
}

// TestHiddenBeforeJoining: the processes of a user namespace have all rights over one
// that enters it.
func TestHiddenBeforeJoining(t *testing.T) {
	p := &plan.Plan{Spawn: plan.Spawn{Joined: plan.NamespaceUser}}
	p.Add(plan.Namespaces, "", plan.Join{Namespace: plan.NamespaceUser, Path: "/u"})
	program, err := Lower(p, &Layout{Namespaces: 1})
	if err != nil {
		t.Fatal(err)
	}
	text := program.dump(progressSize)
	hide := strings.Index(text, fmt.Sprintf("nr=%d flags=0 guard=0:0:0 result=255,255 tolerated=0,0,0,0 0:%d 0:0 ", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE))
	enter := strings.Index(text, fmt.Sprintf("nr=%d ", unix.SYS_SETNS))
	if hide < 0 || enter < 0 || hide > enter {
		t.Errorf("hides at %d, enters at %d of\n%s", hide, enter, text)
	}
}

func TestRaisedLimits(t *testing.T) {
	for _, c := range []struct {
		own  uint64
		want int
	}{{own: 100, want: 1}, {own: 1000, want: 0}, {own: 2000, want: 0}} {
		p := &plan.Plan{}
		p.Add(plan.Namespaces, "", plan.Rlimit{Type: "RLIMIT_NOFILE", Resource: 7, Soft: 10, Hard: 1000, Raise: true})
		program, err := Lower(p, &Layout{HardLimit: func(int) uint64 { return c.own }})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(program.dump(progressSize), fmt.Sprintf("nr=%d ", unix.SYS_PRLIMIT64)); got != c.want {
			t.Errorf("own limit %d: %d operations", c.own, got)
		}
	}
}
