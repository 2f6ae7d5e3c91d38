package integration

import (
	"encoding/json"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// addHook appends a hook that is a shell script.
func addHook(kind, script string, changes ...func(*specs.Hook)) edit {
	h := specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}
	for _, change := range changes {
		change(&h)
	}
	return func(c *specs.Spec) {
		if c.Hooks == nil {
			c.Hooks = &specs.Hooks{}
		}
		list := map[string]*[]specs.Hook{
			"prestart":      &c.Hooks.Prestart, //nolint:staticcheck // deprecated, but engines still use it
			"createRuntime": &c.Hooks.CreateRuntime, "createContainer": &c.Hooks.CreateContainer,
			"startContainer": &c.Hooks.StartContainer, "poststart": &c.Hooks.Poststart, "poststop": &c.Hooks.Poststop,
		}[kind]
		*list = append(*list, h)
	}
}

// recorded makes each hook write its kind and the state it got to a file on the host.
func (s *scenario) recorded(kinds ...string) (edits []edit, log string) {
	s.t.Helper()
	log = s.write("hooks.log", "")
	for _, kind := range kinds {
		edits = append(edits, addHook(kind, "echo "+kind+" $(cat) >>"+log))
	}
	return edits, log
}

func TestHooksOrderAndState(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 runs poststart at create")
	edits, log := s.recorded("prestart", "createRuntime", "createContainer", "poststart", "poststop")
	b := s.bundle(append(edits, sh("sleep 100"), func(c *specs.Spec) { c.Annotations = map[string]string{"k": "v"} })...)
	id := s.create(b)
	pid := s.state(id).Pid
	seen := func() string { return strings.Join(hookNames(s.read(log)), " ") }
	equal(s, "after create", seen(), "prestart createRuntime createContainer")
	s.run("start", id).ok()
	equal(s, "after start", seen(), "prestart createRuntime createContainer poststart")
	s.run("delete", "--force", id).ok()
	equal(s, "after delete", seen(), "prestart createRuntime createContainer poststart poststop")

	want := map[string]string{"prestart": "creating", "createRuntime": "creating", "createContainer": "creating", "poststart": "running", "poststop": "stopped"}
	for line := range strings.Lines(s.read(log)) {
		kind, text, _ := strings.Cut(line, " ")
		st := decode[state](s, text)
		equal(s, kind+" status", st.Status, want[kind])
		equal(s, kind+" id", st.ID, id)
		equal(s, kind+" bundle", st.Bundle, b.dir)
		equal(s, kind+" annotation", st.Annotations["k"], "v")
		if kind == "prestart" || kind == "createRuntime" || kind == "poststart" {
			equal(s, kind+" pid", st.Pid, pid)
		}
	}
}

func hookNames(log string) (names []string) {
	for line := range strings.Lines(log) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		names = append(names, name)
	}
	return names
}

// startContainer runs inside, before the program.
func TestHooksStartContainer(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, addHook("startContainer", "cat >/state; hostname >/name"), sh("cat /state; cat /name"))
	out := b.payload()
	first, name, _ := strings.Cut(out, "}")
	var st map[string]any
	if err := json.Unmarshal([]byte(first+"}"), &st); err != nil {
		s.errorf("state on stdin: %v in %q", err, out)
	}
	equal(s, "status", st["status"], any("created"))
	equal(s, "runs in the container", strings.TrimSpace(name), "testhost")
}

// createContainer runs in the container's namespaces, with the host's files still in sight.
func TestHooksCreateContainer(t *testing.T) {
	s := begin(t)
	log := s.write("log", "")
	b := s.bundle(addHook("createContainer", "readlink /proc/self/ns/mnt /proc/self/ns/uts >"+log), sh("readlink /proc/self/ns/mnt; readlink /proc/self/ns/uts"))
	out := b.payload()
	equal(s, "namespaces", s.read(log), strings.TrimSpace(out))
}

// A hook that fails undoes the container.
func TestHooksFailing(t *testing.T) {
	for _, kind := range []string{"prestart", "createRuntime", "createContainer"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 does not name the kind of the hook")
			b := s.bundle(addHook(kind, "true"), addHook(kind, "echo words; echo more >&2; exit 3"))
			for _, command := range []string{"create", "run"} {
				r := s.run(command, "-b", b.dir, s.id()).failsWith(1, "error running "+kind+" hook #1: exit status 3")
				s.contains("message", r.message(), "words")
				s.contains("message", r.message(), "more")
				s.oracle()
			}
		})
	}
}

func TestHooksFailingAtStart(t *testing.T) {
	for _, kind := range []string{"startContainer", "poststart"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "start succeeds all the same")
			log := s.write("log", "")
			id := s.create(s.bundle(addHook(kind, "exit 3"), addHook("poststop", "echo poststop >>"+log), sh("sleep 100")))
			s.run("start", id).failsWith(1, "error running "+kind+" hook #0: exit status 3")
			equal(s, "poststop hooks", s.read(log), "poststop")
			s.run("state", id).fails(1, "container does not exist")
			s.oracle()
			s.run("run", "-b", s.bundle(addHook(kind, "exit 3"), sh("sleep 5")).dir, s.id()).failsWith(1, "error running "+kind+" hook #0")
		})
	}
}

// A program may be over before the hooks that follow its start are: that is no failure.
func TestHooksPoststartOfAShortProgram(t *testing.T) {
	s := begin(t)
	log := s.write("log", "")
	b := s.bundle(addHook("poststart", "sleep 0.5; echo done >"+log), args("true"))
	s.run("run", "-b", b.dir, s.id()).ok()
	equal(s, "the hook", s.read(log), "done")
	id := s.create(b)
	s.run("start", id).ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
}

func TestHooksPoststopFailing(t *testing.T) {
	s := begin(t)
	s.differs("runc", "delete fails, against the spec")
	id := s.create(s.bundle(addHook("poststop", "exit 3")))
	r := s.run("delete", id).ok()
	s.contains("warning", r.err, "level=warning")
	s.oracle()
}

func TestHooksMissingFile(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 does not name the kind of the hook")
	missing := func(h *specs.Hook) { h.Path = "/nonexist" }
	s.run("create", "-b", s.bundle(addHook("createRuntime", "", missing)).dir, s.id()).
		failsWith(1, "error running createRuntime hook #0: fork/exec /nonexist: no such file or directory")
	s.oracle()
}

func TestHooksTimeout(t *testing.T) {
	for _, kind := range []string{"createRuntime", "createContainer"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "waits for the hook's own children")
			limit := func(h *specs.Hook) { h.Timeout = ptr(1) }
			r := s.run("create", "-b", s.bundle(addHook(kind, "sleep 60", limit)).dir, s.id()).
				failsWith(1, "hook ran past specified timeout of 1")
			if r.elapsed.Seconds() > 4 {
				s.errorf("took %v", r.elapsed)
			}
			s.oracle()
		})
	}
}

// A hook sees the limits in force and may look at the container by its pid.
func TestHooksRunAfterTheCgroupIsThere(t *testing.T) {
	s := begin(t)
	log := s.write("log", "")
	b := s.bundle(addHook("createRuntime", "pid=$(cat | sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); cat /proc/$pid/cgroup >"+log))
	id := s.create(b)
	s.contains("cgroup of the pid in the state", s.read(log), id)
}
