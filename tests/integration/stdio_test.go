package integration

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Programs reopen their streams by name, also those that run as a user without rights to the caller's files.
func TestStdioCanBeReopenedByAUser(t *testing.T) {
	s := begin(t)
	b := s.bundle(user(1000, 1000), capabilities(), sh("echo out >/dev/stdout; echo err >/dev/stderr; cat </dev/stdin"))
	for _, detached := range []bool{false, true} {
		in, err := os.Open(s.write("in", "in\n"))
		s.must(err)
		argv := []string{"run", "-b", b.dir}
		if detached {
			argv = append(argv, "--detach")
		}
		c := s.cmd(append(argv, s.id())...)
		c.stdin = in
		r := c.run().ok()
		in.Close()
		// Reopened files begin at their start again, so only what came last is sure to be there.
		s.contains("output", r.waitFor("in\n"), "in\n")
		s.lacks("stderr", r.err, "denied")
	}
}

// The host's /dev/null stays the host's, whoever the container's user is.
func TestStdioNullIsNotChowned(t *testing.T) {
	s := begin(t)
	var before, after unix.Stat_t
	s.must(unix.Stat("/dev/null", &before))
	c := s.cmd("run", "-b", s.bundle(user(1000, 1000)).dir, s.id())
	c.run().ok() // stdin is /dev/null
	s.must(unix.Stat("/dev/null", &after))
	equal(s, "owner of /dev/null", after.Uid, before.Uid)
}

// A reader that closes early must end the program by SIGPIPE, not hang the runtime.
func TestStdioReaderGoesAway(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("trap 'exit 9' PIPE; while echo y; do :; done; exit 8"))
	reader, writer, err := os.Pipe()
	s.must(err)
	c := s.cmd("run", "-b", b.dir, s.id())
	c.prepare()
	c.exec.Stdout = writer
	c.launch()
	writer.Close()
	buf := make([]byte, 100)
	_, err = reader.Read(buf)
	s.must(err)
	reader.Close()
	if r := c.wait(); r.code == 0 {
		s.errorf("exit 0")
	}
}

func TestStdioClosedAtStart(t *testing.T) {
	s := begin(t)
	script := s.write("closed.sh", "exec \"$@\" <&- >&- 2>&-\n")
	b := s.bundle(writable, sh("ls -l /proc/self/fd >/fds"))
	c := s.cmd("run", "-b", b.dir, s.id())
	c.through("/bin/sh", script).ok()
	fds := s.read(b.path("fds"))
	for _, host := range []string{s.root, "/run/", "config.json"} {
		s.lacks("descriptors", fds, host)
	}
	if n := strings.Count(fds, "->"); n > 5 {
		s.errorf("%d descriptors:\n%s", n, fds)
	}
}

func TestCreatePidfdSocket(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has no such option")
	socket := s.consoleSocket()
	done := make(chan string, 1)
	go func() { done <- socket.message() }()
	id := s.create(s.bundle(), "--pidfd-socket", socket.path)
	equal(s, "message", <-done, "standard anon_inode:[pidfd]")
	s.run("delete", id).ok()
}

// A socket that nobody listens on fails the creation, which leaves the id free.
func TestCreatePidfdSocketMissing(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has no such option")
	b, id := s.bundle(), s.id()
	r := s.run("create", "--bundle", b.dir, "--pidfd-socket", s.dir+"/nobody", id)
	r.failsWith(1, "dial unix "+s.dir+"/nobody: connect: no such file or directory")
	s.run("state", id).fails(1, "container does not exist")
	s.run("create", "--bundle", b.dir, id).ok()
}
