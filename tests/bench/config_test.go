package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func testMaker(t *testing.T) bundleMaker {
	t.Helper()
	outside := t.TempDir()
	busybox := filepath.Join(outside, "busybox")
	if err := os.WriteFile(busybox, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	return bundleMaker{
		configs: "../../specconv/testdata/configs", busybox: busybox,
		outside: outside, inside: "/bench.1", prefix: "ocirun-bench-1",
	}
}

func TestMakeAllBundles(t *testing.T) {
	maker := testMaker(t)
	if err := maker.makeAll(); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]any{
		bundleDefault:     {"/bin/true"},
		bundleDocker:      {"/bin/true"},
		bundleMemory:      {"/bin/true"},
		bundleExec:        {"/bin/busybox", "sleep", "3600"},
		bundleProbe:       {"/bin/sh", "-c", probeScript},
		bundleDockerProbe: {"/bin/sh", "-c", probeScript},
	} {
		config, err := readConfig(filepath.Join(maker.outside, name, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		process := config.section("process")
		if got, _ := process["args"].([]any); !slices.Equal(got, args) {
			t.Errorf("%s runs %q, want %q", name, got, args)
		}
		if process["terminal"] == true {
			t.Errorf("%s wants a terminal", name)
		}
		if root := config.section("root")["path"]; root != "rootfs" {
			t.Errorf("%s has its root at %v", name, root)
		}
		if _, err := os.Stat(filepath.Join(maker.outside, name, "rootfs/bin/true")); err == nil {
			continue // the link's target exists too
		}
		t.Errorf("%s has no program to run", name)
	}
}

// TestDockerBundle: the parts that make the configuration Docker's are kept, those that need its daemon are not.
func TestDockerBundle(t *testing.T) {
	config, err := testMaker(t).dockerConfig()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := config["hooks"]; ok {
		t.Error("a hook of the daemon is left")
	}
	linux := config.section("linux")
	if syscalls, _ := linux.section("seccomp")["syscalls"].([]any); len(syscalls) < 5 {
		t.Errorf("seccomp has %d rules: that is not the default profile", len(syscalls))
	}
	if rules, _ := linux.section("resources")["devices"].([]any); len(rules) < 2 {
		t.Errorf("%d device rules left", len(rules))
	}
	binds := 0
	mounts, _ := config["mounts"].([]any)
	for _, m := range mounts {
		if mount, _ := m.(map[string]any); mount["type"] == "bind" {
			binds++
			if source, _ := mount["source"].(string); filepath.Dir(source) != "/bench.1/files" {
				t.Errorf("a bind mount of %s", source)
			}
		}
	}
	if binds != 3 {
		t.Errorf("%d bind mounts, want 3", binds)
	}
}

func TestLimitBundle(t *testing.T) {
	maker := testMaker(t)
	if err := maker.makeAll(); err != nil {
		t.Fatal(err)
	}
	r := &runner{job: job{Work: maker.outside}}
	for view, wantNamespace := range map[string]bool{viewV1: false, viewV2: true} {
		if err := r.limitBundle(view, "some-id", 4096); err != nil {
			t.Fatal(err)
		}
		config, err := readConfig(filepath.Join(maker.outside, bundleMemory, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		linux := config.section("linux")
		if got := linux.section("resources").section("memory")["limit"]; got != 4096.0 {
			t.Errorf("%s: limit %v", view, got)
		}
		if linux["cgroupsPath"] != "/some-id" {
			t.Errorf("%s: cgroup %v", view, linux["cgroupsPath"])
		}
		text, err := json.Marshal(linux["namespaces"])
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(namespaceTypes(t, text), "cgroup"); got != wantNamespace {
			t.Errorf("%s: cgroup namespace %v in %s", view, got, text)
		}
	}
}

func namespaceTypes(t *testing.T, text []byte) []string {
	t.Helper()
	var namespaces []struct{ Type string }
	if err := json.Unmarshal(text, &namespaces); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, n := range namespaces {
		types = append(types, n.Type)
	}
	return types
}
