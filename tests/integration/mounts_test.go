package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// inside runs a bundle and returns the mount table its program sees.
func (b *bundle) inside() []mountEntry {
	b.s.t.Helper()
	b.edit(args("cat", "/proc/self/mountinfo"))
	return parseMounts(b.payload())
}

func TestMountsDefault(t *testing.T) {
	s := begin(t)
	table := s.bundle().inside()
	cases := []struct {
		point, fsType string
		options       string
	}{
		{"/proc", "proc", "rw"},
		{"/dev", "tmpfs", "rw nosuid"},
		{"/dev/pts", "devpts", "rw nosuid noexec"},
		{"/dev/shm", "tmpfs", "rw nosuid nodev noexec"},
		{"/dev/mqueue", "mqueue", "rw nosuid nodev noexec"},
		{"/sys", "sysfs", "ro nosuid nodev noexec"},
	}
	for _, c := range cases {
		m := at(table, c.point)
		equal(s, "type of "+c.point, m.fsType, c.fsType)
		for _, o := range strings.Fields(c.options) {
			if !m.has(o) {
				s.errorf("%s lacks %s: %v", c.point, o, m.options)
			}
		}
	}
	root := at(table, "/")
	equal(s, "read-only root", root.has("ro"), true)
	dev := at(table, "/dev")
	for _, o := range []string{"size=65536k", "mode=755"} {
		equal(s, "/dev has "+o, slices.Contains(dev.super, o), true)
	}
	equal(s, "ptmxmode", slices.Contains(at(table, "/dev/pts").super, "ptmxmode=666"), true)
	equal(s, "strictatime of /dev", dev.has("relatime") || dev.has("noatime"), false)
	for _, m := range table {
		if strings.Contains(m.propagation, "shared") {
			s.errorf("%s is shared: what happens in the container reaches the host", m.point)
		}
	}
}

func TestMountsCgroup(t *testing.T) {
	s := begin(t)
	table := s.bundle().inside()
	found := map[string]int{}
	for _, m := range table {
		if m.fsType != "cgroup" && m.fsType != "cgroup2" {
			continue
		}
		found[m.fsType]++
		equal(s, "read-only "+m.point, m.has("ro"), true)
		equal(s, "nosuid "+m.point, m.has("nosuid"), true)
	}
	if suite.view == "v2" {
		equal(s, "v1 hierarchies", found["cgroup"], 0)
		equal(s, "type", at(table, "/sys/fs/cgroup").fsType, "cgroup2")
		return
	}
	var want int
	for _, m := range mountTable("/proc/self/mountinfo") {
		if m.fsType == "cgroup" {
			want++
		}
	}
	equal(s, "v1 hierarchies", found["cgroup"], want)
	equal(s, "memory hierarchy", at(table, "/sys/fs/cgroup/memory").fsType, "cgroup")
}

// A container sees its own cgroup as the top of what is mounted.
func TestMountsCgroupShowsOwn(t *testing.T) {
	s := begin(t)
	file := "/sys/fs/cgroup/cgroup.procs"
	if suite.view == "v1" {
		file = "/sys/fs/cgroup/freezer/cgroup.procs"
	}
	b := s.bundle(args("cat", file))
	equal(s, "processes of the container", b.payload(), "1\n")
}

// With a namespace of its own or without, for reading or for writing, the container finds
// its own cgroup where its /proc/self/cgroup says.
func TestMountsCgroupNamespaces(t *testing.T) {
	for name, ns := range map[string]edit{"own namespace": namespace(specs.CgroupNamespace, ""), "the host's": withoutNamespace(specs.CgroupNamespace)} {
		for _, access := range []string{"ro", "rw"} {
			t.Run(name+"/"+access, func(t *testing.T) {
				s := begin(t)
				hierarchy, number := "", "0::"
				if suite.view == "v1" {
					hierarchy, number = "/freezer", "[0-9]*:freezer:"
				}
				b := s.bundle(ns, func(c *specs.Spec) {
					for i := range c.Mounts {
						if c.Mounts[i].Type == "cgroup" {
							c.Mounts[i].Options = []string{"nosuid", "noexec", "nodev", access}
						}
					}
				}, sh("own=$(sed -n 's/^"+number+"//p' /proc/self/cgroup); top=/sys/fs/cgroup"+hierarchy+
					"; for d in $top$own $top; do test $(cat $d/cgroup.procs | head -n 1) = 1 && break; done; head -n 1 $d/cgroup.procs; mkdir $d/below && echo made && rmdir $d/below"))
				r := s.run("run", "-b", b.dir, s.id())
				want := "1\n"
				if access == "rw" {
					want += "made\n"
				} else {
					s.contains("writing", r.err, "Read-only file system")
				}
				equal(s, "output", r.out, want)
			})
		}
	}
}

func TestMountsTmpfsSize(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 gives it the mode of the directory below")
	b := s.bundle(addMounts(specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "small", Options: []string{"size=1m", "mode=1777", "nodev"}}),
		sh("dd if=/dev/zero of=/tmp/x bs=1k count=2000 2>&1; stat -c '%a %s' /tmp /tmp/x"))
	out := b.payload()
	s.contains("dd", out, "No space left on device")
	s.contains("mode", out, "1777 ")
	s.contains("size", out, " 1048576")
}

// A tmpfs without a mode takes that of the directory it covers.
func TestMountsTmpfsModeOfTheDirectory(t *testing.T) {
	s := begin(t)
	b := s.bundle(addMounts(specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "t"}), args("stat", "-c", "%a", "/tmp"))
	s.must(unix.Chmod(b.path("tmp"), 0o1733))
	equal(s, "mode", b.payload(), "1733\n")
}

func TestMountsTmpcopyup(t *testing.T) {
	s := begin(t)
	b := s.bundle(addMounts(specs.Mount{Destination: "/data", Type: "tmpfs", Source: "t", Options: []string{"tmpcopyup"}}),
		sh("cat /data/a/b; echo new >/data/c; cat /data/c"))
	b.file("data/a/b", "copied\n")
	equal(s, "output", b.payload(), "copied\nnew\n")
	equal(s, "written through", exists(b.path("data/c")), false)
}

func TestN20MountOptions(t *testing.T) {
	cases := []struct {
		options, has, lacks string
	}{
		{"", "rw", "ro nosuid nodev noexec"},
		{"ro", "ro", "rw"},
		{"nosuid nodev noexec", "rw nosuid nodev noexec", "ro"},
		{"ro nosuid nodev noexec", "ro nosuid nodev noexec", "rw"},
		{"noatime", "noatime", "relatime"},
		{"noatime nodiratime", "noatime nodiratime", ""},
		{"relatime", "relatime", "noatime"},
		{"strictatime", "rw", "relatime noatime"},
		{"ro rw", "rw", "ro"},
		{"rw ro", "ro", "rw"},
		{"nosuid suid noexec exec nodev dev", "rw", "nosuid noexec nodev"},
		{"nosymfollow", "nosymfollow", ""},
	}
	for _, c := range cases {
		t.Run(c.options, func(t *testing.T) {
			s := begin(t)
			source := s.write("source/file", "content")
			b := s.bundle(addMounts(bind(filepath.Dir(source), "/mnt", strings.Fields(c.options)...)))
			m := at(b.inside(), "/mnt")
			for _, o := range strings.Fields(c.has) {
				equal(s, "has "+o, m.has(o), true)
			}
			for _, o := range strings.Fields(c.lacks) {
				equal(s, "has "+o, m.has(o), false)
			}
		})
	}
}

func TestMountsBindReadOnlyIsReadOnly(t *testing.T) {
	s := begin(t)
	source := s.write("source/file", "content")
	b := s.bundle(addMounts(bind(filepath.Dir(source), "/mnt", "ro")), sh("cat /mnt/file; echo x >/mnt/file || touch /mnt/new"))
	r := s.run("run", "-b", b.dir, s.id()).exits(1)
	s.contains("stdout", r.out, "content")
	equal(s, "refusals", strings.Count(r.err, "Read-only file system"), 2)
}

// mountTmpfs gives a scenario a mount on the host to bind; it is gone before the oracle looks.
func (s *scenario) mountTmpfs(path string, propagation uintptr) {
	s.t.Helper()
	s.must(os.MkdirAll(path, 0o755))
	s.must(unix.Mount("tmpfs", path, "tmpfs", 0, "size=1m"))
	s.t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
	s.must(unix.Mount("", path, "", propagation, ""))
}

func TestMountsRbind(t *testing.T) {
	s := begin(t)
	source := filepath.Join(s.dir, "source")
	s.must(os.Mkdir(source, 0o755))
	s.mountTmpfs(filepath.Join(source, "sub"), unix.MS_PRIVATE)
	s.write("source/sub/deep", "below")
	script := sh("cat /one/sub/deep; cat /all/sub/deep; touch /all/x; touch /all/sub/x")
	b := s.bundle(script, addMounts(bind(source, "/one"),
		specs.Mount{Destination: "/all", Type: "bind", Source: source, Options: []string{"rbind", "ro"}}))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "stdout", r.out, "below")
	s.contains("bind is not recursive", r.err, "/one/sub/deep")
	equal(s, "ro takes the top mount only", strings.Count(r.err, "Read-only file system"), 1)
}

func TestMountsRecursiveReadOnly(t *testing.T) {
	s := begin(t)
	source := filepath.Join(s.dir, "source")
	s.must(os.Mkdir(source, 0o755))
	s.mountTmpfs(filepath.Join(source, "sub"), unix.MS_PRIVATE)
	b := s.bundle(sh("touch /all/x; touch /all/sub/x"),
		addMounts(specs.Mount{Destination: "/all", Type: "bind", Source: source, Options: []string{"rbind", "rro"}}))
	r := s.run("run", "-b", b.dir, s.id()).exits(1)
	equal(s, "refusals", strings.Count(r.err, "Read-only file system"), 2)
}

func TestN50Propagation(t *testing.T) {
	cases := []struct {
		option             string
		rootfs             string
		seen               string // what the propagation field of mountinfo shows
		hostToIn, inToHost bool
	}{
		{"rprivate", "", "", false, false},
		{"private", "", "", false, false},
		{"rslave", "", "master", true, false},
		{"rshared", "rshared", "shared", true, true},
		{"runbindable", "", "unbindable", false, false},
	}
	for _, c := range cases {
		t.Run(c.option, func(t *testing.T) {
			s := begin(t)
			source := filepath.Join(s.dir, "source")
			s.mountTmpfs(source, unix.MS_SHARED)
			for _, d := range []string{"in", "out"} {
				s.must(os.Mkdir(filepath.Join(source, d), 0o755))
			}
			b := s.bundle(capabilities("CAP_SYS_ADMIN"), func(c2 *specs.Spec) { c2.Linux.RootfsPropagation = c.rootfs },
				addMounts(bind(source, "/mnt", c.option)),
				sh("mount -t tmpfs t /mnt/out; grep ' /mnt ' /proc/self/mountinfo; echo up; sleep 100"))
			id := s.id()
			r := s.run("run", "-d", "-b", b.dir, id).ok()
			m := at(parseMounts(r.waitFor("up\n")), "/mnt")
			equal(s, "propagation", m.propagation, c.seen)
			pid := s.state(id).Pid
			equal(s, "reaches the host", at(mountTable("/proc/self/mountinfo"), source+"/out").point != "", c.inToHost)
			s.must(unix.Mount("tmpfs", source+"/in", "tmpfs", 0, ""))
			s.t.Cleanup(func() { unix.Unmount(source+"/in", unix.MNT_DETACH) })
			table := mountTable("/proc/" + itoa(pid) + "/mountinfo")
			equal(s, "reaches the container", at(table, "/mnt/in").point != "", c.hostToIn)
		})
	}
}

func TestMountsFileBind(t *testing.T) {
	s := begin(t)
	source := s.write("source", "bound\n")
	b := s.bundle(addMounts(bind(source, "/etc/passwd"), bind(source, "/new/dir/file")), args("cat", "/etc/passwd", "/new/dir/file"))
	equal(s, "output", b.payload(), "bound\nbound\n")
	info, err := os.Stat(b.path("new/dir/file"))
	s.must(err)
	equal(s, "mountpoint is a file", info.Mode().IsRegular() && info.Size() == 0, true)
}

func TestMountsSourceRelativeToTheBundle(t *testing.T) {
	s := begin(t)
	b := s.bundle(addMounts(bind("data", "/mnt")), args("cat", "/mnt/x"))
	s.must(os.Mkdir(filepath.Join(b.dir, "data"), 0o755))
	s.must(os.WriteFile(filepath.Join(b.dir, "data/x"), []byte("relative"), 0o644))
	c := s.cmd("run", "--bundle", filepath.Base(b.dir), s.id())
	c.dir = s.dir
	equal(s, "output", c.run().ok().out, "relative")
}

func TestMountsMakeMissingMountpoints(t *testing.T) {
	s := begin(t)
	b := s.bundle(addMounts(specs.Mount{Destination: "/a/b/c", Type: "tmpfs", Source: "t"}), args("stat", "-c", "%F", "/a/b/c"))
	equal(s, "output", b.payload(), "directory\n")
	info, err := os.Stat(b.path("a/b"))
	s.must(err)
	equal(s, "mode", info.Mode().Perm(), 0o755)
}

func TestMountsThroughSymlinks(t *testing.T) {
	cases := []struct{ name, link, lands string }{
		{"absolute", "/var/target", "var/target"},
		{"relative", "../var/target", "var/target"},
		{"dangling", "/var/not/there", "var/not/there"},
		{"out of the root", "../../../../../../outside", "outside"},
		{"host path", "/proc/../tmp/escape", "tmp/escape"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			b := s.bundle(addMounts(specs.Mount{Destination: "/spot/link", Type: "tmpfs", Source: "mark"}))
			s.must(os.MkdirAll(b.path("var/target"), 0o755))
			s.must(os.MkdirAll(b.path("spot"), 0o755))
			s.must(os.Symlink(c.link, b.path("spot/link")))
			equal(s, "lands in the root file system at /"+c.lands, at(b.inside(), "/"+c.lands).source, "mark")
			equal(s, "made on the host", exists("/outside") || exists("/tmp/escape") || exists("/var/not"), false)
		})
	}
}

func TestMountsInOrder(t *testing.T) {
	s := begin(t)
	first, second := s.write("1/x", "first"), s.write("2/x", "second")
	b := s.bundle(addMounts(bind(filepath.Dir(first), "/mnt"), bind(filepath.Dir(second), "/mnt")), args("cat", "/mnt/x"))
	equal(s, "topmost", b.payload(), "second")
}

func TestMountsRelativeDestination(t *testing.T) {
	s := begin(t)
	source := s.write("source", "relative to /")
	b := s.bundle(addMounts(bind(source, "etc/hosts")), args("cat", "/etc/hosts"))
	equal(s, "output", b.payload(), "relative to /")
}

func TestMountsOverlay(t *testing.T) {
	s := begin(t)
	lower := filepath.Dir(s.write("lower/x", "from below\n"))
	upper, work := filepath.Join(s.dir, "upper"), filepath.Join(s.dir, "work")
	s.must(os.Mkdir(upper, 0o755))
	s.must(os.Mkdir(work, 0o755))
	b := s.bundle(addMounts(specs.Mount{
		Destination: "/mnt", Type: "overlay", Source: "overlay",
		Options: []string{"lowerdir=" + lower, "upperdir=" + upper, "workdir=" + work},
	}), sh("cat /mnt/x; echo changed >/mnt/x"))
	equal(s, "output", b.payload(), "from below\n")
	equal(s, "upper", s.read(filepath.Join(upper, "x")), "changed")
}

func TestMountsNoPivot(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("ls / | wc -l; hostname"))
	r := s.run("run", "--no-pivot", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, "8\ntesthost\n")
}

// Without pivot_root the old root is still below, and mounts that are private would not be unmounted with it.
func TestMountsNoPivotPrivate(t *testing.T) {
	s := begin(t)
	b := s.bundle(func(c *specs.Spec) { c.Linux.RootfsPropagation = "private" })
	for _, command := range []string{"create", "run"} {
		s.run(command, "--no-pivot", "-b", b.dir, s.id()).failsWith(1, "rootfsPropagation of [r]private is not safe without pivot_root")
		s.oracle()
	}
}

func TestMountsOldRootIsGone(t *testing.T) {
	s := begin(t)
	table := s.bundle().inside()
	for _, m := range table {
		if strings.Contains(m.point, "ocirun-it") || m.point == s.dir {
			s.errorf("the host's %s is mounted in the container", m.point)
		}
	}
	if len(table) > 40 {
		s.errorf("%d mounts", len(table))
	}
}
