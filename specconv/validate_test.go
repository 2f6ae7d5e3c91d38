package specconv

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

// good is a configuration without a problem; rows of the tables below change it.
const good = `{
	"ociVersion": "1.3.0",
	"process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": ["PATH=/bin", "HOME=/"], "cwd": "/"},
	"root": {"path": "rootfs"},
	"hostname": "box",
	"mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
	"linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]}
}`

// change lays a JSON document over a configuration: objects are merged, null
// removes, all else replaces (RFC 7396).
func change(t *testing.T, config, patch string) []byte {
	t.Helper()
	var target, over any
	for text, into := range map[string]*any{config: &target, patch: &over} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	raw, err := json.Marshal(mergePatch(target, over))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mergePatch(target, patch any) any {
	over, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for key, value := range over {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = mergePatch(merged[key], value)
		}
	}
	return merged
}

// row is one bad value and what is to be said about it.
type row struct {
	name, patch string
	// want is the pointer, a colon, a blank and what the text has to contain. A
	// warning begins with "W ". Empty means that nothing is said.
	want    string
	o       Options
	resctrl Resctrl
}

func validHost() Host { return Host{LastCap: 40, CgroupMode: "v2", TimeNS: true} }

func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Helper()
			spec, err := Decode(change(t, good, r.patch))
			if err != nil {
				t.Fatal(err)
			}
			mode := r.o.Host.CgroupMode
			if r.o.Host = validHost(); mode != "" {
				r.o.Host.CgroupMode = mode
			}
			r.o.Host.Resctrl = r.resctrl
			checkProblems(t, Validate(&Bundle{Dir: "/bundle", Spec: spec}, r.o), r.want)
		})
	}
}

func checkProblems(t *testing.T, problems []Problem, want string) {
	t.Helper()
	if want == "" {
		for _, p := range problems {
			t.Errorf("unexpected: %v", p)
		}
		return
	}
	want, warning := strings.CutPrefix(want, "W ")
	pointer, text, ok := strings.Cut(want, ": ")
	if !ok {
		t.Fatalf("row wants %q", want)
	}
	found := false
	for _, p := range problems {
		match := string(p.Pointer) == pointer && strings.Contains(p.Err.Error(), text) && p.Warning == warning
		found = found || match
		if !match {
			t.Logf("also: %v", p)
		}
	}
	if !found {
		t.Errorf("nothing like %q in %v", want, problems)
	}
	if warning && FirstError(problems) != nil {
		t.Errorf("an error beside the warning: %v", FirstError(problems))
	}
	if !warning && FirstError(problems) == nil {
		t.Error("no error")
	}
}

func TestValidateDocument(t *testing.T) {
	checkRows(t, []row{
		{name: "nothing wrong", patch: `{}`},
		{name: "N2 unknown property", patch: `{"x": 1, "process": {"y": {}}, "linux": {"z": []}}`},
		{name: "N16 ociVersion missing", patch: `{"ociVersion": null}`, want: "W /ociVersion: missing"},
		{name: "N16 any ociVersion", patch: `{"ociVersion": "1.99.0"}`},
		{name: "N31 annotation", patch: `{"annotations": {"a": "", "org.opencontainers.x": "y"}}`},
		{name: "N31 annotation with empty key", patch: `{"annotations": {"": "x"}}`, want: "W /annotations/: empty key"},
		{name: "N17 root missing", patch: `{"root": null}`, want: "/root: root must be specified"},
		{name: "N17 root.path missing", patch: `{"root": {"path": null}}`, want: "/root/path: must not be empty"},
		{name: "N17 root.path with NUL", patch: `{"root": {"path": "a\u0000b"}}`, want: "/root/path: nul byte"},
		{name: "linux missing", patch: `{"linux": null}`, want: "/hostname: unable to set hostname without a private UTS namespace"},
		{name: "other systems", patch: `{"vm": {}, "windows": {"layerFolders": 1}, "solaris": [], "zos": 1, "freebsd": ""}`},
	})
}

func TestValidateMounts(t *testing.T) {
	mount := func(m string) string { return `{"mounts": [` + m + `]}` }
	checkRows(t, []row{
		{name: "N18 destination missing", patch: mount(`{"type": "tmpfs"}`), want: "/mounts/0/destination: must not be empty"},
		{name: "N18 destination relative", patch: mount(`{"destination": "a", "type": "tmpfs"}`), want: "W /mounts/0/destination: not absolute"},
		{name: "destination /", patch: mount(`{"destination": "/", "type": "tmpfs"}`), want: "/mounts/0/destination: is on the top of rootfs"},
		{name: "destination / in disguise", patch: mount(`{"destination": "/a/../..", "type": "tmpfs"}`), want: "/mounts/0/destination: is on the top of rootfs"},
		{name: "under /proc", patch: mount(`{"destination": "/proc/sys/x", "type": "tmpfs"}`), want: `/mounts/0/destination: cannot be mounted because it is inside /proc`},
		{name: "bind under /proc", patch: mount(`{"destination": "/a/../proc/self/attr", "source": "/x", "options": ["bind"]}`), want: `/mounts/0/destination: cannot be mounted because it is inside /proc`},
		{name: "allowed under /proc", patch: mount(`{"destination": "/proc/cpuinfo", "source": "/x", "options": ["bind"]},
			{"destination": "/proc/sys/kernel/ns_last_pid", "source": "/x", "options": ["bind"]}`)},
		{name: "name that begins with /proc", patch: mount(`{"destination": "/process", "type": "tmpfs"}`)},
		{name: "other fs over /proc", patch: mount(`{"destination": "/proc/", "type": "tmpfs"}`), want: "/mounts/0: cannot be mounted because it is not of type proc"},
		{name: "bind over /proc is for Inspect", patch: mount(`{"destination": "/proc", "source": "/proc", "options": ["rbind"]}`)},
		{name: "bind + fs data option", patch: mount(`{"destination": "/a", "source": "/x", "options": ["bind", "mode=755"]}`), want: "/mounts/0/options/1: bind mounts cannot have any filesystem-specific options applied"},
		{name: "N19 type bind without option", patch: mount(`{"destination": "/a", "source": "/x", "type": "bind"}`), want: `/mounts/0/type: no such device; for a bind mount add the option "bind"`},
		{name: "N19 type means nothing for a bind", patch: mount(`{"destination": "/a", "source": "/x", "type": "ext4", "options": ["bind"]}`)},
		{name: "no type at all", patch: mount(`{"destination": "/a", "source": "/x"}`), want: "/mounts/0/type: no such device"},
		{name: "bind without source", patch: mount(`{"destination": "/a", "options": ["rbind"]}`), want: "/mounts/0/source: no such file or directory"},
		{name: "unknown fs type is for the kernel", patch: mount(`{"destination": "/a", "type": "bogus"}`)},
		{name: "unknown option on tmpfs is for the kernel", patch: mount(`{"destination": "/a", "type": "tmpfs", "options": ["bogus"]}`)},
		{name: "NUL in source", patch: mount(`{"destination": "/a", "source": "/x\u0000", "options": ["bind"]}`), want: "/mounts/0: mount field contains null byte"},
		{name: "NUL in destination", patch: mount(`{"destination": "/a\u0000", "type": "tmpfs"}`), want: "/mounts/0: mount field contains null byte"},
		{name: "NUL in type", patch: mount(`{"destination": "/a", "type": "tmp\u0000fs"}`), want: "/mounts/0: mount field contains null byte"},
		{name: "NUL in option", patch: mount(`{"destination": "/a", "type": "tmpfs", "options": ["a\u0000"]}`), want: "/mounts/0/options/0: mount field contains null byte"},
		{name: "N20 tmpcopyup", patch: mount(`{"destination": "/a", "type": "tmpfs", "options": ["tmpcopyup"]}`)},
		{name: "N20 tmpcopyup on a bind", patch: mount(`{"destination": "/a", "type": "tmpfs", "source": "/x", "options": ["bind", "tmpcopyup"]}`), want: "/mounts/0: tmpcopyup is possible for a tmpfs only"},
		{name: "N20 tmpcopyup on proc", patch: mount(`{"destination": "/proc", "type": "proc", "options": ["tmpcopyup"]}`), want: "/mounts/0: tmpcopyup is possible for a tmpfs only"},
		{name: "src-nofollow on tmpfs", patch: mount(`{"destination": "/a", "type": "tmpfs", "options": ["src-nofollow"]}`), want: "/mounts/0: copy-symlink, src-nofollow and dest-nofollow are possible for bind mounts only"},
		{name: "copy-symlink with another", patch: mount(`{"destination": "/a", "source": "/x", "options": ["bind", "copy-symlink", "dest-nofollow"]}`), want: "/mounts/0: copy-symlink excludes src-nofollow and dest-nofollow"},
		{name: "nofollow at both ends", patch: mount(`{"destination": "/a", "source": "/x", "options": ["bind", "src-nofollow", "dest-nofollow"]}`)},
	})
}

func TestN21MountIDMaps(t *testing.T) {
	const both = "/mounts/0: id-mapped mounts must have both uid and gid mappings specified"
	const uids, gids = `, "uidMappings": [{"containerID": 0, "hostID": 5, "size": 1}]`, `, "gidMappings": [{"containerID": 0, "hostID": 5, "size": 1}]`
	mount := func(m string) string { return `{"mounts": [{` + m + `}]}` }
	bind := func(options, more string) string {
		return mount(`"destination": "/a", "source": "/x", "options": ["bind"` + options + `]` + more)
	}
	owned := `"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}, {"type": "uts"}], "uidMappings": [{"containerID": 0, "hostID": 9, "size": 10}],
		"gidMappings": [{"containerID": 0, "hostID": 9, "size": 10}]}, `
	checkRows(t, []row{
		{name: "N21 without mappings", patch: bind(`, "idmap"`, ""), want: both},
		{name: "N21 the container's mappings", patch: "{" + owned + bind(`, "ridmap"`, "")[1:]},
		{name: "N21 only uidMappings", patch: bind("", uids), want: both},
		{name: "N21 only gidMappings", patch: bind(`, "idmap"`, gids), want: both},
		{name: "N21 only uidMappings in a user namespace", patch: "{" + owned + bind("", uids)[1:], want: both},
		{name: "N21 mappings without the option", patch: bind("", uids+gids)},
		{name: "N21 tmpfs", patch: mount(`"destination": "/a", "type": "tmpfs", "options": ["idmap"]` + uids + gids)},
		{name: "N21 proc", patch: mount(`"destination": "/proc", "type": "proc", "options": ["idmap"]` + uids + gids), want: `/mounts/0: not one of type "proc"`},
		{name: "N21 remount", patch: bind(`, "remount", "idmap"`, uids+gids), want: "/mounts/0: only a new mount of files can be id-mapped"},
		{name: "N21 rootless", patch: "{" + owned + bind(`, "idmap"`, "")[1:], o: Options{Rootless: true}, want: "/mounts/0: id-mapped mounts are not supported for rootless containers"},
		{name: "N21 N34 size", patch: bind("", `, "uidMappings": [{"containerID": 0, "hostID": 5, "size": 0}]`+gids), want: "/mounts/0/uidMappings/0/size: the size of a range must not be 0"},
		{name: "N21 maps in the option", patch: bind(`, "idmap=uids=0-5-1#7-8-2;gids=0-5-1"`, "")},
		{name: "N21 recursive maps in the option", patch: bind(`, "ridmap=uids=0-5-1;gids=0-5-1"`, "")},
		{name: "N21 relative maps in the option", patch: "{" + owned + bind(`, "idmap=uids=@0-1-9;gids=@0-1-9"`, "")[1:]},
		{name: "N21 relative maps without maps", patch: bind(`, "idmap=uids=@0-1-9;gids=0-1-9"`, ""), want: "/mounts/0/options/1: the container's user namespace has no range with 9 ids from 1 on"},
		{name: "N21 relative maps beyond", patch: "{" + owned + bind(`, "idmap=uids=@0-1-10;gids=@0-1-9"`, "")[1:], want: "/mounts/0/options/1: no range with 10 ids"},
		{name: "N21 option with uids only", patch: bind(`, "idmap=uids=0-5-1"`, ""), want: both},
		{name: "N21 option with the container's gids", patch: "{" + owned + bind(`, "idmap=uids=0-5-1"`, "")[1:]},
		{name: "N21 option of two numbers", patch: bind(`, "idmap=uids=0-5;gids=0-5-1"`, ""), want: `/mounts/0/options/1: invalid idmap option "uids=0-5;gids=0-5-1": "0-5" is not of the form FROM-TO-SIZE`},
		{name: "N21 option without numbers", patch: bind(`, "idmap=uids=a-b-c;gids=0-5-1"`, ""), want: `/mounts/0/options/1: "a" is no id`},
		{name: "N21 option with other maps", patch: bind(`, "idmap=users=0-5-1"`, ""), want: `/mounts/0/options/1: "users" is neither uids nor gids`},
		{name: "N21 option with size 0", patch: bind(`, "idmap=uids=0-5-0;gids=0-5-1"`, ""), want: "/mounts/0/options/1: must not be 0"},
		{name: "N21 option that says nothing", patch: bind(`, "idmap="`, ""), want: both},
		{name: "N21 root need not be mapped", patch: bind("", strings.ReplaceAll(uids+gids, `"containerID": 0`, `"containerID": 7`))},
	})
}

// TestValidateFindsEverything: one problem does not hide the others, and their
// order is that of the sections.
func TestValidateFindsEverything(t *testing.T) {
	spec, err := Decode([]byte(`{"root":{}, "process":{"cwd":"x"}, "linux":{"namespaces":[{"type":"mount"}],"rootfsPropagation":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, p := range Validate(&Bundle{Spec: spec}, Options{Host: validHost()}) {
		have = append(have, string(p.Pointer))
	}
	want := "/ociVersion /root/path /process/cwd /process/args /linux/rootfsPropagation"
	if strings.Join(have, " ") != want {
		t.Errorf("have %v, want %s", have, want)
	}
	if problems := Validate(&Bundle{}, Options{}); FirstError(problems) == nil {
		t.Error("a bundle without a configuration is accepted")
	}
}

// Every pointer of a problem leads somewhere or names a member that is missing.
func TestProblemPointersAreWellFormed(t *testing.T) {
	p := Problem{Pointer: plan.Cause("/process/cwd"), Err: errNUL}
	if p.Error() != `/process/cwd: contains nul byte (\x00)` || !errors.Is(p, errNUL) {
		t.Errorf("have %q", p.Error())
	}
	if p := (Problem{Err: errNUL}); p.Error() != errNUL.Error() {
		t.Errorf("have %q", p.Error())
	}
}

// What engines write is accepted.
func TestCapturedConfigurationsAreValid(t *testing.T) {
	files, err := filepath.Glob("testdata/configs/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			spec, end, err := decodeConfig(raw)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Host: validHost()}
			o.Host.AppArmor, o.Host.SELinux = true, true
			o.Host.Resctrl = Resctrl{true, true, true, true}
			if strings.Contains(file, "rootless") {
				o.Rootless, o.Host.UserNS = true, true
			}
			for _, p := range Validate(&Bundle{Dir: "/b", Raw: raw, Spec: spec, end: end}, o) {
				byHand := p.Warning && strings.Contains(file, "everything")
				if !byHand {
					t.Errorf("warning %v: %v", p.Warning, p)
				}
			}
		})
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte(good), uint8(0))
	for _, text := range decodeSamples {
		f.Add([]byte(text), uint8(7))
	}
	f.Fuzz(func(t *testing.T, raw []byte, bits uint8) {
		spec, err := Decode(raw)
		if err != nil {
			return
		}
		o := Options{Host: validHost(), NoPivot: bits&1 != 0, Rootless: bits&2 != 0}
		if bits&4 != 0 {
			o.Host.CgroupMode = "v1"
		}
		for _, p := range Validate(&Bundle{Dir: "/b", Raw: raw, Spec: spec, end: len(raw)}, o) {
			if p.Err == nil || p.Pointer != "" && p.Pointer[0] != '/' {
				t.Errorf("problem %+v", p)
			}
		}
	})
}
