package integration

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestUnprivileged is for an ordinary user's shell: nothing but the runtime and a bundle,
// no harness with more rights. Root runs it as somebody else.
func TestUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 {
		unprivileged(t)
		return
	}
	if suite.kind != "ocirun" {
		t.Skip("peers are tested by the rootless scenarios")
	}
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chown(dir, userID, groupID)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "test")
	data, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(binary, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^TestUnprivileged$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "RUNTIME=" + suite.runtime}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: userID, Gid: groupID}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestUnprivileged") {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

// person runs the runtime as whoever runs the test.
type person struct {
	t                *testing.T
	runtime, dir, id string
}

func unprivileged(t *testing.T) {
	p := &person{t: t, runtime: os.Getenv("RUNTIME"), dir: t.TempDir(), id: "mine"}
	if p.runtime == "" {
		p.runtime = filepath.Join(p.dir, "ocirun")
		build := exec.Command("go", "build", "-o", p.runtime, "github.com/ocirun/ocirun/cmd/ocirun")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build ocirun: %v\n%s", err, out)
		}
	}
	if err := exec.Command("unshare", "-Ur", "true").Run(); err != nil {
		t.Skipf("this machine lets ordinary users have no user namespaces: %v", err)
	}
	p.makeBundle()
	if out, code := p.call("run", "-b", p.dir, p.id); code != 0 || strings.Join(strings.Fields(out), " ") != "0 1 written" {
		t.Errorf("run: exit %d, %q", code, out)
	}
	p.setArgs("sleep 100")
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"create", "-b", p.dir, p.id}, ""},
		{[]string{"start", p.id}, ""},
		{[]string{"exec", p.id, "/bin/busybox", "id", "-u"}, "0\n"},
		{[]string{"list", "-q"}, p.id + "\n"},
		{[]string{"kill", p.id, "KILL"}, ""},
	} {
		if out, code := p.call(step.args...); code != 0 || out != step.want {
			t.Fatalf("%v: exit %d, %q", step.args, code, out)
		}
	}
	for range 100 {
		if out, _ := p.call("state", p.id); strings.Contains(out, `"stopped"`) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if out, code := p.call("delete", p.id); code != 0 {
		t.Errorf("delete: exit %d, %q", code, out)
	}
	if left := readNames(filepath.Join(p.dir, "xdg/ocirun")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func (p *person) makeBundle() {
	p.t.Helper()
	for _, dir := range []string{"xdg", "rootfs/bin", "rootfs/tmp"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o700); err != nil {
			p.t.Fatal(err)
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		p.t.Skip("no static busybox")
	}
	data, err := os.ReadFile(busybox)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "rootfs/bin/busybox"), data, 0o755)
	}
	if err == nil {
		err = os.Symlink("busybox", filepath.Join(p.dir, "rootfs/bin/sh"))
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if out, code := p.call("spec", "--rootless", "-b", p.dir); code != 0 {
		p.t.Fatalf("spec: exit %d, %q", code, out)
	}
	p.setArgs("busybox id -u; echo $$; echo x >/dev/null && echo written")
}

// setArgs makes a shell script of the container's program.
func (p *person) setArgs(script string) {
	p.t.Helper()
	path := filepath.Join(p.dir, "config.json")
	data, err := os.ReadFile(path)
	var spec specs.Spec
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err == nil {
		spec.Process.Terminal, spec.Process.Args = false, []string{"/bin/busybox", "sh", "-c", script}
		data, err = json.Marshal(&spec)
	}
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// call gives the standard output; a file, since a container that is created keeps it.
func (p *person) call(args ...string) (string, int) {
	p.t.Helper()
	out, err := os.CreateTemp(p.dir, "out-")
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	errs, err := os.CreateTemp(p.dir, "err-")
	if err != nil {
		p.t.Fatal(err)
	}
	defer errs.Close()
	cmd := exec.Command(p.runtime, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + filepath.Join(p.dir, "xdg")}
	cmd.Stdout, cmd.Stderr = out, errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%v: %v", args, err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	if message, err := os.ReadFile(errs.Name()); err == nil && len(message) > 0 {
		p.t.Logf("%v: %s", args, message)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
