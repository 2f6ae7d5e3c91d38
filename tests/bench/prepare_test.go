package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemoveStale: folders of the living stay.
func TestRemoveStale(t *testing.T) {
	root := t.TempDir()
	alive, dead := filepath.Join(root, fmt.Sprintf("bench.%d", os.Getpid())), filepath.Join(root, "bench.99999999")
	for _, dir := range []string{alive, dead} {
		if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeStale(root)
	if _, err := os.Stat(alive); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the folder of a dead run is left")
	}
}

func TestPeer(t *testing.T) {
	root := t.TempDir()
	if c := peer(root, nameCrun); c.Absent == "" {
		t.Error("found crun in an empty root")
	}
	if err := os.MkdirAll(filepath.Join(root, "usr/sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "usr/sbin/runc"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if c := peer(root, nameRunc); c.Absent != "" || c.Path != "/usr/sbin/runc" {
		t.Errorf("%+v", c)
	}
}

// TestFloor: the committed source compiles here, and refuses to run without arguments.
func TestFloor(t *testing.T) {
	work, err := newWorkFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := work.floor(t.Context())
	if strings.Contains(c.Absent, "no C compiler") {
		t.Skip("no C compiler here")
	}
	if c.Absent != "" {
		t.Fatal(c.Absent)
	}
	r := &runner{job: job{Work: work.inside}}
	if r.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	if r.stderr, err = os.CreateTemp(t.TempDir(), "stderr"); err != nil {
		t.Fatal(err)
	}
	_, err = r.measure([]string{filepath.Join(work.outside, "bin/floor")})
	if err == nil || !strings.Contains(err.Error(), "usage: floor") {
		t.Errorf("floor without arguments: %v", err)
	}
	if s, err := r.measure([]string{"/bin/true"}); err != nil || s.Wall <= 0 || s.Faults <= 0 {
		t.Errorf("true: %+v, %v", s, err)
	}
}
