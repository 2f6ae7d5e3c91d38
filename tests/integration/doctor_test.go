package integration

import (
	"testing"

	"golang.org/x/sys/unix"
)

// diagnosis is what the doctor says.
type diagnosis struct {
	CanRun bool
	Checks []struct{ Area, Name, Verdict, Found, Effect, Remedy string }
}

// verdict finds a check.
func (d diagnosis) verdict(area, name string) (verdict, found string) {
	for _, c := range d.Checks {
		if c.Area == area && c.Name == name {
			return c.Verdict, c.Found
		}
	}
	return "none", ""
}

func (s *scenario) diagnosed(r result, area, name, want string) (found string) {
	s.t.Helper()
	d := decode[diagnosis](s, r.out)
	verdict, found := d.verdict(area, name)
	if verdict != want {
		s.errorf("%s, %s: %s, want %s: %s", area, name, verdict, want, found)
	}
	equal(s, "exit status is as said", d.CanRun, r.code == 0)
	return found
}

func TestDoctor(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	r := s.run("doctor", "--format", "json").ok()
	s.diagnosed(r, "kernel", "system calls", "ok")
	s.diagnosed(r, "init", "source", "ok")
	s.diagnosed(r, "cgroups", "delegation", "ok")
	s.diagnosed(r, "cgroups", "device rules", "ok")
	s.contains("table", s.run("doctor").ok().out, "containers can run, with")
	equal(s, "state root made", exists(s.root), false)
}

func TestDoctorStateRoot(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	s.mountSmall(s.root, "size=64k")
	s.diagnosed(s.run("doctor", "-f", "json").ok(), "state", "directory", "ok")
	s.must(unix.Mount("", s.root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	r := s.run("doctor", "-f", "json").exits(1)
	s.diagnosed(r, "state", "directory", "fail")
	s.contains("error", r.message(), "no container can run here: 1 check failed")
}

// Neither sealed memory nor a file can be executed.
func TestDoctorNoSource(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	if !exists("/proc/sys/vm/memfd_noexec") {
		t.Skip("this kernel has no vm.memfd_noexec (before Linux 6.3)")
	}
	s.mountSmall(s.root, "size=64k")
	s.must(unix.Mount("", s.root, "", unix.MS_REMOUNT|unix.MS_NOEXEC, ""))
	const forbid = `echo 2 >/proc/sys/vm/memfd_noexec; exec "$@"`
	r := s.cmd("doctor", "-f", "json").through("unshare", "--pid", "--fork", "--mount-proc", "/bin/sh", "-ec", forbid, "sh").exits(1)
	found := s.diagnosed(r, "init", "source", "fail")
	s.contains("policy", found, "vm.memfd_noexec=2")
}

func TestDoctorNoUserNamespaces(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	s.traversable()
	const forbid = `echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"`
	r := s.cmd("doctor", "-f", "json").through("unshare", "--user", "--map-root-user", "/bin/sh", "-ec", forbid, "sh")
	found := s.diagnosed(r, "users", "user namespaces", "warn")
	s.contains("reason", found, "user.max_user_namespaces=0")
}

func TestDoctorOrdinaryUser(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	u := s.ordinaryUser()
	s.subordinate(false)
	r := u.call("doctor", "--format", "json").ok()
	s.diagnosed(r, "users", "subordinate ids", "warn")
	s.diagnosed(r, "users", "user namespaces", "ok")
	s.diagnosed(r, "namespaces", "new", "ok")
	s.diagnosed(r, "cgroups", "delegation", "warn")
	s.run("doctor", "--format", "xml").fails(1, "invalid format option")
}

func TestDoctorSubordinateIDs(t *testing.T) {
	s := begin(t)
	s.differs("runc", noSuchCommand)
	s.differs("crun", noSuchCommand)
	u := s.ordinaryUser()
	s.subordinate(true)
	found := s.diagnosed(u.call("doctor", "--format", "json").ok(), "users", "subordinate ids", "ok")
	s.contains("ranges", found, itoa(subCount)+" user ids")
}
