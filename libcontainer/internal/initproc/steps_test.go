package initproc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// fails runs a plan that has to fail at a step with an error.
func fails(t *testing.T, namespaces plan.Namespace, want unix.Errno, at plan.Step, steps ...plan.Step) *outcome {
	t.Helper()
	out := runPlan(t, namespaces, steps...)
	err := out.failed()
	if err == nil {
		t.Fatalf("nothing failed; status %v, output %q", out.status, out.stdout)
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), at.Action()) {
		t.Errorf("got %v, want %v at %q", err, want, at.Action())
	}
	if out.status.ExitStatus() != 1 {
		t.Errorf("status %v", out.status)
	}
	return out
}

func TestMountErrorHasKernelLog(t *testing.T) {
	bad := plan.Mount{Type: "tmpfs", Source: "tmpfs", Dest: "/t", Data: []string{"sizee=1"}}
	out := fails(t, mountNamespaces, unix.EINVAL, bad, rootSteps(busyboxRoot(t), bad)...)
	if !strings.Contains(out.progress.Detail, "Unknown parameter 'sizee'") {
		t.Errorf("detail %q", out.progress.Detail)
	}
}

func TestUnknownFileSystem(t *testing.T) {
	bad := plan.Mount{Type: "nosuchfs", Dest: "/t"}
	fails(t, mountNamespaces, unix.ENODEV, bad, rootSteps(busyboxRoot(t), bad)...)
}

// TestMountpoints makes mount points that are missing, also through links that
// lead nowhere, and never outside of the root.
func TestMountpoints(t *testing.T) {
	root := busyboxRoot(t)
	outside := t.TempDir()
	source := filepath.Join(t.TempDir(), "file")
	for name, target := range map[string]string{
		"dangling": "/made/by/link", "relative": "made/too", "escape": "../../../../" + outside + "/x", "up": outside,
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(source, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	tmpfs := func(dest string) plan.Step { return plan.Mount{Type: "tmpfs", Source: "tmpfs", Dest: dest} }
	steps := rootSteps(root, tmpfs("/a/b/c"), tmpfs("/dangling/d"), tmpfs("/relative"), tmpfs("/escape"), tmpfs("/up/y"),
		plan.Bind{Source: source, Dest: "/f/g", Kind: plan.File})
	steps = append(steps, shell(`export PATH=/bin; busybox cat /f/g; echo; busybox grep -c tmpfs /proc/mounts; busybox ls -d /made/by/link/d /made/too`)...)
	out := runPlan(t, mountNamespaces, steps...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if out.stdout != "content\n6\n/made/by/link/d\n/made/too" {
		t.Errorf("output %q", out.stdout)
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("made outside of the root: %v", left)
	}
}

func TestSymlinkLoop(t *testing.T) {
	root := busyboxRoot(t)
	if err := os.Symlink("/loop", filepath.Join(root, "loop")); err != nil {
		t.Fatal(err)
	}
	bad := plan.Mount{Type: "tmpfs", Dest: "/loop"}
	fails(t, mountNamespaces, unix.ELOOP, bad, rootSteps(root, bad)...)
}

// TestNoSymlinks is CVE-2019-19921: /proc is a link in the image.
func TestNoSymlinks(t *testing.T) {
	root := busyboxRoot(t)
	if err := errors.Join(os.Remove(filepath.Join(root, "proc")), os.Symlink("/etc", filepath.Join(root, "proc"))); err != nil {
		t.Fatal(err)
	}
	bad := plan.Mount{Type: "proc", Source: "proc", Dest: "/proc", NoSymlinks: true}
	fails(t, mountNamespaces, unix.ELOOP, bad, plan.TreePropagation{Propagation: plan.Slave | plan.Recursive}, plan.Root{Path: root}, bad)
}

// TestDevSymlink is CVE-2026-41579: /dev is a link to a directory of the host.
func TestDevSymlink(t *testing.T) {
	root := busyboxRoot(t)
	victim := t.TempDir()
	if err := os.Symlink(victim, filepath.Join(root, "dev")); err != nil {
		t.Fatal(err)
	}
	bad := plan.Mknod{Path: "/dev/null", Type: 'c', Mode: 0o666, Major: 1, Minor: 3}
	fails(t, mountNamespaces, unix.ELOOP, bad, plan.TreePropagation{Propagation: plan.Slave | plan.Recursive}, plan.Root{Path: root}, bad)
	if left, _ := os.ReadDir(victim); len(left) != 0 {
		t.Errorf("the host has got %v", left)
	}
}

func TestFileOnDirectory(t *testing.T) {
	bad := plan.Bind{Source: "/etc", Dest: "/f", Kind: plan.Directory}
	root := busyboxRoot(t)
	if err := os.WriteFile(filepath.Join(root, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, mountNamespaces, unix.ENOTDIR, bad, rootSteps(root, bad)...)
}

func TestNodeThatDiffers(t *testing.T) {
	root := busyboxRoot(t)
	null := plan.Mknod{Path: "/dev/null", Type: 'c', Mode: 0o666, Major: 1, Minor: 3}
	zero := plan.Mknod{Path: "/dev/null", Type: 'c', Mode: 0o666, Major: 1, Minor: 5}
	// the same one again is fine, another is not
	out := fails(t, mountNamespaces, unix.EEXIST, zero, rootSteps(root, null, zero)...)
	if step := out.progress.Step; out.plan.Entries[step].Step != plan.Step(zero) {
		t.Errorf("failed at %d", step)
	}
}

func TestCopyMode(t *testing.T) {
	root := busyboxRoot(t)
	if err := os.Mkdir(filepath.Join(root, "sticky"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "sticky"), os.ModeSticky|0o753); err != nil {
		t.Fatal(err)
	}
	steps := rootSteps(root, plan.Mount{Type: "tmpfs", Dest: "/sticky", CopyMode: true}, plan.Mount{Type: "tmpfs", Dest: "/fresh", CopyMode: true})
	out := runPlan(t, mountNamespaces, append(steps, shell(`/bin/busybox stat -c %a /sticky /fresh`)...)...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if out.stdout != "1753\n1777" {
		t.Errorf("modes %q", out.stdout)
	}
}

func TestProcess(t *testing.T) {
	steps := []plan.Step{
		plan.Rlimit{Type: "RLIMIT_NOFILE", Resource: 7, Soft: 100, Hard: 200},
		plan.NoNewPrivileges{},
		plan.BoundingSet{Keep: 1<<5 | 1<<10, Last: 40},
		plan.Chdir{Path: "/usr"},
		plan.SetIDs{UID: 1000, GID: 1001, Groups: []uint32{7, 8}, KeepCaps: true},
		plan.Capabilities{Effective: 1 << 5, Permitted: 1<<5 | 1<<10, Inheritable: 1 << 10, Ambient: 1 << 10},
		plan.Umask{Mask: 0o27},
	}
	out := runPlan(t, 0, append(steps, shell(`ulimit -n; ulimit -Hn; umask; pwd; id -u; id -g; id -G
		grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -d '\t' | tr '\n' ' '`)...)...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	// what is not ambient is lost at execve by a user other than root
	want := "100\n200\n0027\n/usr\n1000\n1001\n1001 7 8\nCapInh:0000000000000400 CapPrm:0000000000000400 " +
		"CapEff:0000000000000400 CapBnd:0000000000000420 CapAmb:0000000000000400 NoNewPrivs:1"
	if out.stdout != want {
		t.Errorf("got\n%s\nwant\n%s", out.stdout, want)
	}
}

// TestSeccomp denies uname(2) with ENOSYS.
func TestSeccomp(t *testing.T) {
	filter := []byte{
		0x20, 0, 0, 0, 0, 0, 0, 0, // load nr
		0x15, 0, 0, 1, byte(unix.SYS_UNAME), byte(unix.SYS_UNAME >> 8), 0, 0, // equal?
		0x06, 0, 0, 0, 38, 0, 5, 0, // errno 38
		0x06, 0, 0, 0, 0, 0, 0xff, 0x7f, // allow
	}
	steps := append([]plan.Step{plan.NoNewPrivileges{}, plan.Seccomp{Filter: filter}}, shell(`uname 2>&1; grep Seccomp: /proc/self/status`)...)
	out := runPlan(t, 0, steps...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	// busybox prints what the call left: nothing
	if strings.Contains(out.stdout, "Linux") || !strings.Contains(out.stdout, "Seccomp:\t2") {
		t.Errorf("output %q", out.stdout)
	}
	broken := plan.Seccomp{Filter: filter[:8]}
	fails(t, 0, unix.EINVAL, broken, append([]plan.Step{broken}, shell("true")...)...)
}

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want unix.Errno
	}{{"/nonexistent", unix.ENOENT}, {dir, unix.EISDIR}, {plain, unix.EACCES}, {plain + "/x", unix.ENOTDIR}} {
		step := plan.Lookup{Program: c.path, Candidates: []string{c.path}}
		fails(t, 0, c.want, step, step, plan.Exec{Args: []string{"x"}})
	}
	none := plan.Lookup{Program: "x"}
	fails(t, 0, unix.ENOENT, none, none, plan.Exec{Args: []string{"x"}})
	if err := os.Chmod(plain, 0o755); err != nil {
		t.Fatal(err)
	}
	// an empty file is executable and no program
	exec := plan.Exec{Args: []string{"plain"}}
	fails(t, 0, unix.ENOEXEC, exec, plan.Lookup{Program: plain, Candidates: []string{plain}}, exec)
}

// TestCwdOutside is CVE-2024-21626: a working directory that is not below the
// root.
func TestCwdOutside(t *testing.T) {
	root := busyboxRoot(t)
	bad := plan.Chdir{Path: "."}
	// the old root is still the working directory after a chroot alone
	p := rootSteps(root)
	p = append(p[:len(p)-1], plan.PivotRoot{Chroot: true}, plan.Hostname{Value: "x"}, plan.Chdir{Path: "/proc/self/cwd"}, bad)
	out := runPlan(t, mountNamespaces, append(p, shell("true")...)...)
	if err := out.failed(); err != nil {
		t.Fatalf("a directory inside was refused: %v", err)
	}
}

func TestHook(t *testing.T) {
	state := `{"id":"x","pid":1}`
	layout := &Layout{HookState: func(plan.HookKind) []byte { return []byte(state) }}
	file := filepath.Join(t.TempDir(), "out")
	script := func(text string) plan.Hook {
		return plan.Hook{Kind: plan.StartContainer, Path: "/usr/bin/busybox", Args: []string{"sh", "-c", text}, Env: []string{"H=k"}}
	}
	run := func(h plan.Hook) *outcome {
		p := &plan.Plan{}
		p.Add(plan.Start, "/hooks/startContainer/0", h)
		for _, s := range shell("echo program") {
			p.Add(plan.Start, "/process/args", s)
		}
		return runLayout(t, p, layout)
	}
	if _, err := os.Stat("/usr/bin/busybox"); err != nil {
		t.Skip("no /usr/bin/busybox")
	}
	out := run(script(`cat >` + file + `; echo $H noise; sleep 100 &`))
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != state || out.stdout != "program" {
		t.Errorf("the hook read %q, output %q", got, out.stdout)
	}
	out = run(script(`echo to stdout; echo to stderr >&2; exit 3`))
	if !out.progress.HookFailed() || unix.WaitStatus(out.progress.HookStatus).ExitStatus() != 3 || out.progress.Detail != "to stdout\nto stderr\n" {
		t.Errorf("progress %+v", out.progress)
	}
	slow := script(`sleep 100 & sleep 100`)
	slow.Timeout = 200 * time.Millisecond
	if out = run(slow); !out.progress.HookTimedOut() {
		t.Errorf("progress %+v", out.progress)
	}
	out = run(plan.Hook{Kind: plan.StartContainer, Path: "/nonexistent"})
	if out.progress.Errno != unix.ENOENT {
		t.Errorf("progress %+v", out.progress)
	}
	// deaf and chatty: reads nothing of a long state and writes without end
	state = strings.Repeat("x", 1<<20)
	if out = run(script(`exec <&-; i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 4`)); !out.progress.HookFailed() {
		t.Errorf("progress %+v", out.progress)
	}
	if !strings.HasSuffix(out.progress.Detail, "line 19999\n") {
		t.Errorf("the end of the output is %q", out.progress.Detail)
	}
}

func TestRendezvous(t *testing.T) {
	p := &plan.Plan{}
	p.Add(plan.Start, "", plan.Rendezvous{Point: plan.PointReady})
	for _, s := range shell("echo program") {
		p.Add(plan.Start, "/process/args", s)
	}
	out := runLayout(t, p, &Layout{})
	if string(out.tags) != string([]byte{TagReady}) || out.stdout != "program" {
		t.Errorf("tags %v, output %q", out.tags, out.stdout)
	}
}

func TestStamps(t *testing.T) {
	p := &plan.Plan{}
	p.Add(plan.Process, "/process/user/umask", plan.Umask{Mask: 0o22})
	for _, s := range shell("true") {
		p.Add(plan.Start, "/process/args", s)
	}
	out := runLayout(t, p, &Layout{Traced: true})
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	stamps := out.progress.Stamps
	for i := 1; i <= out.progress.Op; i++ {
		if stamps[i] < stamps[i-1] || stamps[i] == 0 {
			t.Fatalf("stamps %v", stamps)
		}
	}
}
