package cgroups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFreezeAndThaw(t *testing.T) {
	m := create(t, nil)
	file := filepath.Join(t.TempDir(), "count")
	start(t, m, "count", file)
	counts := func() bool {
		before, _ := os.ReadFile(file)
		time.Sleep(50 * time.Millisecond)
		after, _ := os.ReadFile(file)
		return string(before) != string(after)
	}
	eventually(t, "payload counts", counts)
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := m.Frozen(); !frozen || err != nil {
		t.Errorf("Frozen() = %t, %v", frozen, err)
	}
	if counts() {
		t.Error("payload runs while frozen")
	}
	if err := m.Thaw(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := m.Frozen(); frozen || err != nil {
		t.Errorf("Frozen() = %t, %v", frozen, err)
	}
	eventually(t, "payload counts again", counts)
}

func TestKillFrozen(t *testing.T) {
	m := create(t, nil)
	start(t, m, "sleep")
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := m.Kill(); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
}

func TestThawBelowAFrozenAncestor(t *testing.T) {
	parent := create(t, nil)
	child := createAt(t, Config{Path: parent.trees[0].rel + "/child", Host: host(t)})
	t.Cleanup(func() { _ = parent.Thaw() })
	if err := parent.Freeze(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := child.Frozen(); !frozen || err != nil {
		t.Errorf("Frozen() = %t, %v", frozen, err)
	}
	err := child.Thaw()
	if err == nil || !strings.Contains(err.Error(), parent.freezer().dir()+" is frozen") {
		t.Errorf("Thaw() = %v", err)
	}
}
