package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// scenario is one test on one machine state: what it makes is gone when it ends,
// or it fails.
type scenario struct {
	t      *testing.T
	dir    string // scratch, removed by the test
	root   string // --root of every command
	before snapshot
	ids    []string
	// helpers are processes that the scenario itself started.
	helpers []*exec.Cmd
	nextID  int
	// peerReason is why the runtime under test, a peer, may fail this scenario.
	peerReason string
}

// begin takes the picture of the machine that the scenario must leave.
func begin(t *testing.T) *scenario {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("containers are made for real: needs root")
	}
	s := &scenario{t: t, dir: t.TempDir(), peerReason: known(t.Name())}
	s.root = filepath.Join(s.dir, "state")
	s.before = s.look()
	t.Cleanup(s.end)
	return s
}

// differs says that a peer does something else here, and why ocirun does not
// follow. On that peer a failed check ends the scenario as skipped, with the reason.
func (s *scenario) differs(peer, reason string) {
	if suite.kind == peer {
		s.peerReason = reason
	}
}

// id returns a container id that no other scenario uses. The oracle knows it.
func (s *scenario) id() string {
	s.nextID++
	id := fmt.Sprintf("it-%d-%s-%d", os.Getpid(), shortName(s.t.Name()), s.nextID)
	s.ids = append(s.ids, id)
	return id
}

func shortName(test string) string {
	name := strings.TrimPrefix(test, "Test")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '.'
	}, name)
	return name[:min(len(name), 40)]
}

// help starts a process of the scenario's own; it ends with the scenario.
func (s *scenario) help(cmd *exec.Cmd) {
	s.t.Helper()
	s.must(cmd.Start())
	s.helpers = append(s.helpers, cmd)
}

func (s *scenario) isHelper(pid int) bool {
	return slices.ContainsFunc(s.helpers, func(cmd *exec.Cmd) bool { return cmd.Process.Pid == pid })
}

func (s *scenario) stopHelpers() {
	for _, cmd := range s.helpers {
		cmd.Process.Kill()
	}
	// The init of a pid namespace ends only when all that was in it has been reaped, so no Wait here.
	for range 200 {
		if !slices.ContainsFunc(reap(), s.isHelper) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, cmd := range s.helpers {
		cmd.Process.Release()
	}
	s.helpers = nil
}

// without ends a scenario for want of something that only some machines have. Where the machine was made to have it, as
// OCIRUN_TEST_HAS says (names with spaces between them), that is a failure and not a reason to skip.
func (s *scenario) without(feature, why string) {
	s.t.Helper()
	if slices.Contains(strings.Fields(os.Getenv("OCIRUN_TEST_HAS")), feature) {
		s.t.Fatalf("this machine was to have %s: %s", feature, why)
	}
	s.t.Skip(why)
}

func (s *scenario) errorf(format string, args ...any) {
	s.t.Helper()
	if s.peerReason != "" {
		s.t.Skipf("differs as expected from ocirun: %s (%s)", s.peerReason, fmt.Sprintf(format, args...))
	}
	s.t.Errorf(format, args...)
}

func (s *scenario) fatalf(format string, args ...any) {
	s.t.Helper()
	s.errorf(format, args...)
	s.t.FailNow()
}

// must ends the scenario if the harness itself met an error.
func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("harness: %v", err)
	}
}

// equal compares one fact.
func equal[T comparable](s *scenario, what string, got, want T) {
	s.t.Helper()
	if got != want {
		s.errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// contains looks for a part of a text.
func (s *scenario) contains(what, text, part string) {
	s.t.Helper()
	if !strings.Contains(text, part) {
		s.errorf("%s: no %q in:\n%s", what, part, text)
	}
}

// lacks is the opposite of contains.
func (s *scenario) lacks(what, text, part string) {
	s.t.Helper()
	if strings.Contains(text, part) {
		s.errorf("%s: unexpected %q in:\n%s", what, part, text)
	}
}

// eventually waits until a condition holds, and meanwhile reaps orphans of containers as
// an engine does. The limit is for machines with a lot to do.
func (s *scenario) eventually(what string, condition func() bool) {
	s.t.Helper()
	s.within(20*time.Second, what, condition)
}

// within is eventually with another limit.
func (s *scenario) within(limit time.Duration, what string, condition func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if condition() {
			return
		}
		reap()
		time.Sleep(5 * time.Millisecond)
	}
	s.fatalf("never happened: %s", what)
}

// write puts a file into the scenario's scratch directory.
func (s *scenario) write(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	s.must(os.MkdirAll(filepath.Dir(path), 0o755))
	s.must(os.WriteFile(path, []byte(content), 0o644))
	return path
}

// read returns a file of the machine, without the spaces around it.
func (s *scenario) read(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.fatalf("%v", err)
	}
	return strings.TrimSpace(string(data))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
