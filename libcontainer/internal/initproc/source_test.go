package initproc

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// useInstalled makes path the place of the installed init for one test.
func useInstalled(t *testing.T, path string) {
	t.Helper()
	before := installedInit
	installedInit = path
	t.Cleanup(func() { installedInit = before })
}

func installInit(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "init")
	if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeThrough tries what CVE-2019-5736 did: to write to the program through the
// descriptor that it is executed from.
func writeThrough(t *testing.T, fd int) error {
	t.Helper()
	w, err := unix.Open(selfFD(fd), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(w)
	_, err = unix.Write(w, []byte("#!"))
	return err
}

func TestSourceInstalled(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounts: needs root")
	}
	useInstalled(t, installInit(t, initBlob, 0o755))
	fd, err := openInstalled()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := writeThrough(t, fd); !errors.Is(err, unix.EROFS) {
		t.Errorf("writing gave %v", err)
	}
	if out := runPlan(t, 0, shell("echo ok")...); out.stdout != "ok" || out.fromMemory {
		t.Errorf("output %q, %v, from memory: %v", out.stdout, out.failed(), out.fromMemory)
	}
	useInstalled(t, "/nonexistent/init")
	if out := runPlan(t, 0, shell("echo ok")...); out.stdout != "ok" || !out.fromMemory {
		t.Errorf("not installed: output %q, %v, from memory: %v", out.stdout, out.failed(), out.fromMemory)
	}
}

func TestSourceInstalledRefused(t *testing.T) {
	for name, path := range map[string]string{
		"other content":  installInit(t, initBlob+"x", 0o755),
		"changed":        installInit(t, "x"+initBlob[1:], 0o755),
		"writable":       installInit(t, initBlob, 0o777),
		"not executable": installInit(t, initBlob, 0o644),
		"directory":      t.TempDir(),
		"missing":        "/nonexistent/init",
	} {
		useInstalled(t, path)
		if fd, err := openInstalled(); err == nil {
			unix.Close(fd)
			t.Errorf("%s: accepted", name)
		}
		if out := runPlan(t, 0, shell("echo ok")...); out.stdout != "ok" {
			t.Errorf("%s: no other source took its place: %q", name, out.stdout)
		}
	}
}

func TestSourceMemfd(t *testing.T) {
	fd, err := openMemfd()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	const want = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if err != nil || seals&want != want {
		t.Errorf("seals %#x, %v", seals, err)
	}
	if err := writeThrough(t, fd); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing gave %v", err)
	}
}

func TestSourceUnlinked(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fd, err := openUnlinked(int(dir.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Nlink != 0 || st.Size != int64(len(initBlob)) {
		t.Errorf("%+v, %v", st, err)
	}
	if names, _ := dir.Readdirnames(0); len(names) != 0 {
		t.Errorf("the directory has %v", names)
	}
	pid, err := os.StartProcess(selfFD(fd), []string{"init"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	state, err := pid.Wait()
	if err != nil || state.ExitCode() != exitImage {
		t.Errorf("an init without an image: %v, %v", state, err)
	}
}
