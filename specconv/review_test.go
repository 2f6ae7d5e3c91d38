package specconv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

func review(t *testing.T, dir, config string) []Problem {
	t.Helper()
	spec, end, err := decodeConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Review(&Bundle{Dir: dir, Raw: []byte(config), Spec: spec, end: end}, Options{Host: validHost()})
	return problems
}

// N1: everything is found at once, also what only a look at the host tells.
func TestReviewFindsEverything(t *testing.T) {
	config := string(change(t, good, `{"root": {"path": "nope"}, "process": {"cwd": "x"}, "mounts": [
		{"destination": "/a", "source": "/nonexistent/1", "options": ["bind"]}, {"destination": "/b", "source": "/nonexistent/2", "options": ["rbind"]}],
		"hooks": {"createRuntime": [{"path": "/nonexistent/hook"}], "poststop": [{"path": "/nonexistent/late"}]}}`))
	var have []string
	for _, p := range review(t, t.TempDir(), config) {
		text := string(p.Pointer)
		if p.Warning {
			text = "W " + text
		}
		have = append(have, text)
	}
	want := "/process/cwd /root/path /mounts/0 /mounts/1 /hooks/createRuntime/0/path W /hooks/poststop/0/path"
	if strings.Join(have, " ") != want {
		t.Errorf("have %v, want %s", have, want)
	}
}

func TestReviewOfAGoodBundle(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "rootfs/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rootfs/bin/sh"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if problems := review(t, dir, good); len(problems) != 0 {
		t.Errorf("found %v", problems)
	}
}

// N2: what nobody knows is ignored, at every level, and shown to who asks.
func TestReviewUnknownProperties(t *testing.T) {
	config := string(change(t, good, `{"mount": [], "process": {"user": {"uiD": 0, "gecos": "x"}, "rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1, "medium": 1}]},
		"annotations": {"any": "key"}, "linux": {"sysctl": {"net.ipv4.ip_forward": "1"}, "resources": {"unified": {"memory.high": "1"}, "memory": {"limitt": 1}},
		"netDevices": {"eth0": {"nick": "x"}}, "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "x/y": {}}}}`))
	var have []string
	for _, p := range review(t, t.TempDir(), config) {
		if strings.Contains(p.Error(), "unknown property") {
			if !p.Warning {
				t.Errorf("%v is an error", p)
			}
			have = append(have, string(p.Pointer))
		}
	}
	want := "/linux/netDevices/eth0/nick /linux/resources/memory/limitt /linux/seccomp/x~1y /mount /process/rlimits/0/medium /process/user/gecos"
	if strings.Join(have, " ") != want {
		t.Errorf("have %v, want %s", have, want)
	}
}

func TestReviewDevices(t *testing.T) {
	config := string(change(t, good, `{"linux": {"devices": [{"path": "/a", "type": "c", "major": 1, "minor": 3}, {"path": "/b", "type": "b", "major": 1, "minor": 3},
		{"path": "/c", "type": "c", "major": 1, "minor": 3}, {"path": "/d", "type": "p"}, {"path": "/e", "type": "p"}]}}`))
	found := 0
	for _, p := range review(t, t.TempDir(), config) {
		if strings.Contains(p.Error(), "/linux/devices/2: device c 1:3 is listed before as /a") && p.Warning {
			found++
		} else if strings.Contains(string(p.Pointer), "devices") {
			t.Errorf("also %v", p)
		}
	}
	if found != 1 {
		t.Errorf("found %d times", found)
	}
}

func TestPlace(t *testing.T) {
	raw := []byte("{\n  \"process\": {\n    \"args\": []}}")
	for pointer, want := range map[plan.Cause][2]int{
		"":                    {1, 1},
		"/process/args":       {3, 13},
		"/process/cwd":        {2, 14},
		"/linux/namespaces/0": {1, 1},
	} {
		if line, column := Place(raw, pointer); line != want[0] || column != want[1] {
			t.Errorf("%q is at %d:%d, want %v", pointer, line, column, want)
		}
	}
}
