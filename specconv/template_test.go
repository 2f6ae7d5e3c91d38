package specconv

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestSpecVersionIsThatOfTheTypes(t *testing.T) {
	if SpecVersion != specs.Version {
		t.Errorf("SpecVersion is %s, the types are of %s", SpecVersion, specs.Version)
	}
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/configs/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDefaultText(t *testing.T) {
	have, err := Marshal(Default(false, 0, 0, true))
	if err != nil {
		t.Fatal(err)
	}
	if want := fixture(t, "spec-default"); !bytes.Equal(have, want) {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
	v1, err := Marshal(Default(false, 0, 0, false))
	cgroup := "\n\t\t\t},\n\t\t\t{\n\t\t\t\t\"type\": \"cgroup\""
	if want := strings.Replace(string(have), cgroup, "", 1); err != nil || string(v1) != want || want == string(have) {
		t.Errorf("on version 1, error %v:\n%s", err, v1)
	}
}

func TestRootlessDefault(t *testing.T) {
	want, err := Decode(fixture(t, "spec-rootless"))
	if err != nil {
		t.Fatal(err)
	}
	if have := Default(true, 1000, 1000, true); !reflect.DeepEqual(have, want) {
		t.Errorf("have\n%s\nwant\n%s", asJSON(t, have), asJSON(t, want))
	}
}

func TestDefaultIsValid(t *testing.T) {
	b := &Bundle{Dir: "/b", Spec: Default(false, 0, 0, true)}
	checkProblems(t, Validate(b, Options{Host: validHost()}), "")
	b.Spec = Default(true, 1000, 1000, true)
	checkProblems(t, Validate(b, Options{Host: validHost(), Rootless: true}), "")
}

func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	spec := Default(false, 0, 0, true)
	if err := WriteNew(dir, spec); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ConfigFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if b, err := Load(dir); err != nil || b.Raw[len(b.Raw)-1] != '}' {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(dir, spec); err == nil || err.Error() != "File config.json exists. Remove it first" {
		t.Errorf("have %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("the file that was there is now %q, %v", text, err)
	}
	if err := WriteNew(filepath.Join(dir, "nope"), spec); err == nil {
		t.Error("a directory that is not there is accepted")
	}
}
