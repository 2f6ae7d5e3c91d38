package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit is how long a command may take before it counts as hanging.
const limit = 10 * time.Second

// command is one call of the runtime that is being put together.
type command struct {
	s      *scenario
	args   []string
	env    []string
	dir    string
	stdin  *os.File
	files  []*os.File
	noRoot bool
	// session starts the call in a session of its own.
	session bool

	via            []string
	exec           *exec.Cmd
	stdout, stderr *os.File
	started        time.Time
}

// result is what a command left behind.
type result struct {
	s       *scenario
	what    string
	code    int
	out     string
	err     string
	elapsed time.Duration
	files   [2]string
}

// cmd prepares a call; the state root is added.
func (s *scenario) cmd(args ...string) *command { return &command{s: s, args: args} }

// run makes a call and waits for its end.
func (s *scenario) run(args ...string) result {
	s.t.Helper()
	return s.cmd(args...).run()
}

// through runs the call by a wrapper that gets it as its arguments.
func (c *command) through(wrapper ...string) result {
	c.s.t.Helper()
	c.via = wrapper
	return c.run()
}

func (c *command) run() result {
	c.s.t.Helper()
	c.start()
	return c.wait()
}

// start begins the call. Its output goes to files, not pipes: a created
// container keeps the descriptors, and nobody shall wait for it.
func (c *command) start() {
	c.s.t.Helper()
	c.prepare()
	c.launch()
}

// calls are the commands that run now, by process id: the reaper leaves them to
// their wait.
var calls sync.Map

func (c *command) launch() {
	c.s.t.Helper()
	c.s.must(c.exec.Start())
	calls.Store(c.exec.Process.Pid, true)
}

func (c *command) prepare() {
	c.s.t.Helper()
	var argv []string
	if !c.noRoot {
		argv = append(argv, "--root", c.s.root)
	}
	argv = append(append(c.via[:len(c.via):len(c.via)], suite.runtime), append(argv, c.args...)...)
	c.exec = exec.Command(argv[0], argv[1:]...)
	c.exec.Dir = c.dir
	c.exec.Env = append(os.Environ(), c.env...)
	c.exec.ExtraFiles = c.files
	c.stdout, c.stderr = c.s.temp("stdout"), c.s.temp("stderr")
	c.exec.Stdout, c.exec.Stderr = c.stdout, c.stderr
	if c.session {
		c.exec.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if c.stdin != nil {
		c.exec.Stdin = c.stdin
	}
	c.started = time.Now()
}

func (s *scenario) temp(name string) *os.File {
	s.t.Helper()
	f, err := os.CreateTemp(s.dir, name+"-")
	s.must(err)
	return f
}

// wait ends the scenario if the call hangs, crashes or prints a Go traceback.
func (c *command) wait() result {
	c.s.t.Helper()
	timer := time.AfterFunc(limit, func() { c.exec.Process.Kill() })
	stop := reapMeanwhile()
	err := c.exec.Wait()
	stop()
	hung := !timer.Stop()
	calls.Delete(c.exec.Process.Pid)
	r := result{s: c.s, what: c.exec.Args[0] + " " + strings.Join(c.args, " "), elapsed: time.Since(c.started)}
	r.files = [2]string{c.stdout.Name(), c.stderr.Name()}
	r.out, r.err = slurp(c.stdout), slurp(c.stderr)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.code = exit.ExitCode()
	case err != nil:
		c.s.t.Fatalf("harness: %s: %v", r.what, err)
	}
	if hung {
		c.s.fatalf("%s: hangs (killed after %v)\n%s", r.what, limit, r.err)
	}
	if strings.Contains(r.err, "goroutine ") && strings.Contains(r.err, ".go:") {
		c.s.fatalf("%s: crashed:\n%s", r.what, r.err)
	}
	return r
}

// reapMeanwhile does what an engine's shim does: orphans of containers that end
// during a command are collected, or a pid namespace with one could not end.
func reapMeanwhile() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				reap()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func slurp(f *os.File) string {
	data, err := os.ReadFile(f.Name())
	f.Close()
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// brief cuts a text that is too long for a report of a failure.
func brief(text string) string {
	if len(text) > 1000 {
		return text[:1000] + "..."
	}
	return text
}

// ok checks for success and hands the result on.
func (r result) ok() result {
	r.s.t.Helper()
	if r.code != 0 {
		r.s.fatalf("%s: exit %d\nstdout: %s\nstderr: %s", r.what, r.code, brief(r.out), brief(r.err))
	}
	return r
}

// exits checks the exit code.
func (r result) exits(code int) result {
	r.s.t.Helper()
	if r.code != code {
		r.s.errorf("%s: exit %d, want %d\nstdout: %s\nstderr: %s", r.what, r.code, code, brief(r.out), brief(r.err))
	}
	return r
}

// fails checks the exit code and the whole message of the error. "NAME" stands
// for the runtime's own name.
func (r result) fails(code int, message string) result {
	r.s.t.Helper()
	r.exits(code)
	want := strings.ReplaceAll(message, "NAME", suite.kind)
	if got := r.message(); got != want && !otherWords() {
		r.s.errorf("%s: message\n got %q\nwant %q", r.what, got, want)
	}
	return r
}

// failsWith checks the exit code and that the message has a part.
func (r result) failsWith(code int, part string) result {
	r.s.t.Helper()
	r.exits(code)
	if !otherWords() {
		r.s.contains(r.what, r.message(), part)
	}
	return r
}

// otherWords is for a peer whose messages nobody depends on: only what it does counts.
func otherWords() bool { return suite.kind == "crun" }

// refused checks that a command failed in an orderly way, whatever it says.
func (r result) refused() result {
	r.s.t.Helper()
	if r.code != 1 {
		r.s.errorf("%s: exit %d, want 1\nstderr: %s", r.what, r.code, r.err)
	}
	if r.message() == "" && !otherWords() {
		r.s.errorf("%s: failed without a word", r.what)
	}
	return r
}

var logLine = regexp.MustCompile(`(?m)^time=\S+ level=(\w+) msg=(".*?[^\\]"|\S+)`)

// message is the last error in the text log on stderr.
func (r result) message() string {
	last := ""
	for _, m := range logLine.FindAllStringSubmatch(r.err, -1) {
		if m[1] != "error" {
			continue
		}
		last = m[2]
		if unquoted, err := strconv.Unquote(last); err == nil {
			last = unquoted
		}
	}
	return last
}

// state is what the state command prints.
type state struct {
	OCIVersion  string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Pid         int               `json:"pid"`
	Status      string            `json:"status"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Created     time.Time         `json:"created"`
	Annotations map[string]string `json:"annotations"`
	Owner       string            `json:"owner"`
}

// state asks for a container's state.
func (s *scenario) state(id string) state {
	s.t.Helper()
	return decode[state](s, s.run("state", id).ok().out)
}

// status asks for one word of it.
func (s *scenario) status(id, want string) {
	s.t.Helper()
	if got := s.state(id).Status; got != want {
		s.errorf("status of %s: %s, want %s", id, got, want)
	}
}

// becomes waits for a status.
func (s *scenario) becomes(id, want string) {
	s.t.Helper()
	s.eventually(id+" becomes "+want, func() bool { return s.state(id).Status == want })
}

func decode[T any](s *scenario, text string) T {
	s.t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&v); err != nil {
		s.fatalf("%v in %q", err, text)
	}
	if dec.More() {
		s.errorf("more than one JSON value in %q", text)
	}
	return v
}

// create makes a container, with its status checked; flags come before the id.
func (s *scenario) create(b *bundle, flags ...string) string {
	s.t.Helper()
	id := s.id()
	s.run(append(append([]string{"create", "--bundle", b.dir}, flags...), id)...).ok()
	s.status(id, "created")
	return id
}

// payload runs a bundle in the foreground and returns what its program printed.
func (b *bundle) payload() string {
	b.s.t.Helper()
	return b.s.run("run", "--bundle", b.dir, b.s.id()).ok().out
}

// detached creates and starts a container and waits until its program says "up".
func (b *bundle) detached() (id string, pid int) {
	b.s.t.Helper()
	id = b.s.id()
	r := b.s.run("run", "--detach", "--bundle", b.dir, id).ok()
	r.waitFor("up\n")
	return id, b.s.state(id).Pid
}

// waitFor waits until the container's program has printed a text.
func (r result) waitFor(text string) string {
	r.s.t.Helper()
	var out []byte
	r.s.eventually(fmt.Sprintf("output %q", text), func() bool {
		out, _ = os.ReadFile(r.files[0])
		return bytes.Contains(out, []byte(text))
	})
	return string(out)
}

// gone reports whether a process ended, waiting for at most two seconds.
func gone(pid int) bool {
	for range 200 {
		if syscall.Kill(pid, 0) == syscall.ESRCH || processState(pid) == "Z" {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
