package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
)

// numbers are texts of an id with what they stand for; those without are errors.
var numbers = []struct {
	text string
	id   int64 // -1: refused
}{
	{"0", 0},
	{"1", 1},
	{"2", 2},
	{"10", 10},
	{"99", 99},
	{"1000", 1000},
	{"65534", 65534},
	{"65535", 65535},
	{"65536", 65536},
	{"2147483647", 2147483647},
	{"2147483648", 2147483648},
	{"4294967294", 4294967294},
	{"007", 7},
	{"", -1},
	{" ", -1},
	{"4294967295", -1},
	{"4294967296", -1},
	{"18446744073709551616", -1},
	{"-1", -1},
	{"-0", -1},
	{"+1", -1},
	{"+0", -1},
	{"1 ", -1},
	{" 1", -1},
	{"1\n", -1},
	{"1\x00", -1},
	{"0x10", -1},
	{"0b1", -1},
	{"0o7", -1},
	{"1_000", -1},
	{"1e3", -1},
	{"1.0", -1},
	{"1,2", -1},
	{"root", -1},
	{"1000x", -1},
	{"x1000", -1},
	{"١", -1}, // a digit, but none of ours
	{"1/2", -1},
}

// Every number as a user alone, and with a number as the group: an id that is
// misread is somebody else's (CVE-2026-30892).
func TestParseUser(t *testing.T) {
	rows := 0
	for _, user := range numbers {
		checkUser(t, user.text, user.id, -2)
		rows++
		for _, group := range numbers {
			checkUser(t, user.text+":"+group.text, user.id, group.id)
			rows++
		}
		for _, text := range []string{user.text + "::", user.text + ":1:2", ":" + user.text} {
			checkUser(t, text, -1, -1)
			rows++
		}
	}
	if rows < 200 {
		t.Errorf("only %d rows", rows)
	}
}

// checkUser expects an error where an id is -1; a group of -2 is none.
func checkUser(t *testing.T, text string, uid, gid int64) {
	t.Helper()
	u, g, err := parseUser(text)
	if wrong := uid == -1 || gid == -1; wrong != (err != nil) {
		t.Errorf("%q: %v", text, err)
	} else if wrong {
		if !strings.HasPrefix(err.Error(), "bad uid: ") && !strings.HasPrefix(err.Error(), "bad gid: ") || u != nil || g != nil {
			t.Errorf("%q: %v, %v, %v", text, u, g, err)
		}
		return
	}
	if err == nil && (int64(*u) != uid || (g == nil) != (gid == -2) || g != nil && int64(*g) != gid) {
		t.Errorf("%q: %d, %v", text, *u, g)
	}
}

func TestParseCgroups(t *testing.T) {
	for _, c := range []struct {
		list []string
		want map[string]string
		err  string
	}{
		{nil, nil, ""},
		{[]string{"sub"}, map[string]string{"": "sub"}, ""},
		{[]string{"/"}, map[string]string{"": "/"}, ""},
		{[]string{"cpu,memory:a", "pids:/b:c"}, map[string]string{"cpu": "a", "memory": "a", "pids": "/b:c"}, ""},
		{[]string{"a", "b"}, nil, "invalid --cgroup argument: a (missing <controller>: prefix)"},
		{[]string{"cpu:a", "b"}, nil, "invalid --cgroup argument: b (missing <controller>: prefix)"},
		{[]string{":a"}, nil, "invalid --cgroup argument: :a (empty <controller> prefix)"},
		{[]string{"cpu,:a"}, nil, "invalid --cgroup argument: cpu,:a (empty <controller> prefix)"},
		{[]string{"cpu:a", "memory,cpu:b"}, nil, "invalid --cgroup argument(s): controller cpu specified multiple times"},
	} {
		got, err := parseCgroups(c.list)
		if text := fmt.Sprint(err); c.err != "" && text != c.err || c.err == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
			t.Errorf("%q: %v, %v", c.list, got, err)
		}
	}
}

func TestExecOptions(t *testing.T) {
	c := newCall(t)
	dir := t.TempDir()
	t.Chdir(dir)
	code := c.run("exec", "-t", "--cwd=/tmp", "-e", "A=1", "--env", "B=2", "--user", "7:8", "-g", "1", "--additional-gids", "2",
		"-c", "CAP_KILL", "--cap", "CAP_CHOWN", "--no-new-privs=false", "--apparmor", "p", "--process-label", "l", "-d",
		"--pid-file", "p", "--console-socket", "c", "--pidfd-socket", "f", "--cgroup", "cpu:x", "--ignore-paused", "--no-subreaper",
		"web", "sh", "-c", "--tty")
	if code != 0 || c.fake.asked != "web" || c.err.Len() > 0 {
		t.Fatalf("exit %d, %q", code, c.err.String())
	}
	o := c.fake.executed
	uid, gid, nnp := uint32(7), uint32(8), false
	want := libcontainer.ExecOptions{
		Changes: libcontainer.ProcessChanges{
			Args: []string{"sh", "-c", "--tty"}, Cwd: "/tmp", Env: []string{"A=1", "B=2"}, Terminal: true,
			UID: &uid, GID: &gid, AdditionalGIDs: []uint32{1, 2}, Capabilities: []string{"CAP_KILL", "CAP_CHOWN"},
			NoNewPrivileges: &nnp, AppArmorProfile: "p", SELinuxLabel: "l",
		},
		Detach: true, Exits: true, PidFile: filepath.Join(dir, "p"), ConsoleSocket: filepath.Join(dir, "c"), PidfdSocket: filepath.Join(dir, "f"),
		Cgroups: map[string]string{"cpu": "x"}, IgnorePaused: true,
	}
	o.Warn = nil
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v\nwant %+v", o, want)
	}
}

func TestExecDefaults(t *testing.T) {
	for _, argv := range []string{"exec web true", "exec web -- true", "exec -- web true"} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 0 {
			t.Fatalf("%s: exit %d, %q", argv, code, c.err.String())
		}
		o := c.fake.executed
		o.Warn = nil
		o.Changes.AdditionalGIDs = nil
		want := libcontainer.ExecOptions{Changes: libcontainer.ProcessChanges{Args: []string{"true"}}, Exits: true}
		if !reflect.DeepEqual(o, want) {
			t.Errorf("%s: %+v", argv, o)
		}
	}
}

// Engines name a file, and some of them give options besides that are to be ignored.
func TestExecProcessFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "process.json")
	if err := os.WriteFile(file, []byte(`{"args":["id"],"cwd":"/","terminal":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"exec", "--process", file, "web"},
		{"exec", "-p", file, "--detach", "--tty", "--user", "nonsense", "-g", "-5", "web", "ignored"},
	} {
		c := newCall(t)
		if code := c.run(argv...); code != 0 {
			t.Fatalf("%q: exit %d, %q", argv, code, c.err.String())
		}
		if p := c.fake.executed.Process; p == nil || !p.Terminal || len(p.Args) != 1 || p.Args[0] != "id" {
			t.Errorf("%q: %+v", argv, p)
		}
	}
}

func TestExecFailures(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"args": 3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		argv    string
		code    int
		message string
	}{
		{"exec", 1, `/usr/sbin/ocirun: "exec" requires a minimum of 1 argument(s)`},
		{"exec --bad web true", 1, "flag provided but not defined: -bad"},
		{"exec --no-new-privs=x web true", 1, `invalid boolean value "x" for -no-new-privs: parse error`},
		{"exec --user x web true", 255, `exec failed: bad uid: strconv.ParseUint: parsing "x": invalid syntax`},
		{"exec --user 1: web true", 255, `exec failed: bad gid: strconv.ParseUint: parsing "": invalid syntax`},
		{"exec -g -1 web true", 255, "exec failed: additional-gids must be a positive number -1"},
		{"exec --cgroup :x web true", 255, "exec failed: invalid --cgroup argument: :x (empty <controller> prefix)"},
		{"exec --preserve-fds 1 web true", 255, "exec failed: unable to stat preserved-fd 0 (of 1): descriptor 3: bad file descriptor"},
		{"exec --process /nonexistent/p web", 255, "exec failed: open /nonexistent/p: no such file or directory"},
		{"exec --process " + bad + " web", 255, "exec failed: " + bad + ":1:10: /args: json: cannot unmarshal number into Go struct field Process.args of type []string"},
	} {
		call := newCall(t)
		if code := call.run(strings.Fields(c.argv)...); code != c.code {
			t.Errorf("%s: exit %d, want %d", c.argv, code, c.code)
		}
		if got := call.message(t); got != c.message {
			t.Errorf("%s: %q, want %q", c.argv, got, c.message)
		}
	}
}

// The library's errors have an exit code of their own, and so has the program.
func TestExecExitCodes(t *testing.T) {
	for _, c := range []struct {
		load, does error
		status     int
		want       int
	}{
		{nil, nil, 0, 0},
		{nil, nil, 3, 3},
		{nil, nil, 255, 255},
		{nil, libcontainer.ErrExecStopped, 0, 255},
		{libcontainer.ErrNotExist, nil, 0, 255},
		{nil, errors.New("no"), 3, 255},
	} {
		call := newCall(t)
		call.fake.err, call.fake.does, call.fake.fakeContainer.status = c.load, c.does, c.status
		if code := call.run("exec", "web", "true"); code != c.want {
			t.Errorf("%+v: exit %d", c, code)
		}
	}
}
