package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	textRecord = regexp.MustCompile(`^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" level=(\w+) msg=(\S+|".*")\n$`)
	jsonRecord = regexp.MustCompile(`^\{"level":"(\w+)","msg":"(.*)","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\n$`)
)

func TestLogOnStandardError(t *testing.T) {
	c := newCall(t)
	c.fake.err = errors.New(`a "quoted" word`)
	c.run("state", "x")
	m := textRecord.FindStringSubmatch(c.err.String())
	if m == nil || m[1] != "error" || m[2] != `"a \"quoted\" word"` {
		t.Errorf("%q", c.err.String())
	}
	c = newCall(t)
	c.fake.err = errors.New("EOF")
	c.run("--log-format", "json", "state", "x")
	m = jsonRecord.FindStringSubmatch(c.err.String())
	if m == nil || m[1] != "error" || m[2] != "EOF" {
		t.Errorf("%q", c.err.String())
	}
}

// TestLogUTC: the time is the same whatever the time zone.
func TestLogUTC(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("east", 3600)
	defer func() { time.Local = local }()
	TestLogOnStandardError(t)
}

func TestLogFile(t *testing.T) {
	for _, format := range []string{"text", "json", ""} {
		path := filepath.Join(t.TempDir(), "log")
		for range 2 {
			c := newCall(t)
			c.fake.err = errors.New("no such thing")
			if code := c.run("--log", path, "--log-format", format, "state", "x"); code != 1 || c.err.String() != "no such thing\n" {
				t.Errorf("exit %d, standard error %q", code, c.err.String())
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		record := textRecord
		if format == "json" {
			record = jsonRecord
		}
		lines := strings.SplitAfter(string(data), "\n")
		if len(lines) != 3 || !record.MatchString(lines[0]) || !record.MatchString(lines[1]) {
			t.Errorf("%s: %q", format, data)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&^0o644 != 0 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

// Some callers read the file as one record: it must be the error.
func TestLogOneRecordPerFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := newCall(t)
	c.fake.warnings, c.fake.err = []string{"odd", "odd", "strange"}, errors.New("broken")
	c.run("--criu", "x", "--log", path, "--log-format=json", "create", "x")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Level, Msg string }
	if err := json.Unmarshal(data, &record); err != nil || record.Level != "error" || record.Msg != "ocirun create failed: broken" {
		t.Errorf("%v, %s", err, data)
	}
	want := "warning: --criu has no effect: criu is looked up on PATH\nwarning: odd\nwarning: strange\nocirun create failed: broken\n"
	if c.err.String() != want {
		t.Errorf("standard error %q", c.err.String())
	}
}

func TestLogWarnings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, status := range []int{0, 7} {
		c := newCall(t)
		c.fake.warnings, c.fake.status = []string{"odd", "odd", "strange"}, status
		format := []string{"text", "json"}[status&1]
		if code := c.run("--log", path, "--log-format", format, "run", "x"); code != status || c.err.Len() > 0 {
			t.Errorf("exit %d, %q", code, c.err.String())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"odd", "strange"} {
			record := map[string]string{"text": "level=warning msg=" + word + "\n", "json": `"level":"warning","msg":"` + word + `",`}[format]
			if strings.Count(string(data), record) != 1 {
				t.Errorf("%s: not once %q in %s", format, record, data)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	c := newCall(t)
	c.fake.warnings, c.fake.err = []string{"odd"}, errors.New("broken")
	c.run("create", "x")
	if lines := strings.SplitAfter(c.err.String(), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "level=warning") || !strings.Contains(lines[1], "level=error") {
		t.Errorf("%q", lines)
	}
}

func TestLogDebug(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := newCall(t)
	c.fake.err = errors.New("broken")
	c.run("--debug", "--log", path, "--log-format=json", "create", "x")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	levels := ""
	for line := range strings.Lines(string(data)) {
		var record struct{ Level, File, Func string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		levels += record.Level + " "
		if !strings.Contains(record.File, "app.go:") || !strings.Contains(record.Func, ".(*app).") {
			t.Errorf("record from %s, %s", record.File, record.Func)
		}
	}
	if levels != "debug error " {
		t.Errorf("levels %q", levels)
	}
}

func TestLogIsEmptyOnSuccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := newCall(t)
	if code := c.run("--log", path, "run", "x"); code != 0 || c.err.Len()+c.out.Len() > 0 {
		t.Errorf("exit %d, %q", code, c.err.String())
	}
	if data, err := os.ReadFile(path); err != nil || len(data) > 0 {
		t.Errorf("%q, %v", data, err)
	}
}
