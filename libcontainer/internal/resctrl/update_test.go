package resctrl

import (
	"os"
	"strings"
	"testing"
)

func TestUpdate(t *testing.T) {
	f := fake(t, map[string]string{"web": "L3:0=ff\n"})
	p := Placed{Dir: f.Root + "/web"}
	undo, err := f.Update(p, "L3:0=f", "MB:0=50")
	must(t, err)
	// The kernel's file takes lines; this one collects them.
	if got := f.read(t, "web/schemata"); got != "L3:0=ff\nL3:0=f\nMB:0=50\n" {
		t.Errorf("schemata %q", got)
	}
	must(t, undo())
	if got := f.read(t, "web/schemata"); !strings.HasSuffix(got, "MB:0=50\nL3:0=ff\n") {
		t.Errorf("schemata after undo %q", got)
	}
}

func TestUpdateRefused(t *testing.T) {
	f := fake(t, map[string]string{"web": "L3:0=ff\n"})
	p := Placed{Dir: f.Root + "/web"}
	for _, c := range []struct{ l3, bandwidth, want string }{
		{"L3:0=f\nL2:0=1", "", "one line"},
		{"L3:0=f", "MB:0=50\n", "one line"},
		{"L3:0=f", "L3:0=1", `does not start with "MB:"`},
	} {
		if _, err := f.Update(p, c.l3, c.bandwidth); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q: %v", c.l3, c.bandwidth, err)
		}
	}
	if got := f.read(t, "web/schemata"); got != "L3:0=ff\n" {
		t.Errorf("schemata %q", got)
	}
	must(t, os.Remove(f.Root+"/web/schemata"))
	if _, err := f.Update(p, "L3:0=f", ""); err == nil || !strings.Contains(err.Error(), "read the schemata of the class of service") {
		t.Errorf("a class that is gone: %v", err)
	}
}
