package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// hinted checks that a call fails, and that a person at a terminal is told more.
func (s *scenario) hinted(message, hint string, args ...string) {
	s.t.Helper()
	p, slave := s.openPty(24, 200)
	c := s.cmd(args...)
	c.onTerminal(slave)
	p.expect(message)
	p.expect("\nhint: ")
	p.expect(hint)
	p.expect("\n")
	c.wait().exits(1)
	r := s.run(args...).failsWith(1, message)
	s.lacks("error for programs", r.err, "hint")
	equal(s, "lines for programs", strings.Count(r.err, "\n"), 1)
}

// A program that is missing is told from one that lacks its interpreter.
func TestHintsOfPrograms(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives no hints")
	s.differs("crun", "gives no hints")
	program := func(b *bundle, name, text string, mode os.FileMode) {
		s.must(os.WriteFile(filepath.Join(b.rootfs, name), []byte(text), mode))
		s.must(os.Chmod(filepath.Join(b.rootfs, name), mode))
	}
	b := s.bundle(args("/script"))
	program(b, "script", "#!/no/such/shell\n", 0o755)
	s.hinted(`exec "/script": no such file or directory`, "interpreter", "run", "-b", b.dir, s.id())
	program(b, "script", "echo\n", 0o755)
	s.hinted(`exec format error`, "architecture", "run", "-b", b.dir, s.id())
	program(b, "script", "echo\n", 0o644)
	s.hinted(`permission denied`, "right of execution", "run", "-b", b.dir, s.id())
	b = s.bundle(args("/none"))
	s.hinted(`stat /none: no such file or directory`, "root file system", "run", "-b", b.dir, s.id())
	b = s.bundle(args("none"))
	s.hinted("executable file not found in $PATH", "PATH of process.env", "run", "-b", b.dir, s.id())
}

func TestHintsOfConfigurations(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives no hints")
	s.differs("crun", "gives no hints")
	b := s.bundle(func(c *specs.Spec) { c.Root.Path = "nowhere" })
	s.hinted("invalid rootfs", "root.path", "run", "-b", b.dir, s.id())
	b = s.bundle(func(c *specs.Spec) {
		c.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}}
		c.Hostname = "h"
	})
	s.hinted("without a private UTS namespace", `{"type": "uts"}`, "run", "-b", b.dir, s.id())
	s.hinted("config.json not found", "ocirun spec", "run", "-b", s.dir, s.id())
	s.hinted("container does not exist", "ocirun list", "state", "nobody")
}

// A log is for programs, also if somebody sees the message on a terminal.
func TestHintsNotInLogs(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives no hints")
	s.differs("crun", "gives no hints")
	log := filepath.Join(s.dir, "log")
	p, slave := s.openPty(24, 200)
	c := s.cmd("--log", log, "--log-format", "json", "state", "nobody")
	c.onTerminal(slave)
	p.expect("container does not exist\r\nhint: ")
	c.wait().exits(1)
	equal(s, "records", strings.Count(s.read(log), "{"), 1)
	s.lacks("log", s.read(log), "hint")
}
