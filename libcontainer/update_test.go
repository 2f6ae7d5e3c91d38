package libcontainer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/libcontainer/internal/resctrl"
)

// hardware gives a fake file system of resource control what the machine is to have.
func hardware(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(root, "info", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestResctrlUpdate(t *testing.T) {
	root := fakeResctrl(t)
	class := filepath.Join(root, "web")
	if err := os.Mkdir(class, 0o755); err != nil {
		t.Fatal(err)
	}
	schemata := class + "/schemata"
	if err := os.WriteFile(schemata, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	place := resctrlPlace{Root: root, Placed: resctrl.Placed{Dir: class, Own: true}}

	if _, err := place.update("L3:0=f", ""); !errors.Is(err, errNoL3) || !strings.Contains(err.Error(), "hardware") {
		t.Errorf("without L3: %v", err)
	}
	hardware(t, root, "L3")
	if _, err := place.update("L3:0=f", "MB:0=50"); !errors.Is(err, errNoBandwidth) {
		t.Errorf("without bandwidth: %v", err)
	}
	hardware(t, root, "MB")
	if _, err := (resctrlPlace{}).update("L3:0=f", ""); !errors.Is(err, errNoClass) {
		t.Errorf("without a class: %v", err)
	}
	if text, _ := os.ReadFile(schemata); len(text) > 0 {
		t.Errorf("written although refused: %q", text)
	}
	if _, err := place.update("L3:0=f", "MB:0=50"); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(schemata); string(text) != "L3:0=f\nMB:0=50\n" {
		t.Errorf("schemata %q", text)
	}
}

func TestResctrlUpdateWithoutFileSystem(t *testing.T) {
	fakeResctrl(t)
	findResctrl = func() (resctrl.FS, error) { return resctrl.FS{}, nil }
	for schemas, want := range map[[2]string]string{
		{"L3:0=f", ""}:  "Intel RDT/CAT: l3 cache schema is not enabled: no resctrl file system is mounted",
		{"", "MB:0=50"}: "Intel RDT/MBA: memory bandwidth schema is not enabled: no resctrl file system is mounted",
	} {
		if _, err := (resctrlPlace{}).update(schemas[0], schemas[1]); err == nil || err.Error() != want {
			t.Errorf("%q: %v", schemas, err)
		}
	}
	if _, err := (resctrlPlace{}).update("", ""); err != nil {
		t.Errorf("nothing asked for: %v", err)
	}
}

// A container's schemata change with its limits, or neither does.
func TestUpdateSchemata(t *testing.T) {
	root := fakeResctrl(t)
	hardware(t, root, "L3", "MB")
	store, c, id := resctrlContainer(t, "update", `, "intelRdt": {"l3CacheSchema": "L3:0=ff"}`)
	if err := c.Update(UpdateOptions{L3CacheSchema: "L3:0=f", MemBwSchema: "MB:0=50"}); err != nil {
		t.Fatal(err)
	}
	class := filepath.Join(root, id)
	if text, _ := os.ReadFile(class + "/schemata"); string(text) != "L3:0=ff\nL3:0=f\nMB:0=50\n" {
		t.Errorf("schemata %q", text)
	}
	bad := &specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"no such device": {}}}
	if err := c.Update(UpdateOptions{L3CacheSchema: "L3:0=1", Resources: bad}); err == nil {
		t.Error("limits that cannot be are taken")
	}
	// What the kernel would merge is there once more.
	if text, _ := os.ReadFile(class + "/schemata"); strings.Count(string(text), "L3:0=1\n") > 0 && !strings.HasSuffix(string(text), "L3:0=f\nMB:0=50\n") {
		t.Errorf("schemata after a refusal %q", text)
	}
	if err := os.RemoveAll(class); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(id, true); err != nil {
		t.Fatal(err)
	}
}
