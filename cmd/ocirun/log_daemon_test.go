package main

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listen plays a log daemon and gives a function that waits for its next record.
func listen(t *testing.T, socket *string) func() string {
	t.Helper()
	before := *socket
	*socket = filepath.Join(t.TempDir(), "log")
	t.Cleanup(func() { *socket = before })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: *socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func() string {
		t.Helper()
		buf := make([]byte, 1<<12)
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestLogToJournal(t *testing.T) {
	next := listen(t, &journalSocket)
	c := newCall(t)
	c.fake.err = errors.New("no such thing")
	if code := c.run("--log", "journald:box", "--log-format", "json", "state", "x"); code != 1 || c.err.String() != "no such thing\n" {
		t.Errorf("exit %d, standard error %q", code, c.err.String())
	}
	if got := next(); got != "PRIORITY=3\nSYSLOG_IDENTIFIER=box\nMESSAGE=no such thing\n" {
		t.Errorf("%q", got)
	}
	c = newCall(t)
	c.fake.err = errors.New("two\nlines")
	c.run("--log", "journald:", "state", "x")
	length := string(binary.LittleEndian.AppendUint64(nil, 9))
	if got := next(); got != "PRIORITY=3\nSYSLOG_IDENTIFIER=ocirun\nMESSAGE\n"+length+"two\nlines\n" {
		t.Errorf("%q", got)
	}
}

func TestLogToSyslog(t *testing.T) {
	next := listen(t, &syslogSocket)
	c := newCall(t)
	c.fake.err = errors.New("no such thing")
	c.run("--log=syslog:box", "--criu", "/x", "state", "x")
	for _, want := range []string{`^<28>\w{3} [ \d]\d \d\d:\d\d:\d\d box\[\d+\]: --criu has`, `^<27>.* box\[\d+\]: no such thing$`} {
		if got := next(); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q does not match %s", got, want)
		}
	}
}

func TestLogDaemonMissing(t *testing.T) {
	listen(t, &journalSocket)
	journalSocket += "-not-here"
	c := newCall(t)
	if code := c.run("--log", "journald:x", "state", "x"); code != 1 || !strings.Contains(c.err.String(), "log to journald: connect to "+journalSocket) {
		t.Errorf("exit %d, %q", code, c.err.String())
	}
}

// TestLogFilePrefix: crun's callers write file: before the name of a file.
func TestLogFilePrefix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := newCall(t)
	c.fake.err = errors.New("no such thing")
	c.run("--log", "file:"+path, "state", "x")
	if log := read(t, path); !strings.Contains(log, `msg="no such thing"`) {
		t.Errorf("%q", log)
	}
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[string]int{"": 2, "info": 2, "warning": 2, "warn": 2, "error": 1, "debug": 3} {
		path := filepath.Join(t.TempDir(), "log")
		c := newCall(t)
		c.fake.err = errors.New("no such thing")
		c.run("--log", path, "--log-level", level, "--criu", "/x", "state", "x")
		if log := read(t, path); strings.Count(log, "level=") != want {
			t.Errorf("level %q, want %d records: %s", level, want, log)
		}
	}
	c := newCall(t)
	if code := c.run("--log-level", "loud", "state", "x"); code != 1 || !strings.Contains(c.err.String(), "invalid log-level: loud") {
		t.Errorf("exit %d, %q", code, c.err.String())
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
