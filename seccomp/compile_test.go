package seccomp

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// allFlags stands for a kernel that knows all flags.
func allFlags(uint) bool { return true }

// profile reads a seccomp section of testdata.
func profile(t testing.TB, name string) *specs.LinuxSeccomp {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var spec specs.LinuxSeccomp
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &spec
}

func compile(t testing.TB, spec *specs.LinuxSeccomp, goarch string) *Program {
	t.Helper()
	p, err := Compile(spec, Options{Arch: goarch, HasFlag: allFlags})
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return p
}

// askName asks for a call by name on the program's native architecture.
func askName(t *testing.T, p *Program, name string, args ...uint64) Verdict {
	t.Helper()
	info := &archs[p.native]
	id, ok := findName(name)
	if !ok {
		t.Fatalf("no system call %s", name)
	}
	nr, ok := info.numberOf(id)
	if !ok {
		t.Fatalf("no system call %s on %s", name, info.name)
	}
	d := Data{Number: nr, Arch: info.token}
	copy(d.Args[:], args)
	v, err := p.Simulate(d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDockerProfile(t *testing.T) {
	p := compile(t, profile(t, "docker.json"), "amd64")
	t.Logf("%d instructions", p.Len())
	for _, c := range []struct {
		name string
		args []uint64
		want Verdict
	}{
		{"read", nil, retAllow},
		{"openat2", nil, retAllow},
		{"mount", nil, retErrno | 1},
		{"clone", []uint64{0x11}, retAllow},
		{"clone", []uint64{0x10000000}, retErrno | 1},
		{"clone3", nil, retErrno | 38},
		{"personality", []uint64{0}, retAllow},
		{"personality", []uint64{0xffffffff}, retAllow},
		{"personality", []uint64{1}, retErrno | 1},
		{"socket", []uint64{1}, retAllow},
		{"socket", []uint64{40}, retErrno | 1},
	} {
		if got := askName(t, p, c.name, c.args...); got != c.want {
			t.Errorf("%s %#x: %#x, want %#x", c.name, c.args, got, c.want)
		}
	}
}

func toJSON(v any) string {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
