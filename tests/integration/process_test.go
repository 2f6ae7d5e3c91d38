package integration

import (
	"os"
	"regexp"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// procStatus runs cat /proc/self/status as the program and gives its fields.
func (b *bundle) procStatus() map[string]string {
	b.s.t.Helper()
	b.edit(args("cat", "/proc/self/status"))
	fields := map[string]string{}
	for line := range strings.Lines(b.payload()) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.TrimSpace(value)
	}
	return fields
}

func TestProcessCapabilities(t *testing.T) {
	three := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	cases := []struct {
		name string
		uid  uint32
		caps *specs.LinuxCapabilities
		want string // bounding, permitted, effective, inheritable, ambient
	}{
		{"default", 0, &specs.LinuxCapabilities{Bounding: three, Permitted: three, Effective: three}, "20000420 20000420 20000420 0 0"},
		{"none", 0, &specs.LinuxCapabilities{}, "0 0 0 0 0"},
		{"sets differ", 0, &specs.LinuxCapabilities{Bounding: three, Permitted: three[1:], Effective: three[1:2]}, "20000420 420 420 0 0"},
		{"inheritable", 0, &specs.LinuxCapabilities{Bounding: three, Permitted: three, Effective: three, Inheritable: three[1:2]}, "20000420 20000420 20000420 20 0"},
		{"a user keeps nothing", 1000, &specs.LinuxCapabilities{Bounding: three, Permitted: three, Effective: three}, "20000420 0 0 0 0"},
		{
			"a user with ambient", 1000,
			&specs.LinuxCapabilities{Bounding: three, Permitted: three, Effective: three, Inheritable: three[1:2], Ambient: three[1:2]},
			"20000420 20 20 20 20",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			st := s.bundle(user(c.uid, c.uid), func(spec *specs.Spec) { spec.Process.Capabilities = c.caps }).procStatus()
			var got []string
			for _, set := range []string{"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"} {
				value := strings.TrimLeft(st[set], "0")
				if value == "" {
					value = "0"
				}
				got = append(got, value)
			}
			// At execve, effective becomes what root is permitted (capabilities(7)).
			equal(s, "CapBnd CapPrm CapEff CapInh CapAmb", strings.Join(got, " "), c.want)
		})
	}
}

func TestProcessCapabilitiesAbsent(t *testing.T) {
	s := begin(t)
	st := s.bundle(func(c *specs.Spec) { c.Process.Capabilities = nil }).procStatus()
	equal(s, "bounding", strings.Trim(st["CapBnd"], "0"), "")
}

// A name that cannot be mapped is a warning (runtime-spec, "process.capabilities").
func TestN24UnknownCapabilities(t *testing.T) {
	s := begin(t)
	b := s.bundle(capabilities("CAP_BOGUS", "CAP_KILL"))
	r := s.run("run", "-b", b.dir, s.id()).ok()
	s.contains("warning", r.err, "level=warning")
	s.contains("warning", r.err, "CAP_BOGUS")
}

func TestN23Rlimits(t *testing.T) {
	s := begin(t)
	b := s.bundle(func(c *specs.Spec) { c.Process.Rlimits = nil },
		rlimit("RLIMIT_NOFILE", 321, 654), rlimit("RLIMIT_FSIZE", 1<<30, 1<<31), rlimit("RLIMIT_STACK", 1<<22, 1<<23), rlimit("RLIMIT_CPU", 60, 61),
		rlimit("RLIMIT_CORE", 0, 0), args("cat", "/proc/self/limits"))
	out := regexp.MustCompile(` +`).ReplaceAllString(b.payload(), " ")
	for _, line := range []string{
		"Max open files 321 654", "Max file size 1073741824 2147483648", "Max stack size 4194304 8388608", "Max cpu time 60 61", "Max core file size 0 0",
	} {
		s.contains("limits", out, line+" ")
	}
}

// What the runtime changes for itself must not reach the program.
func TestProcessRlimitsInherited(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 leaves the raised number of files behind")
	var nofile unix.Rlimit
	s.must(unix.Getrlimit(unix.RLIMIT_NOFILE, &nofile))
	b := s.bundle(func(c *specs.Spec) { c.Process.Rlimits = nil }, sh("ulimit -Sn; ulimit -Hn"))
	// The shell that starts the runtime lowers its own soft limit first.
	script := s.write("lower.sh", "ulimit -Sn 512\nexec \"$@\"\n")
	c := s.cmd("run", "-b", b.dir, s.id())
	r := c.through("/bin/sh", script).ok()
	equal(s, "soft limit", strings.Fields(r.out)[0], "512")
}

func TestProcessNoNewPrivileges(t *testing.T) {
	s := begin(t)
	for _, want := range []string{"0", "1"} {
		b := s.bundle(func(c *specs.Spec) { c.Process.NoNewPrivileges = want == "1" })
		equal(s, "NoNewPrivs", b.procStatus()["NoNewPrivs"], want)
	}
}

func TestN25OOMScoreAdj(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("cat", "/proc/self/oom_score_adj"))
	equal(s, "unset", strings.TrimSpace(b.payload()), s.read("/proc/self/oom_score_adj"))
	b.edit(func(c *specs.Spec) { c.Process.OOMScoreAdj = ptr(567) })
	equal(s, "set", b.payload(), "567\n")
}

func TestN29User(t *testing.T) {
	cases := []struct {
		name string
		edit edit
		want string
	}{
		{"root", user(0, 0), "0 0 0"},
		{"user", user(1000, 1001), "1000 1001 1001"},
		{"groups", user(1000, 1001, 5, 2000), "1000 1001 1001 5 2000"},
		{"unknown to passwd", user(4242, 4343), "4242 4343 4343"},
		{"highest", user(1<<31-2, 1<<31-2), "2147483646 2147483646 2147483646"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			st := s.bundle(c.edit).procStatus()
			uids, gids := strings.Fields(st["Uid"]), strings.Fields(st["Gid"])
			for i := range 4 {
				equal(s, "uid", uids[i], strings.Fields(c.want)[0])
				equal(s, "gid", gids[i], strings.Fields(c.want)[1])
			}
			groups := strings.Fields(c.want)[3:]
			got := strings.Fields(st["Groups"])
			if strings.Join(got, " ") != strings.Join(groups, " ") {
				s.errorf("supplementary groups %v, want %v", got, groups)
			}
		})
	}
}

func TestProcessUmask(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("umask"))
	equal(s, "default", b.payload(), "0022\n")
	b.edit(func(c *specs.Spec) { c.Process.User.Umask = ptr(uint32(0o37)) })
	equal(s, "set", b.payload(), "0037\n")
}

func TestProcessCwd(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("pwd"), func(c *specs.Spec) { c.Process.Cwd = "/usr/bin" })
	equal(s, "existing", b.payload(), "/usr/bin\n")
	b.edit(func(c *specs.Spec) { c.Process.Cwd = "/made/for/it" })
	equal(s, "missing", b.payload(), "/made/for/it\n")
	info, err := os.Stat(b.path("made/for/it"))
	s.must(err)
	equal(s, "mode of what was made", info.Mode().Perm(), 0o755)
}

// Some directories can be entered by root only, others by the user only.
func TestProcessCwdPermission(t *testing.T) {
	s := begin(t)
	b := s.bundle(user(1000, 1000), capabilities(), sh("cd .; pwd"), func(c *specs.Spec) { c.Process.Cwd = "/home/alice" })
	s.must(os.MkdirAll(b.path("home/alice"), 0o700))
	s.must(os.Chown(b.path("home/alice"), 1000, 1000))
	s.must(os.Chmod(b.path("home/alice"), 0o700))
	equal(s, "the user's own", b.payload(), "/home/alice\n")
}

func TestProcessHome(t *testing.T) {
	cases := []struct {
		name string
		edit edit
		want string
	}{
		{"root", user(0, 0), "/root"},
		{"user", user(1000, 1000), "/home/alice"},
		{"unknown user", user(4242, 4242), "/"},
		{"given", env("HOME=/given"), "/given"},
		{"empty counts as absent", env("HOME="), "/root"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			if strings.HasPrefix(c.name, "empty") {
				s.differs("runc", "1.1.5 keeps it empty")
			}
			equal(s, "HOME", s.bundle(c.edit, sh("echo $HOME")).payload(), c.want+"\n")
		})
	}
}

func TestProcessHomeWithoutPasswd(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("echo $HOME"))
	s.must(os.Remove(b.path("etc/passwd")))
	equal(s, "HOME", b.payload(), "/\n")
}

func TestProcessEnv(t *testing.T) {
	s := begin(t)
	b := s.bundle(args("env"), env("A=1", "B=x=y z", "A=2", "EMPTY="))
	c := s.cmd("run", "-b", b.dir, s.id())
	c.env = []string{"HOSTSECRET=1"}
	out := c.run().ok().out
	for _, line := range []string{"B=x=y z", "EMPTY=", "A=2", "TERM=xterm", "HOME=/root"} {
		s.contains("env", out, line+"\n")
	}
	s.lacks("env", out, "HOSTSECRET")
	equal(s, "variables", strings.Count(out, "\n"), 6)
}

func TestProcessEnvDuplicates(t *testing.T) {
	s := begin(t)
	b := s.bundle(sh("env | grep ^A="), env("A=1", "A=2"))
	equal(s, "last wins", b.payload(), "A=2\n")
}

func TestProcessEnvAbsent(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 adds HOME")
	b := s.bundle(args("/bin/busybox", "env"), func(c *specs.Spec) { c.Process.Env = nil })
	equal(s, "env", b.payload(), "")
}

func TestProcessSysctl(t *testing.T) {
	s := begin(t)
	before := s.read("/proc/sys/net/ipv4/ip_forward")
	b := s.bundle(sysctl("net.ipv4.ip_forward", "1"), sysctl("net/ipv4/tcp_syncookies", "0"), sysctl("kernel.msgmax", "9000"), sysctl("fs.mqueue.msg_max", "11"),
		sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/tcp_syncookies /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max"))
	equal(s, "values", b.payload(), "1\n0\n9000\n11\n")
	equal(s, "on the host", s.read("/proc/sys/net/ipv4/ip_forward"), before)
}

// Keys of the container are in a keyring of its own, which has its name; exec joins it.
func TestProcessKeyring(t *testing.T) {
	s := begin(t)
	shown := func(c *specs.Spec) { c.Linux.MaskedPaths = nil }
	for flag, own := range map[string]bool{"--no-new-keyring": false, "--no-new-keyring=false": true} {
		id := s.id()
		r := s.run("run", flag, "-b", s.bundle(shown, args("cat", "/proc/keys")).dir, id).ok()
		equal(s, "a keyring with "+flag, strings.Contains(r.out, " _ses."+id+":"), own)
	}
	_, id, _ := s.sleeping(shown)
	out := s.exec(id, nil, "cat", "/proc/keys").ok().out
	equal(s, "keyrings with its name", strings.Count(out, " _ses."+id+":"), 1)
}

func TestProcessIsNotDumpableFromInside(t *testing.T) {
	s := begin(t)
	// A user must not see through the init's /proc entries of another user.
	b := s.bundle(sh("readlink /proc/1/exe; readlink /proc/1/root"))
	equal(s, "own", b.payload(), "/bin/busybox\n/\n")
}
