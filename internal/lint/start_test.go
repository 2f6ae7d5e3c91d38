package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// initialised are the packages that may do something before main, with all that it costs at the start of every
// container. Those of the standard library and of what is imported for its types cannot be had without.
var initialised = map[string]bool{
	"context": true, "encoding/base64": true, "encoding/json": true, "errors": true, "io/fs": true, "iter": true, "log": true,
	"math": true, "os": true, "path/filepath": true, "reflect": true, "runtime": true, "sync": true, "syscall": true, "time": true,
	"unicode":                                         true,
	module + "/cmd/ocirun/internal/begin":             true, // what pays only before all others
	module + "/libcontainer/internal/sys/entry":       true, // what the process was started with, given back
	module + "/libcontainer/internal/sys/nofile":      true, // one system call, which has to come before those of syscall
	"github.com/opencontainers/runtime-spec/specs-go": true,
	"github.com/sirupsen/logrus":                      true,
	"golang.org/x/sys/unix":                           true,
}

// TestInitialisation: nothing of ours is initialised before main, and nothing new of others is.
func TestInitialisation(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ocirun")
	build := exec.Command("go", "build", "-o", binary, "./cmd/ocirun")
	build.Dir, build.Env = root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.Command(binary, "--version")
	run.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutPrefix(line, "init ")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, " ")
		seen++
		if !initialised[name] && !strings.HasPrefix(name, "internal/") {
			t.Errorf("before main: %s", strings.TrimSpace(line))
		}
	}
	if seen == 0 {
		t.Errorf("no trace in %q", out)
	}
}
