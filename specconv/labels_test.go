package specconv

import (
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

func TestValidateLabels(t *testing.T) {
	all := Options{Host: Host{AppArmor: true, SELinux: true}}
	for _, r := range []struct {
		patch, want string
		o           Options
	}{
		{`{"process": {"apparmorProfile": "x"}}`, "unable to apply apparmor profile: apparmor: config provided but apparmor not supported", Options{}},
		{`{"process": {"selinuxLabel": "x"}}`, "selinux label is specified in config, but selinux is disabled or not supported", Options{}},
		{`{"linux": {"mountLabel": "x"}}`, "selinux label is specified in config, but selinux is disabled or not supported", Options{}},
		{`{"process": {"apparmorProfile": "x\u0000"}}`, "nul byte", all},
		{`{"process": {"selinuxLabel": "x\u0000"}}`, "nul byte", all},
		{`{"linux": {"mountLabel": "x\u0000"}}`, "nul byte", all},
		{`{"process": {"apparmorProfile": "x", "selinuxLabel": "y"}, "linux": {"mountLabel": "z"}}`, "", all},
	} {
		spec, err := Decode(change(t, good, r.patch))
		if err != nil {
			t.Fatal(err)
		}
		host := validHost()
		host.AppArmor, host.SELinux = r.o.Host.AppArmor, r.o.Host.SELinux
		problems := Validate(&Bundle{Dir: "/b", Spec: spec}, Options{Host: host})
		err = FirstError(problems)
		if r.want == "" && err != nil || r.want != "" && (err == nil || !strings.Contains(err.Error(), r.want)) {
			t.Errorf("%s: %v", r.patch, err)
		}
	}
}

// A joining process is labelled before it enters the container, whose procfs is not to be
// trusted; a container's first one after its hooks of the host have run.
func TestLabelPlaces(t *testing.T) {
	b := loadConfig(t, "everything")
	o := testOptions(b)
	created, _, err := Compile(b, o)
	if err != nil {
		t.Fatal(err)
	}
	joining, _, err := CompileExec(b, b.Spec.Process, ExecOptions{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*plan.Plan{created, joining} {
		var order []string
		for _, e := range p.Entries {
			switch e.Step.(type) {
			case plan.Label, plan.JoinContainer, plan.PivotRoot, plan.Seccomp, plan.NoNewPrivileges, plan.SetIDs, plan.Keyring:
				order = append(order, e.Step.Name())
			}
		}
		want := "label keyring pivot-root label label no-new-privileges set-ids seccomp"
		if p == joining {
			want = "label label label join-container keyring no-new-privileges set-ids seccomp"
		}
		if got := strings.Join(order, " "); got != want {
			t.Errorf("order %s, want %s", got, want)
		}
	}
}
