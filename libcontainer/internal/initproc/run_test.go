package initproc

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// outcome is what became of an init.
type outcome struct {
	progress Progress
	plan     *plan.Plan
	stdout   string
	status   unix.WaitStatus
	tags     []byte
	// fromMemory is the init's.
	fromMemory bool
}

// failed gives the error of the plan that the init reported, or nil.
func (o *outcome) failed() error {
	if o.progress.State != StateFailed {
		return nil
	}
	return o.plan.Failed(o.progress.Step, o.progress.Errno, o.progress.Detail)
}

// runPlan lowers the steps, runs the real init with them and waits for its end.
// Rendezvous are answered at once.
func runPlan(t *testing.T, namespaces plan.Namespace, steps ...plan.Step) *outcome {
	t.Helper()
	p := &plan.Plan{Spawn: plan.Spawn{New: namespaces}}
	for i, s := range steps {
		p.Add(plan.Process, plan.Cause("/test/"+string(rune('a'+i))), s)
	}
	return runLayout(t, p, &Layout{})
}

func runLayout(t *testing.T, p *plan.Plan, layout *Layout) *outcome {
	t.Helper()
	return runJoining(t, p, layout)
}

// runJoining hands namespaces over; with Layout.Net the last one is the network's. If the
// init forks, it is the child whose end counts.
func runJoining(t *testing.T, p *plan.Plan, layout *Layout, namespaces ...int) *outcome {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces: needs root")
	}
	program, err := Lower(p, layout)
	if err != nil {
		t.Fatal(err)
	}
	return runProgram(t, program, p, layout, namespaces...)
}

func runProgram(t *testing.T, program *Program, p *plan.Plan, layout *Layout, namespaces ...int) *outcome {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	page, err := CreateProgress(int(dir.Fd()), "progress", program.PageSize())
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(page)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	net := -1
	if last := len(namespaces) - 1; layout.Net {
		net, namespaces = namespaces[last], namespaces[:last]
	}
	control, err := NewControl()
	if err != nil {
		t.Fatal(err)
	}
	if layout.Net {
		if err := control.Send(net); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Start(&Spawn{
		Layout: layout, Program: program, StateDir: int(dir.Fd()), Page: page,
		Stdio: [3]int{0, int(w.Fd()), int(w.Fd())}, CloneFlags: uint64(p.Spawn.New &^ plan.NamespaceCgroup), Cgroup: -1,
		Namespaces: namespaces, Control: control,
	})
	w.Close()
	if err != nil {
		control.Close()
		t.Fatal(err)
	}
	defer in.Close()
	defer unix.Close(in.Pidfd)
	out := &outcome{plan: p, fromMemory: in.FromMemory}
	attend(t, in, out)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	out.stdout = string(bytes.TrimSpace(text))
	out.status = waitFor(t, in.Pid)
	out.progress, err = ReadProgress(page, program.stamps())
	if err != nil {
		t.Fatal(err)
	}
	if out.progress.Child != 0 {
		out.status = waitFor(t, out.progress.Child)
	}
	return out
}

func waitFor(t *testing.T, pid int) (status unix.WaitStatus) {
	t.Helper()
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
}

// attend answers the init's messages; a watchdog ends one that hangs.
func attend(t *testing.T, in *Init, out *outcome) {
	t.Helper()
	watchdog := time.AfterFunc(10*time.Second, func() { unix.PidfdSendSignal(in.Pidfd, unix.SIGKILL, nil, 0) })
	defer watchdog.Stop()
	for {
		tag, fd, err := in.Receive()
		if err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Fatal(err)
		}
		if tag == 0 {
			return
		}
		if fd >= 0 {
			unix.Close(fd)
		}
		out.tags = append(out.tags, tag)
		if tag <= TagConsole {
			if err := in.Answer(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// shell are the steps that run a script with the host's busybox.
func shell(script string) []plan.Step {
	return []plan.Step{
		plan.Lookup{Program: "busybox", Candidates: []string{"/nonexistent/busybox", "/bin/busybox", "/usr/bin/busybox"}},
		plan.Exec{Args: []string{"busybox", "sh", "-c", script}, Env: []string{"PATH=/bin", "A=b"}},
	}
}

// busyboxRoot makes a root file system with a static busybox in it.
func busyboxRoot(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "rootfs")
	for _, d := range []string{"bin", "proc", "sys", "etc", "masked"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, "bin/busybox"), data, 0o755); err != nil {
			t.Fatal(err)
		}
		return root
	}
	t.Fatal("busybox-static is not installed")
	return ""
}

func TestExec(t *testing.T) {
	out := runPlan(t, 0, shell(`echo "$A $HOME $0"; ls /proc/self/fd | wc -l; exit 3`)...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if out.status.ExitStatus() != 3 {
		t.Errorf("status %v, output %q", out.status, out.stdout)
	}
	if out.progress.State != StateExec {
		t.Errorf("state %v", out.progress.State)
	}
	// 0, 1, 2 and the directory that ls reads
	if out.stdout != "b  sh\n4" && out.stdout != "b  busybox\n4" {
		t.Errorf("output %q", out.stdout)
	}
}

const mountNamespaces = plan.NamespaceMount | plan.NamespacePID | plan.NamespaceUTS | plan.NamespaceNetwork | plan.NamespaceIPC

// rootSteps are the steps to a minimal root, with others put in before the
// pivot.
func rootSteps(root string, more ...plan.Step) []plan.Step {
	steps := []plan.Step{
		plan.Loopback{},
		plan.TreePropagation{Propagation: plan.Slave | plan.Recursive},
		plan.Root{Path: root},
		plan.Mount{Type: "proc", Source: "proc", Dest: "/proc"},
		plan.Mount{Type: "tmpfs", Source: "tmpfs", Dest: "/dev", Attr: plan.NoSuid, Data: []string{"mode=755", "size=65536k"}},
		plan.Mount{Type: "devpts", Source: "devpts", Dest: "/dev/pts", Data: []string{"newinstance", "ptmxmode=0666", "mode=0620"}},
		plan.Mknod{Path: "/dev/null", Type: 'c', Mode: 0o666, Major: 1, Minor: 3},
		plan.Symlink{Target: "pts/ptmx", Path: "/dev/ptmx", Replace: true},
		plan.Symlink{Target: "/proc/self/fd", Path: "/dev/fd", IfExists: "/proc/self/fd"},
		plan.Symlink{Target: "/nowhere", Path: "/dev/nowhere", IfExists: "/nowhere"},
	}
	return append(append(steps, more...), plan.PivotRoot{})
}

func TestRoot(t *testing.T) {
	root := busyboxRoot(t)
	steps := rootSteps(root,
		plan.Mkdir{Path: "/work/dir", Mode: 0o755},
		plan.Sysctl{Key: "net/ipv4/ip_forward", Value: "1"},
		plan.Protect{Path: "/proc/sys"},
		plan.Mask{Path: "/proc/version"}, plan.Mask{Path: "/masked"}, plan.Mask{Path: "/proc/scsi"}, plan.Mask{Path: "/sys"}, plan.Mask{Path: "/nonexistent"},
		plan.RootAttr{ReadOnly: true},
	)
	steps = append(steps, plan.Hostname{Value: "inside"}, plan.Chdir{Path: "/work/dir"})
	steps = append(steps, shell(`cd /; export PATH=/bin
		b=busybox; $b hostname; $b pwd; echo $$; $b readlink /dev/fd; $b readlink /dev/ptmx; $b ls /dev | $b tr '\n' ' '
		$b cat /proc/sys/net/ipv4/ip_forward; (echo 0 >/proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo protected
		$b stat -c '%t:%T' /proc/version; (echo x >/file) 2>/dev/null || echo readonly; (echo x >/masked/f) 2>/dev/null || echo masked
		$b ifconfig lo | $b grep -c UP; $b ls -d /work/dir; $b grep -c / /proc/mounts`)...)
	out := runPlan(t, mountNamespaces, steps...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	want := "inside\n/\n1\n/proc/self/fd\npts/ptmx\nfd null ptmx pts 1\nprotected\n1:3\nreadonly\nmasked\n1\n/work/dir\n8"
	if out.stdout != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.stdout, want)
	}
}
