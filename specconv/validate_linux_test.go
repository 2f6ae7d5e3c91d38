package specconv

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/seccomp"
)

// withNamespaces gives a patch that has the listed namespaces and no host name.
func withNamespaces(kinds, more string) string {
	var list []string
	for kind := range strings.FieldsSeq(kinds) {
		list = append(list, `{"type": "`+kind+`"}`)
	}
	return `{"hostname": null, "linux": {"namespaces": [` + strings.Join(list, ",") + `]` + more + `}}`
}

func TestN33Namespaces(t *testing.T) {
	checkRows(t, []row{
		{name: "duplicate type", patch: withNamespaces("mount pid pid", ""), want: `/linux/namespaces/2: malformed spec file: duplicated ns {"pid" ""}`},
		{name: "unknown type", patch: withNamespaces("mount bogus", ""), want: `/linux/namespaces/1/type: namespace {"bogus" ""} does not exist`},
		{name: "path relative", patch: `{"linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "ns/uts"}]}}`, want: "/linux/namespaces/1/path: must be absolute"},
		{name: "path with NUL", patch: `{"linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "/\u0000"}]}}`, want: "/linux/namespaces/1/path: nul byte"},
		{name: "joined", patch: `{"linux": {"namespaces": [{"type": "mount"}, {"type": "uts", "path": "/proc/1/ns/uts"}]}}`},
		{name: "no mount namespace", patch: withNamespaces("pid", ""), want: "/linux/namespaces: needs a mount namespace"},
		{name: "maskedPaths without mount namespace", patch: withNamespaces("pid", `,"maskedPaths": ["/x"]`), want: "/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace"},
		{name: "readonlyPaths without mount namespace", patch: withNamespaces("pid", `,"readonlyPaths": ["/x"]`), want: "/linux/readonlyPaths: unable to restrict sys entries without a private MNT namespace"},
		{name: "rootless without user namespace", patch: `{}`, o: Options{Rootless: true}, want: "/linux/namespaces: rootless container requires user namespaces"},
		{name: "mapping without user namespace", patch: `{"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}}`, want: "W /linux/uidMappings: ignoring"},
		{name: "group mapping without user namespace", patch: `{"linux": {"gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}}`, want: "W /linux/gidMappings: ignoring"},
	})
}

func TestN32Hostnames(t *testing.T) {
	checkRows(t, []row{
		{name: "hostname without uts", patch: `{"linux": {"namespaces": [{"type": "mount"}]}}`, want: "/hostname: unable to set hostname without a private UTS namespace"},
		{name: "domainname without uts", patch: `{"hostname": null, "domainname": "d", "linux": {"namespaces": [{"type": "mount"}]}}`, want: "/domainname: unable to set domainname without a private UTS namespace"},
		{name: "hostname of 64 bytes", patch: `{"hostname": "` + strings.Repeat("h", 64) + `"}`},
		{name: "hostname of 65 bytes", patch: `{"hostname": "` + strings.Repeat("h", 65) + `"}`, want: "/hostname: sethostname: invalid argument"},
		{name: "domainname of 65 bytes", patch: `{"domainname": "` + strings.Repeat("h", 65) + `"}`, want: "/domainname: setdomainname: invalid argument"},
	})
}

func TestN35Devices(t *testing.T) {
	device := func(d string) string { return `{"linux": {"devices": [` + d + `]}}` }
	checkRows(t, []row{
		{name: "type unknown", patch: device(`{"path": "/dev/x", "type": "z"}`), want: `/linux/devices/0/type: invalid device type "z"`},
		{name: "path missing", patch: device(`{"type": "c", "major": 1, "minor": 3}`), want: "/linux/devices/0/path: must not be empty"},
		{name: "path is the root", patch: device(`{"path": "/..", "type": "p"}`), want: "/linux/devices/0/path: is the root"},
		{name: "path with NUL", patch: device(`{"path": "/dev/\u0000", "type": "p"}`), want: "/linux/devices/0/path: nul byte"},
		{name: "path relative", patch: device(`{"path": "dev/x", "type": "c", "major": 1, "minor": 3}`)},
		{name: "duplicate numbers", patch: device(`{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/y", "type": "u", "major": 1, "minor": 3}`)},
		{name: "number out of range", patch: device(`{"path": "/dev/x", "type": "b", "major": -1, "minor": 3}`), want: "/linux/devices/0: invalid device number -1:3"},
		{name: "FIFO needs no number", patch: device(`{"path": "/dev/x", "type": "p"}`)},
		{name: "ptmx", patch: device(`{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}`)},
	})
}

func TestValidatePaths(t *testing.T) {
	linux := func(l string) string { return `{"linux": {` + l + `}}` }
	checkRows(t, []row{
		{name: "N52 maskedPaths relative", patch: linux(`"maskedPaths": ["/a", "b"]`), want: "/linux/maskedPaths/1: must be absolute"},
		{name: "N52 readonlyPaths relative", patch: linux(`"readonlyPaths": [""]`), want: "/linux/readonlyPaths/0: must be absolute"},
		{name: "maskedPaths with NUL", patch: linux(`"maskedPaths": ["/\u0000"]`), want: "/linux/maskedPaths/0: nul byte"},
		{name: "maskedPaths is the root", patch: linux(`"maskedPaths": ["/."]`), want: "/linux/maskedPaths/0: is the root"},
		{name: "N50 rootfsPropagation unknown", patch: linux(`"rootfsPropagation": "bogus"`), want: "/linux/rootfsPropagation: rootfsPropagation=bogus is not supported"},
		{name: "N50 rootfsPropagation no propagation", patch: linux(`"rootfsPropagation": "ro"`), want: "/linux/rootfsPropagation: rootfsPropagation=ro is not supported"},
		{name: "N50 rshared", patch: linux(`"rootfsPropagation": "rshared"`), o: Options{NoPivot: true}},
		{name: "N50 private without pivot", patch: linux(`"rootfsPropagation": "rprivate"`), o: Options{NoPivot: true}, want: "/linux/rootfsPropagation: rootfsPropagation of [r]private is not safe without pivot_root"},
		{name: "N50 private", patch: linux(`"rootfsPropagation": "private"`)},
		{name: "N38 cgroupsPath with ..", patch: linux(`"cgroupsPath": "../../x"`)},
		{name: "N38 cgroupsPath with NUL", patch: linux(`"cgroupsPath": "/a\u0000"`), want: "/linux/cgroupsPath: nul byte"},
		{name: "systemd form", patch: linux(`"cgroupsPath": "system.slice:ocirun:x"`), want: "W /linux/cgroupsPath: systemd driver"},
		{name: "nothing in particular", patch: linux(`"mountLabel": "", "netDevices": {}, "rootfsPropagation": "", "seccomp": {}`)},
	})
}

func TestN49Sysctl(t *testing.T) {
	all := "mount uts ipc network"
	sysctl := func(kinds, key string) string {
		return withNamespaces(kinds, `,"sysctl": {"`+key+`": "1"}`)
	}
	checkRows(t, []row{
		{name: "not namespaced", patch: sysctl(all, "vm.swappiness"), want: `/linux/sysctl/vm.swappiness: sysctl "vm.swappiness" is not in a separate kernel namespace`},
		{name: "other kernel parameter", patch: sysctl(all, "kernel.panic"), want: "/linux/sysctl/kernel.panic: is not in a separate kernel namespace"},
		{name: "kernel.hostname", patch: sysctl(all, "kernel.hostname"), want: `/linux/sysctl/kernel.hostname: conflicts with the OCI "hostname" field`},
		{name: "kernel.hostname without uts", patch: sysctl("mount", "kernel.hostname"), want: "/linux/sysctl/kernel.hostname: is not in a separate kernel namespace"},
		{name: "kernel.domainname", patch: sysctl(all, "kernel.domainname")},
		{name: "kernel.domainname without uts", patch: sysctl("mount", "kernel.domainname"), want: "/linux/sysctl/kernel.domainname: is not in a separate kernel namespace"},
		{name: "net", patch: sysctl(all, "net.ipv4.ip_forward")},
		{name: "net in the host's", patch: sysctl("mount", "net.x"), want: `/linux/sysctl/net.x: sysctl "net.x" not allowed in host network namespace`},
		{name: "ipc", patch: sysctl(all, "kernel.shm_rmid_forced")},
		{name: "ipc in the host's", patch: sysctl("mount", "kernel.msgmax"), want: `/linux/sysctl/kernel.msgmax: sysctl "kernel.msgmax" is not allowed in the hosts ipc namespace`},
		{name: "mqueue in the host's", patch: sysctl("mount", "fs.mqueue.msg_max"), want: "/linux/sysctl/fs.mqueue.msg_max: not allowed in the hosts ipc namespace"},
		{name: "mqueue", patch: sysctl(all, "fs.mqueue.msg_max")},
		{name: "fs", patch: sysctl(all, "fs.file-max"), want: "/linux/sysctl/fs.file-max: is not in a separate kernel namespace"},
		{name: "user", patch: sysctl(all, "user.max_user_namespaces"), want: "/linux/sysctl/user.max_user_namespaces: setting ucounts without a user namespace not allowed: user.max_user_namespaces"},
		{name: "slash form", patch: sysctl(all, "net/ipv4/conf/eth0.1/rp_filter")},
		{name: "way up", patch: sysctl(all, "net/../vm/swappiness"), want: "/linux/sysctl/net~1..~1vm~1swappiness: no name of a kernel parameter"},
		{name: "way up in dot form", patch: sysctl(all, "net.//.vm.swappiness"), want: "/linux/sysctl/net.~1~1.vm.swappiness: no name of a kernel parameter"},
		{name: "empty component", patch: sysctl(all, "net..x"), want: "/linux/sysctl/net..x: no name of a kernel parameter"},
		{name: "empty", patch: sysctl(all, ""), want: "/linux/sysctl/: no name of a kernel parameter"},
		{name: "NUL", patch: sysctl(all, `net.\u0000`), want: "/linux/sysctl/net.\x00: no name of a kernel parameter"},
	})
}

func TestN51Seccomp(t *testing.T) {
	seccomp := func(s string) string { return `{"linux": {"seccomp": {` + s + `}}}` }
	rule := func(r string) string {
		return seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [` + r + `]`)
	}
	checkRows(t, []row{
		{name: "empty", patch: seccomp(``)},
		{name: "no default action", patch: seccomp(`"syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW"}]`), want: "/linux/seccomp/defaultAction: string  is not a valid action for seccomp"},
		{name: "default action unknown", patch: seccomp(`"defaultAction": "X"`), want: "/linux/seccomp/defaultAction: string X is not a valid action for seccomp"},
		{name: "half of a word", patch: seccomp(`"defaultAction": "SCMP_ACT"`), want: "/linux/seccomp/defaultAction: not a valid action"},
		{name: "two words", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW SCMP_ACT_ERRNO"`), want: "/linux/seccomp/defaultAction: not a valid action"},
		{name: "action unknown", patch: rule(`{"names": ["a"], "action": "X"}`), want: "/linux/seccomp/syscalls/0/action: string X is not a valid action for seccomp"},
		{name: "arch unknown", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86", "X"]`), want: "/linux/seccomp/architectures/1: string X is not a valid arch for seccomp"},
		{name: "operator unknown", patch: rule(`{"names": ["a"], "action": "SCMP_ACT_LOG", "args": [{"index": 0, "value": 1, "op": "X"}]}`), want: "/linux/seccomp/syscalls/0/args/0/op: string X is not a valid operator for seccomp"},
		{name: "flag unknown", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]`), want: "/linux/seccomp/flags/0: seccomp flag X is not known"},
		{name: "unknown system call", patch: rule(`{"names": ["bogus"], "action": "SCMP_ACT_LOG"}`)},
		{name: "names empty", patch: rule(`{"names": [], "action": "SCMP_ACT_LOG"}`), want: "W /linux/seccomp/syscalls/0/names: without a system call"},
		{name: "errnoRet on ALLOW", patch: rule(`{"names": ["a"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}`), want: `/linux/seccomp/syscalls/0/errnoRet: errno value specified for action "SCMP_ACT_ALLOW"`},
		{name: "errnoRet on ERRNO and TRACE", patch: rule(`{"names": ["a"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}, {"names": ["b"], "action": "SCMP_ACT_TRACE", "errnoRet": 1}`)},
		{name: "defaultErrnoRet on ALLOW", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1`), want: "/linux/seccomp/defaultErrnoRet: errno value specified"},
		{name: "arg index above 5", patch: rule(`{"names": ["a"], "action": "SCMP_ACT_LOG", "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}`), want: "/linux/seccomp/syscalls/0/args/0/index: syscalls only have up to 6 arguments (9 given)"},
		{name: "NOTIFY as default", patch: seccomp(`"defaultAction": "SCMP_ACT_NOTIFY"`), want: "/linux/seccomp/defaultAction: seccomp listenerPath is not set"},
		{name: "NOTIFY", patch: rule(`{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}`), want: "/linux/seccomp/syscalls/0/action: seccomp listenerPath is not set"},
		{name: "listenerPath", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"`), want: ""},
		{name: "listenerMetadata without path", patch: seccomp(`"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"`), want: "/linux/seccomp/listenerMetadata: without listenerPath"},
	})
}

// The words that are accepted are those that the compiler of filters knows.
func TestSeccompWordsAreTheCompilers(t *testing.T) {
	checkWords(t, seccompActions, seccomp.Actions())
	checkWords(t, seccompOperators, seccomp.Operators())
	checkWords(t, seccompArchs, seccomp.Archs())
	checkWords(t, seccompFlags, seccomp.KnownFlags())
}

func checkWords[T ~string](t *testing.T, list string, known []T) {
	t.Helper()
	var names []string
	for _, name := range known {
		names = append(names, string(name))
	}
	slices.Sort(names)
	words := strings.Fields(list)
	slices.Sort(words)
	if !slices.Equal(words, names) {
		t.Errorf("accepted: %v\nknown: %v", words, names)
	}
}

func TestN36NetDeviceNames(t *testing.T) {
	devices := func(text string) string { return `{"linux": {"netDevices": {` + text + `}}}` }
	rows := []row{
		{name: "N36 fine", patch: devices(`"eth0": {}, "eth1": {"name": "x"}, "eth.100-a": {"name": "net%d"}`)},
		{
			name: "N36 without a namespace", patch: `{"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}], "netDevices": {"eth0": {}}}}`,
			want: "/linux/netDevices: unable to move network devices without a NET namespace",
		},
		{
			name: "N36 rootless", patch: `{"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "user"}, {"type": "network"}],
			"uidMappings": [{"size": 1}], "gidMappings": [{"size": 1}], "netDevices": {"eth0": {}}}}`, o: Options{Rootless: true},
			want: "/linux/netDevices: network devices are not supported for rootless containers",
		},
		{name: "N36 two of one name", patch: devices(`"a": {"name": "c"}, "b": {"name": "c"}`), want: "/linux/netDevices/b: the same name as a: c"},
		{name: "N36 two of one pattern", patch: devices(`"a": {"name": "c%d"}, "b": {"name": "c%d"}`)},
	}
	for _, name := range []string{"a/b", "a:b", "a b", ".", "..", "", "sixteen-or-more-", "a%d", "\x00"} {
		raw, _ := json.Marshal(name)
		where := member("/linux/netDevices", name)
		rows = append(rows, row{name: "N36 name " + string(raw), patch: devices(string(raw) + ": {}"), want: string(where) + ": invalid network device name"})
	}
	for _, name := range []string{"a/b", ".", "sixteen-or-more-", "a%dx%d", "%s"} {
		rows = append(rows, row{name: "N36 new name " + name, patch: devices(`"eth0": {"name": "` + name + `"}`), want: "/linux/netDevices/eth0/name: invalid network device name"})
	}
	checkRows(t, rows)
}

func TestN47IntelRdt(t *testing.T) {
	rdt := func(text string) string { return `{"linux": {"intelRdt": {` + text + `}}}` }
	all := Options{Host: Host{Resctrl: Resctrl{Mounted: true, L3: true, Bandwidth: true, Monitoring: true}}}
	bare := Options{Host: Host{Resctrl: Resctrl{Mounted: true}}}
	rows := []row{
		{name: "N47 nothing mounted", patch: rdt(``), want: "/linux/intelRdt: intelRdt is specified in config, but Intel RDT is not enabled"},
		{name: "N47 fine", patch: rdt(`"closID": "x", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20", "schemata": ["L2:0=f"], "enableMonitoring": true`), o: all},
		{name: "N47 default class", patch: rdt(`"closID": "/"`), o: bare},
		{name: "N47 bandwidth prefix", patch: rdt(`"memBwSchema": "0=20"`), o: all, want: `/linux/intelRdt/memBwSchema: "0=20" must start with "MB:"`},
		{name: "N47 bandwidth lines", patch: rdt(`"memBwSchema": "MB:0=20\nL3:0=f"`), o: all, want: "/linux/intelRdt/memBwSchema: must start"},
		{name: "N47 cache prefix", patch: rdt(`"l3CacheSchema": "L3CODE:0=f"`), o: all, want: `W /linux/intelRdt/l3CacheSchema: should start with "L3:"`},
		{name: "N47 schemata lines", patch: rdt(`"schemata": ["L3:0=f", "L2:0=f\nx"]`), o: all, want: "/linux/intelRdt/schemata/1: a schema is one line"},
		{name: "N47 no cache allocation", patch: rdt(`"l3CacheSchema": "L3:0=f"`), o: bare, want: "/linux/intelRdt/l3CacheSchema: intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled"},
		{name: "N47 no bandwidth allocation", patch: rdt(`"memBwSchema": "MB:0=20"`), o: bare, want: "/linux/intelRdt/memBwSchema: intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled"},
		{name: "N47 no monitoring", patch: rdt(`"enableMonitoring": true`), o: bare, want: "/linux/intelRdt/enableMonitoring: the hardware has no monitoring"},
	}
	for _, name := range []string{".", "..", "a/b", "/a", "info", "mon_groups", "a\\nb"} {
		want := strings.ReplaceAll(name, `\n`, "\n")
		rows = append(rows, row{name: "N47 closID " + name, patch: rdt(`"closID": "` + name + `"`), o: all, want: "/linux/intelRdt/closID: invalid intelRdt.ClosID " + strconv.Quote(want)})
	}
	for i := range rows {
		rows[i].resctrl = rows[i].o.Host.Resctrl
	}
	checkRows(t, rows)
}
