package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestLifecycle(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("echo up; trap 'exit 7' TERM; sleep 100 & wait"))
	id := s.create(b)
	created := s.state(id)
	if created.Pid <= 1 {
		s.fatalf("pid %d in state created", created.Pid)
	}
	s.run("start", id).ok()
	s.status(id, "running")
	equal(s, "pid after start", s.state(id).Pid, created.Pid)
	s.run("kill", id, "TERM").ok()
	// The shell must reach its trap first, so the signal is repeated until it ends.
	s.eventually("the container ends", func() bool {
		if s.state(id).Status == "stopped" {
			return true
		}
		s.run("kill", id)
		return false
	})
	equal(s, "pid when stopped", s.state(id).Pid, 0)
	s.run("delete", id).ok()
	s.run("state", id).fails(1, "container does not exist")
	s.oracle()
}

func TestCreateDoesNotRunTheProgram(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, sh("touch /ran"))
	id := s.create(b)
	time.Sleep(20 * time.Millisecond)
	if exists(b.path("ran")) {
		s.errorf("the program ran at create")
	}
	// What was read at create counts; later edits do not (runtime-spec, "Lifecycle").
	b.edit(sh("touch /edited"))
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	if !exists(b.path("ran")) || exists(b.path("edited")) {
		s.errorf("start did not run the program given at create")
	}
}

func TestCreateBundleIsTheWorkingDirectory(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	id := s.id()
	c := s.cmd("create", id)
	c.dir = b.dir
	c.run().ok()
	equal(s, "bundle", s.state(id).Bundle, b.dir)
}

func TestStateFormat(t *testing.T) {
	s := begin(t)
	b := s.bundle(func(c *specs.Spec) { c.Annotations = map[string]string{"org.example.key": "value", "a": ""} })
	before := time.Now().Add(-time.Second)
	id := s.create(b)
	out := s.run("state", id).ok().out
	if strings.HasSuffix(out, "\n") {
		s.errorf("state ends with a newline")
	}
	if !strings.HasPrefix(out, "{\n  \"ociVersion\": \"1.") {
		s.errorf("state is not indented by two spaces, or does not begin with ociVersion:\n%s", out)
	}
	at := -1
	for _, key := range []string{"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "annotations", "owner"} {
		i := strings.Index(out, "\n  \""+key+"\":")
		if i <= at {
			s.errorf("key %s is missing or out of order:\n%s", key, out)
		}
		at = i
	}
	st := decode[state](s, out)
	equal(s, "id", st.ID, id)
	equal(s, "bundle", st.Bundle, b.dir)
	equal(s, "rootfs", st.Rootfs, b.rootfs)
	equal(s, "annotation", st.Annotations["org.example.key"], "value")
	equal(s, "owner", st.Owner, "")
	if st.Created.Before(before) || st.Created.After(time.Now()) || st.Created.Location() != time.UTC {
		s.errorf("created at %v", st.Created)
	}
}

func TestStateWithoutAnnotations(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.lacks("state", s.run("state", id).ok().out, "annotations")
}

func TestStartTwice(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle(sh("sleep 100")))
	s.run("start", id).ok()
	s.run("start", id).fails(1, "cannot start an already running container")
	s.status(id, "running")
}

func TestStartStopped(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.run("start", id).fails(1, "cannot start a container that has stopped")
}

func TestStartKilledBeforeStart(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("start", id).fails(1, "cannot start a container that has stopped")
	s.run("delete", id).ok()
}

func TestCreatePidFile(t *testing.T) {
	s := begin(t)
	pidFile := filepath.Join(s.dir, "pid")
	id := s.create(s.bundle(), "--pid-file", pidFile)
	data, err := os.ReadFile(pidFile)
	s.must(err)
	equal(s, "pid file", string(data), strconv.Itoa(s.state(id).Pid))
	if exists(filepath.Join(s.dir, ".pid")) {
		s.errorf("the temporary file of the pid file is left")
	}
}

func TestCreatePidFileRelativeToTheCaller(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	id := s.id()
	c := s.cmd("create", "--bundle", b.dir, "--pid-file", "my.pid", id)
	c.dir = s.dir
	c.run().ok()
	equal(s, "pid", s.read(filepath.Join(s.dir, "my.pid")), strconv.Itoa(s.state(id).Pid))
}

func TestCreatePidFileFails(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	r := s.run("create", "--bundle", b.dir, "--pid-file", filepath.Join(s.dir, "nowhere/pid"), s.id())
	r.failsWith(1, "nowhere/.pid: no such file or directory")
	s.oracle()
}

func TestCreateTheSameIDTwice(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	id := s.create(b)
	pid := s.state(id).Pid
	s.run("create", "--bundle", b.dir, id).fails(1, "NAME create failed: container with given ID already exists")
	s.run("run", "--bundle", b.dir, id).fails(1, "NAME run failed: container with given ID already exists")
	equal(s, "pid of the first", s.state(id).Pid, pid)
	s.status(id, "created")
}
