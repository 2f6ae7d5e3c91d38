package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer/hostcheck"
)

func TestDoctor(t *testing.T) {
	good := hostcheck.Check{Area: "kernel", Name: "version", Verdict: hostcheck.OK, Found: "Linux"}
	warned := hostcheck.Check{Area: "services", Name: "criu", Verdict: hostcheck.Warn, Found: "\x1b[2J", Effect: "none", Remedy: "install"}
	failed := hostcheck.Check{Area: "init", Name: "source", Verdict: hostcheck.Fail, Found: "nothing", Effect: "all", Remedy: "much"}
	for _, test := range []struct {
		checks []hostcheck.Check
		code   int
		last   string
	}{
		{[]hostcheck.Check{good}, 0, "containers can run, with 0 warnings"},
		{[]hostcheck.Check{good, warned}, 0, "containers can run, with 1 warning"},
		{[]hostcheck.Check{failed, warned, good}, 1, "ok       kernel    version  Linux"},
	} {
		c := newCall(t)
		c.env["XDG_RUNTIME_DIR"] = "/run/user/1"
		c.app.examine = func(o hostcheck.Options) []hostcheck.Check {
			if o.RuntimeDir != "/run/user/1" || o.LookPath == nil {
				t.Errorf("options %+v", o)
			}
			return test.checks
		}
		code := c.run("doctor")
		lines := strings.Split(strings.TrimSpace(c.out.String()), "\n")
		if code != test.code || lines[len(lines)-1] != test.last {
			t.Errorf("exit %d\n%s", code, c.out.String())
		}
		if strings.Contains(c.out.String(), "\x1b") {
			t.Error("a found text controls the terminal")
		}
		if test.code != 0 && c.message(t) != "no container can run here: 1 check failed" {
			t.Error(c.message(t))
		}
	}
	c := newCall(t)
	c.app.examine = func(hostcheck.Options) []hostcheck.Check { return []hostcheck.Check{warned} }
	if code := c.run("doctor", "-f", "json"); code != 0 {
		t.Fatal(code)
	}
	var out struct {
		CanRun bool
		Checks []hostcheck.Check
	}
	if err := json.Unmarshal(c.out.Bytes(), &out); err != nil || !out.CanRun || len(out.Checks) != 1 || out.Checks[0] != warned {
		t.Errorf("%v\n%s", err, c.out.String())
	}
	if code := newCall(t).run("doctor", "--format", "xml"); code != 1 {
		t.Errorf("exit %d", code)
	}
}
