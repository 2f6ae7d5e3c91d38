package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDockerKeepsWhatIsThere(t *testing.T) {
	e := with(t, "docker", configurations["docker"])
	e.install("--default")
	e.wantJSON(`{"default-runtime":"ocirun","log-level":"warn","runtimes":{"ocirun":{"path":"RUNTIME"},"other":{"path":"/x"}}}`)
}

// What was changed after the runtime was added stays, and what it replaced comes back.
func TestDockerUndoAfterChanges(t *testing.T) {
	for _, test := range []struct{ before, want string }{
		{`{"debug":true}`, `{"debug":false}`},
		{`{"debug":true,"runtimes":{}}`, `{"debug":false,"runtimes":{}}`},
		{
			`{"debug":true,"default-runtime":"x","runtimes":{"x":{"path":"/x"}}}`,
			`{"debug":false,"default-runtime":"x","runtimes":{"x":{"path":"/x"}}}`,
		},
		{
			`{"debug":true,"runtimes":{"ocirun":{"path":"/old","runtimeArgs":["--debug"]}}}`,
			`{"debug":false,"runtimes":{"ocirun":{"path":"/old","runtimeArgs":["--debug"]}}}`,
		},
	} {
		e := with(t, "docker", test.before)
		e.install("--default")
		e.edit("true", "false")
		e.undo()
		e.wantJSON(test.want)

		// The same if it was added again after the change.
		e = with(t, "docker", test.before)
		e.install()
		e.edit("true", "false")
		e.install("--default")
		e.undo()
		e.wantJSON(test.want)
		e.wantFiles("configuration")
	}
}

func TestDockerRefusesWhatItCannotRead(t *testing.T) {
	with(t, "docker", `{"debug": tru`).refusesToInstall("not valid JSON")
	with(t, "docker", `[1]`).refusesToInstall("no configuration of dockerd")
	with(t, "docker", `{"runtimes": "x"}`).refusesToInstall("no configuration of dockerd")
}

func TestDockerNeedsJQ(t *testing.T) {
	e := with(t, "docker", "{}")
	e.path = filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(e.path, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bash", "env", "sed", "realpath", "mkdir", "dirname"} {
		at, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(at, filepath.Join(e.path, name)); err != nil {
			t.Fatal(err)
		}
	}
	e.refusesToInstall("jq is needed")
}

func TestContainerdTable(t *testing.T) {
	for version, plugin := range map[string]string{
		"":              "cri",
		"version = 1\n": "cri",
		"version = 2\n": "io.containerd.grpc.v1.cri",
		"version = 3\n": "io.containerd.cri.v1.runtime",
	} {
		e := with(t, "containerd", version+"root = \"/r\"\n")
		e.install()
		if want := `[plugins."` + plugin + `".containerd.runtimes.ocirun.options]`; !strings.Contains(e.text(), want) {
			t.Errorf("version %q: %q lacks %q", version, e.text(), want)
		}
	}
}

func TestContainerdUndoAfterChanges(t *testing.T) {
	e := with(t, "containerd", "version = 2\n")
	e.install()
	e.put(e.config, e.text()+"# a later remark\n", 0o640)
	e.undo()
	e.wantText("version = 2\n\n# a later remark\n")
}

func TestContainerdRefuses(t *testing.T) {
	with(t, "containerd", "version = 2\nbroken\n").refusesToInstall("containerd cannot read")
	with(t, "containerd", "version = 4\n").refusesToInstall("version 4")
	named := `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.ocirun]`
	with(t, "containerd", "version = 2\n"+named+"\n").refusesToInstall("has a runtime named ocirun already")
	with(t, "containerd", "version = 2\n# begin: added by ocirun\n").refusesToInstall(`"# end: added by ocirun" is gone`)
	e := with(t, "containerd", "version = 2\n# "+named+"\n")
	e.refuses("default_runtime_name", "containerd", "--config", e.config, "--path", e.runtime, "--default")
	e.install()
}

func TestContainerdTellsOfDisabledCRI(t *testing.T) {
	e := with(t, "containerd", "disabled_plugins = [\"cri\"]\n")
	if out := e.install(); !strings.Contains(out, "turns CRI off") {
		t.Errorf("printed %q", out)
	}
}

func TestPodmanDefault(t *testing.T) {
	e := begin(t, "podman", nil)
	e.install()
	if strings.Contains(e.text(), "runtime = ") {
		t.Errorf("configuration %q", e.text())
	}
	e.install("--default")
	if !strings.Contains(e.text(), "[engine]\nruntime = \"ocirun\"\n") {
		t.Errorf("configuration %q", e.text())
	}
	e.undo()
	e.wantFiles("")
}

func TestPodmanUndoAfterChanges(t *testing.T) {
	e := begin(t, "podman", nil)
	e.install()
	e.edit(e.runtime, "/other")
	e.undo()
	e.wantFiles("")

	e = begin(t, "podman", nil)
	e.install()
	e.put(e.config, "# mine\n"+e.text(), 0o640)
	e.undo()
	e.wantText("# mine\n")
}

func TestPodmanLeavesAForeignFile(t *testing.T) {
	e := with(t, "podman", "[engine]\n")
	e.refusesToInstall("somebody else")
	e.undo()
	e.wantText("[engine]\n")
}
