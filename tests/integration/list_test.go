package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestListEmpty(t *testing.T) {
	s := begin(t)
	s.must(os.Mkdir(s.root, 0o700))
	equal(s, "table", strings.TrimRight(s.run("list").ok().out, "\n"), "ID          PID         STATUS      BUNDLE      CREATED     OWNER")
	equal(s, "json", s.run("list", "--format", "json").ok().out, "null\n")
	equal(s, "quiet", s.run("list", "-q").ok().out, "")
}

func TestListContainers(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("sleep 100"))
	first, second := s.create(b), s.create(b)
	s.run("start", second).ok()

	equal(s, "quiet", s.run("list", "--quiet").ok().out, first+"\n"+second+"\n")
	lines := strings.Split(strings.TrimRight(s.run("list").ok().out, "\n"), "\n")
	if len(lines) != 3 {
		s.fatalf("list prints %d lines: %q", len(lines), lines)
	}
	row := regexp.MustCompile(`^` + first + ` {3,}\d+ +created +` + b.dir + ` +\d{4}-\d\d-\d\dT\S+Z +root *$`)
	if !row.MatchString(lines[1]) {
		s.errorf("row %q does not match %s", lines[1], row)
	}
	s.contains("second row", lines[2], "running")

	out := s.run("list", "-f", "json").ok().out
	if !strings.HasSuffix(out, "]\n") || strings.Count(out, "\n") != 1 {
		s.errorf("json is not one line: %q", out)
	}
	states := decode[[]state](s, out)
	if len(states) != 2 {
		s.fatalf("json has %d entries", len(states))
	}
	equal(s, "id", states[1].ID, second)
	equal(s, "status", states[1].Status, "running")
	equal(s, "owner", states[1].Owner, "root")
	equal(s, "pid", states[0].Pid, s.state(first).Pid)
}

func TestListBadFormat(t *testing.T) {
	s := begin(t)
	s.must(os.Mkdir(s.root, 0o700))
	s.run("list", "--format", "xml").fails(1, "invalid format option")
}

func TestListMissingRoot(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 prints an empty list; 1.5.1 fails")
	s.run("list").fails(1, "open "+s.root+": no such file or directory")
}

func TestListMissingDefaultRoot(t *testing.T) {
	s := begin(t)
	defer os.Remove("/run/" + suite.kind) // runc makes it
	c := s.cmd("list", "--format=json")
	c.noRoot = true
	equal(s, "json", c.run().ok().out, "null\n")
}

func TestListGoesOnPastBrokenEntries(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	s.must(os.Mkdir(filepath.Join(s.root, "broken"), 0o711))
	s.must(os.WriteFile(filepath.Join(s.root, "a-file"), nil, 0o600))
	defer os.RemoveAll(filepath.Join(s.root, "broken"))
	defer os.Remove(filepath.Join(s.root, "a-file"))
	r := s.run("list", "--quiet").ok()
	equal(s, "ids", r.out, id+"\n")
	s.contains("stderr", r.err, "load container broken: ")
	s.lacks("stderr", r.err, "a-file")
}
