package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLogToStderr(t *testing.T) {
	s := begin(t)
	r := s.run("state", "nobody").exits(1)
	line := regexp.MustCompile(`^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ" level=error msg="container does not exist"\n$`)
	if !line.MatchString(r.err) {
		s.errorf("stderr is %q", r.err)
	}
	equal(s, "stdout", r.out, "")
}

func TestLogTextFile(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.dir, "log")
	for range 2 {
		r := s.run("--log", path, "state", "nobody").exits(1)
		equal(s, "stderr", r.err, "container does not exist\n")
	}
	data, err := os.ReadFile(path)
	s.must(err)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	equal(s, "lines after two failures", len(lines), 2)
	s.contains("log", lines[1], `level=error msg="container does not exist"`)
	info, err := os.Stat(path)
	s.must(err)
	equal(s, "mode", info.Mode().Perm(), 0o644)
}

func TestLogJSONFile(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.dir, "log.json")
	r := s.run("--log", path, "--log-format", "json", "state", "nobody").exits(1)
	equal(s, "stderr", r.err, "container does not exist\n")
	data, err := os.ReadFile(path)
	s.must(err)
	if !regexp.MustCompile(`^\{"level":"error","msg":"container does not exist","time":"[^"]+"\}\n$`).Match(data) {
		s.errorf("log is %q", data)
	}
	// Engines unmarshal the whole file as one object: there must be exactly one record.
	record := decode[struct {
		Level, Msg string
		Time       time.Time
	}](s, string(data))
	equal(s, "level", record.Level, "error")
}

// An engine reads the whole log as one record, so a failing create must not write a second one.
func TestLogOneRecordPerFailure(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 on v2 warns of a missing memory.events first")
	path := filepath.Join(s.dir, "log.json")
	b := s.bundle(args("nope"))
	s.run("--log", path, "--log-format=json", "create", "--bundle", b.dir, s.id()).exits(1)
	record := decode[struct{ Level, Msg string }](s, s.read(path))
	equal(s, "level", record.Level, "error")
	s.contains("message", record.Msg, "executable file not found in $PATH")
}

func TestLogIsQuietOnSuccess(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.dir, "log")
	r := s.run("--log", path, "run", "--bundle", s.bundle().dir, s.id()).ok()
	equal(s, "output", r.out+r.err, "")
	equal(s, "log", s.read(path), "")
}

func TestLogDebug(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.dir, "log.json")
	s.run("--debug", "--log", path, "--log-format", "json", "run", "--bundle", s.bundle().dir, s.id()).ok()
	text := s.read(path)
	s.contains("debug log", text, `"level":"debug"`)
	s.contains("debug log", text, `"func":`)
	s.contains("debug log", text, `"file":`)
	for line := range strings.Lines(text) {
		decode[map[string]any](s, line)
	}
}

func TestLogEmptyFormatIsText(t *testing.T) {
	s := begin(t)
	r := s.run("--log-format", "", "state", "nobody").exits(1)
	s.contains("stderr", r.err, "level=error")
}
