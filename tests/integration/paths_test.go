package integration

import (
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestPathsMaskedDefault(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("stat -c '%n %t:%T' /proc/kcore /proc/keys /proc/timer_list; wc -c </proc/keys; ls -A /sys/firmware | wc -l; ls -A /proc/scsi | wc -l"))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	for line := range strings.Lines(r.out) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/proc") {
			equal(s, "is /dev/null", strings.HasSuffix(line, " 1:3"), true)
		} else {
			equal(s, "bytes or names", line, "0")
		}
	}
}

func TestPathsMasked(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, func(c *specs.Spec) {
		c.Linux.MaskedPaths = append(c.Linux.MaskedPaths, "/secret/file", "/secret/dir", "/nonexistent/x")
	}, sh("cat /secret/file; ls -A /secret/dir; touch /secret/dir/x; cat /secret/open"))
	b.file("secret/file", "hidden")
	b.file("secret/dir/inner", "hidden")
	b.file("secret/open", "seen")
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "seen")
	s.contains("a masked directory is read-only", r.err, "Read-only file system")
}

func TestPathsMaskedMounts(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, func(c *specs.Spec) { c.Linux.MaskedPaths = append(c.Linux.MaskedPaths, "/secret") })
	b.file("secret/inner", "hidden")
	m := at(b.inside(), "/secret")
	equal(s, "type", m.fsType, "tmpfs")
	equal(s, "read-only", m.has("ro"), true)
}

func TestPathsReadonly(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_NET_ADMIN"), func(c *specs.Spec) {
		c.Linux.ReadonlyPaths = append(c.Linux.ReadonlyPaths, "/config", "/config2/file", "/nonexistent")
	}, sh("touch /config/x; echo y >/config2/file; touch /config2/z && echo z; echo 1 >/proc/sys/net/ipv4/ip_forward; cat /config/a"))
	b.file("config/a", "readable")
	b.file("config2/file", "")
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "z\nreadable")
	equal(s, "refusals", strings.Count(r.err, "Read-only file system"), 3)
}

// Being made read-only must not lose the flags that the mount already has.
func TestPathsReadonlyKeepsFlags(t *testing.T) {
	s := begin(t)
	source := s.write("source/x", "")
	b := s.bundle(addMounts(bind(strings.TrimSuffix(source, "/x"), "/mnt", "nosuid", "nodev", "noexec")),
		func(c *specs.Spec) { c.Linux.ReadonlyPaths = append(c.Linux.ReadonlyPaths, "/mnt") })
	m := at(b.inside(), "/mnt")
	for _, o := range []string{"ro", "nosuid", "nodev", "noexec"} {
		equal(s, "has "+o, m.has(o), true)
	}
}

func TestPathsReadonlyRoot(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("touch /x; mkdir /tmp/x; touch /dev/shm/fine && echo fine"))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "fine\n")
	equal(s, "refusals", strings.Count(r.err, "Read-only file system"), 2)
	equal(s, "written", exists(b.path("x")), false)
}

func TestPathsWritableRoot(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, sh("echo kept >/x"))
	b.payload()
	equal(s, "file", s.read(b.path("x")), "kept")
}

func TestPathsRootOfAnotherName(t *testing.T) {
	s := begin(t)
	b := s.bundle(func(c *specs.Spec) { c.Root.Path = "" }, args("cat", "/etc/mark"))
	b.file("etc/mark", "absolute")
	b.edit(func(c *specs.Spec) { c.Root.Path = b.rootfs })
	equal(s, "output", b.payload(), "absolute")
}
