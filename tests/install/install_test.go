// Package install tests contrib/install-runtime.sh on copies of engines' configurations.
package install

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// etc is a directory with the configuration of an engine.
type etc struct {
	t       *testing.T
	engine  string
	dir     string
	config  string
	runtime string
	path    string // of the script's programs
}

// begin makes the directory with a configuration, or without one if text is nil. A program
// named containerd is found first on the search path; it cannot read what contains "broken".
func begin(t *testing.T, engine string, text *string) *etc {
	t.Helper()
	top := t.TempDir()
	e := &etc{t: t, engine: engine, dir: filepath.Join(top, "etc")}
	e.config = filepath.Join(e.dir, "configuration")
	e.runtime = filepath.Join(top, "ocirun")
	e.path = top + ":" + os.Getenv("PATH")
	e.put(e.runtime, "#!/bin/sh\n", 0o755)
	e.put(filepath.Join(top, "containerd"), "#!/bin/sh\n! grep broken \"$2\" >&2\n", 0o755)
	if err := os.Mkdir(e.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if text != nil {
		e.put(e.config, *text, 0o640)
	}
	return e
}

func with(t *testing.T, engine, text string) *etc { return begin(t, engine, &text) }

func (e *etc) put(file, text string, mode os.FileMode) {
	e.t.Helper()
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		e.t.Fatal(err)
	}
}

func (e *etc) text() string {
	e.t.Helper()
	data, err := os.ReadFile(e.config)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(data)
}

// script runs it and returns all it printed, and whether it succeeded.
func (e *etc) script(args ...string) (string, bool) {
	e.t.Helper()
	script, err := filepath.Abs("../../contrib/install-runtime.sh")
	if err != nil {
		e.t.Fatal(err)
	}
	cmd := exec.CommandContext(e.t.Context(), script, args...)
	cmd.Env = append(os.Environ(), "PATH="+e.path)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (e *etc) install(options ...string) string {
	e.t.Helper()
	out, ok := e.script(append([]string{e.engine, "--config", e.config, "--path", e.runtime}, options...)...)
	if !ok {
		e.t.Fatalf("install %q failed: %s", options, out)
	}
	return out
}

func (e *etc) undo() string {
	e.t.Helper()
	out, ok := e.script(e.engine, "--config", e.config, "--undo")
	if !ok {
		e.t.Fatalf("undo failed: %s", out)
	}
	return out
}

// refuses wants one line that contains the words, and the directory as it was.
func (e *etc) refuses(words string, args ...string) {
	e.t.Helper()
	before, files := e.text(), e.files()
	out, ok := e.script(args...)
	if ok || strings.Count(out, "\n") != 1 || !strings.Contains(out, words) {
		e.t.Errorf("%q: succeeded %v, printed %q, want one line with %q", args, ok, out, words)
	}
	if e.text() != before || e.files() != files {
		e.t.Errorf("%q: left %q with %q", args, e.files(), e.text())
	}
}

func (e *etc) refusesToInstall(words string) {
	e.t.Helper()
	e.refuses(words, e.engine, "--config", e.config, "--path", e.runtime)
}

func (e *etc) files() string {
	e.t.Helper()
	entries, err := os.ReadDir(e.dir)
	if err != nil {
		e.t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

func (e *etc) wantText(want string) {
	e.t.Helper()
	if got := e.text(); got != want {
		e.t.Errorf("configuration %q, want %q", got, want)
	}
}

func (e *etc) wantFiles(want string) {
	e.t.Helper()
	if got := e.files(); got != want {
		e.t.Errorf("files %q, want %q", got, want)
	}
}

// wantJSON compares by content.
func (e *etc) wantJSON(want string) {
	e.t.Helper()
	var parsed any
	if err := json.Unmarshal([]byte(e.text()), &parsed); err != nil {
		e.t.Fatalf("%v in %q", err, e.text())
	}
	got, err := json.Marshal(parsed)
	if err != nil {
		e.t.Fatal(err)
	}
	if want := strings.ReplaceAll(want, "RUNTIME", e.runtime); string(got) != want {
		e.t.Errorf("configuration %s, want %s", got, want)
	}
}

// edit is somebody's later change.
func (e *etc) edit(old, replacement string) {
	e.t.Helper()
	text := e.text()
	if !strings.Contains(text, old) {
		e.t.Fatalf("%q lacks %q", text, old)
	}
	e.put(e.config, strings.Replace(text, old, replacement, 1), 0o640)
}

// configurations has one of each engine, as a person may have written it.
var configurations = map[string]string{
	"docker": `{"log-level":"warn",  "runtimes":{"other":{"path":"/x"}}}`,
	"containerd": `version = 2
root = "/elsewhere" # a remark
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

`,
	"podman": "",
}

func TestUndoGivesBackTheBytes(t *testing.T) {
	for engine, text := range configurations {
		t.Run(engine, func(t *testing.T) {
			e := with(t, engine, text)
			e.install()
			if e.text() == text {
				t.Error("the configuration was not edited")
			}
			if info, err := os.Stat(e.config); err != nil || info.Mode() != 0o640 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			e.undo()
			e.wantText(text)
			e.wantFiles("configuration")
		})
	}
}

func TestTwiceIsOnce(t *testing.T) {
	for engine, text := range configurations {
		t.Run(engine, func(t *testing.T) {
			e := with(t, engine, text)
			e.install()
			first := e.text()
			if out := e.install(); !strings.Contains(out, "nothing to do") {
				t.Errorf("the second time printed %q", out)
			}
			e.wantText(first)
			e.undo()
			e.wantText(text)
			if out := e.undo(); !strings.Contains(out, "nothing to undo") {
				t.Errorf("the second undo printed %q", out)
			}
			e.wantText(text)
			e.wantFiles("configuration")
		})
	}
}

func TestNoConfiguration(t *testing.T) {
	for engine := range configurations {
		t.Run(engine, func(t *testing.T) {
			e := begin(t, engine, nil)
			e.install()
			if !strings.Contains(e.text(), e.runtime) {
				t.Errorf("configuration %q", e.text())
			}
			e.undo()
			e.wantFiles("")
			e.undo()
			e.wantFiles("")
		})
	}
}

// A changed path replaces the old one; the backup stays the first.
func TestOtherPath(t *testing.T) {
	for engine, text := range configurations {
		t.Run(engine, func(t *testing.T) {
			e := with(t, engine, text)
			e.install()
			first := e.runtime
			e.runtime += "2"
			e.put(e.runtime, "", 0o755)
			e.install()
			if got := e.text(); strings.Contains(got, first+`"`) || !strings.Contains(got, e.runtime+`"`) {
				t.Errorf("configuration %q", got)
			}
			e.undo()
			e.wantText(text)
		})
	}
}

func TestLinkStaysOne(t *testing.T) {
	e := with(t, "docker", "{}")
	link := filepath.Join(t.TempDir(), "daemon.json")
	if err := os.Symlink(e.config, link); err != nil {
		t.Fatal(err)
	}
	target := e.config
	e.config = link
	e.install()
	if got, err := os.Readlink(link); err != nil || got != target {
		t.Errorf("link to %q, %v", got, err)
	}
	e.wantJSON(`{"runtimes":{"ocirun":{"path":"RUNTIME"}}}`)
	e.undo()
	e.wantText("{}")
}

func TestWrongUse(t *testing.T) {
	e := with(t, "docker", "{}")
	e.refuses("is not a program", "docker", "--config", e.config, "--path", "/no/such")
	e.refuses("is not a program", "docker", "--config", e.config, "--path", e.dir)
	e.refuses("absolute path", "docker", "--config", e.config, "--path", "ocirun")
	e.refuses("unknown option", "docker", "--config", e.config, "--nonsense")
	e.refuses("needs a value", "docker", "--path")
	e.refuses("is not a file", "docker", "--config", e.dir, "--path", e.runtime)
	for _, args := range [][]string{{}, {"lxc"}} {
		if out, ok := e.script(args...); ok || !strings.Contains(out, "docker|containerd|podman") {
			t.Errorf("%q: succeeded %v, printed %q", args, ok, out)
		}
	}
}
