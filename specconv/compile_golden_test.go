package specconv

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

var update = flag.Bool("update", false, "write the golden files")

// goldenCase is a configuration of testdata/configs, compiled on a host that
// does not depend on the machine of the test.
type goldenCase struct {
	name, config string
	change       func(*Options)
}

var goldenCases = []goldenCase{
	{"spec-default", "spec-default", nil},
	{"spec-default-create", "spec-default", func(o *Options) { o.Create, o.Detach, o.ConsoleSocket = true, true, true }},
	{"spec-default-v1", "spec-default", onV1},
	{"spec-default-hybrid", "spec-default", onHybrid},
	{"spec-default-nopivot", "spec-default", func(o *Options) { o.NoPivot, o.NoNewKeyring = true, true }},
	{"spec-rootless", "spec-rootless", func(o *Options) { o.Rootless, o.Host.UID, o.Host.GID = true, 1000, 1000 }},
	{"docker-default", "docker-default", func(o *Options) { onV1(o); o.Create = true }},
	{"docker-default-v2", "docker-default-v2", func(o *Options) { o.Create = true }},
	{"docker-terminal", "docker-terminal", func(o *Options) { onV1(o); o.Create, o.ConsoleSocket = true, true }},
	{"docker-limits", "docker-limits", func(o *Options) { onV1(o); o.Create = true }},
	{"docker-privileged", "docker-privileged", func(o *Options) { onV1(o); o.Create = true }},
	{"cri-pod", "cri-pod", func(o *Options) { onV1(o); o.Create = true }},
	{"cri-container", "cri-container", func(o *Options) { onHybrid(o); o.Create = true }},
	{"spec-default-systemd", "spec-default", onSystemd},
	{"spec-default-disabled", "spec-default", func(o *Options) { o.Host.CgroupMode, o.CgroupPaths, o.NoCgroup = cgroupNone, nil, true }},
	{"podman-default", "podman-default", func(o *Options) { o.Create = true }},
	{"podman-privileged", "podman-privileged", func(o *Options) { o.Create = true }},
	{"podman-rootless", "podman-rootless", func(o *Options) { o.Create, o.Rootless, o.Host.UserNS = true, true, true }},
	{"joined", "joined", nil},
	{"joined-v1", "joined", onV1},
	{"everything", "everything", func(o *Options) { o.Create, o.ListenFDs, o.PreserveFDs = true, 2, 1 }},
	{"userns", "userns", onV1},
}

// testOptions are those of a machine with the unified hierarchy.
func testOptions(b *Bundle) Options {
	return Options{
		ID:          "web",
		Host:        Host{LastCap: 40, CgroupMode: cgroupV2, TimeNS: true},
		Facts:       Facts{Kinds: guessKinds(b), Home: "/root"},
		CgroupPath:  "/web",
		CgroupPaths: map[string]string{"": "/sys/fs/cgroup/web"},
	}
}

func onV1(o *Options) {
	o.Host.CgroupMode = cgroupV1
	o.Host.HostCgroups = map[string]string{}
	o.CgroupPaths = map[string]string{}
	for _, name := range []string{"memory", "cpu,cpuacct", "systemd"} {
		o.Host.HostCgroups[name] = cgroupRoot + "/" + name
		for controller := range strings.SplitSeq(name, ",") {
			o.CgroupPaths[controller] = cgroupRoot + "/" + name + "/web"
		}
	}
}

func onSystemd(o *Options) {
	o.Unit = &plan.SystemdUnit{Unit: "ocirun-web.scope", Slice: "system.slice", Properties: []string{"Delegate=yes", "TasksMax=5"}}
	o.CgroupPath = "/system.slice/ocirun-web.scope"
	o.CgroupPaths = map[string]string{"": cgroupRoot + o.CgroupPath}
}

func onHybrid(o *Options) {
	onV1(o)
	o.Host.CgroupMode = cgroupHybrid
	o.CgroupPaths[""] = cgroupRoot + "/unified/web"
}

// guessKinds takes what engines mount on files for files, as the facts of a
// machine where the sources exist would.
func guessKinds(b *Bundle) []plan.Kind {
	kinds := make([]plan.Kind, len(b.Spec.Mounts))
	for i, m := range b.Spec.Mounts {
		switch path.Base(m.Destination) {
		case "hosts", "hostname", "resolv.conf", "termination-log", ".containerenv", "docker-init", "init":
			kinds[i] = plan.File
		}
	}
	return kinds
}

func loadConfig(t testing.TB, name string) *Bundle {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "configs", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &Bundle{Dir: "/bundle", Raw: raw, Spec: spec}
}

func (g goldenCase) compile(t testing.TB) (*plan.Plan, []string, *Bundle) {
	t.Helper()
	b := loadConfig(t, g.config)
	o := testOptions(b)
	if g.change != nil {
		g.change(&o)
	}
	p, warnings, err := Compile(b, o)
	if err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	return p, warnings, b
}

var filterLength = regexp.MustCompile(`  [0-9]+ instructions`)

func TestGoldenPlans(t *testing.T) {
	for _, g := range goldenCases {
		t.Run(g.name, func(t *testing.T) {
			p, warnings, _ := g.compile(t)
			// How long a filter is depends on the architecture.
			text := filterLength.ReplaceAllString(p.String(), "  N instructions")
			for _, w := range warnings {
				text += "\nwarning: " + w
			}
			checkGolden(t, g.name+".plan", []byte(strings.TrimRight(text, "\n")+"\n"))
		})
	}
}

func TestGoldenJSON(t *testing.T) {
	p, _, _ := goldenCases[0].compile(t)
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "\t"); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	checkGolden(t, goldenCases[0].name+".json", out.Bytes())
}

func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if that is meant, run the test with -update. Got:\n%s", file, got)
	}
}

// Every golden file belongs to a case, so that none goes stale unseen.
func TestNoStaleGoldenFiles(t *testing.T) {
	known := map[string]bool{goldenCases[0].name + ".json": true}
	for _, g := range goldenCases {
		known[g.name+".plan"] = true
	}
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s belongs to no case", file)
		}
	}
}
