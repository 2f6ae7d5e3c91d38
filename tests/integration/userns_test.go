package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// firstID is the host's id of the container's root in the scenarios.
const firstID = 200000

// userNamespace maps the container's ids to a range of the host's, and gives the
// root file system to its root.
func (b *bundle) userNamespace() {
	b.s.t.Helper()
	b.s.must(filepath.WalkDir(b.rootfs, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if filepath.Base(path) == "busybox" {
			return nil // shared by all bundles
		}
		return os.Lchown(path, firstID, firstID)
	}))
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: 65536}}
	b.edit(namespace("user", ""), func(c *specs.Spec) { c.Linux.UIDMappings, c.Linux.GIDMappings = ids, ids })
}

// traversable opens the way to the scenario's directory to the mapped root.
func (s *scenario) traversable() {
	s.t.Helper()
	for dir := s.dir; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		s.must(os.Chmod(dir, 0o755))
	}
}

func TestUserNamespace(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(writable, sh("cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /made; stat -c %u:%g /made /proc/1; cat /proc/self/setgroups; echo up; sleep 100"))
	b.userNamespace()
	id := s.id()
	r := s.run("run", "-d", "-b", b.dir, id).ok()
	out := strings.Join(strings.Fields(r.waitFor("up\n")), " ")
	equal(s, "seen from inside", out, fmt.Sprintf("0 %d 65536 0 %d 65536 0 0:0 0:0 allow up", firstID, firstID))

	pid := s.state(id).Pid
	s.contains("uids on the host", s.read(fmt.Sprintf("/proc/%d/status", pid)), fmt.Sprintf("Uid:\t%d\t%d", firstID, firstID))
	var st unix.Stat_t
	s.must(unix.Lstat(b.path("made"), &st))
	equal(s, "owner of a new file on the host", st.Uid, uint32(firstID))
}

func TestUserNamespaceOfAUser(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(user(1000, 1001, 5))
	b.userNamespace()
	st := b.procStatus()
	equal(s, "uid", strings.Fields(st["Uid"])[0], "1000")
	equal(s, "gid", strings.Fields(st["Gid"])[0], "1001")
	equal(s, "groups", st["Groups"], "5")
}

// Nodes cannot be made in a user namespace, so the host's are bound.
func TestUserNamespaceDevices(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(sh("cd /dev; for d in null zero full random urandom tty; do test -c $d && echo $d; done; echo x >/dev/null && head -c 2 /dev/zero | wc -c"))
	b.userNamespace()
	equal(s, "output", strings.Join(strings.Fields(b.payload()), " "), "null zero full random urandom tty 2")
}

func TestUserNamespaceMounts(t *testing.T) {
	s := begin(t)
	s.traversable()
	b := s.bundle(addMounts(bind(filepath.Dir(s.write("source/x", "")), "/mnt", "ro", "nosuid")))
	b.userNamespace()
	table := b.inside()
	for point, fsType := range map[string]string{"/proc": "proc", "/dev": "tmpfs", "/dev/pts": "devpts", "/dev/shm": "tmpfs", "/dev/mqueue": "mqueue", "/sys": "sysfs"} {
		equal(s, "type of "+point, at(table, point).fsType, fsType)
	}
	equal(s, "read-only bind", at(table, "/mnt").has("ro"), true)
	equal(s, "read-only root", at(table, "/").has("ro"), true)
}

func TestUserNamespaceErrors(t *testing.T) {
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstID, Size: 10}}
	cases := []struct {
		name       string
		uids, gids []specs.LinuxIDMapping
		edit       edit
		message    string
	}{
		{"no mappings", nil, nil, sh("true"), "user namespaces enabled, but no uid mapping"},
		{"no gid mappings", ids, nil, sh("true"), "user namespaces enabled, but no gid mapping"},
		{"unmapped user", ids, ids, user(77, 0), "unmapped uid 77"},
		{"unmapped group", ids, ids, user(0, 77), "unmapped gid 77"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 has other words")
			b := s.bundle(namespace("user", ""), func(spec *specs.Spec) { spec.Linux.UIDMappings, spec.Linux.GIDMappings = c.uids, c.gids }, c.edit)
			s.run("create", "-b", b.dir, s.id()).failsWith(1, c.message)
			s.oracle()
		})
	}
}

// Engines give the path of a user namespace together with the mappings it has.
func TestUserNamespaceJoined(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 refuses mappings beside a path")
	s.traversable()
	path := s.mappedHolder()
	b := s.bundle(sh("readlink /proc/self/ns/user; id -u"))
	b.userNamespace()
	b.edit(namespace("user", path), namespace("network", strings.TrimSuffix(path, "user")+"net"))
	want, err := os.Readlink(path)
	s.must(err)
	equal(s, "output", b.payload(), want+"\n0\n")
}

// mappedHolder is a process in user and network namespaces with the scenarios' ids.
func (s *scenario) mappedHolder() string {
	s.t.Helper()
	path := s.holder(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET)
	pid := strings.Split(path, "/")[2]
	for _, file := range []string{"uid_map", "gid_map"} {
		s.must(os.WriteFile("/proc/"+pid+"/"+file, fmt.Appendf(nil, "0 %d 65536", firstID), 0))
	}
	return path + "user"
}

func TestTimeNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 knows no time namespaces")
	b := s.bundle(namespace("time", ""), sh("cut -d. -f1 /proc/uptime; cat /proc/self/timens_offsets"), func(c *specs.Spec) {
		c.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000000}, "monotonic": {Secs: 7, Nanosecs: 5}}
	})
	lines := strings.Split(b.payload(), "\n")
	if len(lines) < 3 || len(lines[0]) < 7 {
		s.errorf("uptime %q is not shifted by a million seconds", lines[0])
	}
	s.contains("offsets", strings.Join(strings.Fields(strings.Join(lines[1:], " ")), " "), "monotonic 7 5 boottime 1000000 0")
}
