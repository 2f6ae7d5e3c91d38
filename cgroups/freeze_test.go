package cgroups

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

func TestKillBelowAFrozenAncestor(t *testing.T) {
	parent := create(t, nil)
	child := createAt(t, Config{Path: parent.trees[0].rel + "/child", Host: host(t)})
	cmd := start(t, child, "sleep")
	t.Cleanup(func() { _ = parent.Thaw() })
	if err := parent.Freeze(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	err := child.Kill()
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
	if child.freezer().v2() {
		if err != nil { // a v2 freezer lets processes die
			t.Error(err)
		}
		return
	}
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), parent.freezer().dir()+" is frozen") {
		t.Errorf("Kill() = %v", err)
	}
	if err := parent.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Wait() = %v", err)
	}
}

// TestKillFindsProcessesThatLeftAHierarchy: a container with power over its cgroups can leave some of them.
func TestKillFindsProcessesThatLeftAHierarchy(t *testing.T) {
	needMode(t, false)
	m := create(t, nil)
	cmd := start(t, m, "sleep")
	left := 0
	for i := range m.trees {
		if tree := &m.trees[i]; tree.v2() || slices.Contains(tree.controllers, "freezer") {
			if err := write(tree.mount+"/cgroup.procs", strconv.Itoa(cmd.Process.Pid)); err != nil {
				t.Fatal(err)
			}
			left++
		}
	}
	if left == 0 {
		t.Skip("nothing to leave")
	}
	if err := m.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Wait() = %v", err)
	}
}
