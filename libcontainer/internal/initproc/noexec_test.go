package initproc

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// noexecEnv marks the process that TestMemfdNoexec starts: pid 1 of a pid
// namespace, which has a vm.memfd_noexec of its own.
const noexecEnv = "OCIRUN_TEST_MEMFD_NOEXEC"

// TestMemfdNoexec starts a container where memfds cannot be executed: with 2 they
// are refused, with 1 only those that do not ask.
func TestMemfdNoexec(t *testing.T) {
	if value := os.Getenv(noexecEnv); value != "" {
		checkNoexec(t, value)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("makes a pid namespace: needs root")
	}
	for _, value := range []string{"1", "2"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestMemfdNoexec$", "-test.v")
		cmd.Env = append(os.Environ(), noexecEnv+"="+value)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), "--- SKIP") {
			t.Skip("this kernel has no vm.memfd_noexec (before Linux 6.3)")
		}
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("vm.memfd_noexec=%s: %v\n%s", value, err, out)
		}
	}
}

func checkNoexec(t *testing.T, value string) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	const file = "/proc/sys/vm/memfd_noexec"
	if err := os.WriteFile(file, []byte(value), 0o644); err != nil {
		if os.IsNotExist(err) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	useInstalled(t, "/nonexistent/init")
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fd, err := openInit(int(dir.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	_, notMemfd := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if (value == "2") != (notMemfd != nil) {
		t.Errorf("F_GET_SEALS on the source gives %v", notMemfd)
	}
	if out := runPlan(t, 0, shell("echo ok")...); out.stdout != "ok" {
		t.Errorf("output %q, %v", out.stdout, out.failed())
	}
}
