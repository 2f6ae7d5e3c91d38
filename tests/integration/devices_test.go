package integration

import (
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestN35DefaultDevices(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("cd /dev; stat -c '%n %t:%T %a %u:%g %F' null zero full random urandom tty"))
	want := `null 1:3 666 0:0 character special file
zero 1:5 666 0:0 character special file
full 1:7 666 0:0 character special file
random 1:8 666 0:0 character special file
urandom 1:9 666 0:0 character special file
tty 5:0 666 0:0 character special file
`
	equal(s, "nodes", b.payload(), want)
}

func TestN15DeviceLinks(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("cd /dev; for l in fd stdin stdout stderr core ptmx; do echo $l $(readlink $l); done; ls"))
	out := b.payload()
	for _, line := range []string{"fd /proc/self/fd", "stdin /proc/self/fd/0", "stdout /proc/self/fd/1", "stderr /proc/self/fd/2", "ptmx pts/ptmx"} {
		s.contains("links", out, line+"\n")
	}
	if exists("/proc/kcore") {
		s.contains("links", out, "core /proc/kcore\n")
	}
	s.lacks("a console only with a terminal", out, "console")
}

func TestDevicesWork(t *testing.T) {
	s := begin(t)
	b := s.bundle(user(1000, 1000), sh("head -c 4 /dev/zero | od -An -tx1; echo x >/dev/null && echo written; echo x >/dev/full; head -c 1 /dev/urandom | wc -c"))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "output", r.out, " 00 00 00 00\nwritten\n1\n")
	s.contains("/dev/full", r.err, "No space left on device")
}

func TestDevicesExtra(t *testing.T) {
	s := begin(t)
	b := s.bundle(
		device(specs.LinuxDevice{Path: "/dev/sub/mine", Type: "c", Major: 1, Minor: 5, FileMode: ptr(os.FileMode(0o640)), UID: ptr(uint32(1000)), GID: ptr(uint32(5))}),
		device(specs.LinuxDevice{Path: "/dev/block", Type: "b", Major: 7, Minor: 99, FileMode: ptr(os.FileMode(0o600))}),
		device(specs.LinuxDevice{Path: "/dev/fifo", Type: "p", FileMode: ptr(os.FileMode(0o622))}),
		device(specs.LinuxDevice{Path: "/dev/unbuffered", Type: "u", Major: 1, Minor: 3}),
		sh("cd /dev; stat -c '%n %t:%T %a %u:%g %F' sub/mine block fifo unbuffered"))
	out := b.payload()
	s.contains("nodes", out, "sub/mine 1:5 640 1000:5 character special file\n")
	s.contains("nodes", out, "block 7:63 600 0:0 block special file\n")
	s.contains("nodes", out, "fifo 0:0 622 0:0 fifo\n")
	s.contains("nodes", out, "unbuffered 1:3 ")
}

func TestDevicesConfigOverridesDefault(t *testing.T) {
	s := begin(t)
	b := s.bundle(device(specs.LinuxDevice{Path: "/dev/null", Type: "c", Major: 1, Minor: 3, FileMode: ptr(os.FileMode(0o600))}),
		func(c *specs.Spec) {
			c.Linux.Resources.Devices = append(c.Linux.Resources.Devices,
				specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: ptr(int64(1)), Minor: ptr(int64(3)), Access: "rwm"})
		}, args("stat", "-c", "%a %t:%T", "/dev/null"))
	equal(s, "node", b.payload(), "600 1:3\n")
}

// An existing file that does not match the entry must be an error (runtime-spec, "Devices").
func TestN35PathTaken(t *testing.T) {
	s := begin(t)
	s.differs("runc", "leaves the file as it is")
	b := s.bundle(device(specs.LinuxDevice{Path: "/etc/passwd", Type: "c", Major: 1, Minor: 3}))
	s.run("create", "-b", b.dir, s.id()).refused()
	s.oracle()
}

// The streams of the caller that are the null device become the container's own null
// device, which has to be one.
func TestDevicesOtherNull(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	b := s.bundle(device(specs.LinuxDevice{Path: "/dev/null", Type: "c", Major: 1, Minor: 5}))
	s.run("run", "-b", b.dir, s.id()).failsWith(1, "take the container's /dev/null for standard streams: it is not the null device, 1:3")
	s.oracle()
}

// kmsg is 1:11, mem is 1:1; nobody may open them whatever the rules of the configuration are.
func TestDevicesAccessDenied(t *testing.T) {
	cases := map[string]edit{
		"deny rule":       func(*specs.Spec) {},
		"empty resources": func(c *specs.Spec) { c.Linux.Resources = &specs.LinuxResources{} },
		"no resources":    func(c *specs.Spec) { c.Linux.Resources = nil },
		"empty rule list": func(c *specs.Spec) { c.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{} },
		"only an allow rule": func(c *specs.Spec) {
			c.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Type: "c", Major: ptr(int64(10)), Minor: ptr(int64(229)), Access: "rw"}}
		},
	}
	for name, rules := range cases {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			b := s.bundle(writable, capabilities("CAP_MKNOD"), rules,
				sh("mknod /kmsg c 1 11 && mknod /mem c 1 1 && mknod /loop b 7 200 && echo made; cat /kmsg; cat /mem; cat /loop; echo >/kmsg"))
			r := s.run("run", "-b", b.dir, s.id())
			equal(s, "mknod is allowed", r.out, "made\n")
			equal(s, "refused opens", strings.Count(r.err, "Operation not permitted"), 4)
		})
	}
}

// fuse is 10:229; opening it needs no capability, only the cgroup's leave.
func fuse(allow bool, access string) edit {
	return func(c *specs.Spec) {
		c.Linux.Resources.Devices = append(c.Linux.Resources.Devices,
			specs.LinuxDeviceCgroup{Allow: allow, Type: "c", Major: ptr(int64(10)), Minor: ptr(int64(229)), Access: access})
	}
}

var openFuse = sh("mknod /fuse c 10 229; (: </fuse) && echo read; (: >/fuse) && echo written; true")

func TestN40DeviceRules(t *testing.T) {
	if !exists("/dev/fuse") {
		t.Skip("this machine has no fuse device to open")
	}
	all := func(c *specs.Spec) {
		c.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	}
	any := func(kind string) edit {
		return func(c *specs.Spec) {
			c.Linux.Resources.Devices = append(c.Linux.Resources.Devices, specs.LinuxDeviceCgroup{Allow: true, Type: kind, Access: "rw"})
		}
	}
	cases := []struct {
		name  string
		rules []edit
		want  string
	}{
		{"read only", []edit{fuse(true, "r")}, "read\n"},
		{"write only", []edit{fuse(true, "w")}, "written\n"},
		{"both", []edit{fuse(true, "rw")}, "read\nwritten\n"},
		{"everything", []edit{all}, "read\nwritten\n"},
		{"all character devices", []edit{any("c")}, "read\nwritten\n"},
		{"all block devices", []edit{any("b")}, ""},
		{"a later rule wins", []edit{fuse(true, "rw"), fuse(false, "rw")}, ""},
		{"a later rule wins for its access only", []edit{fuse(true, "rw"), fuse(false, "w")}, "read\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			b := s.bundle(append(c.rules, writable, capabilities("CAP_MKNOD"), openFuse)...)
			equal(s, "opened for", b.payload(), c.want)
		})
	}
}

// With the caller's own /dev nothing is made in it.
func TestDevicesBoundDev(t *testing.T) {
	s := begin(t)
	own := s.dir + "/dev"
	s.must(os.Mkdir(own, 0o755))
	for name, minor := range map[string]uint32{"null": 3, "zero": 5} {
		s.must(unix.Mknod(own+"/"+name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))))
	}
	b := s.bundle(withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"),
		addMounts(bind(own, "/dev")), args("ls", "/dev"))
	equal(s, "files in /dev", b.payload(), "null\nzero\n")
	equal(s, "files on the host", len(readNames(own)), 2)
}
