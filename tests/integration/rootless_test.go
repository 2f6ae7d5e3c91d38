package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// An ordinary user of the host, and the ranges that /etc/subuid and /etc/subgid
// give to them where a scenario says so.
const (
	userID   = 61234
	groupID  = 61235
	firstSub = 300000
	subCount = 70000
)

// ordinary is that user with a bundle in a directory of their own. The state root of
// the scenario becomes the user's.
type ordinary struct {
	*bundle
	runtimeDir string
}

// ordinaryUser makes the user's bundle, with the configuration of "spec --rootless"
// and some changes.
func (s *scenario) ordinaryUser(edits ...edit) *ordinary {
	s.t.Helper()
	s.traversable()
	u := &ordinary{bundle: s.bundle(), runtimeDir: filepath.Join(s.dir, "xdg")}
	s.must(os.Mkdir(u.runtimeDir, 0o700))
	for _, path := range []string{u.runtimeDir, u.dir, u.rootfs, u.path("tmp")} {
		s.must(os.Chown(path, userID, groupID))
	}
	s.root = filepath.Join(u.runtimeDir, suite.kind)
	s.must(os.Remove(filepath.Join(u.dir, "config.json")))
	u.call("spec", "--rootless", "-b", u.dir).ok()
	*u.spec = decode[specs.Spec](s, s.read(filepath.Join(u.dir, "config.json")))
	u.spec.Process.Terminal = false
	u.edit(edits...)
	return u
}

func (u *ordinary) cmd(args ...string) *command {
	c := u.s.cmd(args...)
	c.noRoot = true
	c.env = []string{"XDG_RUNTIME_DIR=" + u.runtimeDir, "HOME=" + u.dir, "USER=someone"}
	return c
}

// begin starts the runtime as the user.
func (u *ordinary) begin(args ...string) *command {
	u.s.t.Helper()
	c := u.cmd(args...)
	c.prepare()
	c.exec.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: userID, Gid: groupID}}
	c.launch()
	return c
}

func (u *ordinary) call(args ...string) result {
	u.s.t.Helper()
	return u.begin(args...).wait()
}

func (u *ordinary) run() result {
	u.s.t.Helper()
	return u.call("run", "-b", u.dir, u.s.id())
}

// covers puts a file of the scenario over one of the machine until the end.
func (s *scenario) covers(path, content string, mode os.FileMode) {
	s.t.Helper()
	over := s.write("over"+path, content)
	s.must(os.Chmod(over, mode))
	s.must(unix.Mount(over, path, "", unix.MS_BIND, ""))
	s.t.Cleanup(func() { s.must(unix.Unmount(path, unix.MNT_DETACH)) })
}

// subordinate gives the user a name and, if wanted, ranges of ids.
func (s *scenario) subordinate(ranges bool) {
	s.t.Helper()
	if _, err := exec.LookPath("newuidmap"); err != nil {
		s.t.Fatalf("harness: %v (Debian: uidmap)", err)
	}
	s.covers("/etc/passwd", s.read("/etc/passwd")+fmt.Sprintf("\nsomeone:x:%d:%d::/:/bin/sh\n", userID, groupID), 0o644)
	s.covers("/etc/group", s.read("/etc/group")+fmt.Sprintf("\nsomeone:x:%d:\n", groupID), 0o644)
	text := "nobody-else:1000000:65536\n"
	if ranges {
		text += fmt.Sprintf("someone:%d:%d\n", firstSub, subCount)
	}
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if !exists(file) {
			s.must(os.WriteFile(file, nil, 0o644))
			s.t.Cleanup(func() { s.must(os.Remove(file)) })
		}
		s.covers(file, text, 0o644)
	}
}

// manyIDs maps the user to root and the ranges to the ids that follow.
func manyIDs(c *specs.Spec) {
	c.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: userID, Size: 1}, {ContainerID: 1, HostID: firstSub, Size: 30000}, {ContainerID: 30001, HostID: firstSub + 40000, Size: 30000}}
	c.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: groupID, Size: 1}, {ContainerID: 1, HostID: firstSub, Size: subCount}}
}

func TestRootless(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser(sh("id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; echo $$; hostname; stat -c %u /proc/1; echo x >/dev/null && echo err >/dev/stderr"))
	r := u.run().ok()
	want := fmt.Sprintf("0 0 0 %d 1 0 %d 1 deny 1 %s 0", userID, groupID, suite.kind)
	equal(s, "seen from inside", strings.Join(strings.Fields(r.out), " "), want)
	s.contains("standard error opened anew", r.err, "err\n")
	var st unix.Stat_t
	s.must(unix.Stat(s.root, &st))
	equal(s, "mode of the state root", st.Mode&0o7777, uint32(0o1700))
	equal(s, "its owner", st.Uid, uint32(userID))
}

func TestRootlessLifecycle(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser(sh("echo up; sleep 100"))
	id := s.id()
	pidFile := filepath.Join(u.runtimeDir, "pid")
	r := u.call("create", "-b", u.dir, "--pid-file", pidFile, id).ok()
	s.status(id, "created")
	u.call("start", id).ok()
	r.waitFor("up\n")
	st := s.state(id)
	equal(s, "pid file", s.read(pidFile), itoa(st.Pid))
	var stat unix.Stat_t
	s.must(unix.Stat(fmt.Sprintf("/proc/%d", st.Pid), &stat))
	equal(s, "owner of the process", stat.Uid, uint32(userID))
	s.contains("list", u.call("list").ok().out, id)
	u.call("delete", id).refused()
	u.call("kill", id, "KILL").ok()
	equal(s, "gone", gone(st.Pid), true)
	u.call("delete", id).ok()
	s.oracle()
}

// The user's own program of the host must not be able to enter the container's
// cgroup tree or another of the user's from inside (CVE-2023-25809).
func TestRootlessCgroupIsNotWritable(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 leaves a writable directory there")
	u := s.ordinaryUser(sh("find /sys/fs/cgroup -name cgroup.procs -exec sh -c 'echo 1 >{} && echo written' ';' 2>/dev/null; mkdir /sys/fs/cgroup/x 2>/dev/null && echo made; echo end"))
	equal(s, "output", u.run().ok().out, "end\n")
}

func TestRootlessRanges(t *testing.T) {
	s := begin(t)
	s.subordinate(true)
	u := s.ordinaryUser(manyIDs, user(1000, 1000), writable, sh("id -u; id -g; cat /proc/self/setgroups; touch /tmp/made; cat /proc/self/uid_map"))
	s.must(os.Chmod(u.path("tmp"), 0o1777))
	out := strings.Join(strings.Fields(u.run().ok().out), " ")
	equal(s, "seen from inside", out, fmt.Sprintf("1000 1000 allow 0 %d 1 1 %d 30000 30001 %d 30000", userID, firstSub, firstSub+40000))
	var st unix.Stat_t
	s.must(unix.Lstat(u.path("tmp/made"), &st))
	equal(s, "owner on the host", st.Uid, uint32(firstSub+999))
}

func TestRootlessRangesNotGiven(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has other words")
	s.subordinate(false)
	u := s.ordinaryUser(manyIDs)
	r := u.run().failsWith(1, "/linux/uidMappings: write id maps: /usr/bin/newuidmap: exit status 1")
	s.contains("message", r.message(), "newuidmap: uid range")
	s.contains("message", r.message(), "/etc/subuid has to give these ids to the user")
	s.oracle()
}

func TestRootlessHelperMissing(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has other words")
	s.subordinate(true)
	path, err := exec.LookPath("newgidmap")
	s.must(err)
	s.covers(path, "", 0o644)
	u := s.ordinaryUser(manyIDs)
	u.run().failsWith(1, `/linux/gidMappings: write id maps: newgidmap: executable file not found; `+
		`a map of more than one's own id needs it; install the package "uidmap" or "shadow-utils"`)
	s.oracle()
}

func TestRootlessRefused(t *testing.T) {
	pids := int64(10)
	cases := map[string]struct {
		edit    edit
		message string
	}{
		"no user namespace": {withoutNamespace("user"), "rootless container requires user namespaces"},
		"limits":            {resources(func(r *specs.LinuxResources) { r.Pids = &specs.LinuxPids{Limit: &pids} }), "/linux/resources/pids/limit: cannot set pids limit: container could not join or create cgroup"},
		"additional groups": {user(0, 0, 5), "cannot set any additional groups in a rootless container"},
		"mount owner":       {addMounts(specs.Mount{Destination: "/tmp", Type: "tmpfs", Options: []string{"gid=5"}}), "cannot specify gid=5 mount option for rootless container: "},
		"oom score":         {func(c *specs.Spec) { c.Process.OOMScoreAdj = ptr(-500) }, "/process/oomScoreAdj: set oom_score_adj -500: permission denied"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "has other words")
			u := s.ordinaryUser(func(c *specs.Spec) { c.Linux.Resources = &specs.LinuxResources{} }, c.edit)
			u.run().failsWith(1, c.message)
			s.oracle()
		})
	}
}

func TestRootlessWithoutRuntimeDir(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has other words")
	u := s.ordinaryUser()
	u.runtimeDir = ""
	u.run().failsWith(1, "write to /run/"+suite.kind+": permission denied; set XDG_RUNTIME_DIR or use --root")
}

// What the kernel forbids is said with the switch that forbids it. The limit is set
// for a user namespace of the test's own, not for the machine.
func TestRootlessForbidden(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has other words")
	u := s.ordinaryUser()
	c := u.cmd("run", "-b", u.dir, s.id())
	c.via = []string{
		"setpriv", "--reuid", itoa(userID), "--regid", itoa(groupID), "--clear-groups",
		"unshare", "-U", "--map-user=" + itoa(userID), "--map-group=" + itoa(groupID), "--keep-caps",
		"sh", "-c", `echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --ambient-caps=-all "$@"`, "sh",
	}
	c.run().failsWith(1, "unshare user namespace: no space left on device; user.max_user_namespaces")
	s.oracle()
}

// With cgroup version 2, a user to whom a subtree is delegated has limits.
func TestRootlessDelegatedCgroup(t *testing.T) {
	s := begin(t)
	if suite.view != "v2" {
		t.Skip("delegation to users is for cgroup version 2")
	}
	top := filepath.Join("/sys/fs/cgroup", "it-delegated-"+itoa(os.Getpid()))
	home := filepath.Join(top, "home")
	s.must(os.MkdirAll(home, 0o755))
	t.Cleanup(func() { removeCgroup(home); removeCgroup(top) })
	for _, dir := range []string{top, home} {
		for _, file := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
			s.must(os.Chown(filepath.Join(dir, file), userID, groupID))
		}
	}
	u := s.ordinaryUser(namespace("cgroup", ""), sh("cat /proc/self/cgroup; ls /sys/fs/cgroup; echo up; sleep 100"))
	id := s.id()
	c := u.cmd("run", "-d", "-b", u.dir, id)
	c.via = []string{"sh", "-c", `echo $$ >` + home + `/cgroup.procs; exec setpriv --reuid ` + itoa(userID) + ` --regid ` + itoa(groupID) + ` --clear-groups "$@"`, "sh"}
	r := c.run().ok()
	out := r.waitFor("up\n")
	s.contains("own cgroup seen from inside", out, "0::/\n")
	s.contains("its files", out, "cgroup.procs\n")
	pid := s.state(id).Pid
	s.contains("cgroup on the host", s.read(fmt.Sprintf("/proc/%d/cgroup", pid)), filepath.Join(strings.TrimPrefix(top, "/sys/fs/cgroup"), id))
	u.call("kill", id, "KILL").ok()
	equal(s, "gone", gone(pid), true)
	u.call("delete", id).ok()
	equal(s, "cgroup left", exists(filepath.Join(top, id)), false)
}

// A second container of the user in the namespaces of the first.
func TestRootlessPod(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser(sh("echo up; sleep 100"))
	id := s.id()
	r := u.call("run", "-d", "-b", u.dir, id).ok()
	r.waitFor("up\n")
	ns := fmt.Sprintf("/proc/%d/ns/", s.state(id).Pid)
	u.edit(namespace("user", ns+"user"), namespace("ipc", ns+"ipc"), namespace("uts", ns+"uts"),
		func(c *specs.Spec) { c.Hostname = ""; c.Process.OOMScoreAdj = ptr(500) },
		sh("readlink /proc/self/ns/user; readlink /proc/self/ns/ipc; id -u; echo $$; cat /proc/self/oom_score_adj"))
	var want []string
	for _, name := range []string{"user", "ipc"} {
		link, err := os.Readlink(ns + name)
		s.must(err)
		want = append(want, link)
	}
	equal(s, "output", strings.Join(strings.Fields(u.run().ok().out), " "), strings.Join(want, " ")+" 0 1 500")
	u.call("kill", id, "KILL").ok()
	s.becomes(id, "stopped")
	u.call("delete", id).ok()
}

// Root of the container need not be the user.
func TestRootlessRootIsAnother(t *testing.T) {
	s := begin(t)
	s.differs("runc", "gives a FIFO to the container's root, which the user may not")
	s.subordinate(true)
	u := s.ordinaryUser(sh("id -u; touch /dev/shm/x && stat -c %u /dev/shm/x; echo up; sleep 100"), func(c *specs.Spec) {
		c.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: firstSub, Size: subCount}}
		c.Linux.GIDMappings = c.Linux.UIDMappings
		c.Process.User.AdditionalGids = nil
	})
	id := s.id()
	r := u.call("run", "-d", "-b", u.dir, id).ok()
	equal(s, "output", strings.Join(strings.Fields(r.waitFor("up\n")), " "), "0 0 up")
	pid := s.state(id).Pid
	s.contains("process on the host", s.read(fmt.Sprintf("/proc/%d/status", pid)), fmt.Sprintf("Uid:\t%d\t", firstSub))
	u.call("kill", id, "KILL").ok()
	equal(s, "gone", gone(pid), true)
	u.call("delete", id).ok()
	s.oracle()
}

func TestRootlessTimeNamespace(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 knows no time namespaces")
	u := s.ordinaryUser(namespace("time", ""), sh("cut -d. -f1 /proc/uptime"), func(c *specs.Spec) {
		c.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000000}}
	})
	if out := strings.TrimSpace(u.run().ok().out); len(out) < 7 {
		s.errorf("uptime %s is not shifted", out)
	}
}

func TestRootlessTerminal(t *testing.T) {
	s := begin(t)
	u := s.ordinaryUser(terminal, sh("tty; stat -c %u /dev/pts/0; echo x >/dev/tty; read line; echo \"got <$line>\"; exit 3"))
	term, slave := s.openPty(24, 80)
	s.must(slave.Chown(userID, groupID))
	c := u.cmd("run", "-b", u.dir, s.id())
	c.via = []string{"setpriv", "--reuid", itoa(userID), "--regid", itoa(groupID), "--clear-groups"}
	c.onTerminal(slave)
	term.expect("/dev/pts/0\r\n0\r\nx\r\n")
	term.send("hello\r")
	term.expect("got <hello>")
	c.wait().exits(3)
}

// What the host has set on a mount stays set for those who are not its root; asking for
// the contrary is an error, and asking for nothing is not.
func TestRootlessLockedFlags(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 takes nothing back")
	source := filepath.Join(s.dir, "source")
	s.mountTmpfs(source, unix.MS_PRIVATE)
	s.write("source/file", "content\n")
	s.must(unix.Mount("", source, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOATIME, ""))
	u := s.ordinaryUser(sh("cat /mnt/file; grep ' /mnt ' /proc/self/mountinfo"))
	for _, options := range []string{"rbind", "rbind ro", "rbind nosymfollow", "rbind ro nosuid nodev noexec noatime"} {
		u.edit(withoutMount("/mnt"), addMounts(specs.Mount{Destination: "/mnt", Source: source, Options: strings.Fields(options)}))
		out := u.run().ok().out
		content, table, _ := strings.Cut(out, "\n")
		equal(s, "file with "+options, content, "content")
		m := at(parseMounts(table), "/mnt")
		equal(s, "flags with "+options, m.has("ro") && m.has("nosuid") && m.has("nodev") && m.has("noexec") && m.has("noatime"), true)
	}
	for _, option := range []string{"rw", "suid", "dev", "exec", "atime", "rexec"} {
		u.edit(withoutMount("/mnt"), addMounts(specs.Mount{Destination: "/mnt", Source: source, Options: []string{"rbind", option}}))
		u.run().failsWith(1, "cannot clear locked flags")
		s.oracle()
	}
}
