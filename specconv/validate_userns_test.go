package specconv

import (
	"fmt"
	"strings"
	"testing"
)

// inUserNS gives a patch with a user namespace, one map for users and groups, and
// more members of "linux".
func inUserNS(path, ranges, more string) string {
	maps := `"uidMappings": [` + ranges + `], "gidMappings": [` + ranges + `]`
	return `{"hostname": null, "linux": {"namespaces": [{"type": "mount"}, {"type": "user", "path": "` + path + `"}], ` + maps + more + `}}`
}

// idRange is a range of a map.
func idRange(container, host, size uint64) string {
	return fmt.Sprintf(`{"containerID": %d, "hostID": %d, "size": %d}`, container, host, size)
}

func TestN34Mappings(t *testing.T) {
	usual := idRange(0, 100000, 65536)
	var many []string
	for i := range uint64(341) {
		many = append(many, idRange(i, 100000+2*i, 1))
	}
	checkRows(t, []row{
		{name: "usual", patch: inUserNS("", usual, "")},
		{name: "several ranges", patch: inUserNS("", idRange(0, 1000, 1)+","+idRange(1, 100000, 65535), "")},
		{name: "most ranges", patch: inUserNS("", strings.Join(many[:340], ","), "")},
		{name: "too many ranges", patch: inUserNS("", strings.Join(many, ","), ""), want: "/linux/uidMappings: 341 ranges are more than the 340"},
		{name: "no mappings", patch: withNamespaces("mount user", ""), want: "/linux/namespaces/1: user namespaces enabled, but no uid mappings found"},
		{name: "only uid", patch: withNamespaces("mount user", `,"uidMappings": [`+usual+`]`), want: "/linux/namespaces/1: user namespaces enabled, but no gid mappings found"},
		{name: "only gid", patch: withNamespaces("mount user", `,"gidMappings": [`+usual+`]`), want: "/linux/namespaces/1: user namespaces enabled, but no uid mappings found"},
		{name: "joined without", patch: inUserNS("/proc/1/ns/user", "", "")},
		{name: "joined with", patch: inUserNS("/proc/1/ns/user", usual, "")},
		{name: "size 0", patch: inUserNS("", idRange(0, 100000, 0), ""), want: "/linux/uidMappings: user namespaces enabled, but no mapping found for uid 0"},
		{name: "size 0 of a second", patch: inUserNS("", usual+","+idRange(70000, 300000, 0), ""), want: "/linux/uidMappings/1/size: must not be 0"},
		{name: "no root", patch: inUserNS("", idRange(1, 100000, 65536), ""), want: "/linux/uidMappings: user namespaces enabled, but no mapping found for uid 0"},
		{name: "overlap inside", patch: inUserNS("", usual+","+idRange(65535, 300000, 1), ""), want: "/linux/uidMappings/1: overlaps with range 0: invalid argument"},
		{name: "overlap on the host", patch: inUserNS("", usual+","+idRange(70000, 99999, 2), ""), want: "/linux/uidMappings/1: overlaps with range 0: invalid argument"},
		{name: "above the highest id", patch: inUserNS("", usual+","+idRange(70000, 1<<32-2, 2), ""), want: "/linux/uidMappings/1: ends above the highest id, 4294967294"},
		{name: "up to the highest id", patch: inUserNS("", usual+","+idRange(70000, 1<<32-3, 2), "")},
	})
}

func TestUnmappedIDs(t *testing.T) {
	patch := func(user, mounts string) string {
		return strings.TrimSuffix(inUserNS("", idRange(0, 100000, 1000), ""), "}") +
			`, "process": {"user": {` + user + `}}, "mounts": [{"destination": "/m", ` + mounts + `}]}`
	}
	tmpfs := func(option string) string { return `"type": "tmpfs", "options": ["` + option + `"]` }
	checkRows(t, []row{
		{name: "mapped", patch: patch(`"uid": 999, "gid": 999, "additionalGids": [5]`, tmpfs("uid=5"))},
		{name: "uid", patch: patch(`"uid": 1000`, tmpfs("ro")), want: "/process/user/uid: cannot setuid to unmapped uid 1000 in user namespace"},
		{name: "gid", patch: patch(`"gid": 1000`, tmpfs("ro")), want: "/process/user/gid: cannot setgid to unmapped gid 1000 in user namespace"},
		{name: "additional", patch: patch(`"additionalGids": [1, 1000]`, tmpfs("ro")), want: "/process/user/additionalGids/1: cannot set additional group 1000"},
		{name: "mount uid", patch: patch("", tmpfs("uid=1000")), want: "/mounts/0/options/0: cannot specify uid=1000 mount option for a container with a user namespace"},
		{name: "mount gid rootless", patch: patch("", tmpfs("gid=1000")), o: Options{Rootless: true}, want: "/mounts/0/options/0: cannot specify gid=1000 mount option for rootless container: "},
		{name: "mount uid that is no number", patch: patch("", tmpfs("uid=x"))},
	})
}

func TestRootlessWithoutPidNamespace(t *testing.T) {
	checkRows(t, []row{
		{name: "no cgroup", patch: inUserNS("", idRange(0, 1000, 1), ""), o: Options{Rootless: true, Host: Host{CgroupMode: "none"}}, want: "W /linux/namespaces: may outlive it"},
		{name: "cgroup", patch: inUserNS("", idRange(0, 1000, 1), ""), o: Options{Rootless: true}},
	})
}

func TestTimeNamespace(t *testing.T) {
	offsets := func(clock string) string { return `,"timeOffsets": {` + clock + `}` }
	joined := `{"hostname": null, "linux": {"namespaces": [{"type": "mount"}, {"type": "time", "path": "/proc/1/ns/time"}], "timeOffsets": {"monotonic": {"secs": 1}}}}`
	checkRows(t, []row{
		{name: "without offsets", patch: withNamespaces("mount time", "")},
		{name: "both clocks", patch: withNamespaces("mount time", offsets(`"monotonic": {"secs": -1}, "boottime": {"secs": 1, "nanosecs": 999999999}`))},
		{name: "without time namespace", patch: `{"linux": {"timeOffsets": {"monotonic": {"secs": 1}}}}`, want: "/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config"},
		{name: "joined", patch: joined, want: "/linux/timeOffsets: both namespace path and time offsets specified"},
		{name: "unknown clock", patch: withNamespaces("mount time", offsets(`"realtime": {"secs": 1}`)), want: `/linux/timeOffsets/realtime: clock "realtime" has no offset`},
		{name: "nanoseconds", patch: withNamespaces("mount time", offsets(`"monotonic": {"nanosecs": 1000000000}`)), want: "/linux/timeOffsets/monotonic/nanosecs: a second or more"},
	})
	spec, err := Decode(change(t, good, withNamespaces("mount time", "")))
	if err != nil {
		t.Fatal(err)
	}
	checkProblems(t, Validate(&Bundle{Dir: "/bundle", Spec: spec}, Options{Host: Host{LastCap: 40}}),
		"/linux/namespaces/1: time namespaces aren't enabled in the kernel")
}
