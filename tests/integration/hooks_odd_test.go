package integration

import (
	"os"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// hookKinds are all places where hooks run, in their order.
var hookKinds = []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}

// busyboxHook runs a script by the busybox that the container has, too: at the host's
// path of it for hooks that are found on the host.
func (b *bundle) busyboxHook(kind, script string, changes ...func(*specs.Hook)) {
	b.s.t.Helper()
	shell := suite.busybox
	if kind == "startContainer" {
		shell = "/bin/busybox"
	}
	b.edit(addHook(kind, "", append([]func(*specs.Hook){func(h *specs.Hook) {
		h.Path, h.Args, h.Env = shell, []string{"sh", "-c", script}, []string{"PATH=/bin", "MARK=hook"}
	}}, changes...)...))
}

// A hook may behave as it likes; the container runs all the same, and nobody waits for
// what a hook has left behind.
func TestHooksOddBehaviour(t *testing.T) {
	cases := map[string]string{
		"closes stdin":                     "exec <&-; true",
		"does not read":                    "true",
		"reads all":                        "cat >/dev/null",
		"floods both streams":              "dd if=/dev/zero bs=65536 count=100 2>/dev/null; dd if=/dev/zero bs=65536 count=100 2>/dev/null >&2; true",
		"leaves a child that holds all":    "sleep 30 &",
		"leaves a daemon that holds all":   "setsid sleep 30 &",
		"leaves a child that floods":       "yes &",
		"closes everything and goes on":    "exec <&- >&- 2>&-; sleep 0.3",
		"ignores signals":                  "trap '' TERM INT HUP PIPE; true",
		"ends by a signal of its children": "sh -c 'kill -KILL $$' || true",
	}
	for name, script := range cases {
		for _, kind := range hookKinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				s := begin(t)
				s.differs("runc", "waits for whoever holds the streams of a hook")
				b := s.bundle(args("echo", "fine"))
				b.busyboxHook(kind, script)
				r := s.run("run", "-b", b.dir, s.id()).ok()
				equal(s, "output", r.out, "fine\n")
				if r.elapsed.Seconds() > 8 {
					s.errorf("took %v", r.elapsed)
				}
				for _, pid := range reap() {
					// What a hook leaves behind is the caller's to end.
					if p, err := os.FindProcess(pid); err == nil {
						p.Kill()
					}
				}
			})
		}
	}
}

// When its time is over a hook is killed, with all that it has started, and that is a
// failure; only of a poststop hook it is none.
func TestHooksTimeLimit(t *testing.T) {
	for _, kind := range hookKinds {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "waits for the hook's own children, and ignores some failures")
			pids := s.write("pids/list", "")
			b := s.bundle(sh("sleep 100"), addMounts(bind(strings.TrimSuffix(pids, "/list"), "/pids")))
			if kind == "startContainer" {
				pids = "/pids/list"
			}
			b.busyboxHook(kind, "trap '' TERM; sleep 77 & echo $$ $! >>"+pids+"; wait; sleep 77", func(h *specs.Hook) { h.Timeout = ptr(1) })
			id := s.id()
			r := s.run("run", "-d", "-b", b.dir, id)
			if kind == "poststop" {
				r.ok()
				r = s.run("delete", "--force", id).ok()
				s.contains("warning", r.err, "hook ran past specified timeout of 1")
				s.contains("level", r.err, "level=warning")
			} else {
				r.failsWith(1, "/hooks/"+kind+"/0: error running "+kind+" hook #0: hook ran past specified timeout of 1")
			}
			if r.elapsed.Seconds() > 8 {
				s.errorf("took %v", r.elapsed)
			}
			if kind != "startContainer" && kind != "createContainer" { // whose pids are the container's
				for _, field := range strings.Fields(s.read(pids)) {
					pid, err := strconv.Atoi(field)
					s.must(err)
					equal(s, "process "+field+" of the hook is gone", gone(pid), true)
				}
			}
			s.oracle()
			s.run("state", id).failsWith(1, "does not exist")
		})
	}
}

// A hook has the environment of its entry and nothing else, its own arguments, and the
// default of its path for none.
func TestHooksEnvironment(t *testing.T) {
	for _, kind := range hookKinds {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			out := s.write("out/env", "")
			b := s.bundle(args("true"), addMounts(bind(strings.TrimSuffix(out, "/env"), "/out")))
			path := out
			if kind == "startContainer" {
				path = "/out/env"
			}
			b.busyboxHook(kind, "{ echo $0-$1; env; } >"+path, func(h *specs.Hook) { h.Args = append(h.Args, "zero", "one") })
			c := s.cmd("run", "-b", b.dir, s.id())
			c.env = []string{"OF_THE_CALLER=1"}
			c.run().ok()
			text := s.read(out)
			for _, want := range []string{"zero-one", "MARK=hook", "PATH=/bin"} {
				s.contains("of the hook", text, want)
			}
			s.lacks("of the hook", text, "OF_THE_CALLER")
			s.lacks("of the hook", text, "TERM=xterm")
		})
	}
}

// ignored is the mask of the signals that this process ignores, and so does what it starts:
// make(1), by way of posix_spawn(3), leaves one of the C library's.
func ignored(s *scenario) string {
	_, rest, _ := strings.Cut(s.read("/proc/self/status"), "SigIgn:")
	return strings.Fields(rest)[0]
}

// The runtime's own signals, descriptors and limits are not a hook's.
func TestHooksInheritNothing(t *testing.T) {
	for _, kind := range hookKinds {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 leaves descriptors to some hooks")
			out := s.write("out/status", "")
			b := s.bundle(args("true"), addMounts(bind(strings.TrimSuffix(out, "/status"), "/out")))
			path := out
			if kind == "startContainer" {
				path = "/out/status"
			}
			b.busyboxHook(kind, "{ grep -E 'SigBlk|SigIgn' /proc/self/status; ls /proc/self/fd; } >"+path)
			extra, err := os.Open(out)
			s.must(err)
			defer extra.Close()
			c := s.cmd("run", "-b", b.dir, s.id())
			c.files = []*os.File{extra, extra}
			c.run().ok()
			got := strings.Join(strings.Fields(s.read(out)), " ")
			// The directory that ls reads is one more.
			equal(s, "status and descriptors", got, "SigBlk: 0000000000000000 SigIgn: "+ignored(s)+" 0 1 2 3")
		})
	}
}
