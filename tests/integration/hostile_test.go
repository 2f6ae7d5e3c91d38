package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// soon is how long a runtime may think about a hostile file.
const soon = 2 * time.Second

// refusedOrSafe runs a bundle whose root file system is an attacker's. It may be
// refused or run; it may not hang, and the oracle and the canaries must be content.
func (b *bundle) refusedOrSafe() result {
	b.s.t.Helper()
	r := b.s.run("run", "-b", b.dir, b.s.id())
	if r.elapsed > soon {
		b.s.errorf("took %v", r.elapsed)
	}
	if r.code != 0 && r.message() == "" {
		b.s.errorf("failed without a word: exit %d, stderr %q", r.code, r.err)
	}
	b.s.oracle()
	return r
}

func TestHostilePasswd(t *testing.T) {
	cases := map[string]func(s *scenario, path string){
		"fifo":             func(s *scenario, path string) { s.must(unix.Mkfifo(path, 0o644)) },
		"link to zero":     func(s *scenario, path string) { s.must(os.Symlink("/dev/zero", path)) },
		"link to itself":   func(s *scenario, path string) { s.must(os.Symlink("passwd", path)) },
		"link to the host": func(s *scenario, path string) { s.must(os.Symlink("../../../../../../etc/passwd", path)) },
		"directory":        func(s *scenario, path string) { s.must(os.Mkdir(path, 0o755)) },
		"huge": func(s *scenario, path string) {
			f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
			s.must(err)
			s.must(f.Truncate(1 << 34))
			f.Close()
		},
		"garbage": func(s *scenario, path string) {
			s.must(os.WriteFile(path, []byte(strings.Repeat(":\x00\n::", 9999)), 0o644))
		},
		"long line": func(s *scenario, path string) { s.must(os.WriteFile(path, []byte(strings.Repeat("x", 1<<22)), 0o644)) },
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			if name == "fifo" || name == "huge" {
				s.differs("runc", "opens and reads whatever it is")
			}
			b := s.bundle(user(1000, 1000), sh("echo HOME $HOME"))
			s.must(os.Remove(b.path("etc/passwd")))
			make(s, b.path("etc/passwd"))
			if r := b.refusedOrSafe(); r.code == 0 {
				equal(s, "output", r.out, "HOME /\n")
			}
		})
	}
}

// canaryDir is a directory of the host that a link in the root file system leads to.
func (s *scenario) canaryDir() string {
	s.t.Helper()
	dir := filepath.Join(s.dir, "canary")
	s.must(os.Mkdir(dir, 0o755))
	s.write("canary/ptmx", "untouched")
	s.t.Cleanup(func() {
		names := strings.Join(readNames(dir), " ")
		if text := s.read(filepath.Join(dir, "ptmx")); names != "ptmx" || text != "untouched" {
			s.leftover("the host's directory now holds %s, ptmx says %q", names, text)
		}
	})
	return dir
}

// The root file system's /dev leads out of it, and nothing is mounted there (CVE-2026-41579, CVE-2026-47766).
func TestHostileDevIsALink(t *testing.T) {
	for _, relative := range []bool{false, true} {
		t.Run(fmt.Sprint("relative ", relative), func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 writes into the host's directory")
			canary := s.canaryDir()
			b := s.bundle(writable, withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"))
			target := canary
			if relative {
				target = strings.Repeat("../", 20) + canary[1:]
			}
			s.must(os.Remove(b.path("dev")))
			s.must(os.Symlink(target, b.path("dev")))
			b.refusedOrSafe()
		})
	}
}

// procfs and sysfs must be mounted where they are asked for, not where a link leads
// (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642).
func TestHostileMountpointsAreLinks(t *testing.T) {
	for _, name := range []string{"proc", "sys"} {
		for _, target := range []string{"/tmp", "../tmp", "/", "/etc/../tmp"} {
			t.Run(name+" to "+target, func(t *testing.T) {
				s := begin(t)
				b := s.bundle(withoutMount("/sys/fs/cgroup"))
				s.must(os.Remove(b.path(name)))
				s.must(os.Symlink(target, b.path(name)))
				s.run("run", "-b", b.dir, s.id()).refused()
				s.oracle()
			})
		}
	}
}

// Masking takes the container's /dev/null, which an attacker may have replaced
// (CVE-2025-31133): either the start is refused or the files are masked.
func TestHostileDevNull(t *testing.T) {
	cases := map[string]func(s *scenario, dev string){
		"a link to core_pattern": func(s *scenario, dev string) { s.must(os.Symlink("/proc/sys/kernel/core_pattern", dev+"/null")) },
		"missing":                func(*scenario, string) {},
		"a file":                 func(s *scenario, dev string) { s.must(os.WriteFile(dev+"/null", []byte("mine"), 0o666)) },
		"another device": func(s *scenario, dev string) {
			s.must(unix.Mknod(dev+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
		},
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 takes what it finds")
			dev := filepath.Join(s.dir, "dev")
			s.must(os.Mkdir(dev, 0o755))
			make(s, dev)
			b := s.bundle(withoutMount("/dev"), withoutMount("/dev/pts"), withoutMount("/dev/shm"), withoutMount("/dev/mqueue"), addMounts(bind(dev, "/dev")),
				func(c *specs.Spec) { c.Linux.MaskedPaths = []string{"/proc/keys", "/proc/timer_list"} },
				sh("stat -c %t:%T /proc/keys /proc/timer_list; head -c 100 /proc/keys"))
			s.must(os.WriteFile(filepath.Join(s.dir, "core_pattern"), nil, 0o644))
			if r := b.refusedOrSafe(); r.code == 0 {
				equal(s, "masked files", r.out, "1:3\n1:3\n")
			}
		})
	}
}

// A working directory by way of an inherited descriptor leads out of the container (CVE-2024-21626).
func TestHostileCwd(t *testing.T) {
	s := begin(t)
	for n := range 12 {
		b := s.bundle(func(c *specs.Spec) { c.Process.Cwd = fmt.Sprintf("/proc/self/fd/%d", n+3) }, sh("pwd; ls"))
		r := s.run("run", "-b", b.dir, s.id())
		r.refused()
		equal(s, "output", r.out, "")
	}
	b := s.bundle(func(c *specs.Spec) { c.Process.Cwd = "/link" }, sh("pwd; ls"))
	s.must(os.Symlink("/proc/self/fd/7", b.path("link")))
	s.run("run", "-b", b.dir, s.id()).refused()
	s.oracle()
}

// Neither the lookup of the program nor its execve may follow a descriptor of the runtime out of the container.
func TestHostileExecutableByDescriptor(t *testing.T) {
	s := begin(t)
	script := s.write("escape", "#!"+suite.busybox+" sh\necho escaped\n")
	s.must(os.Chmod(script, 0o755))
	for n := range 12 {
		b := s.bundle(args(fmt.Sprintf("/proc/self/fd/%d%s%s", n+3, strings.Repeat("/..", 12), script)))
		r := s.run("run", "-b", b.dir, s.id())
		r.refused()
		equal(s, "output", r.out, "")
	}
}

// /proc/self/exe as program is the runtime's init itself (CVE-2019-5736): the
// host's binary must stay what it is, which the canaries check.
func TestHostileExecutableIsTheRuntime(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("/proc/self/exe"))
	s.run("run", "-b", b.dir, s.id())
	b.file("script", "#!/proc/self/exe\n")
	s.must(os.Chmod(b.path("script"), 0o755))
	b.edit(args("/script"))
	s.run("run", "-b", b.dir, s.id())
	s.oracle()
}

// The program cannot get at the host by what the init had open.
func TestHostileProgramLooksForTheHost(t *testing.T) {
	s := begin(t)
	mark := s.write("mark", "host")
	b := s.bundle(capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"),
		sh("for p in /proc/[0-9]*; do ls -l $p/fd $p/cwd $p/root $p/exe; cat $p/root"+mark+" $p/cwd"+mark+" 2>/dev/null; done; cat /proc/self/mountinfo"))
	r := s.run("run", "-b", b.dir, s.id())
	s.lacks("output", r.out, "\nhost")
	s.lacks("links", r.out, suite.runtime)
	s.lacks("links", r.out, s.root)
}
