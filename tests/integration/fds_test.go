package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// listFDs prints the numbers of the program's descriptors; the last is its own, for the directory.
var listFDs = args("ls", "/proc/self/fd")

func TestFDsNothingLeaks(t *testing.T) {
	s := begin(t)
	b := s.bundle(listFDs)
	for _, command := range []string{"run", "create"} {
		c := s.cmd(command, "-b", b.dir, s.id())
		// Descriptors of directories are the dangerous ones: they lead out of the container.
		for range 20 {
			f, err := os.Open("/")
			s.must(err)
			defer f.Close()
			c.files = append(c.files, f)
		}
		r := c.run().ok()
		if command == "create" {
			id := c.args[len(c.args)-1]
			s.lacksHostFDs(s.state(id).Pid)
			s.run("start", id).ok()
			s.becomes(id, "stopped")
		}
		out, err := os.ReadFile(r.files[0])
		s.must(err)
		equal(s, "descriptors of "+command, strings.Join(strings.Fields(string(out)), " "), "0 1 2 3")
	}
}

// lacksHostFDs checks that the waiting init holds no directory of the host.
func (s *scenario) lacksHostFDs(pid int) {
	s.t.Helper()
	host, err := os.Stat("/")
	s.must(err)
	for _, fd := range readNames(fmt.Sprintf("/proc/%d/fd", pid)) {
		info, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%s", pid, fd))
		if err == nil && os.SameFile(info, host) {
			s.errorf("the init holds the host's root open as descriptor %s", fd)
		}
	}
}

// countFDs prints how many descriptors the shell has, with one more for the directory it looks into.
const countFDs = "set -- /proc/$$/fd/*; echo $#"

func TestFDsPreserved(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("cat <&3; cat <&4; " + countFDs))
	c := s.cmd("run", "--preserve-fds", "2", "-b", b.dir, s.id())
	for _, name := range []string{"one", "two", "three"} {
		f, err := os.Open(s.write(name, name+"\n"))
		s.must(err)
		defer f.Close()
		c.files = append(c.files, f)
	}
	r := c.run().ok()
	equal(s, "output", r.out, "one\ntwo\n6\n")
}

func TestFDsPreservedMissing(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	b := s.bundle()
	s.run("run", "--preserve-fds", "3", "-b", b.dir, s.id()).failsWith(1, "unable to stat preserved-fd")
	s.oracle()
}

// Activation sockets come first, then the preserved ones (sd_listen_fds(3)).
func TestFDsListen(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("cat <&3; echo $LISTEN_FDS $LISTEN_PID; " + countFDs))
	f, err := os.Open(s.write("socket", "activated\n"))
	s.must(err)
	defer f.Close()
	c := s.cmd("run", "-b", b.dir, s.id())
	c.files = []*os.File{f}
	c.env = []string{"LISTEN_FDS=1"}
	wrapper := s.write("listen.sh", "LISTEN_PID=$$ exec \"$@\"\n")
	equal(s, "output", c.through("/bin/sh", wrapper).ok().out, "activated\n1 1\n5\n")
}

// So do their names, if they have some.
func TestFDsListenNames(t *testing.T) {
	s := begin(t)
	s.differs("runc", "does not hand the names on")
	b := s.bundle(sh("cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES"))
	c := s.cmd("run", "-b", b.dir, s.id())
	for _, name := range []string{"first", "second"} {
		f, err := os.Open(s.write(name, name+"\n"))
		s.must(err)
		defer f.Close()
		c.files = append(c.files, f)
	}
	c.env = []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin"}
	wrapper := s.write("listen.sh", "LISTEN_PID=$$ exec \"$@\"\n")
	equal(s, "output", c.through("/bin/sh", wrapper).ok().out, "first\nsecond\n2 1 http:admin\n")
}

func TestFDsListenOfAnotherProcess(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not look at LISTEN_PID")
	b := s.bundle(sh("echo \"[$LISTEN_FDS$LISTEN_FDNAMES]\"; " + countFDs))
	f, err := os.Open(s.write("socket", ""))
	s.must(err)
	defer f.Close()
	c := s.cmd("run", "-b", b.dir, s.id())
	c.files = []*os.File{f}
	c.env = []string{"LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=http"}
	equal(s, "output", c.run().ok().out, "[]\n4\n")
}
