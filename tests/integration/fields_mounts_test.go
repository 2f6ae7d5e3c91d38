package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// rbind is a recursive bind mount.
func rbind(source, destination string, options ...string) specs.Mount {
	return specs.Mount{Type: "bind", Source: source, Destination: destination, Options: append([]string{"rbind"}, options...)}
}

// Each recursive option changes the mount and the one below it, its plain form the
// first only (N20).
func TestN20RecursiveOptions(t *testing.T) {
	cases := []struct {
		host        uintptr // of both mounts before
		option, has string
		gone        string
	}{
		{0, "ro", "ro", ""},
		{0, "nosuid", "nosuid", ""},
		{0, "nodev", "nodev", ""},
		{0, "noexec", "noexec", ""},
		{0, "noatime", "noatime", "relatime"},
		{0, "nodiratime", "nodiratime", ""},
		{0, "strictatime", "", "relatime noatime"},
		{0, "nosymfollow", "nosymfollow", ""},
		{unix.MS_RDONLY, "rw", "rw", "ro"},
		{unix.MS_NOSUID, "suid", "", "nosuid"},
		{unix.MS_NODEV, "dev", "", "nodev"},
		{unix.MS_NOEXEC, "exec", "", "noexec"},
		{unix.MS_NOATIME, "atime", "relatime", "noatime"},
		{unix.MS_NOATIME, "relatime", "relatime", "noatime"},
		{unix.MS_NODIRATIME, "diratime", "", "nodiratime"},
		{unix.MS_STRICTATIME, "nostrictatime", "relatime", ""},
		{unix.MS_NOSYMFOLLOW, "symfollow", "", "nosymfollow"},
	}
	for _, c := range cases {
		for _, recursive := range []bool{true, false} {
			option := c.option
			if recursive {
				option = "r" + option
			}
			t.Run(option, func(t *testing.T) {
				s := begin(t)
				s.differs("runc", "1.1.5 does not know all recursive options, and clears nothing")
				source := filepath.Join(s.dir, "source")
				s.mountTmpfs(source, unix.MS_PRIVATE)
				s.mountTmpfs(filepath.Join(source, "sub"), unix.MS_PRIVATE)
				for _, path := range []string{source, source + "/sub"} {
					s.must(unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|c.host, ""))
				}
				table := s.bundle(addMounts(rbind(source, "/mnt", option))).inside()
				before := at(mountTable("/proc/self/mountinfo"), source)
				for _, point := range []string{"/mnt", "/mnt/sub"} {
					m := at(table, point)
					changed := recursive || point == "/mnt"
					for _, o := range strings.Fields(c.has) {
						equal(s, point+" has "+o, m.has(o), changed || before.has(o))
					}
					for _, o := range strings.Fields(c.gone) {
						equal(s, point+" has "+o, m.has(o), !changed && before.has(o))
					}
				}
			})
		}
	}
}

// What cannot be combined with a remount is refused; the rest changes the mount that is
// there.
func TestFieldsRemount(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 wants the source to be there again")
	b := s.bundle(addMounts(specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "t"},
		specs.Mount{Destination: "/tmp", Type: "none", Options: []string{"remount", "ro", "noexec"}}))
	table := b.inside()
	m := at(table, "/tmp")
	equal(s, "read-only and noexec", m.has("ro") && m.has("noexec"), true)
	n := 0
	for _, m := range table {
		if m.point == "/tmp" {
			n++
		}
	}
	equal(s, "mounts", n, 1)
	b.edit(addMounts(specs.Mount{Destination: "/tmp", Source: "/tmp", Options: []string{"bind", "remount", "nosuid"}}))
	equal(s, "bind,remount is a remount", at(b.inside(), "/tmp").has("nosuid"), true)
}

// A tmpfs with tmpcopyup begins with all that the directory has.
func TestFieldsTmpcopyup(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 copies neither hard links nor extended attributes")
	b := s.bundle(addMounts(specs.Mount{Destination: "/data", Type: "tmpfs", Source: "t", Options: []string{"tmpcopyup"}}),
		capabilities("CAP_DAC_OVERRIDE"), sh(`cd /data; stat -c '%n %a %u:%g %F %h' . dir file other pipe null link socket; cat dir/deep; readlink link; stat -c %Y file
		    [ file -ef other ] && echo same; echo new >dir/added; mount | grep -c ' /data '`))
	b.fill("data")
	want := `. 751 7:8 directory 3
dir 2770 1000:1000 directory 2
file 4755 0:0 regular file 2
other 4755 0:0 regular file 2
pipe 600 0:5 fifo 1
null 640 0:0 character special file 1
link 777 3:4 symbolic link 1
socket 700 0:0 socket 1
deep
/nowhere
86400
same
1
`
	equal(s, "copy", b.payload(), want)
	equal(s, "written through", exists(b.path("data/dir/added")), false)
}

// fill makes a directory with a file of every kind in it.
func (b *bundle) fill(dir string) {
	b.s.t.Helper()
	top := b.path(dir)
	b.file(dir+"/dir/deep", "deep\n")
	b.file(dir+"/file", strings.Repeat("content", 100000))
	s := b.s
	s.must(os.Link(top+"/file", top+"/other"))
	s.must(unix.Mkfifo(top+"/pipe", 0o600))
	s.must(os.Lchown(top+"/pipe", 0, 5))
	s.must(unix.Mknod(top+"/null", unix.S_IFCHR|0o640, int(unix.Mkdev(1, 3))))
	s.must(unix.Mknod(top+"/socket", unix.S_IFSOCK|0o700, 0))
	s.must(os.Symlink("/nowhere", top+"/link"))
	s.must(os.Lchown(top+"/link", 3, 4))
	s.must(unix.Chmod(top+"/file", 0o4755))
	s.must(os.Chown(top+"/dir", 1000, 1000))
	s.must(unix.Chmod(top+"/dir", 0o2770))
	s.must(os.Chown(top, 7, 8))
	s.must(unix.Chmod(top, 0o751))
	s.must(unix.UtimesNano(top+"/file", []unix.Timespec{{Sec: 86400}, {Sec: 86400}}))
}

func TestFieldsTmpcopyupInUserNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 gives the copy to others")
	b := s.bundle(shifted(100000), addMounts(specs.Mount{Destination: "/data", Type: "tmpfs", Source: "t", Options: []string{"tmpcopyup"}}),
		capabilities("CAP_DAC_OVERRIDE"), sh(`cd /data; stat -c '%n %a %u:%g' . file; echo more >>file; tail -c 5 file`))
	b.file("data/file", "content")
	s.must(unix.Chmod(b.path("data/file"), 0o640))
	s.must(os.Chown(b.path("data"), 100000, 100007))
	s.must(os.Chown(b.path("data/file"), 100005, 100006))
	b.giveTo(100000)
	equal(s, "copy", b.payload(), ". 755 0:7\nfile 640 5:6\nmore\n")
}

// giveTo lets root of a user namespace make what is missing in the root file system.
func (b *bundle) giveTo(id int) {
	b.s.t.Helper()
	for _, dir := range []string{"", "dev", "proc", "sys", "tmp"} {
		b.s.must(os.Chown(b.path(dir), id, id))
	}
}

// shifted puts the container into a user namespace with other ids.
func shifted(first uint32) edit {
	return func(c *specs.Spec) {
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: first, Size: 65536}}
		c.Linux.UIDMappings, c.Linux.GIDMappings = ids, ids
		namespace(specs.UserNamespace, "")(c)
	}
}

func TestFieldsTmpcopyupTooLarge(t *testing.T) {
	s := begin(t)
	b := s.bundle(addMounts(specs.Mount{Destination: "/data", Type: "tmpfs", Source: "t", Options: []string{"tmpcopyup", "size=64k"}}))
	b.file("data/big", strings.Repeat("x", 1<<20))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "no space left on device")
	s.oracle()
}

// owners maps ten ids from 0 on to others.
func owners(to uint32) (ids []specs.LinuxIDMapping) {
	return []specs.LinuxIDMapping{{ContainerID: 0, HostID: to, Size: 10}}
}

// idMapped gives a mount owners that begin at other numbers.
func idMapped(m specs.Mount, uid, gid uint32) specs.Mount {
	m.UIDMappings, m.GIDMappings = owners(uid), owners(gid)
	return m
}

// N21.
func TestN21IDMap(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not know the field")
	source := filepath.Dir(s.write("source/file", "x"))
	s.must(os.Chown(source+"/file", 3, 4))
	s.mountTmpfs(source+"/sub", unix.MS_PRIVATE)
	s.write("source/sub/file", "x")
	s.must(os.Chown(source+"/sub/file", 5, 6))
	b := s.bundle(writable, sh(`stat -c '%n %u:%g' /one/file /two/file /two/sub/file /three/file /three/sub/file /tmpfs /tmpfs/new 2>&1
		touch /one/made; stat -c '%u:%g' /one/made; touch /tmpfs/x; stat -c '%u:%g' /tmpfs/x`),
		capabilities("CAP_CHOWN", "CAP_DAC_OVERRIDE"), user(1001, 2002),
		addMounts(idMapped(bind(source, "/one"), 1000, 2000), idMapped(rbind(source, "/two", "idmap"), 1000, 2000),
			idMapped(rbind(source, "/three", "ridmap"), 3000, 4000),
			idMapped(specs.Mount{Destination: "/tmpfs", Type: "tmpfs", Source: "t", Options: []string{"idmap", "mode=1777"}}, 1000, 2000)))
	s.must(os.Chmod(source, 0o777))
	want := `/one/file 1003:2004
/two/file 1003:2004
/two/sub/file 5:6
/three/file 3003:4004
/three/sub/file 3005:4006
/tmpfs 1000:2000
stat: can't stat '/tmpfs/new': No such file or directory
1001:2002
1001:2002
`
	equal(s, "owners", s.run("run", "-b", b.dir, s.id()).ok().out, want)
	var st unix.Stat_t
	s.must(unix.Stat(source+"/made", &st))
	equal(s, "owner on the disk", fmt.Sprint(st.Uid, st.Gid), "1 2")
}

// Podman writes maps into the option.
func TestFieldsIDMapOption(t *testing.T) {
	s := begin(t)
	s.differs("runc", "does not know the form")
	s.traversable()
	source := filepath.Dir(s.write("source/file", "x"))
	s.must(os.Chown(source+"/file", 3, 4))
	b := s.bundle(sh("stat -c %u:%g /mnt/file"))
	for options, want := range map[string]string{
		"idmap=uids=0-1000-10;gids=0-2000-10":                         "1003:2004\n",
		"ridmap=uids=0-1000-3#3-50-1;gids=4-7-1":                      "50:7\n",
		"idmap=uids=0-1000-3;gids=0-2000-10":                          "65534:2004\n",
		"nosuid idmap=gids=0-2000-10;uids=0-1000-10 nodev private ro": "1003:2004\n",
	} {
		b.edit(withoutMount("/mnt"), addMounts(bind(source, "/mnt", strings.Fields(options)...)))
		equal(s, options, b.payload(), want)
	}
	b.edit(withoutMount("/mnt"), addMounts(bind(source, "/mnt", "idmap=uids=@0-100-10;gids=@0-100-10")), shifted(300000))
	b.giveTo(300000)
	equal(s, "relative to the user namespace", b.payload(), "103:104\n")
}

// In a user namespace the option alone makes the files of root those of its root.
func TestFieldsIDMapOfTheContainer(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not know the field")
	source := filepath.Dir(s.write("source/file", "x"))
	s.must(os.Chown(source+"/file", 3, 4))
	script := `stat -c '%u:%g' /plain/file /mapped/file /tmpfs; echo changed >/mapped/file; touch /mapped/made`
	b := s.bundle(shifted(200000), sh(script), addMounts(bind(source, "/plain"), bind(source, "/mapped", "idmap"),
		idMapped(specs.Mount{Destination: "/tmpfs", Type: "tmpfs", Source: "t"}, 200007, 200008)))
	b.giveTo(200000)
	r := s.run("run", "-b", b.dir, s.id())
	equal(s, "owners", r.out, "65534:65534\n3:4\n7:8\n")
	s.must(os.Chown(source, 0, 0))
}

// A container with a user namespace that is there already takes its maps.
func TestFieldsIDMapOfJoinedNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not know the field")
	source := filepath.Dir(s.write("source/file", "x"))
	first := s.bundle(shifted(200000), sh("echo up; sleep 100"))
	first.giveTo(200000)
	_, pid := first.detached()
	b := s.bundle(namespace(specs.UserNamespace, "/proc/"+itoa(pid)+"/ns/user"), sh("stat -c '%u:%g' /mapped/file"), addMounts(bind(source, "/mapped", "idmap")))
	b.giveTo(200000)
	equal(s, "owner", b.payload(), "0:0\n")
}

// The kernel cannot map every file system; the error says so.
func TestFieldsIDMapRefused(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not know the field")
	lower, other := filepath.Dir(s.write("lower/x", "")), filepath.Dir(s.write("other/x", ""))
	b := s.bundle(addMounts(idMapped(specs.Mount{
		Destination: "/mnt", Type: "overlay", Source: "o", Options: []string{"lowerdir=" + lower + ":" + other, "idmap"},
	}, 1000, 1000)))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "/mounts/7: mount overlay on /mnt: invalid argument; the kernel cannot id-map")
	s.oracle()
}

// The options of crun about symbolic links.
func TestFieldsSymlinkOptions(t *testing.T) {
	s := begin(t)
	s.differs("runc", "does not know the options")
	target := s.write("target", "content\n")
	link := filepath.Join(s.dir, "link")
	s.must(os.Symlink(target, link))
	b := s.bundle(addMounts(bind(link, "/followed"), bind(link, "/copied/here", "copy-symlink"), bind(link, "/itself", "src-nofollow"),
		bind(target, "/plain", "copy-symlink"), bind(target, "/over", "dest-nofollow"), bind(link, "/both", "src-nofollow", "dest-nofollow"),
		bind(target, "/missing/file", "dest-nofollow")),
		sh("readlink /followed; cat /followed; readlink /copied/here; readlink /itself; cat /plain /over; readlink /over; readlink /both; cat /missing/file"))
	s.must(os.Symlink("/elsewhere", b.path("over")))
	s.must(os.Symlink("/elsewhere", b.path("both")))
	r := s.run("run", "-b", b.dir, s.id())
	want := strings.Join([]string{"content", target, target, "content", "content", target, "content"}, "\n") + "\n"
	equal(s, "output", r.out, want)
	equal(s, "in the root file system", exists(b.path("elsewhere")), false)
	// The link that was made is there; the next container finds the same one.
	equal(s, "again", s.run("run", "-b", b.dir, s.id()).out, want)
	s.must(os.Remove(b.path("copied/here")))
	s.must(os.Symlink("/other", b.path("copied/here")))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "link /copied/here to "+target+": file exists")
}

func TestFieldsSymlinkOptionsInUserNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "does not know the options")
	link := filepath.Join(s.dir, "link")
	s.must(os.Symlink("/nowhere", link))
	b := s.bundle(shifted(200000), addMounts(bind(link, "/itself", "src-nofollow")), sh("readlink /itself"))
	b.giveTo(200000)
	equal(s, "output", b.payload(), "/nowhere\n")
}

// The directories of an overlay may be longer than one call of the new mount interface
// takes, and together longer than a page.
func TestFieldsOverlayLongOptions(t *testing.T) {
	for name, layers := range map[string]int{"255 bytes": 4, "a page": 100} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			if layers > 50 {
				s.differs("runc", "mount(2) takes a page")
			}
			var lower []string
			for i := range layers {
				lower = append(lower, filepath.Dir(s.write(fmt.Sprintf("layer-%s/%d/file%d", strings.Repeat("x", 60), i, i), "x")))
			}
			upper, work := filepath.Join(s.dir, "up:per"), filepath.Join(s.dir, "work")
			s.must(os.Mkdir(upper, 0o755))
			s.must(os.Mkdir(work, 0o755))
			colon := filepath.Dir(s.write("with:colon/x", "from behind a colon\n"))
			lower = append(lower, strings.ReplaceAll(colon, ":", `\:`))
			b := s.bundle(addMounts(specs.Mount{
				Destination: "/mnt", Type: "overlay", Source: "overlay",
				Options: []string{"lowerdir=" + strings.Join(lower, ":"), "upperdir=" + upper, "workdir=" + work, "nosuid"},
			}), sh("ls /mnt | wc -l; cat /mnt/x; echo changed >/mnt/x; grep ' /mnt ' /proc/self/mounts | grep -c nosuid"))
			equal(s, "output", b.payload(), fmt.Sprintf("%d\nfrom behind a colon\n1\n", layers+1))
			equal(s, "upper", s.read(filepath.Join(upper, "x")), "changed")
		})
	}
}

// What only mount(2) takes gets its attributes and propagation all the same.
func TestFieldsMountLongOption(t *testing.T) {
	s := begin(t)
	s.differs("runc", "says what the kernel says")
	lower := filepath.Dir(s.write(strings.Repeat(strings.Repeat("d", 200)+"/", 2)+"x", "deep"))
	b := s.bundle(addMounts(specs.Mount{
		Destination: "/mnt", Type: "overlay", Source: "overlay",
		Options: []string{"lowerdir=" + lower + ":" + filepath.Dir(s.write("other/y", "")), "noexec", "noatime", "nodev", "private"},
	}))
	m := at(b.inside(), "/mnt")
	equal(s, "type", m.fsType, "overlay")
	equal(s, "attributes", m.has("noexec") && m.has("noatime") && m.has("nodev") && !m.has("nosuid"), true)
	b.edit(addMounts(specs.Mount{Destination: "/a", Type: "tmpfs", Source: strings.Repeat("s", 5000)}))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "the mount options are longer than the kernel takes")
}

// Two thousand mounts need no two thousand descriptors.
func TestFieldsManyMounts(t *testing.T) {
	const many = 2000
	for name, ns := range map[string]edit{"plain": func(*specs.Spec) {}, "user namespace": mapped} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "opens all sources at once for a user namespace")
			source := s.write("source", "x")
			var mounts []specs.Mount
			for i := range many {
				mounts = append(mounts, bind(source, fmt.Sprintf("/mnt/%d/%d", i%50, i), "ro", "nosuid"))
			}
			b := s.bundle(ns, func(c *specs.Spec) { c.Process.Rlimits = nil }, addMounts(mounts...), sh("grep -c ' /mnt/' /proc/self/mounts"))
			r := s.cmd("run", "-b", b.dir, s.id()).through("/bin/sh", "-c", `ulimit -n 64; exec "$@"`, "sh").ok()
			equal(s, "mounts", r.out, "2000\n")
		})
	}
}
