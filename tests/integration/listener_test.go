package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// agent starts the example agent, which denies the calls that are given, and gives
// its socket and its log.
func (s *scenario) agent(denied ...string) (socket, log string) {
	s.t.Helper()
	dir := s.t.TempDir()
	// Where there is no compiler the agent was built before.
	bin := os.Getenv("OCIRUN_TEST_AGENT")
	if bin == "" {
		bin = filepath.Join(dir, "agent")
		if out, err := exec.Command("go", "build", "-o", bin, "../../contrib/seccomp-agent").CombinedOutput(); err != nil {
			s.fatalf("build the agent: %v\n%s", err, out)
		}
	}
	socket, log = filepath.Join(dir, "s"), filepath.Join(dir, "log")
	var args []string
	for _, call := range denied {
		args = append(args, "-deny", call)
	}
	cmd := exec.Command(bin, append(args, socket)...)
	file, err := os.Create(log)
	s.must(err)
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	s.help(cmd)
	s.eventually("the agent listens", func() bool { return exists(socket) })
	return socket, log
}

// listened sends calls to the agent at socket.
func listened(socket string, nnp bool, section specs.LinuxSeccomp) edit {
	return func(c *specs.Spec) {
		section.ListenerPath = socket
		c.Process.NoNewPrivileges = nnp
		c.Linux.Seccomp = &section
	}
}

func TestSeccompListener(t *testing.T) {
	for name, nnp := range map[string]bool{"privileged": false, "no_new_privs": true} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "refuses NOTIFY for write")
			socket, log := s.agent("mkdir=ENOSPC", "mkdirat=ENOSPC")
			b := s.bundle(writable, sh("mkdir /tmp/x; touch /tmp/y && echo the rest works"), listened(socket, nnp, specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow, ListenerMetadata: "some words",
				Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify, "mkdir", "mkdirat", "write")},
			}))
			r := s.run("run", "-b", b.dir, s.id()).ok()
			equal(s, "output", r.out, "the rest works\n")
			s.contains("stderr", r.err, "No space left on device")
			s.contains("the agent's log", s.read(log), `metadata="some words"`)
		})
	}
}

// Every call of the program, and of the init before it, is the agent's to judge.
func TestSeccompListenerForAll(t *testing.T) {
	s := begin(t)
	s.differs("runc", "refuses NOTIFY as the default action")
	socket, _ := s.agent()
	b := s.bundle(sh("echo works; exit 3"), listened(socket, true, specs.LinuxSeccomp{DefaultAction: specs.ActNotify}))
	r := s.run("run", "-b", b.dir, s.id()).exits(3)
	equal(s, "output", r.out, "works\n")
}

func TestSeccompListenerCreated(t *testing.T) {
	s := begin(t)
	s.differs("runc", "refuses NOTIFY for write")
	socket, log := s.agent()
	b := s.bundle(sh("sleep 100"), listened(socket, true, specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify, "write", "execve")},
	}))
	id := s.create(b)
	s.contains("the agent's log after create", s.read(log), id)
	s.run("start", id).ok()
	s.becomes(id, "running")
	s.eventually("the agent has judged execve", func() bool { return strings.Contains(s.read(log), "execve") })
}

func TestSeccompListenerWithoutAgent(t *testing.T) {
	s := begin(t)
	b := s.bundle(listened("/nonexistent/agent.sock", true, specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{rule(specs.ActNotify, "mkdir")},
	}))
	for _, command := range []string{"run", "create"} {
		r := s.run(command, "-b", b.dir, s.id()).exits(1)
		s.contains("stderr", r.err, "failed to connect with seccomp agent specified in the seccomp profile")
		s.contains("stderr", r.err, "no such file or directory")
	}
}
