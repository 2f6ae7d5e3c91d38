package libcontainer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

func TestSameMap(t *testing.T) {
	r := func(container, host, size uint32) plan.IDMapping {
		return plan.IDMapping{ContainerID: container, HostID: host, Size: size}
	}
	for _, c := range []struct {
		name string
		a, b []plan.IDMapping
		want bool
	}{
		{"equal", []plan.IDMapping{r(0, 5, 10)}, []plan.IDMapping{r(0, 5, 10)}, true},
		{"in pieces and another order", []plan.IDMapping{r(4, 9, 6), r(0, 5, 4)}, []plan.IDMapping{r(0, 5, 10)}, true},
		{"empty piece", []plan.IDMapping{r(0, 5, 10), r(20, 5, 0)}, []plan.IDMapping{r(0, 5, 10)}, true},
		{"gap on the host", []plan.IDMapping{r(0, 5, 4), r(4, 10, 6)}, []plan.IDMapping{r(0, 5, 10)}, false},
		{"shorter", []plan.IDMapping{r(0, 5, 9)}, []plan.IDMapping{r(0, 5, 10)}, false},
		{"other host", []plan.IDMapping{r(0, 6, 10)}, []plan.IDMapping{r(0, 5, 10)}, false},
		{"all ids", []plan.IDMapping{r(0, 0, 1<<32-1)}, []plan.IDMapping{r(0, 0, 1<<31), r(1<<31, 1<<31, 1<<31-1)}, true},
	} {
		if got := sameMap(c.a, c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestParseIDMap(t *testing.T) {
	list, err := parseIDMap([]byte("         0     100000      65536\n     65536  200000 1\n"))
	if err != nil || len(list) != 2 || list[1] != (plan.IDMapping{ContainerID: 65536, HostID: 200000, Size: 1}) {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"x", "0 0\n", "0 0 0 0\n", "0 -1 1\n", "0 0 4294967296\n"} {
		if _, err := parseIDMap([]byte(bad)); !errors.Is(err, errIDMap) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzIDMap(f *testing.F) {
	f.Add([]byte("0 100000 65536\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := parseIDMap(text)
		if err == nil && !sameMap(list, mergeRanges(list)) {
			t.Errorf("%q is not the same as itself", text)
		}
	})
}

func TestWriteMap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uid_map")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := idMapsOf(plan.IDMaps{UID: []plan.IDMapping{{HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}})[0]
	if err := m.write(path); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "0 1000 1\n1 100000 65536\n" {
		t.Errorf("wrote %q", text)
	}
	for i := range uint32(300) {
		m.list = append(m.list, plan.IDMapping{ContainerID: 100000 + i, HostID: 1000000 + 2*i, Size: 1})
	}
	if err := m.write(path); !errors.Is(err, errMapTooLong) {
		t.Errorf("a long map: %v", err)
	}
}

func TestUserNamespaceHints(t *testing.T) {
	for _, c := range []struct {
		step  plan.Step
		errno unix.Errno
		want  string
	}{
		{plan.Unshare{Namespaces: plan.NamespaceUser}, unix.EPERM, "kernel.unprivileged_userns_clone"},
		{plan.Unshare{Namespaces: plan.NamespaceUser}, unix.ENOSPC, "user.max_user_namespaces"},
		{plan.Unshare{Namespaces: plan.NamespaceUser}, unix.EINVAL, "CONFIG_USER_NS"},
		{plan.Unshare{Namespaces: plan.NamespaceMount}, unix.EPERM, "security module"},
		{plan.Join{Namespace: plan.NamespaceNetwork}, unix.EPERM, "no rights over the user namespace"},
		{plan.OOMScoreAdj{Value: -1}, unix.EACCES, "CAP_SYS_RESOURCE"},
		{plan.SetIDs{Groups: []uint32{1}}, unix.EPERM, "denies setgroups"},
		{plan.TimeOffset{}, unix.ERANGE, "negative"},
		{plan.Mount{Type: "proc"}, unix.EPERM, "a new proc only where nothing covers"},
		{plan.Mount{Type: "mqueue"}, unix.EPERM, "IPC namespace"},
		{plan.Mount{Type: "ext4"}, unix.EPERM, "ext4 in a user namespace"},
		{plan.Mount{Type: "tmpfs"}, unix.EACCES, "directory on the way"},
		{plan.Bind{Device: 'c'}, unix.ENOENT, "devices that the host has"},
		{plan.Bind{}, unix.EINVAL, `"rbind"`},
		{plan.Bind{Attr: plan.AttrChange{Clear: plan.ReadOnly}}, unix.EPERM, "locked flags"},
		{plan.Mkdir{}, unix.EACCES, "directory on the way"},
		{plan.Umask{}, unix.EACCES, ""},
	} {
		if got := userNamespaceHint(c.step, c.errno); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: %v: hint %q", c.step.Action(), c.errno, got)
		}
	}
}
