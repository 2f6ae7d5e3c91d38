package specconv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// execCase is a process that joins a container of testdata/configs.
type execCase struct {
	name, config string
	change       func(*specs.Process, *ExecOptions)
}

var execCases = []execCase{
	{"default", "spec-default", nil},
	{"user", "spec-default", func(p *specs.Process, o *ExecOptions) {
		p.User = specs.User{UID: 1000, GID: 100, AdditionalGids: []uint32{5}}
		p.Capabilities.Bounding = append(p.Capabilities.Bounding, "CAP_NET_RAW")
		o.Given = []plan.Cause{"/process/args", "/process/user", "/process/capabilities"}
	}},
	{"terminal", "spec-default", func(p *specs.Process, o *ExecOptions) {
		p.Terminal, p.ConsoleSize = true, &specs.Box{Height: 24, Width: 80}
		o.File = true
	}},
	{"docker", "docker-default", func(p *specs.Process, _ *ExecOptions) { p.OOMScoreAdj = nil }},
	{"privileged", "docker-privileged", nil},
	{"userns", "userns", nil},
	{"paused", "spec-default", func(_ *specs.Process, o *ExecOptions) { o.Paused, o.NoNewKeyring = true, true }},
	{"cgroups", "cri-container", func(_ *specs.Process, o *ExecOptions) {
		onHybrid(&o.Options)
		o.Cgroups = map[string]string{"memory": "/a", "cpu": "b"}
	}},
	{"affinity", "spec-default", func(p *specs.Process, o *ExecOptions) {
		p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0-1,65", Final: "1"}
		o.PreserveFDs = 2
	}},
	{"initial-affinity", "spec-default", func(p *specs.Process, _ *ExecOptions) {
		p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0"}
	}},
}

func (e execCase) prepare(t *testing.T) (*Bundle, *specs.Process, ExecOptions) {
	t.Helper()
	b := loadConfig(t, e.config)
	p := *b.Spec.Process
	p.Args, p.Terminal = []string{"id", "-u"}, false
	o := ExecOptions{Options: testOptions(b), Given: []plan.Cause{"/process/args"}}
	if e.change != nil {
		e.change(&p, &o)
	}
	return b, &p, o
}

func TestGoldenExecPlans(t *testing.T) {
	known := map[string]bool{}
	for _, e := range execCases {
		file := filepath.Join("testdata", "exec", e.name+".plan")
		known[file] = true
		t.Run(e.name, func(t *testing.T) {
			b, process, o := e.prepare(t)
			p, warnings, err := CompileExec(b, process, o)
			if err != nil {
				t.Fatal(err)
			}
			text := filterLength.ReplaceAllString(p.String(), "  N instructions")
			for _, w := range warnings {
				text += "\nwarning: " + w
			}
			compareGolden(t, file, strings.TrimRight(text, "\n")+"\n")
		})
	}
	files, err := filepath.Glob(filepath.Join("testdata", "exec", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		if !known[file] {
			t.Errorf("%s belongs to no case", file)
		}
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run the test with -update. Got:\n%s", file, got)
	}
}

// A process that joins gets what the first one gets, in the same order: whatever
// is added to the one belongs into the other.
func TestExecHasTheRowsOfCreate(t *testing.T) {
	for _, name := range []string{"spec-default", "docker-default", "docker-privileged", "everything", "userns"} {
		b, process, o := execCase{config: name}.prepare(t)
		process.Args = b.Spec.Process.Args
		joined, _, err := CompileExec(b, process, o)
		if err != nil {
			t.Fatal(err)
		}
		b.Spec.Process = process
		first, _, err := Compile(b, o.Options)
		if err != nil {
			t.Fatal(err)
		}
		want, got := processPhase(first), processPhase(joined)
		if want != got {
			t.Errorf("%s: a container's first process has\n%s\none that joins it\n%s", name, want, got)
		}
	}
}

func processPhase(p *plan.Plan) string {
	var out strings.Builder
	for _, e := range p.Entries {
		// Labels have places of their own; see TestLabelPlaces.
		if _, label := e.Step.(plan.Label); e.Phase == plan.Process && !label {
			out.WriteString(e.Step.Action() + "  " + e.Step.Detail() + "\n")
		}
	}
	return out.String()
}

// Nothing of the host may be held when the process turns up in the container.
func TestExecForksLast(t *testing.T) {
	for _, e := range execCases {
		b, process, o := e.prepare(t)
		p, _, err := CompileExec(b, process, o)
		if err != nil {
			t.Fatal(err)
		}
		joined, forked := false, false
		for _, entry := range p.Entries {
			switch entry.Step.(type) {
			case plan.JoinContainer:
				joined = true
			case plan.Fork:
				forked = true
				if !joined {
					t.Errorf("%s: forks before it joins", e.name)
				}
			case plan.OOMScoreAdj, plan.CPUAffinity, plan.Rendezvous:
				if joined {
					t.Errorf("%s: %q comes after the namespaces", e.name, entry.Step.Action())
				}
			case plan.Console, plan.Lookup:
				if !joined || !forked && p.Spawn.Has(plan.NamespacePID) {
					t.Errorf("%s: %q comes before the namespaces", e.name, entry.Step.Action())
				}
			}
		}
	}
}

func TestExecPointers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*specs.Process, *ExecOptions)
		want   string
	}{
		{"config", func(p *specs.Process, _ *ExecOptions) { p.Cwd = "x" }, "/process/cwd: Cwd must be an absolute path"},
		{"file", func(p *specs.Process, o *ExecOptions) { p.Cwd, o.File = "x", true }, "/cwd: Cwd must be an absolute path"},
		{"given", func(p *specs.Process, o *ExecOptions) {
			p.Cwd, o.Given = "x", []plan.Cause{"/process/cwd"}
		}, "Cwd must be an absolute path"},
		{"part of what is given", func(p *specs.Process, _ *ExecOptions) { p.Args = []string{""} }, `exec: "": executable file not found in $PATH`},
		{"no part of it", func(p *specs.Process, o *ExecOptions) {
			p.Cwd, o.Given = "x", []plan.Cause{"/process/c"}
		}, "/process/cwd: Cwd must be an absolute path"},
		{"unsupported", func(p *specs.Process, o *ExecOptions) {
			p.ApparmorProfile, o.Given = "x", []plan.Cause{"/process/apparmorProfile"}
		}, "unable to apply apparmor profile: apparmor: config provided but apparmor not supported"},
		{"affinity", func(p *specs.Process, _ *ExecOptions) {
			p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "x"}
		}, `/process/execCPUAffinity/initial: bad CPUAffinity.Initial: "x" is not the number of a CPU`},
		{"range", func(p *specs.Process, o *ExecOptions) {
			p.ExecCPUAffinity, o.File = &specs.CPUAffinity{Final: "3-1"}, true
		}, `/execCPUAffinity/final: bad CPUAffinity.Final: invalid range: 3-1`},
		{"size", func(p *specs.Process, _ *ExecOptions) {
			p.Terminal, p.ConsoleSize = true, &specs.Box{Height: 1 << 16}
		}, "/process/consoleSize: consoleSize 0x65536 is out of range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, process, o := execCase{config: "spec-default", change: c.change}.prepare(t)
			err := FirstError(ValidateExec(process, o))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestExecOfNothing(t *testing.T) {
	b, process, o := execCases[0].prepare(t)
	process.Args, o.File = nil, true
	if _, _, err := CompileExec(b, process, o); err == nil || !strings.HasPrefix(err.Error(), "/args: ") {
		t.Error(err)
	}
	if _, _, err := CompileExec(&Bundle{}, process, o); err == nil {
		t.Error("without a configuration")
	}
}

func TestParseCPUs(t *testing.T) {
	for text, want := range map[string][]byte{
		"0":          {1, 0, 0, 0, 0, 0, 0, 0},
		"0-3,7":      {0x8f, 0, 0, 0, 0, 0, 0, 0},
		" 1 , 2-2 ,": {6, 0, 0, 0, 0, 0, 0, 0},
		"64":         {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		"15,9":       {0, 0x82, 0, 0, 0, 0, 0, 0},
	} {
		got, err := parseCPUs(text)
		if err != nil || string(got) != string(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ",", " ", "x", "1-", "-1", "3-1", "1-2-3", "8192", "0x1", "+1", "1.5", "99999999999", "0:3"} {
		if mask, err := parseCPUs(text); err == nil {
			t.Errorf("%q gives %v", text, mask)
		}
	}
	if mask, err := parseCPUs("0-8191"); err != nil || len(mask) != 1024 {
		t.Error(len(mask), err)
	}
}
