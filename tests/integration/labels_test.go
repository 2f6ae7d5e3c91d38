package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// profile loads an AppArmor profile of the scenario's own, which lets a container do what it likes but for these rules.
func (s *scenario) profile(rules ...string) string {
	s.t.Helper()
	if data, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled"); string(data) != "Y\n" {
		s.without("apparmor", "the kernel has no AppArmor, or it is off")
	}
	if _, err := exec.LookPath("apparmor_parser"); err != nil {
		s.without("apparmor", "no apparmor_parser to load a profile with")
	}
	name := s.id()
	text := "profile " + name + " flags=(attach_disconnected) {\n\tfile,\n\tcapability,\n\tnetwork,\n\tmount,\n\tumount,\n\tsignal,\n\tptrace,\n"
	for _, rule := range rules {
		text += "\t" + rule + ",\n"
	}
	file := s.write("profile-"+name, text+"}\n")
	load := func(flag string) {
		if out, err := exec.Command("apparmor_parser", flag, "--skip-cache", file).CombinedOutput(); err != nil {
			s.t.Errorf("harness: apparmor_parser %s: %v\n%s", flag, err, out)
		}
	}
	load("--replace")
	s.t.Cleanup(func() { load("--remove") })
	return name
}

func confined(profile string, nnp bool) edit {
	return func(c *specs.Spec) {
		c.Process.ApparmorProfile = profile
		c.Process.NoNewPrivileges = nnp
	}
}

const appArmorProbe = `cat /proc/self/attr/current; cat /etc/secret; cat /etc/passwd >/dev/null && echo the rest is open`

// The profile is enforced from the first program on: what it denies cannot be done.
func TestAppArmorRun(t *testing.T) {
	for name, nnp := range map[string]bool{"privileged": false, "no_new_privs": true} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			profile := s.profile("deny /etc/secret r")
			b := s.bundle(confined(profile, nnp), sh(appArmorProbe))
			b.file("etc/secret", "x")
			r := s.run("run", "-b", b.dir, s.id()).ok()
			equal(s, "output", r.out, profile+" (enforce)\nthe rest is open\n")
			s.contains("stderr", r.err, "can't open '/etc/secret': Permission denied")
			b.edit(confined("", nnp))
			s.contains("without a profile", b.payload(), "unconfined\nxthe rest")
		})
	}
}

func TestAppArmorExec(t *testing.T) {
	s := begin(t)
	profile, other := s.profile("deny /etc/secret r"), s.profile("deny /etc/secret r", "deny /etc/passwd r")
	b := s.bundle(confined(profile, true), sh("echo up; sleep 100"))
	b.file("etc/secret", "x")
	id, pid := b.detached()
	equal(s, "the first process's", s.read("/proc/"+itoa(pid)+"/attr/current"), profile+" (enforce)")
	r := s.exec(id, nil, "sh", "-c", appArmorProbe).ok()
	equal(s, "output", r.out, profile+" (enforce)\nthe rest is open\n")
	s.contains("stderr", r.err, "can't open '/etc/secret': Permission denied")
	// From a profile a process with no_new_privs comes into no other, from the runtime it does.
	r = s.exec(id, flags("--apparmor", other), "sh", "-c", appArmorProbe).exits(1)
	equal(s, "another profile", r.out, other+" (enforce)\n")
	s.contains("stderr", r.err, "can't open '/etc/passwd': Permission denied")
	s.exec(id, flags("--apparmor", "no-such-profile"), "true").failsWith(255, "apply apparmor profile no-such-profile: no such file or directory; the profile is not loaded")
}

func TestAppArmorUnknown(t *testing.T) {
	s := begin(t)
	s.profile() // for there must be AppArmor
	b := s.bundle(confined("no-such-profile", true))
	for _, command := range []string{"create", "run"} {
		s.run(command, "-b", b.dir, s.id()).failsWith(1, "apply apparmor profile no-such-profile: no such file or directory; the profile is not loaded")
		s.oracle()
	}
}

// An ordinary user's container is confined as well.
func TestAppArmorRootless(t *testing.T) {
	s := begin(t)
	profile := s.profile("deny /etc/secret r")
	u := s.ordinaryUser(confined(profile, true), sh(appArmorProbe))
	u.file("etc/secret", "x")
	r := u.run().ok()
	equal(s, "output", r.out, profile+" (enforce)\nthe rest is open\n")
}

// selinux skips where there is none; the label is one that the policy of Debian knows.
func (s *scenario) selinux() {
	s.t.Helper()
	if !exists("/sys/fs/selinux/enforce") {
		s.without("selinux", "the kernel has no SELinux, or it is off")
	}
}

const (
	processLabel = "system_u:system_r:svirt_t:s0:c1,c2"
	otherLabel   = "system_u:system_r:svirt_t:s0:c3,c4"
	fileLabel    = "system_u:object_r:svirt_image_t:s0:c1,c2"
)

func labelled(c *specs.Spec) {
	c.Process.SelinuxLabel = processLabel
	c.Linux.MountLabel = fileLabel
}

func TestSELinuxRun(t *testing.T) {
	s := begin(t)
	s.selinux()
	b := s.bundle(labelled, sh("cat /proc/self/attr/current | tr -d '\\0'; echo; echo up; sleep 100"))
	id := s.id()
	r := s.run("run", "-d", "-b", b.dir, id).ok()
	equal(s, "seen from inside", r.waitFor("up\n"), processLabel+"\nup\n")
	pid := s.state(id).Pid
	for _, dir := range []string{"dev", "dev/shm"} {
		equal(s, "label of /"+dir, s.labelOf(filepath.Join("/proc", strconv.Itoa(pid), "root", dir)), fileLabel)
	}
	equal(s, "exec", s.exec(id, nil, "sh", "-c", "tr -d '\\0' </proc/self/attr/current").ok().out, processLabel)
	equal(s, "exec with a label", s.exec(id, flags("--process-label", otherLabel), "sh", "-c", "tr -d '\\0' </proc/self/attr/current").ok().out, otherLabel)
	s.exec(id, flags("--process-label", "no:such:label:s0"), "true").failsWith(255, "selinux label")
}

// labelOf reads the label of a file.
func (s *scenario) labelOf(path string) string {
	s.t.Helper()
	buf := make([]byte, 256)
	n, err := unix.Getxattr(path, "security.selinux", buf)
	s.must(err)
	return strings.TrimRight(string(buf[:n]), "\x00")
}

func TestSELinuxUnknown(t *testing.T) {
	s := begin(t)
	s.selinux()
	b := s.bundle(func(c *specs.Spec) { c.Process.SelinuxLabel = "no:such:label:s0" })
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "selinux label")
	s.oracle()
	b = s.bundle(func(c *specs.Spec) { c.Linux.MountLabel = "no:such:label:s0" })
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "mount tmpfs")
	s.oracle()
}
