package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// managed is a user with a systemd of their own.
type managed struct {
	*bundle
	uid, gid   int
	runtimeDir string
}

// managedUser makes a bundle for such a user; without one the scenario is skipped.
func (s *scenario) managedUser(edits ...edit) *managed {
	s.t.Helper()
	s.systemd()
	if suite.view != "v2" {
		s.t.Skip("only cgroup version 2 can be delegated to users")
	}
	found, _ := filepath.Glob("/run/user/*/systemd/private")
	for _, socket := range found {
		dir := filepath.Dir(filepath.Dir(socket))
		uid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || uid == 0 {
			continue
		}
		u := &managed{bundle: s.bundle(), uid: uid, gid: uid, runtimeDir: dir}
		s.traversable()
		s.root = filepath.Join(s.dir, "user-state")
		for _, path := range []string{s.root, u.dir, u.rootfs} {
			s.must(os.MkdirAll(path, 0o700))
			s.must(os.Chown(path, u.uid, u.gid))
		}
		s.must(os.Remove(filepath.Join(u.dir, "config.json")))
		u.call("spec", "--rootless", "-b", u.dir).ok()
		*u.spec = decode[specs.Spec](s, s.read(filepath.Join(u.dir, "config.json")))
		u.spec.Process.Terminal = false
		u.edit(edits...)
		return u
	}
	s.without("user-manager", "no user has a systemd of their own running here (loginctl enable-linger USER)")
	return nil
}

// call runs the runtime as the user, from a cgroup that is not below the user's manager, as from a login session.
func (u *managed) call(args ...string) result {
	u.s.t.Helper()
	c := u.s.cmd(args...)
	c.env = []string{"XDG_RUNTIME_DIR=" + u.runtimeDir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + u.runtimeDir + "/bus", "HOME=" + u.dir, "USER=someone"}
	c.prepare()
	c.exec.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.gid)}}
	c.launch()
	return c.wait()
}

func TestSystemdUser(t *testing.T) {
	s := begin(t)
	u := s.managedUser(func(c *specs.Spec) {
		c.Linux.Resources = &specs.LinuxResources{
			Memory: &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}, Pids: &specs.LinuxPids{Limit: ptr(int64(20))},
		}
	}, sh("echo up; sleep 100"))
	id := s.id()
	u.call("--systemd-cgroup", "run", "-d", "-b", u.dir, id).ok().waitFor("up\n")
	pid := s.state(id).Pid
	dir := s.cgroupOf(pid, "")
	s.contains("the cgroup", dir, "/user@"+itoa(u.uid)+".service/user.slice/"+suite.kind+"-"+id+".scope")
	equal(s, "memory", s.read(filepath.Join(dir, "memory.max")), "67108864")
	equal(s, "pids", s.read(filepath.Join(dir, "pids.max")), "20")
	equal(s, "exec", u.call("exec", id, "echo", "in").ok().out, "in\n")
	before := len(strings.Fields(s.read(filepath.Join(dir, "cgroup.procs"))))
	u.call("exec", "-d", id, "sleep", "100").ok()
	equal(s, "processes in the scope after exec", len(strings.Fields(s.read(filepath.Join(dir, "cgroup.procs")))), before+1)
	u.call("update", "--pids-limit", "30", id).ok()
	equal(s, "pids", s.read(filepath.Join(dir, "pids.max")), "30")
	u.call("delete", "--force", id).ok()
	if exists(dir) {
		s.errorf("%s is left", dir)
	}
}
