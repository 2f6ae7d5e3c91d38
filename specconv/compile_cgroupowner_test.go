package specconv

import (
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

// TestN39CgroupOwner: only a cgroup that is all the container sees, and may write to, changes hands.
func TestN39CgroupOwner(t *testing.T) {
	const mount = `"mounts": [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid"]}]`
	const readOnly = `"mounts": [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]`
	namespaces := func(extra string) string {
		return `"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}` + extra + `], "uidMappings": [{"containerID": 0, "hostID": 5000, "size": 100}],
			"gidMappings": [{"containerID": 0, "hostID": 5000, "size": 100}]}`
	}
	const user, cgroup = `, {"type": "user"}`, `, {"type": "cgroup"}`
	for _, c := range []struct {
		name, patch string
		change      func(*Options)
		want        uint32
	}{
		{"user namespace", `{` + mount + `,` + namespaces(user+cgroup) + `}`, nil, 5000},
		{"another user", `{` + mount + `,` + namespaces(user+cgroup) + `, "process": {"user": {"uid": 7, "gid": 7}}}`, nil, 5007},
		{"no user namespace", `{` + mount + `,` + namespaces(cgroup) + `, "process": {"user": {"uid": 7, "gid": 7}}}`, nil, 7},
		{"root", `{` + mount + `,` + namespaces(cgroup) + `}`, nil, 0},
		{"read-only", `{` + readOnly + `,` + namespaces(user+cgroup) + `}`, nil, 0},
		{"no cgroup namespace", `{` + mount + `,` + namespaces(user) + `}`, nil, 0},
		{"joined cgroup namespace", `{` + mount + `,` + namespaces(user+`, {"type": "cgroup", "path": "/ns"}`) + `}`, nil, 0},
		{"no mount", `{` + namespaces(user+cgroup) + `}`, nil, 0},
		{"version 1", `{` + mount + `,` + namespaces(user+cgroup) + `}`, onV1, 0},
		{"hybrid", `{` + mount + `,` + namespaces(user+cgroup) + `}`, onHybrid, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := Decode(change(t, good, c.patch))
			if err != nil {
				t.Fatal(err)
			}
			b := &Bundle{Dir: "/b", Spec: spec}
			o := testOptions(b)
			if c.change != nil {
				c.change(&o)
			}
			p, _, err := Compile(b, o)
			if err != nil {
				t.Fatal(err)
			}
			var got uint32
			for _, e := range p.Entries {
				if owner, ok := e.Step.(plan.CgroupOwner); ok {
					got = owner.UID
				}
			}
			if got != c.want {
				t.Errorf("owner %d, want %d", got, c.want)
			}
		})
	}
}
