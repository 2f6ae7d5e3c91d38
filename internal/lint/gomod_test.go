package lint

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// modules are the only ones that may be required directly.
var modules = map[string]string{
	"github.com/opencontainers/runtime-spec": "types of config.json and of the features command",
	"golang.org/x/sys":                       "system calls",
	"github.com/sirupsen/logrus":             "the log format that engines parse",
	"github.com/syndtr/gocapability":         "capability names",
	"github.com/seccomp/libseccomp-golang":   "oracle of the seccomp tests",
	"github.com/godbus/dbus/v5":              "oracle of the D-Bus client's tests",
}

// TestGoMod: nothing is replaced (that would break go install), and nothing is required that was not decided on.
func TestGoMod(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module  struct{ Path string }
		Replace []any
		Exclude []any
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != module {
		t.Errorf("module is %s, want %s", mod.Module.Path, module)
	}
	if len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("go.mod has %d replace and %d exclude lines", len(mod.Replace), len(mod.Exclude))
	}
	for _, r := range mod.Require {
		if _, ok := modules[r.Path]; !ok && !r.Indirect {
			t.Errorf("%s is not on the list of dependencies; see docs/adr", r.Path)
		}
	}
}
