package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// criuCheck bounds the question whether CRIU works here.
const criuCheck = 30 * time.Second

// withCRIU puts a CRIU on PATH that works on this machine: the one of OCIRUN_TEST_CRIU, a directory, or the machine's.
func (s *scenario) withCRIU() {
	s.t.Helper()
	if dir := os.Getenv("OCIRUN_TEST_CRIU"); dir != "" {
		s.t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	}
	path, err := exec.LookPath("criu")
	if err != nil {
		s.without("criu", "needs criu; tests/criu.sh unpacks one")
	}
	// What CRIU finds out about the kernel it keeps there.
	s.t.Cleanup(func() { os.Remove("/run/criu.kdat") })
	cmd := exec.Command(path, "check")
	timer := time.AfterFunc(criuCheck, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.without("criu", fmt.Sprintf("criu does not work on this kernel: %s", brief(string(out))))
	}
}

// quietly makes a call whose streams, and so those of the container, are the null device: CRIU knows no files of the
// host.
func (c *command) quietly() result {
	c.s.t.Helper()
	c.prepare()
	c.exec.Stdin, c.exec.Stdout, c.exec.Stderr = nil, nil, nil
	c.launch()
	return c.wait()
}

// counting counts in a file. It needs a writable root.
const counting = "i=0; while :; do i=$((i+1)); echo $i >/tmp/new; mv /tmp/new /tmp/count; sleep 0.02; done"

// countsOn waits until the file has a number above another one and gives that.
func (b *bundle) countsOn(above int) int {
	b.s.t.Helper()
	n := 0
	b.s.eventually(fmt.Sprintf("a count above %d", above), func() bool {
		text, _ := os.ReadFile(b.path("tmp/count"))
		n, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return n > above
	})
	return n
}

// counter starts a container that counts.
func (s *scenario) counter(edits ...edit) (b *bundle, id string) {
	s.t.Helper()
	b = s.bundle(append([]edit{writable, sh(counting)}, edits...)...)
	s.must(os.Link(suite.busybox, b.path("bin/mv")))
	id = s.id()
	s.cmd("run", "--detach", "--bundle", b.dir, id).quietly().ok()
	b.countsOn(0)
	return b, id
}

func TestCheckpointAndRestore(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	outside := s.write("outside/name", "outside")
	b, id := s.counter(addMounts(bind(filepath.Dir(outside), "/mnt/outside"), bind(outside, "/mnt/file", "ro")))
	images, pidFile := filepath.Join(s.dir, "images"), filepath.Join(s.dir, "pid")
	s.run("checkpoint", "--image-path", images, id).ok()
	s.run("state", id).fails(1, "container does not exist")
	count, _ := strconv.Atoi(s.read(b.path("tmp/count")))
	time.Sleep(100 * time.Millisecond)
	equal(s, "count of what was saved", s.read(b.path("tmp/count")), strconv.Itoa(count))

	other := s.id()
	s.cmd("restore", "--detach", "--image-path", images, "--bundle", b.dir, "--pid-file", pidFile, other).quietly().ok()
	b.countsOn(count)
	s.contains("the loopback device", s.run("exec", other, "ip", "link", "show", "dev", "lo").ok().out, "UP")
	got := s.state(other)
	equal(s, "status", got.Status, "running")
	equal(s, "pid file", s.read(pidFile), strconv.Itoa(got.Pid))
	equal(s, "bundle", got.Bundle, b.dir)
	r := s.run("exec", other, "cat", "/mnt/outside/name", "/mnt/file", "/proc/keys").ok()
	equal(s, "external files", r.out, "outsideoutside")
	s.run("pause", other).ok()
	s.status(other, "paused")
	s.run("resume", other).ok()
	s.run("kill", other, "KILL").ok()
	s.becomes(other, "stopped")
	s.run("delete", other).ok()
}

func TestCheckpointLeaveRunning(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b, id := s.counter()
	images := filepath.Join(s.dir, "images")
	s.run("checkpoint", "--leave-running", "--work-path", filepath.Join(s.dir, "work"), "--image-path", images, id).ok()
	s.status(id, "running")
	b.countsOn(b.countsOn(0))
	equal(s, "log in the directory for work", exists(filepath.Join(s.dir, "work/dump.log")), true)
	s.run("restore", "--detach", "--image-path", images, "--bundle", b.dir, id).fails(1, "NAME restore failed: container with given ID already exists")
	s.status(id, "running")
}

func TestCheckpointPaused(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b, id := s.counter()
	images := filepath.Join(s.dir, "images")
	s.run("pause", id).ok()
	s.run("checkpoint", "--image-path", images, id).ok()
	s.run("state", id).fails(1, "container does not exist")
	other := s.id()
	s.cmd("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).quietly().ok()
	b.countsOn(b.countsOn(0))
	s.status(other, "running")
}

func TestRestoreInTheForeground(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	s.differs("runc", "it does not hand the streams of a restored container on")
	b := s.bundle(writable, sh("echo up; while ! test -e /tmp/go; do sleep 0.02; done; read line; echo \"got $line\"; exit 7"))
	id, images := s.id(), filepath.Join(s.dir, "images")
	c := s.cmd("run", "--detach", "--bundle", b.dir, id)
	c.prepare()
	in, inPeer := s.pipe()
	out, outPeer := s.pipe()
	c.exec.Stdin, c.exec.Stdout, c.exec.Stderr = in, outPeer, nil
	c.launch()
	c.wait().ok()
	up := make([]byte, 3)
	_, err := out.Read(up)
	s.must(err)
	s.run("checkpoint", "--image-path", images, id).ok()
	for _, f := range []*os.File{in, inPeer, out, outPeer} {
		f.Close()
	}

	b.file("tmp/go", "")
	in, inPeer = s.pipe()
	inPeer.WriteString("more\n")
	inPeer.Close()
	c = s.cmd("restore", "--image-path", images, "--bundle", b.dir, s.id())
	c.stdin = in
	r := c.run().exits(7)
	in.Close()
	equal(s, "output", r.out, "got more\n")
}

func (s *scenario) pipe() (read, write *os.File) {
	s.t.Helper()
	read, write, err := os.Pipe()
	s.must(err)
	return read, write
}

func TestCheckpointTerminal(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b := s.bundle(terminal, sh("while read line; do echo \"got <$line>\"; done"))
	socket := s.consoleSocket()
	id, images := s.id(), filepath.Join(s.dir, "images")
	s.run("run", "--detach", "--console-socket", socket.path, "--bundle", b.dir, id).ok()
	term := socket.receive()
	term.send("one\n")
	term.expect("got <one>")
	s.run("checkpoint", "--image-path", images, id).ok()

	other := s.id()
	s.run("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).failsWith(1, "cannot allocate tty")
	s.run("restore", "--detach", "--console-socket", socket.path, "--image-path", images, "--bundle", b.dir, other).ok()
	term = socket.receive()
	term.send("two\n")
	term.expect("got <two>")
}

func TestCheckpointExternalNetworkNamespace(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	first, second := s.netns(), s.netns()
	b, id := s.counter(namespace(specs.NetworkNamespace, first))
	images := filepath.Join(s.dir, "images")
	s.run("checkpoint", "--image-path", images, id).ok()
	b.edit(namespace(specs.NetworkNamespace, second))
	other := s.id()
	s.cmd("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).quietly().ok()
	b.countsOn(b.countsOn(0))
	want, err := os.Readlink(second)
	s.must(err)
	got, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", s.state(other).Pid))
	s.must(err)
	equal(s, "network namespace", got, want)
}

// netns makes a network namespace and gives its path.
func (s *scenario) netns() string {
	s.t.Helper()
	cmd := exec.Command("unshare", "--net", "sleep", "1000")
	s.help(cmd)
	path := fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid)
	own, err := os.Readlink("/proc/self/ns/net")
	s.must(err)
	s.eventually("a new network namespace", func() bool {
		name, err := os.Readlink(path)
		return err == nil && name != own
	})
	return path
}

func TestCheckpointConnections(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	if _, err := exec.LookPath("iptables-restore"); err != nil {
		s.without("criu", "needs iptables, by which CRIU locks connections")
	}
	b := s.bundle(writable, sh(`mkfifo /tmp/in
(nc -l -p 80 127.0.0.1 </dev/zero >/tmp/out) &
sleep 1; exec 3<>/tmp/in
nc 127.0.0.1 80 <&3 >/dev/null & i=0
while :; do i=$((i+1)); echo line $i >&3; sleep 0.05; done`))
	s.must(os.Link(suite.busybox, b.path("bin/nc")))
	id, images := s.id(), filepath.Join(s.dir, "images")
	s.cmd("run", "--detach", "--bundle", b.dir, id).quietly().ok()
	lines := func() int {
		text, _ := os.ReadFile(b.path("tmp/out"))
		return bytes.Count(text, []byte("line"))
	}
	s.eventually("lines over the connection", func() bool { return lines() > 1 })
	s.run("checkpoint", "--image-path", images, id).failsWith(1, "Connected TCP socket")
	s.status(id, "running")
	r := s.run("checkpoint", "--tcp-established", "--image-path", images, id)
	if strings.Contains(r.err, "Can't get 1:16 opt") {
		s.status(id, "running")
		s.without("criu", "this version of criu asks TCP sockets for SO_PASSCRED, which Linux refuses since 6.16")
	}
	r.ok()
	before := lines()
	s.cmd("restore", "--tcp-established", "--detach", "--image-path", images, "--bundle", b.dir, s.id()).quietly().ok()
	s.eventually("more lines over the connection", func() bool { return lines() > before })
}

func TestCheckpointPreDump(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b, id := s.counter()
	r := s.run("checkpoint", "--pre-dump", "--image-path", filepath.Join(s.dir, "first"), id)
	if r.code != 0 && strings.Contains(r.err, "CONFIG_MEM_SOFT_DIRTY") {
		s.status(id, "running")
		s.without("soft-dirty", "the kernel does not track changes of memory")
	}
	equal(s, "standard error", r.ok().err, "")
	s.status(id, "running")
	b.countsOn(b.countsOn(0))
	s.run("checkpoint", "--parent-path", "../first", "--image-path", filepath.Join(s.dir, "second"), id).ok()
	s.cmd("restore", "--detach", "--image-path", filepath.Join(s.dir, "second"), "--bundle", b.dir, s.id()).quietly().ok()
	b.countsOn(b.countsOn(0))
}

func TestCheckpointHooks(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	seen := filepath.Join(s.dir, "seen")
	hook := func(name string) []specs.Hook {
		return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "cat >/dev/null; echo " + name + " >>" + seen}}}
	}
	b, id := s.counter(func(c *specs.Spec) {
		c.Hooks = &specs.Hooks{CreateRuntime: hook("createRuntime"), Poststart: hook("poststart"), Poststop: hook("poststop")}
	})
	images := filepath.Join(s.dir, "images")
	s.run("checkpoint", "--image-path", images, id).ok()
	s.must(os.WriteFile(seen, nil, 0o600))
	other := s.id()
	s.cmd("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).quietly().ok()
	s.run("delete", "--force", other).ok()
	equal(s, "hooks of a restored container", s.read(seen), "createRuntime\npoststart\npoststop")

	b.edit(func(c *specs.Spec) {
		c.Hooks.CreateRuntime = []specs.Hook{{Path: "/bin/false"}}
	})
	s.run("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).failsWith(1, "error running createRuntime hook #0")
	s.run("state", other).fails(1, "container does not exist")
}

func TestCheckpointFails(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b := s.bundle(sh("echo up; sleep 100"))
	id := s.id()
	s.run("run", "--detach", "--bundle", b.dir, id).ok().waitFor("up\n") // into a file that is none of the container's
	images := filepath.Join(s.dir, "images")
	r := s.run("checkpoint", "--image-path", images, id).failsWith(1, "criu dump failed: ")
	s.contains("the log's part of the error", r.message(), "Error (criu/")
	s.contains("the log's name", r.message(), "(log file: "+images+"/dump.log)")
	s.status(id, "running")
	s.run("exec", id, "true").ok()
}

func TestRestoreFails(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b := s.bundle()
	empty := filepath.Join(s.dir, "empty")
	s.must(os.Mkdir(empty, 0o755))
	id := s.id()
	s.run("restore", "--bundle", b.dir, "--image-path", filepath.Join(s.dir, "none"), id).failsWith(1, "none: no such file or directory")
	s.run("restore", "--bundle", b.dir, "--image-path", empty, id).failsWith(1, "descriptors.json: no such file or directory")
	s.must(os.WriteFile(filepath.Join(empty, "descriptors.json"), []byte(`["/dev/null","/dev/null","/dev/null"]`), 0o600))
	s.run("restore", "--bundle", b.dir, "--image-path", empty, id).failsWith(1, "criu restore failed: ")
	s.run("state", id).fails(1, "container does not exist")
	s.run("restore", "--bundle", filepath.Join(s.dir, "no"), "--image-path", empty, id).refused()
}

func TestCheckpointWrongUse(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("checkpoint", "nobody").fails(1, "container does not exist")
	s.run("checkpoint", id).fails(1, "Container cannot be checkpointed in created state")
	for flags, message := range map[string]string{
		"--manage-cgroups-mode=odd":    "invalid manage-cgroups-mode value: odd",
		"--empty-ns=mount":             `namespace "mount" is not supported`,
		"--page-server=nowhere":        "Use --page-server ADDRESS:PORT to specify page server",
		"--page-server=127.0.0.1:port": "Invalid port number",
		"--status-fd=77":               "invalid --status-fd argument 77: it is not an open file descriptor",
	} {
		s.run("checkpoint", flags, id).refused()
		s.differs("runc", "its words are its own")
		s.run("checkpoint", flags, id).fails(1, message)
	}
	s.run("checkpoint", "--help").ok()
	s.run("restore", "--lsm-mount-context").failsWith(1, "flag needs an argument")
}

// TestCheckpointWithoutCRIU: what is to be done stands in the message.
func TestCheckpointWithoutCRIU(t *testing.T) {
	s := begin(t)
	s.differs("runc", "its words are those of the system")
	b := s.bundle(sh("echo up; sleep 100"))
	id, _ := b.detached()
	t.Setenv("PATH", s.dir)
	const message = "checkpoint and restore need criu, which is not on PATH: install the package criu, version 3.0 or later"
	s.run("checkpoint", id).fails(1, message)
	s.run("restore", "--bundle", b.dir, s.id()).fails(1, "NAME restore failed: "+message)

	old := filepath.Join(s.dir, "criu")
	s.must(os.WriteFile(old, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	s.run("checkpoint", "--image-path", filepath.Join(s.dir, "images"), id).failsWith(1, "criu ended without an answer")
	s.status(id, "running")
	if err := unix.Access(filepath.Join(s.dir, "images"), unix.F_OK); err != nil {
		s.errorf("the directory for images: %v", err)
	}
}

// TestCheckpointSharedRoot: the root file system is on a mount that has peers, as below the directory of an engine.
func TestCheckpointSharedRoot(t *testing.T) {
	s := begin(t)
	s.withCRIU()
	b := s.bundle(writable, sh(counting))
	s.must(os.Link(suite.busybox, b.path("bin/mv")))
	s.must(unix.Mount(b.dir, b.dir, "", unix.MS_BIND, ""))
	t.Cleanup(func() { unix.Unmount(b.dir, unix.MNT_DETACH) })
	s.must(unix.Mount("", b.dir, "", unix.MS_SHARED, ""))
	id, images := s.id(), filepath.Join(s.dir, "images")
	s.cmd("run", "--detach", "--bundle", b.dir, id).quietly().ok()
	b.countsOn(0)
	s.run("checkpoint", "--image-path", images, id).ok()
	other := s.id()
	s.cmd("restore", "--detach", "--image-path", images, "--bundle", b.dir, other).quietly().ok()
	b.countsOn(b.countsOn(0))
	s.run("delete", "--force", other).ok()
}
