package hostcheck

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/cgroups"
)

func noProgram(string) (string, error) { return "", errors.New("not found") }

// Each check says what it means, and nothing is left behind.
func TestRun(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b")
	checks := Run(Options{Root: root, LookPath: noProgram})
	areas := map[string]bool{}
	for _, c := range checks {
		areas[c.Area] = true
		if c.Area == "" || c.Name == "" || c.Found == "" {
			t.Errorf("says too little: %+v", c)
		}
		if isBad := c.Verdict != OK; isBad != (c.Effect != "") || isBad != (c.Remedy != "") {
			t.Errorf("a remedy is for what is bad: %+v", c)
		}
	}
	for _, area := range []string{"kernel", "init", "cgroups", "users", "security", "file systems", "state", "limits", "services"} {
		if !areas[area] {
			t.Errorf("no check of %s", area)
		}
	}
	if _, err := os.Stat(filepath.Dir(root)); err == nil {
		t.Error("a directory was made")
	}
	host, err := cgroups.Probe()
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{host.Unified}
	for _, h := range host.V1 {
		dirs = append(dirs, h.Mount)
	}
	for _, dir := range dirs {
		left, _ := filepath.Glob(dir + "/ocirun-doctor-*")
		if dir != "" && len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestCanRun(t *testing.T) {
	if !CanRun([]Check{{Verdict: OK}, {Verdict: Warn}}) || CanRun([]Check{{Verdict: OK}, {Verdict: Fail}}) {
		t.Error("a warning is no failure")
	}
}

func TestCountIDs(t *testing.T) {
	const text = "me:100000:65536\n1000:200000:10\nyou:1:1\nme:broken\nme:1:x\n"
	if got := countIDs(text, []string{"1000", "me"}); got != 65546 {
		t.Errorf("got %d", got)
	}
	if got := countIDs("", []string{"me"}); got != 0 {
		t.Errorf("got %d of nothing", got)
	}
}

func TestParseFileSystems(t *testing.T) {
	if got := parseFileSystems("nodev\tsysfs\n\text4\n\n"); !slices.Equal(got, []string{"sysfs", "ext4"}) {
		t.Errorf("got %q", got)
	}
}

func TestNearest(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{dir: dir, dir + "/x/y": dir, "/nonexistent/x": "/", "/": "/"} {
		if got := nearest(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestVersionOf(t *testing.T) {
	dir := t.TempDir()
	program := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := versionOf(program("good", "echo Version: 3.17; echo more")); got != "Version: 3.17" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := versionOf(program("silent", "exit 0")); !errors.Is(err, errSilent) {
		t.Error(err)
	}
	if _, err := versionOf(program("fails", "echo x; exit 1")); !errors.Is(err, errSilent) {
		t.Error(err)
	}
}

// The state root decides where the init can be executed from and whether there can be
// records.
func TestStateRootNotWritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	checks := Run(Options{Root: "/proc/nothing", LookPath: noProgram})
	i := slices.IndexFunc(checks, func(c Check) bool { return c.Area == "state" })
	if i < 0 || checks[i].Verdict != Fail || !strings.Contains(checks[i].Found, "/proc/nothing") {
		t.Errorf("%+v", checks)
	}
}
