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

// These are statements about config.md; the numbers are those of docs/conformance.md,
// which says where the others are tested.

// text is what config.json has now, with one piece replaced.
func (b *bundle) text(old, replacement string) string {
	b.s.t.Helper()
	text := b.s.read(filepath.Join(b.dir, "config.json"))
	if !strings.Contains(text, old) {
		b.s.t.Fatalf("harness: no %q in the configuration", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// N2: what nobody knows is ignored, wherever it is.
func TestN02UnknownProperties(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("echo", "fine"), func(c *specs.Spec) { c.Annotations = map[string]string{"org.opencontainers.made-up": "x"} })
	const unknown = `"x-unknown": {"deep": [1, null, {"\u00e9": false}]}, `
	for _, at := range []string{`{`, `"process": {`, `"root": {`, `"linux": {`, `"resources": {`, `"capabilities": {`} {
		b.edit()
		b.config(b.text(at, at+unknown))
		equal(s, "output with one in "+at, b.payload(), "fine\n")
	}
}

// N16: every version that could be meant is taken, since there is one major version.
func TestN16Version(t *testing.T) {
	s := begin(t)
	s.differs("runc", "says nothing of a version that is missing")
	for _, version := range []string{"1.0.0", "1.2.1", "1.3.0", "1.99.0-dev+x"} {
		equal(s, version, s.bundle(args("echo", "fine"), func(c *specs.Spec) { c.Version = version }).payload(), "fine\n")
	}
	b := s.bundle()
	b.config(b.text(`"1.0.2"`, `3`))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "cannot unmarshal number into Go struct field Spec.ociVersion of type string")
	b.edit()
	b.config(b.text(`"ociVersion": "1.0.2",`, ""))
	s.contains("warning", s.run("run", "-b", b.dir, s.id()).ok().err, "level=warning")
}

// N17: the root is a directory that is there, and may be read-only.
func TestN17Root(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	b := s.bundle(sh("touch /x && echo written"))
	s.run("run", "-b", b.dir, s.id()).failsInside("Read-only file system")
	b.edit(writable)
	equal(s, "a writable root", b.payload(), "written\n")
	b.edit(func(c *specs.Spec) { c.Root.Path = b.rootfs })
	equal(s, "by an absolute path", b.payload(), "written\n")
	s.must(os.WriteFile(filepath.Join(b.dir, "file"), nil, 0o644))
	for path, want := range map[string]string{
		"":         "/root/path: ",
		"nonexist": "invalid rootfs: stat " + filepath.Join(b.dir, "nonexist") + ": no such file or directory",
		"file":     "not a directory",
		"a\x00b":   "nul byte",
	} {
		b.edit(func(c *specs.Spec) { c.Root.Path = path })
		s.run("create", "-b", b.dir, s.id()).failsWith(1, want)
	}
	b.edit(func(c *specs.Spec) { c.Root = nil })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "/root: root must be specified")
}

// failsInside is for a program that fails, and says why.
func (r result) failsInside(part string) {
	r.s.t.Helper()
	if r.code == 0 {
		r.s.errorf("%s: succeeds", r.what)
	}
	r.s.contains("stderr", r.err, part)
}

// N18: mounts are made in their order, each with a destination.
func TestN18Mounts(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 mounts over the root what has no destination")
	first, second := filepath.Dir(s.write("1/x", "first")), filepath.Dir(s.write("2/x", "second"))
	inner := specs.Mount{Destination: "/mnt/inner", Type: "tmpfs", Source: "inner"}
	b := s.bundle(addMounts(bind(first, "/mnt"), inner, bind(second, "/mnt"), bind(first, "relative/to/root")),
		sh("cat /mnt/x /relative/to/root/x; grep -c inner /proc/self/mounts; ls /mnt"))
	equal(s, "the last one is on top", b.payload(), "secondfirst1\nx\n")
	b.edit(func(c *specs.Spec) { c.Mounts = append(defaultMounts(), specs.Mount{Type: "tmpfs"}) })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "/mounts/7/destination: ")
	b.edit(func(c *specs.Spec) { c.Mounts[7].Destination = "/a/../.." })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "is on the top of rootfs")
}

// N19: the options alone make a bind mount, not the type.
func TestN19BindMounts(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 makes a bind mount of the type, too")
	b := s.bundle(sh("cat /mnt/x"))
	s.must(os.Mkdir(filepath.Join(b.dir, "data"), 0o755))
	s.must(os.WriteFile(filepath.Join(b.dir, "data/x"), []byte("content"), 0o644))
	for _, kind := range []string{"bind", "", "none", "tmpfs", "nosuchfs"} {
		for _, option := range []string{"bind", "rbind"} {
			b.edit(func(c *specs.Spec) {
				c.Mounts = append(defaultMounts(), specs.Mount{Destination: "/mnt", Type: kind, Source: "data", Options: []string{option}})
			})
			equal(s, "type "+kind+", option "+option, b.payload(), "content")
		}
	}
	b.edit(func(c *specs.Spec) { c.Mounts[7].Type, c.Mounts[7].Options = "tmpfs", nil })
	s.run("run", "-b", b.dir, s.id()).failsInside("/mnt/x")
	b.edit(func(c *specs.Spec) { c.Mounts[7].Type = "bind" })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "no such device")
}

// N20: what is not in the table is the file system's.
func TestN20UnknownOptions(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 gives \"defaults\" to the file system")
	tmpfs := func(options ...string) edit {
		return func(c *specs.Spec) {
			c.Mounts = append(defaultMounts(), specs.Mount{Destination: "/mnt", Type: "tmpfs", Source: "t", Options: options})
		}
	}
	b := s.bundle(tmpfs("defaults", "nr_inodes=77", "silent", "loud", "noiversion"), sh("stat -f -c %c /mnt"))
	equal(s, "inodes", b.payload(), "77\n")
	b.edit(tmpfs("bogus"))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "invalid argument")
	b.edit(tmpfs("sync", "dirsync", "lazytime", "mand"), sh("grep ' /mnt ' /proc/self/mountinfo"))
	s.contains("flags of the file system", b.payload(), "sync")
}

// N21: maps come in pairs, and from somewhere.
func TestN21MapsAreNeeded(t *testing.T) {
	s := begin(t)
	s.differs("runc", unknownField)
	source := s.write("source", "")
	ids := owners(1000)
	for name, m := range map[string]specs.Mount{
		"no maps":  bind(source, "/mnt", "idmap"),
		"only uid": {Destination: "/mnt", Source: source, Options: []string{"bind"}, UIDMappings: ids},
		"only gid": {Destination: "/mnt", Source: source, Options: []string{"bind", "ridmap"}, GIDMappings: ids},
	} {
		r := s.run("create", "-b", s.bundle(addMounts(m)).dir, s.id())
		r.failsWith(1, "id-mapped mounts must have both uid and gid mappings specified")
		s.lacks(name, r.err, "panic")
	}
	equal(s, "maps without the option", s.bundle(addMounts(idMapped(bind(source, "/mnt"), 7, 8)), sh("stat -c %u:%g /mnt")).payload(), "7:8\n")
}

// N22: a program, where it runs, and a size that only a terminal has.
func TestN22Process(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("pwd; echo $0-$#"), func(c *specs.Spec) { c.Process.ConsoleSize = &specs.Box{Height: 12, Width: 34} })
	equal(s, "a size without a terminal", b.payload(), "/\n/bin/sh-0\n")
	for want, spoil := range map[string]edit{
		"/process: process property must not be empty":   func(c *specs.Spec) { c.Process = nil },
		"/process/cwd: Cwd property must not be empty":   func(c *specs.Spec) { c.Process.Cwd = "" },
		"/process/cwd: Cwd must be an absolute path":     func(c *specs.Spec) { c.Process.Cwd = "./x" },
		"/process/args: args must not be empty":          args(),
		`exec: "": executable file not found in $PATH`:   args(""),
		`exec: "no": executable file not found in $PATH`: args("no"),
	} {
		_, part, pointed := strings.Cut(want, ": ")
		if suite.kind == "ocirun" || !pointed {
			part = want
		}
		s.run("run", "-b", s.bundle(spoil).dir, s.id()).failsWith(1, part)
	}
}

// N23: limits are exactly those asked for, or there is no container.
func TestN23BadRlimits(t *testing.T) {
	s := begin(t)
	s.differs("runc", "takes the last one of two")
	for want, e := range map[string]edit{
		"RLIMIT_BOGUS":     rlimit("RLIMIT_BOGUS", 1, 1),
		"RLIMIT_NOFILE":    rlimit("RLIMIT_NOFILE", 5, 5), // the default has one
		"invalid argument": rlimit("RLIMIT_CORE", 2, 1),
		"nofile":           rlimit("nofile", 1, 1),
	} {
		s.run("create", "-b", s.bundle(e).dir, s.id()).failsWith(1, want)
	}
}

// N29: ids are the container's; a umask is changed if it is given.
func TestN29Ids(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	b := s.bundle(shifted(300000), user(7, 8, 9), sh("id -u; id -g; id -G"))
	b.giveTo(300000)
	equal(s, "in a user namespace", strings.Join(strings.Fields(b.payload()), " "), "7 8 8 9")
	b.edit(user(70000, 0))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "unmapped uid 70000")
	b = s.bundle()
	b.config(b.text(`"uid": 0`, `"uid": -1`))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "cannot unmarshal number -1 into Go struct field User.process.user.uid of type uint32")
	b.edit(func(c *specs.Spec) { c.Process.User.Umask = ptr(uint32(0o7777)) })
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "/process/user/umask: ")
}

// N31: annotations are text, and reach whoever looks at the container.
func TestN31Annotations(t *testing.T) {
	s := begin(t)
	log := s.write("log", "")
	b := s.bundle(addHook("createRuntime", "cat >"+log), func(c *specs.Spec) {
		c.Annotations = map[string]string{"com.example.empty": "", "org.opencontainers.made-up": "\"x\"\n\u00e9", "com.example.key": "value"}
	})
	id := s.create(b)
	want := fmt.Sprint(b.spec.Annotations)
	equal(s, "state", fmt.Sprint(s.state(id).Annotations), want)
	equal(s, "state of a hook", fmt.Sprint(decode[state](s, s.read(log)).Annotations), want)
	b.config(b.text(`"value"`, `[1]`))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "cannot unmarshal array into Go struct field Spec.annotations of type string")
}

// N15: the links are there if what they lead to is.
func TestN15LinksWithoutProc(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 makes links that lead nowhere")
	b := s.bundle(withoutMount("/proc"), func(c *specs.Spec) { c.Linux.MaskedPaths, c.Linux.ReadonlyPaths = nil, nil }, sh("ls /dev | grep -c -e fd -e std; true"))
	equal(s, "links", b.payload(), "0\n")
	var st unix.Stat_t
	equal(s, "made in the root", unix.Lstat(b.path("dev/fd"), &st), error(unix.ENOENT))
}
