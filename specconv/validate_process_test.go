package specconv

import (
	"slices"
	"strings"
	"testing"
)

func TestValidateProcess(t *testing.T) {
	process := func(p string) string { return `{"process": {` + p + `}}` }
	checkRows(t, []row{
		{name: "N6 process missing", patch: `{"process": null}`, want: "/process: process property must not be empty"},
		{name: "N22 cwd missing", patch: process(`"cwd": null`), want: "/process/cwd: Cwd property must not be empty"},
		{name: "N22 cwd relative", patch: process(`"cwd": "tmp"`), want: "/process/cwd: Cwd must be an absolute path"},
		{name: "cwd with NUL", patch: process(`"cwd": "/\u0000"`), want: "/process/cwd: nul byte"},
		{name: "N22 args missing", patch: process(`"args": null`), want: "/process/args: args must not be empty"},
		{name: "N22 args empty", patch: process(`"args": []`), want: "/process/args: args must not be empty"},
		{name: "args of one empty word", patch: process(`"args": [""]`), want: `/process/args/0: exec: "": executable file not found in $PATH`},
		{name: "args with NUL", patch: process(`"args": ["a", "b\u0000"]`), want: "/process/args/1: nul byte"},
		{name: "env without =", patch: process(`"env": ["PATH=/", "A"]`), want: "/process/env/1: invalid environment variable: missing '='"},
		{name: "env without name", patch: process(`"env": ["=x"]`), want: "/process/env/0: invalid environment variable: name cannot be empty"},
		{name: "env with NUL", patch: process(`"env": ["K=\u0000"]`), want: `/process/env/0: invalid environment variable "K": contains nul byte (\x00)`},
		{name: "env missing", patch: process(`"env": null`)},
		{name: "N29 user missing", patch: process(`"user": null`)},
		{name: "N29 uid -1", patch: process(`"user": {"uid": 4294967295}`), want: "/process/user/uid: no user"},
		{name: "N29 gid -1", patch: process(`"user": {"gid": 4294967295}`), want: "/process/user/gid: no group"},
		{name: "N29 additional gid -1", patch: process(`"user": {"additionalGids": [1, 4294967295]}`), want: "/process/user/additionalGids/1: no group"},
		{name: "N29 more groups than there can be", patch: process(`"user": {"additionalGids": [1` + strings.Repeat(", 1", maxGroups) + `]}`), want: "/process/user/additionalGids: 65537 groups are more than the 65536 that the kernel takes"},
		{name: "additionalGids rootless", patch: process(`"user": {"additionalGids": [1]}`), o: Options{Rootless: true}, want: "/process/user/additionalGids: cannot set any additional groups in a rootless container"},
		{name: "umask", patch: process(`"user": {"umask": 511}`)},
		{name: "umask 9999", patch: process(`"user": {"umask": 9999}`), want: "/process/user/umask: out of range"},
		{name: "N22 consoleSize without terminal", patch: process(`"consoleSize": {"height": 99999999, "width": 1}`)},
		{name: "consoleSize out of range", patch: process(`"terminal": true, "consoleSize": {"height": 65536, "width": 1}`), want: "/process/consoleSize: out of range"},
		{name: "N23 rlimit unknown", patch: process(`"rlimits": [{"type": "RLIMIT_BOGUS", "soft": 1, "hard": 1}]`), want: "/process/rlimits/0/type: wrong rlimit value: RLIMIT_BOGUS"},
		{name: "N23 rlimit duplicate", patch: process(`"rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]`), want: "/process/rlimits/1/type: more than once"},
		{name: "N23 soft above hard", patch: process(`"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}]`), want: "/process/rlimits/0: error setting rlimit RLIMIT_NOFILE"},
		{name: "effective not permitted", patch: process(`"capabilities": {"effective": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL"]}`), want: "/process/capabilities/effective: can't apply capabilities: operation not permitted: CHOWN"},
		{name: "effective permitted in another order", patch: process(`"capabilities": {"effective": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_CHOWN", "CAP_KILL"]}`)},
		{name: "N25 oomScoreAdj 5000", patch: process(`"oomScoreAdj": 5000`), want: "/process/oomScoreAdj: range -1000...1000"},
		{name: "N25 oomScoreAdj -1000", patch: process(`"oomScoreAdj": -1000`)},
		{name: "N28 execCPUAffinity", patch: process(`"execCPUAffinity": {"initial": "0"}`)},
		{name: "labels that say nothing", patch: process(`"apparmorProfile": "", "selinuxLabel": ""`)},
	})
}

// Capabilities that the kernel does not have are the compiler's to warn of; they
// are no error.
func TestN24UnknownCapabilitiesAreWarnedOf(t *testing.T) {
	patch := `{"process": {"capabilities": {"bounding": ["CAP_BOGUS", "kill"], "ambient": ["CAP_KILL"],
		"effective": ["CAP_BOGUS"], "permitted": []}}}`
	b := &Bundle{Dir: "/b"}
	var err error
	if b.Spec, err = Decode(change(t, good, patch)); err != nil {
		t.Fatal(err)
	}
	o := Options{ID: "x", Host: validHost()}
	checkProblems(t, Validate(b, o), "")
	_, warnings, err := Compile(b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ignoring unknown or unavailable capabilities: [CAP_BOGUS kill]",
		"can't raise ambient capability CAP_KILL: operation not permitted",
	} {
		if !slices.Contains(warnings, want) {
			t.Errorf("no warning %q in %q", want, warnings)
		}
	}
}

func TestN30Hooks(t *testing.T) {
	kinds := []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
	var rows []row
	for _, kind := range kinds {
		for _, r := range []row{
			{name: "fine", patch: `{"path": "/x", "args": ["x", "y"], "env": ["A=1"], "timeout": 1}`},
			{name: "path missing", patch: `{}`, want: "/path: hook path must not be empty"},
			{name: "path relative", patch: `{"path": "x"}`, want: "/path: must be absolute"},
			{name: "path with NUL", patch: `{"path": "/x\u0000"}`, want: "/path: nul byte"},
			{name: "timeout 0", patch: `{"path": "/x", "timeout": 0}`, want: "/timeout: greater than zero"},
			{name: "timeout -1", patch: `{"path": "/x", "timeout": -1}`, want: "/timeout: greater than zero"},
			{name: "args with NUL", patch: `{"path": "/x", "args": ["\u0000"]}`, want: "/args/0: nul byte"},
			{name: "env with NUL", patch: `{"path": "/x", "env": ["A=", "B\u0000="]}`, want: "/env/1: nul byte"},
		} {
			if r.want != "" {
				r.want = "/hooks/" + kind + "/1" + r.want
			}
			r.name = strings.Join([]string{kind, r.name}, " ")
			r.patch = `{"hooks": {"` + kind + `": [{"path": "/ok"}, ` + r.patch + `]}}`
			rows = append(rows, r)
		}
	}
	checkRows(t, rows)
}
