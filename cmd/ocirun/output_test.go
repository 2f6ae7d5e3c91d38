package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/specconv/plan"
)

func TestState(t *testing.T) {
	c := newCall(t)
	c.fake.state = exampleState
	if code := c.run("state", "web"); code != 0 || c.fake.asked != "web" {
		t.Fatalf("exit %d: %s", code, c.err.String())
	}
	want := `{
  "ociVersion": "1.3.0",
  "id": "web",
  "pid": 42,
  "status": "running",
  "bundle": "/srv/web",
  "rootfs": "/srv/web/rootfs",
  "created": "2026-11-21T02:04:05.6789Z",
  "annotations": {
    "a": "1",
    "b": "\u003c2\u003e"
  },
  "owner": ""
}`
	if c.out.String() != want {
		t.Errorf("%s", c.out.String())
	}
	c = newCall(t)
	c.run("state", "web")
	if strings.Contains(c.out.String(), "annotations") {
		t.Errorf("empty annotations are printed: %s", c.out.String())
	}
}

func TestList(t *testing.T) {
	other := exampleState
	other.ID, other.Status, other.Pid, other.OwnerUID, other.Annotations = "a-much-longer-id", libcontainer.Stopped, 0, 123456789, nil
	c := newCall(t)
	c.fake.entries = []libcontainer.Entry{
		{ID: other.ID, State: &other},
		{ID: "broken", Err: errors.New("not a record")},
		{ID: "web", State: &exampleState},
	}
	if code := c.run("list"); code != 0 || c.err.String() != "load container broken: not a record\n" {
		t.Errorf("exit %d, %q", code, c.err.String())
	}
	want := "ID                 PID         STATUS      BUNDLE      CREATED                       OWNER\n" +
		"a-much-longer-id   0           stopped     /srv/web    2026-11-21T02:04:05.6789Z     #123456789\n" +
		"web                42          running     /srv/web    2026-11-21T02:04:05.6789Z     " + rootName(t) + "\n"
	if squeeze(c.out.String()) != squeeze(want) || !strings.HasPrefix(c.out.String(), "ID                 PID         STATUS") {
		t.Errorf("got\n%swant\n%s", c.out.String(), want)
	}
	c.out.Reset()
	if code := c.run("list", "--quiet"); code != 0 || c.out.String() != "a-much-longer-id\nweb\n" {
		t.Errorf("exit %d, %q", code, c.out.String())
	}
	c.out.Reset()
	if code := c.run("list", "-f", "json"); code != 0 || strings.Count(c.out.String(), "\n") != 1 {
		t.Errorf("exit %d, %q", code, c.out.String())
	}
	var states []stateJSON
	if err := json.Unmarshal(c.out.Bytes(), &states); err != nil || len(states) != 2 || states[0].Owner != "#123456789" || states[1].ID != "web" || !states[1].Created.Equal(exampleState.Created) {
		t.Errorf("%+v, %v", states, err)
	}
}

func rootName(t *testing.T) string {
	t.Helper()
	u, err := user.LookupId("0")
	if err != nil {
		return "#0"
	}
	return u.Username
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestListEmpty(t *testing.T) {
	for argv, want := range map[string]string{
		"list":               "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n",
		"list --format json": "null\n",
		"list --quiet":       "",
	} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 0 || c.out.String() != want {
			t.Errorf("%s: exit %d, %q", argv, code, c.out.String())
		}
		c = newCall(t)
		c.fake.err = fmt.Errorf("openat: %w", fs.ErrNotExist)
		if code := c.run(strings.Fields(argv)...); code != 0 || c.out.String() != want {
			t.Errorf("%s without state root: exit %d, %q", argv, code, c.out.String())
		}
	}
}

func TestListMissingExplicitRoot(t *testing.T) {
	c := newCall(t)
	c.fake.err = fs.ErrNotExist
	if code := c.run("--root", "/nowhere", "list"); code != 1 || c.message(t) != "open /nowhere: no such file or directory" {
		t.Errorf("exit %d, %s", code, c.err.String())
	}
}

func TestPs(t *testing.T) {
	c := newCall(t)
	c.fake.pids = []int{os.Getpid(), 1 << 30}
	if code := c.run("ps", "--format", "json", "web"); code != 0 || c.out.String() != fmt.Sprintf("[%d,%d]\n", os.Getpid(), 1<<30) {
		t.Errorf("exit %d, %q", code, c.out.String())
	}
	c.out.Reset()
	c.fake.pids = []int{}
	if code := c.run("ps", "-f", "json", "web"); code != 0 || c.out.String() != "null\n" {
		t.Errorf("exit %d, %q", code, c.out.String())
	}
	c = newCall(t)
	c.env["PATH"] = "relative:/nowhere"
	if code := c.run("ps", "web"); code != 1 || c.message(t) != `exec: "ps": executable file not found in $PATH` {
		t.Errorf("exit %d, %s", code, c.err.String())
	}
}

// A program in the place of ps shows what arguments it gets, and that its table is reduced.
func TestPsTable(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"USER   PID CMD\"\nfor p in 1 42 43; do echo \"root   $p $*\"; done\n"
	if err := os.WriteFile(filepath.Join(dir, "ps"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for argv, options := range map[string]string{"ps web": "-ef", "ps web -o pid,cmd --format x": "-o pid,cmd --format x"} {
		c := newCall(t)
		c.env["PATH"] = dir
		c.fake.pids = []int{42}
		if code := c.run(strings.Fields(argv)...); code != 0 || c.out.String() != "USER   PID CMD\nroot   42 "+options+"\n" {
			t.Errorf("%s: exit %d, %q %s", argv, code, c.out.String(), c.err.String())
		}
	}
}

func TestFilterPs(t *testing.T) {
	for _, c := range []struct{ out, want, err string }{
		{"  PID CMD\n    7 a\n   42 b\n", "  PID CMD\n   42 b\n", ""},
		{"UID PID\nme 42", "UID PID\nme 42\n", ""},
		{"UID CMD\nme a\n", "", "couldn't find PID field in ps output"},
		{"", "", "couldn't find PID field in ps output"},
		{"UID PID\nme\n", "", `unexpected line in ps output: "me\n"`},
		{"UID PID\nme x\n", "", `unexpected pid in ps output: strconv.Atoi: parsing "x": invalid syntax`},
	} {
		got, err := filterPs(c.out, []int{42})
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%q: %q, %v", c.out, got, err)
		}
	}
}

// FuzzFilterPs: the header and lines of the container's processes are all that is ever printed.
func FuzzFilterPs(f *testing.F) {
	for _, seed := range []string{"  PID CMD\n    7 a\n   42 b\n", "PID\n42", "CMD PID\n\n\nx 42\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, out string) {
		got, err := filterPs(out, []int{42})
		if err != nil {
			return
		}
		header, rows, _ := strings.Cut(got, "\n")
		if !strings.HasPrefix(out, header) {
			t.Errorf("%q: header %q", out, header)
		}
		for row := range strings.Lines(rows) {
			if !strings.Contains(row, "42") || !strings.Contains(out, strings.TrimSuffix(row, "\n")) {
				t.Errorf("%q: row %q", out, row)
			}
		}
	})
}

func TestSpec(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c := newCall(t)
	if code := c.run("spec"); code != 0 || c.out.Len() > 0 {
		t.Fatalf("exit %d: %s", code, c.err.String())
	}
	data, err := os.ReadFile("config.json")
	if err != nil || !strings.HasPrefix(string(data), "{\n\t\"ociVersion\": \"1.3.0\",") || strings.HasSuffix(string(data), "\n") {
		t.Errorf("%v: %.60q", err, data)
	}
	if code := c.run("spec", "--bundle", dir); code != 1 || c.message(t) != "File config.json exists. Remove it first" {
		t.Errorf("exit %d: %s", code, c.err.String())
	}
	c = newCall(t)
	if code := c.run("spec", "-b", "nowhere"); code != 1 || !strings.Contains(c.message(t), "no such file or directory") {
		t.Errorf("exit %d: %s", code, c.err.String())
	}
}

func TestExplain(t *testing.T) {
	explained := &libcontainer.Explanation{Plan: examplePlan(), Warnings: []string{"it is odd"}}
	for _, c := range []struct{ argv, id, bundle string }{
		{"explain", "container", "/tmp"},
		{"explain -b b", "container", "/tmp/b"},
		{"explain -b /srv web", "web", "/srv"},
		{"explain web", "web", ""},
	} {
		t.Chdir("/tmp")
		call := newCall(t)
		call.fake.explained = explained
		if code := call.run(strings.Fields(c.argv)...); code != 0 || call.fake.asked != c.id || call.fake.created.Bundle != c.bundle {
			t.Errorf("%s: exit %d, id %q, bundle %q: %s", c.argv, code, call.fake.asked, call.fake.created.Bundle, call.err.String())
		}
		if want := examplePlan().String() + "\nwarning: it is odd\n"; call.out.String() != want {
			t.Errorf("%s: %s", c.argv, call.out.String())
		}
	}
}

func TestExplainJSON(t *testing.T) {
	c := newCall(t)
	c.fake.explained = &libcontainer.Explanation{Plan: examplePlan()}
	if code := c.run("explain", "--format=json", "web"); code != 0 {
		t.Fatal(c.err.String())
	}
	var doc struct {
		Namespaces struct{ New []string }
		Steps      []struct{ Cause string }
		Warnings   []string
	}
	if err := json.Unmarshal(c.out.Bytes(), &doc); err != nil || len(doc.Steps) != 2 || doc.Steps[0].Cause != "/linux/cgroupsPath" || len(doc.Namespaces.New) != 2 || doc.Warnings == nil {
		t.Errorf("%+v, %v", doc, err)
	}
}

func TestExplainTiming(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.json")
	trace := libcontainer.NewTrace()
	trace.Add(libcontainer.Span{Name: "mount proc"})
	if err := trace.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	c := newCall(t)
	if code := c.run("explain", "--timing", path); code != 0 || !strings.Contains(c.out.String(), "mount proc") || !strings.HasSuffix(c.out.String(), "\n") {
		t.Errorf("exit %d, %s%s", code, c.out.String(), c.err.String())
	}
	c = newCall(t)
	if code := c.run("explain", "--timing", "/nowhere"); code != 1 || !strings.Contains(c.message(t), "no such file or directory") {
		t.Errorf("exit %d: %s", code, c.err.String())
	}
}

func TestExplainSeccomp(t *testing.T) {
	plain := examplePlan()
	plain.Entries = plain.Entries[:1]
	for _, c := range []struct {
		argv string
		plan *plan.Plan
		code int
		out  []string
		err  string
	}{
		{"explain --seccomp web", examplePlan(), 0, []string{"1 instructions", "ALLOW"}, ""},
		{"explain --seccomp web", plain, 0, []string{"no seccomp filter\n"}, ""},
		{"explain --ask openat2_0x2 --seccomp --ask ptrace web", examplePlan(), 0, []string{"openat2(0x2) on ", ": ALLOW\nptrace() on "}, ""},
		{"explain --ask ptrace web", plain, 1, nil, "the container has no seccomp filter"},
		{"explain --ask nosuchcall web", examplePlan(), 1, nil, `unknown system call "nosuchcall"`},
		{"explain --ask openat2_x web", examplePlan(), 1, nil, `argument 0 of openat2: "x" is not a number of 64 bits`},
		{"explain --seccomp -f json web", examplePlan(), 1, nil, "the seccomp filter is printed as text only"},
	} {
		call := newCall(t)
		call.fake.explained = &libcontainer.Explanation{Plan: c.plan}
		args := strings.Fields(c.argv)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		if code := call.run(args...); code != c.code {
			t.Errorf("%s: exit %d: %s", c.argv, code, call.err.String())
		}
		for _, part := range c.out {
			if !strings.Contains(call.out.String(), part) {
				t.Errorf("%s: no %q in %s", c.argv, part, call.out.String())
			}
		}
		if c.err != "" && call.message(t) != c.err {
			t.Errorf("%s: %s", c.argv, call.err.String())
		}
	}
}
