package integration

import (
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// validate lists everything at once, where it is in the text, and makes nothing.
func TestFieldsValidate(t *testing.T) {
	s := begin(t)
	if suite.kind != "ocirun" {
		t.Skipf("%s has no such command", suite.kind)
	}
	b := s.bundle()
	r := s.run("validate", "--bundle", b.dir).ok()
	equal(s, "good bundle", r.out, b.dir+"/config.json: valid\n")
	b.edit(func(c *specs.Spec) {
		c.Process.Cwd = "relative"
		c.Process.Scheduler = &specs.Scheduler{Policy: "SCHED_BOGUS"}
		c.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/nonexistent/hook"}}}
	}, addMounts(bind("/nonexistent/source", "/mnt"), specs.Mount{Destination: "relative", Type: "tmpfs"}))
	r = s.run("validate", "-b", b.dir)
	r.failsWith(1, "/config.json has 4 errors")
	for _, want := range []string{
		": error: /process/cwd: Cwd must be an absolute path [config.md#process]",
		": error: /process/scheduler/policy: invalid scheduler policy: SCHED_BOGUS [config.md#linux-process]",
		": error: /hooks/createRuntime/0/path: fork/exec /nonexistent/hook: no such file or directory [config.md#posix-platform-hooks]",
		": error: /mounts/7: failed to fulfil mount request: open /nonexistent/source: no such file or directory [config.md#mounts]",
		": warning: /mounts/8/destination: mount destination \"relative\" is not absolute",
	} {
		s.contains("list", r.out, want)
	}
	s.run("validate", "-b", b.dir, "--strict").failsWith(1, "/config.json has 5 errors")
	b.config("{\n\t\"process\": {\n\t\t\"cwd\": 7}}")
	s.contains("wrong type", s.run("validate", "-b", b.dir).out, b.dir+"/config.json:3:10: error: /process/cwd: this should be a string, not a number [config.md]\n")
	b.config("{\n\"process\": }")
	s.contains("no JSON", s.run("validate", "-b", b.dir).out, b.dir+"/config.json:2:12: error: invalid character '}'")
	s.run("validate", "-b", s.dir+"/none").failsWith(1, "no such file or directory")
	if exists(s.root) {
		s.errorf("the state root was made")
	}
	s.oracle()
}

// The list as JSON has the same findings.
func TestFieldsValidateJSON(t *testing.T) {
	s := begin(t)
	if suite.kind != "ocirun" {
		t.Skipf("%s has no such command", suite.kind)
	}
	b := s.bundle(func(c *specs.Spec) { c.Process.Args = nil })
	type finding struct {
		Pointer, Message, Reference string
		Line, Column                int
		Warning                     bool
	}
	got := decode[struct {
		File     string
		Valid    bool
		Findings []finding
	}](s, s.run("validate", "-b", b.dir, "--format", "json").exits(1).out)
	if got.Valid || len(got.Findings) != 1 || !strings.HasSuffix(got.File, "/config.json") {
		s.fatalf("got %+v", got)
	}
	f := got.Findings[0]
	if f.Pointer != "/process/args" || f.Message != "args must not be empty" || f.Line < 2 || f.Column < 1 || f.Warning || f.Reference == "" {
		s.errorf("got %+v", f)
	}
}

// What creation would meet late is found as well, all of it at once, and always with the
// part of the specification.
func TestFieldsValidateHost(t *testing.T) {
	s := begin(t)
	if suite.kind != "ocirun" {
		t.Skipf("%s has no such command", suite.kind)
	}
	b := s.bundle(args("nope"), namespace(specs.NetworkNamespace, "/proc/self/ns/uts"), namespace(specs.IPCNamespace, "/nonexistent/ns"),
		netDevice("nope0", ""), func(c *specs.Spec) {
			c.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, ListenerPath: "/nonexistent.sock", Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify, "mkdir")}}
		}, addMounts(specs.Mount{Destination: "/tmp", Type: "tmpfs", Options: []string{"remount", "size=1m"}}))
	r := s.run("validate", "-b", b.dir)
	r.failsWith(1, "/config.json has 5 errors")
	for _, want := range []string{
		"error: /linux/namespaces/", "/proc/self/ns/uts: not a network namespace: invalid argument [config-linux.md#namespaces]",
		"open /nonexistent/ns: no such file or directory [config-linux.md#namespaces]",
		"error: /linux/netDevices/nope0: link not found for interface nope0 on runtime namespace [config-linux.md#network-devices]",
		"error: /linux/seccomp/listenerPath: failed to connect with seccomp agent specified in the seccomp profile: dial unix /nonexistent.sock: no such file or directory [config-linux.md#seccomp]",
		"error: /mounts/7: remount of /tmp can change only attributes of the mount, not size=1m [config.md#mounts]",
		`warning: /process/args/0: exec: "nope": executable file not found in the root file system [config.md#process]`,
	} {
		s.contains("list", r.out, want)
	}
	for line := range strings.Lines(r.out) {
		if !strings.HasSuffix(line, "]\n") {
			s.errorf("no reference: %s", line)
		}
	}
	b.edit(addMounts(bind(s.dir, "/usr/bin")))
	s.lacks("a program that a mount may bring", s.run("validate", "-b", b.dir).out, "executable file not found")
}
