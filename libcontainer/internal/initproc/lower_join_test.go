package initproc

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// container starts a process with namespaces of its own and gives its pid and a
// pidfd.
func container(t *testing.T, attr *syscall.SysProcAttr) (pid, pidfd int) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes namespaces: needs root")
	}
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return cmd.Process.Pid, fd
}

func join(set plan.Namespace, more ...plan.Step) *plan.Plan {
	p := &plan.Plan{Spawn: plan.Spawn{Joined: set, Fork: set&plan.NamespacePID != 0}}
	p.Add(plan.Namespaces, "", plan.JoinContainer{Namespaces: set})
	for _, s := range more {
		p.Add(plan.Process, "", s)
	}
	return p
}

func namespaceOf(t *testing.T, pid int, kind string) string {
	t.Helper()
	link, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/" + kind)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func TestJoinContainer(t *testing.T) {
	const flags = mountNamespaces | plan.NamespaceCgroup
	_, pidfd := container(t, &syscall.SysProcAttr{Cloneflags: uintptr(flags)})
	p := join(flags, append([]plan.Step{plan.Fork{}},
		shell(`echo $$; cut -d' ' -f4,6 /proc/self/stat; true`)...)...)
	out := runJoining(t, p, &Layout{Namespaces: 1}, pidfd)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if out.progress.Child == 0 || out.status.ExitStatus() != 0 {
		t.Errorf("child %d, status %v", out.progress.Child, out.status)
	}
	// The procfs is still the host's, but the shell's number is the namespace's.
	number, session, _ := strings.Cut(out.stdout, "\n")
	if number != "2" {
		t.Errorf("not the second process of the namespace: %q", out.stdout)
	}
	if parent, leader, _ := strings.Cut(session, " "); parent != leader {
		t.Errorf("the program leads no session: %q", session)
	}
}

func TestJoinedNamespaces(t *testing.T) {
	const flags = plan.NamespaceMount | plan.NamespaceUTS | plan.NamespaceNetwork | plan.NamespaceIPC | plan.NamespaceCgroup | plan.NamespaceTime
	pid, pidfd := container(t, &syscall.SysProcAttr{Cloneflags: uintptr(flags &^ plan.NamespaceTime)})
	out := runJoining(t, join(flags, shell(`for n in mnt uts net ipc cgroup time pid; do readlink /proc/self/ns/$n; done
		ls /proc/self/fd | wc -l; grep -c . /proc/self/stat; cut -d' ' -f6 /proc/$$/stat; echo $$`)...), &Layout{Namespaces: 1}, pidfd)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.stdout, "\n")
	for i, kind := range []string{"mnt", "uts", "net", "ipc", "cgroup", "time"} {
		if want := namespaceOf(t, pid, kind); lines[i] != want {
			t.Errorf("%s namespace %s, want %s", kind, lines[i], want)
		}
	}
	if lines[6] != namespaceOf(t, os.Getpid(), "pid") {
		t.Error("the pid namespace is another one")
	}
	if lines[7] != "4" { // 0, 1, 2 and the directory
		t.Errorf("descriptors left: %s", lines[7])
	}
	if lines[9] != lines[10] {
		t.Errorf("session %s of process %s", lines[9], lines[10])
	}
}

// TestJoinUserNamespace: all rights in it come from entering it, and what these
// undo is done again.
func TestJoinUserNamespace(t *testing.T) {
	const flags = plan.NamespaceUser | plan.NamespaceMount | plan.NamespacePID
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}
	_, pidfd := container(t, &syscall.SysProcAttr{Cloneflags: uintptr(flags), UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true})
	out := runJoining(t, join(flags, append([]plan.Step{plan.SetIDs{}, plan.Fork{}},
		shell(`id -u; cat /proc/sys/kernel/overflowuid; echo $$`)...)...), &Layout{Namespaces: 1}, pidfd)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if want := "0\n65534\n2"; out.stdout != want {
		t.Errorf("got %q, want %q", out.stdout, want)
	}
}

// TestJoinIsGuarded: entering a user namespace takes back that the init ends with
// the runtime and may let it be traced, so both are said again.
func TestJoinIsGuarded(t *testing.T) {
	program, err := Lower(join(plan.NamespaceUser|plan.NamespaceMount), &Layout{Namespaces: 1})
	if err != nil {
		t.Fatal(err)
	}
	before, after, joined := 0, 0, false
	for n := range program.Ops() {
		o := program.code[n*opSize:]
		nr := binary.LittleEndian.Uint32(o[offNr:])
		first, second := binary.LittleEndian.Uint64(o[offArgs:]), binary.LittleEndian.Uint64(o[offArgs+8:])
		seen := 0
		switch {
		case nr == unix.SYS_SETNS:
			joined = true
		case nr == unix.SYS_PRCTL && first == unix.PR_SET_PDEATHSIG && second == uint64(unix.SIGKILL):
			seen = 1
		case nr == unix.SYS_PRCTL && first == unix.PR_SET_DUMPABLE && second == 0:
			seen = 2
		}
		if joined {
			after |= seen
		} else {
			before |= seen
		}
	}
	if before != 3 || after != 3 {
		t.Errorf("before the join %b, after it %b", before, after)
	}
}

func TestJoinOfNobody(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	cmd.Wait()
	out := runJoining(t, join(plan.NamespaceMount), &Layout{Namespaces: 1}, pidfd)
	if err := out.failed(); !errors.Is(err, unix.ESRCH) {
		t.Errorf("got %v", err)
	}
}

func TestAffinity(t *testing.T) {
	var own unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		t.Fatal(err)
	}
	first := 0
	for !own.IsSet(first) {
		first++
	}
	mask := make([]byte, 8*(first/64+1))
	mask[first/8] = 1 << (first % 8)
	out := runPlan(t, 0, append([]plan.Step{plan.CPUAffinity{CPUs: strconv.Itoa(first), Mask: mask}},
		shell(`grep Cpus_allowed_list /proc/self/status`)...)...)
	if err := out.failed(); err != nil {
		t.Fatal(err)
	}
	if want := "Cpus_allowed_list:\t" + strconv.Itoa(first); out.stdout != want {
		t.Errorf("got %q", out.stdout)
	}
	all := runPlan(t, 0, append([]plan.Step{plan.CPUAffinity{Mask: mask}, plan.CPUAffinity{}},
		shell(`grep Cpus_allowed_list /proc/self/status`)...)...)
	if err := all.failed(); err != nil {
		t.Fatal(err)
	}
	if own.Count() > 1 && all.stdout == out.stdout {
		t.Errorf("still on one CPU: %q", all.stdout)
	}
	never := make([]byte, maskAll)
	never[maskAll-1] = 0x80
	fails(t, 0, unix.EINVAL, plan.CPUAffinity{CPUs: "8191"}, plan.CPUAffinity{CPUs: "8191", Mask: never})
}
