package integration

import (
	"os"
	"path/filepath"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestErrorsUnknownID(t *testing.T) {
	s := begin(t)
	for _, command := range []string{"state", "start", "kill", "delete"} {
		s.run(command, "nobody").fails(1, "container does not exist")
	}
	equal(s, "state root", exists(filepath.Join(s.root, "nobody")), false)
}

// The texts of the table of wrong uses; nothing may be left behind.
func TestN01BadValues(t *testing.T) {
	for _, c := range bundleErrors {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			if c.peer != "" {
				s.differs("runc", c.peer)
			}
			b := s.bundle()
			c.spoil(b)
			for _, command := range []string{"create", "run"} {
				r := s.run(command, "--bundle", b.dir, s.id())
				if c.whole {
					r.fails(1, "NAME "+command+" failed: "+c.message)
				} else {
					r.failsWith(1, c.message)
				}
			}
			s.oracle()
		})
	}
}

var bundleErrors = []struct {
	name    string
	spoil   func(*bundle)
	message string
	whole   bool
	peer    string
}{
	{"bundle missing", func(b *bundle) { b.dir = "/nonexist" }, "chdir /nonexist: no such file or directory", true, "1.1.5 has no prefix"},
	{"config missing", func(b *bundle) { rm(b.s, filepath.Join(b.dir, "config.json")) }, "JSON specification file config.json not found", true, ""},
	{"config empty", func(b *bundle) { b.config("") }, "EOF", false, ""},
	{"config not JSON", func(b *bundle) { b.config("{foo}") }, "invalid character 'f' looking for beginning of object key string", false, ""},
	{"config cut off", func(b *bundle) { b.config(`{"ociVersion": "1.0.2", "process": {`) }, "unexpected EOF", false, ""},
	{"config null", func(b *bundle) { b.config("null") }, "config cannot be null", false, "1.1.5 crashes or goes on"},
	{"config an array", func(b *bundle) { b.config("[]") }, "cannot unmarshal array", false, ""},
	{"wrong type", func(b *bundle) { b.config(`{"ociVersion": 3}`) }, "cannot unmarshal number into", false, ""},
	{"root missing", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Root = nil }) }, "root must be specified", false, "1.1.5 crashes"},
	{
		"rootfs missing",
		func(b *bundle) { b.edit(func(c *specs.Spec) { c.Root.Path = "/nonexist" }) },
		"invalid rootfs: stat /nonexist: no such file or directory", false, "1.1.5 has other words",
	},
	{
		"rootfs a symlink",
		func(b *bundle) {
			b.s.must(os.Symlink("rootfs", filepath.Join(b.dir, "link")))
			b.edit(func(c *specs.Spec) { c.Root.Path = "link" })
		},
		"invalid rootfs: not an absolute path, or a symlink", false, "1.1.5 has other words",
	},
	{"process missing", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Process = nil }) }, "process property must not be empty", false, ""},
	{"cwd missing", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Process.Cwd = "" }) }, "Cwd property must not be empty", false, ""},
	{"cwd relative", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Process.Cwd = "tmp" }) }, "Cwd must be an absolute path", false, ""},
	{"args missing", func(b *bundle) { b.edit(args()) }, "args must not be empty", false, ""},
	{"env without =", func(b *bundle) { b.edit(env("NOTHING")) }, "invalid environment variable", false, "1.1.5 drops it"},
	{"env without name", func(b *bundle) { b.edit(env("=x")) }, "invalid environment variable", false, "1.1.5 passes it"},
	{"terminal without console socket or foreground", func(b *bundle) { b.edit(terminal) }, "", false, ""},
	{"hostname without uts namespace", func(b *bundle) { b.edit(withoutNamespace("uts")) }, "unable to set hostname without a private UTS namespace", false, ""},
	{"namespace twice", func(b *bundle) {
		b.edit(func(c *specs.Spec) {
			c.Linux.Namespaces = append(c.Linux.Namespaces, specs.LinuxNamespace{Type: "pid"})
		})
	}, "duplicated ns", false, ""},
	{"namespace unknown", func(b *bundle) { b.edit(namespace("bogus", "")) }, `namespace {"bogus" ""} does not exist`, false, ""},
	{"namespace path missing", func(b *bundle) { b.edit(namespace("network", "/nonexist")) }, "/nonexist: no such file or directory", false, ""},
	{"namespace path of another kind", func(b *bundle) { b.edit(namespace("network", "/proc/self/ns/uts")) }, "", false, ""},
	{"mount type unknown", mountFails(specs.Mount{Destination: "/tmp", Type: "nosuchfs", Source: "x"}), "no such device", false, ""},
	{"mount option unknown", mountFails(specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "x", Options: []string{"sizee=1m"}}), "invalid argument", false, ""},
	{"bind source missing", mountFails(bind("/nonexist", "/tmp")), "no such file or directory", false, ""},
	{"bind file on a directory", mountFails(bind("/etc/passwd", "/tmp")), "not a directory", false, ""},
	{"bind directory on a file", mountFails(bind("/etc", "/etc/passwd")), "not a directory", false, ""},
	{"bind with data options", mountFails(bind("/etc", "/tmp", "mode=755")), "bind mounts cannot have any filesystem-specific options applied", false, "1.1.5 ignores them"},
	{"mount on /", mountFails(bind("/etc", "/")), "", false, ""},
	{"mount inside /proc", mountFails(bind("/etc", "/proc/sys")), "cannot be mounted because it is inside /proc", false, ""},
	{"mount over /proc", mountFails(bind("/etc", "/proc")), "cannot be mounted because it is not of type proc", false, ""},
	{"rlimit unknown", func(b *bundle) { b.edit(rlimit("RLIMIT_BOGUS", 1, 1)) }, "RLIMIT_BOGUS", false, ""},
	{"rlimit twice", func(b *bundle) { b.edit(rlimit("RLIMIT_FSIZE", 1e9, 1e9), rlimit("RLIMIT_FSIZE", 1e8, 1e8)) }, "RLIMIT_FSIZE", false, "no check"},
	{"rlimit soft above hard", func(b *bundle) { b.edit(rlimit("RLIMIT_FSIZE", 5, 1)) }, "invalid argument", false, ""},
	{"oomScoreAdj out of range", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Process.OOMScoreAdj = ptr(5000) }) }, "oom", false, "its early stage fails without words"},
	{"sysctl not of a namespace", func(b *bundle) { b.edit(sysctl("vm.swappiness", "1")) }, `sysctl "vm.swappiness" is not in a separate kernel namespace`, false, ""},
	{"sysctl missing", func(b *bundle) { b.edit(sysctl("net.nosuch", "1")) }, "no such file or directory", false, ""},
	{"sysctl net in the host's namespace", func(b *bundle) { b.edit(withoutNamespace("network"), sysctl("net.ipv4.ip_forward", "1")) }, `sysctl "net.ipv4.ip_forward" not allowed in host network namespace`, false, ""},
	{"device type unknown", func(b *bundle) { b.edit(device(specs.LinuxDevice{Path: "/dev/x", Type: "z"})) }, `invalid device type "z"`, false, ""},
	{"propagation unknown", func(b *bundle) { b.edit(func(c *specs.Spec) { c.Linux.RootfsPropagation = "bogus" }) }, "rootfsPropagation=bogus is not supported", false, ""},
	{"seccomp action unknown", func(b *bundle) {
		b.edit(func(c *specs.Spec) { c.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_BOGUS"} })
	}, "SCMP_ACT_BOGUS is not a valid action for seccomp", false, ""},
	{"masked paths without a mount namespace", func(b *bundle) { b.edit(withoutNamespace("mount")) }, "", false, ""},
}

func TestErrorsCreateNeedsAConsoleSocket(t *testing.T) {
	s := begin(t)
	b := s.bundle(terminal)
	s.run("create", "--bundle", b.dir, s.id()).failsWith(1, "cannot allocate tty if "+suite.kind+" will detach without setting console socket")
	s.run("run", "--detach", "--bundle", b.dir, s.id()).failsWith(1, "cannot allocate tty if "+suite.kind+" will detach without setting console socket")
}

func TestErrorsConsoleSocketWithoutUse(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	s.run("create", "--console-socket", "/nonexist", "--bundle", b.dir, s.id()).failsWith(1, "cannot use console socket if "+suite.kind+" will not detach or allocate tty")
	b.edit(terminal)
	s.run("run", "--console-socket", "/nonexist", "--bundle", b.dir, s.id()).failsWith(1, "cannot use console socket if "+suite.kind+" will not detach or allocate tty")
}

// What follows the object is not JSON; peers accept it in silence.
func TestErrorsTrailingGarbageInConfig(t *testing.T) {
	s := begin(t)
	s.differs("runc", "says nothing")
	b := s.bundle()
	b.config(s.read(filepath.Join(b.dir, "config.json")) + "\n} and more")
	r := s.run("run", "--bundle", b.dir, s.id())
	if r.code == 0 {
		s.contains("stderr", r.err, "level=warning")
	} else {
		r.refused()
	}
}

func TestErrorsUnknownPropertiesAreIgnored(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("echo", "fine"))
	text := s.read(filepath.Join(b.dir, "config.json"))
	b.config(`{"x-unknown": {"deep": [1, null]}, ` + text[1:])
	equal(s, "output", b.payload(), "fine\n")
}
