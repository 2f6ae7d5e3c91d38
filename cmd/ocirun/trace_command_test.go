package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ocirun/ocirun/libcontainer"
)

// traceOf writes a trace with one step.
func traceOf(t *testing.T, name string, start, duration time.Duration) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	trace := libcontainer.NewTrace()
	trace.Add(libcontainer.Span{Name: name, Category: "host", Start: start, Duration: duration, Pid: 7})
	if err := trace.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTraceFiles(t *testing.T) {
	first := traceOf(t, "first", time.Second, 100*time.Microsecond)
	second := traceOf(t, "second", time.Second+100*time.Microsecond, 300*time.Microsecond)
	c := newCall(t)
	if code := c.run("trace", first, second); code != 0 {
		t.Fatal(code, c.err.String())
	}
	lines := strings.Split(strings.TrimSpace(c.out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "75.0%  host   second") || !strings.Contains(lines[3], "400 us  total") {
		t.Errorf("%s", c.out.String())
	}
	c = newCall(t)
	var list []traceStep
	if code := c.run("trace", "-f", "json", second, first); code != 0 || json.Unmarshal(c.out.Bytes(), &list) != nil {
		t.Fatal(code, c.out.String())
	}
	if len(list) != 2 || list[0] != (traceStep{"second", "host", 7, 100, 300}) || list[1] != (traceStep{"first", "host", 7, 0, 100}) {
		t.Errorf("%+v", list)
	}
	out := filepath.Join(t.TempDir(), "out")
	c = newCall(t)
	if code := c.run("trace", "--format=perfetto", "-o", out, first, second); code != 0 || c.out.Len() > 0 {
		t.Fatal(code, c.out.String())
	}
	if both, err := libcontainer.ReadTrace(out); err != nil || len(both.Spans()) != 2 {
		t.Errorf("%+v, %v", both, err)
	}
}

func TestTraceWrong(t *testing.T) {
	for argv, want := range map[string]string{
		"trace":                 "either files of traces or --bundle are needed",
		"trace -b /x file":      `with --bundle there are no files of traces, such as "file"`,
		"trace -f xml file":     "invalid format option",
		"trace /nonexistent/f":  "stat /nonexistent/f: no such file or directory",
		"trace /dev/null":       "/dev/null: not a trace: unexpected end of JSON input",
		"trace --format x -b .": "invalid format option",
	} {
		c := newCall(t)
		if code := c.run(strings.Fields(argv)...); code != 1 || c.message(t) != want {
			t.Errorf("%s: exit %d, %q", argv, code, c.message(t))
		}
	}
}

// The trace is shown whatever becomes of the program, and its status is handed on.
func TestTraceBundle(t *testing.T) {
	c := newCall(t)
	c.fake.status = 3
	if code := c.run("trace", "-b", "/srv/web"); code != 3 || !strings.Contains(c.out.String(), "total") {
		t.Errorf("exit %d, %s", code, c.out.String())
	}
	if c.fake.created.Bundle != "/srv/web" || c.fake.created.Trace == nil || c.fake.asked != "trace-4711" {
		t.Errorf("%q %+v", c.fake.asked, c.fake.created)
	}
	c = newCall(t)
	c.fake.err = os.ErrInvalid
	if code := c.run("trace", "-b", "/srv/web"); code != 1 || !strings.Contains(c.out.String(), "total") || c.message(t) != "ocirun run failed: invalid argument" {
		t.Errorf("exit %d, %s", code, c.out.String())
	}
}
