package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// These are statements of the runtime specification about the life of a container; the
// numbers are those of docs/conformance.md, which says where the others are tested.

// N3: what fails leaves everything as if it had not been tried.
func TestN03FailuresChangeNothing(t *testing.T) {
	s := begin(t)
	id := s.id()
	for name, e := range map[string]edit{
		"mount":   addMounts(bind("/nonexistent", "/mnt")),
		"program": args("/nonexistent"),
		"hook":    addHook("createRuntime", "exit 1"),
		"limit": resources(func(r *specs.LinuxResources) {
			r.Pids = &specs.LinuxPids{Limit: ptr(int64(3))}
			r.CPU = &specs.LinuxCPU{Cpus: "x"}
		}),
		"sysctl": sysctl("net.ipv4.nonexistent", "1"),
	} {
		b := s.bundle(e)
		before := len(readNames(b.rootfs))
		r := s.run("create", "-b", b.dir, id)
		if r.code == 0 {
			s.errorf("%s: created", name)
		}
		s.oracle()
		s.run("state", id).failsWith(1, "does not exist")
		equal(s, "files in the root after "+name, len(readNames(b.rootfs)), before)
	}
	s.run("run", "-b", s.bundle().dir, id).ok()
}

// N4: create needs an id that is free and a bundle.
func TestN04CreateNeedsABundleAndAnID(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("sleep 100"))
	s.run("create", "-b", b.dir).exits(1)
	s.run("create", "-b", s.dir, s.id()).exits(1)
	for _, id := range []string{"a/b", "..", "a b", "a\n", strings.Repeat("x", 2000)} {
		s.run("create", "-b", b.dir, id).exits(1)
	}
	id := s.create(b)
	s.run("create", "-b", b.dir, id).exits(1)
	s.status(id, "created")
	s.run("delete", id).ok()
}

// N5: create does not run the program, and config.json counts as it was then.
func TestN05LaterEditsDoNotCount(t *testing.T) {
	s := begin(t)
	b := s.bundle(writable, sh("echo first >/ran; hostname >>/ran; sleep 100"))
	id := s.create(b)
	equal(s, "program has run", exists(b.path("ran")), false)
	b.edit(sh("echo second >/ran"), func(c *specs.Spec) { c.Hostname = "later" }, addHook("poststart", "exit 1"))
	b.config("{broken")
	s.run("start", id).ok()
	s.eventually("the program runs", func() bool { return strings.Count(content(b.path("ran")), "\n") == 2 })
	equal(s, "what ran", content(b.path("ran")), "first\ntesthost\n")
	s.run("delete", "--force", id).ok()
}

// N6: start needs an id, and a container that was created; otherwise it does nothing.
func TestN06Start(t *testing.T) {
	s := begin(t)
	s.run("start").exits(1)
	id := s.create(s.bundle(sh("sleep 100")))
	s.run("start", id).ok()
	pid := s.state(id).Pid
	s.run("start", id).exits(1)
	equal(s, "process after a second start", s.state(id).Pid, pid)
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("start", id).exits(1)
	s.status(id, "stopped")
	none := s.bundle(func(c *specs.Spec) { c.Process = nil })
	s.run("create", "-b", none.dir, s.id()).failsWith(1, "process property must not be empty")
	s.run("delete", id).ok()
}

// N7: only what is created or running can be signalled.
func TestN07Kill(t *testing.T) {
	s := begin(t)
	s.run("kill", s.id(), "TERM").exits(1)
	id := s.create(s.bundle(sh("trap 'exit 5' TERM; sleep 100 & wait")))
	s.run("kill", id, "0").ok()
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("kill", id, "TERM").exits(1)
	s.status(id, "stopped")
	s.run("delete", id).ok()
}

// N8, N9: delete takes what has stopped, with all that create made and nothing else; then
// the id is free.
func TestN08N09Delete(t *testing.T) {
	s := begin(t)
	own := s.write("own/file", "mine")
	b := s.bundle(writable, addMounts(bind(filepath.Dir(own), "/own")), sh("echo made >/own/made; echo up; sleep 100"))
	id, pid := b.detached()
	s.run("delete", id).exits(1)
	s.status(id, "running")
	equal(s, "process after a refused delete", s.state(id).Pid, pid)
	s.run("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	s.run("delete", id).ok()
	s.oracle()
	equal(s, "the volume", s.read(filepath.Join(filepath.Dir(own), "made")), "made")
	equal(s, "the bundle", exists(b.path("bin/busybox")), true)
	s.run("create", "-b", b.dir, id).ok()
	s.run("delete", id).ok()
}

// N10: state is about containers that exist.
func TestN10State(t *testing.T) {
	s := begin(t)
	s.run("state").exits(1)
	s.run("state", s.id()).failsWith(1, "does not exist")
	b := s.bundle(sh("sleep 100"), func(c *specs.Spec) { c.Annotations = map[string]string{"a": "", "b": "x"} })
	id := s.create(b)
	st := s.state(id)
	if st.ID != id || st.Status != "created" || st.Pid < 2 || st.Bundle != b.dir || st.OCIVersion == "" || len(st.Annotations) != 2 {
		s.errorf("state %+v", st)
	}
	if err := syscall.Kill(st.Pid, 0); err != nil {
		s.errorf("pid %d: %v", st.Pid, err)
	}
	s.run("delete", "--force", id).ok()
}

// N11: hooks run in their order, those of one kind in that of the list, around the
// program.
func TestN11HookOrder(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 runs poststart at create")
	log := s.write("log/order", "")
	var edits []edit
	for _, kind := range []string{"poststop", "poststart", "startContainer", "createContainer", "createRuntime", "prestart"} {
		file := log
		if kind == "startContainer" {
			file = "/log/order"
		}
		edits = append(edits, addHook(kind, "echo "+kind+"1 >>"+file), addHook(kind, "echo "+kind+"2 >>"+file))
	}
	b := s.bundle(append(edits, addMounts(bind(filepath.Dir(log), "/log")),
		sh("for i in 1 2 3 4 5 6 7 8 9; do grep -q poststart2 /log/order && break; sleep 0.2; done; echo program >>/log/order; sleep 100"))...)
	id := s.create(b)
	const created = "prestart1 prestart2 createRuntime1 createRuntime2 createContainer1 createContainer2"
	equal(s, "created", strings.Join(strings.Fields(s.read(log)), " "), created)
	s.run("start", id).ok()
	const started = created + " startContainer1 startContainer2 poststart1 poststart2 program"
	s.eventually("the program runs", func() bool { return strings.Contains(s.read(log), "program") })
	equal(s, "started", strings.Join(strings.Fields(s.read(log)), " "), started)
	s.run("delete", "--force", id).ok()
	equal(s, "deleted", strings.Join(strings.Fields(s.read(log)), " "), started+" poststop1 poststop2")
}

// N12: a hook that fails ends the container, and its poststop hooks are run; only those
// may fail.
func TestN12HookFailures(t *testing.T) {
	for _, kind := range []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 starts all the same, or does not run the poststop hooks")
			log := s.write("log", "")
			b := s.bundle(addHook(kind, "exit 1"), addHook("poststop", "echo poststop >>"+log+"; exit 1"), sh("sleep 100"))
			id := s.id()
			r := s.run("run", "-d", "-b", b.dir, id)
			r.failsWith(1, "error running "+kind+" hook #0: exit status 1")
			equal(s, "poststop hooks", s.read(log), "poststop")
			s.contains("a poststop hook that fails", r.err, "level=warning")
			s.oracle()
			s.run("state", id).failsWith(1, "does not exist")
		})
	}
}

// N13: the configuration has one name.
func TestN13ConfigName(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	s.must(os.Rename(b.dir+"/config.json", b.dir+"/Config.json"))
	s.run("create", "-b", b.dir, s.id()).failsWith(1, "config.json not found")
	s.oracle()
}

// N14: the program gets the standard streams and no other descriptor.
func TestN14Descriptors(t *testing.T) {
	s := begin(t)
	extra, err := os.Open("/dev/null")
	s.must(err)
	defer extra.Close()
	for _, more := range []edit{func(*specs.Spec) {}, mapped, addHook("startContainer", "true"), addHook("createContainer", "true")} {
		c := s.cmd("run", "-b", s.bundle(more, sh("ls /proc/self/fd")).dir, s.id())
		c.files = []*os.File{extra, extra}
		// The fourth is the directory that ls reads.
		equal(s, "descriptors", c.run().ok().out, "0\n1\n2\n3\n")
	}
}

// N30: the program of a hook in the container's namespaces is found on the host, or in
// the container, depending on its kind.
func TestN30HookPaths(t *testing.T) {
	s := begin(t)
	onHost := s.write("hook", "#!/bin/sh\nreadlink /proc/self/ns/uts >"+s.dir+"/$1\n")
	s.must(os.Chmod(onHost, 0o755))
	here, err := os.Readlink("/proc/self/ns/uts")
	s.must(err)
	hook := func(kind, path string) edit {
		return addHook(kind, "", func(h *specs.Hook) { h.Path, h.Args = path, []string{"hook", kind} })
	}
	b := s.bundle(hook("createRuntime", onHost), hook("createContainer", onHost), hook("poststart", onHost), hook("poststop", onHost),
		addMounts(bind(s.dir, s.dir)), hook("startContainer", "/bin/hook"), args("readlink", "/proc/self/ns/uts"))
	b.file("bin/hook", "#!/bin/sh\nreadlink /proc/self/ns/uts >"+s.dir+"/$1\n")
	s.must(os.Chmod(b.path("bin/hook"), 0o755))
	inside := strings.TrimSpace(b.payload())
	for kind, want := range map[string]string{
		"createRuntime": here, "createContainer": inside, "startContainer": inside, "poststart": here, "poststop": here,
	} {
		equal(s, "UTS namespace of "+kind, s.read(filepath.Join(s.dir, kind)), want)
	}
	s.differs("runc", "1.1.5 leaves it to execve")
	s.run("create", "-b", s.bundle(hook("createRuntime", "hook")).dir, s.id()).failsWith(1, `hook path "hook" must be absolute`)
}

// content is what is in a file now, if there is one.
func content(path string) string {
	data, _ := os.ReadFile(path)
	return string(data)
}
