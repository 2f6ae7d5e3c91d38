package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/libcontainer"
)

func TestCreateOptions(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c := newCall(t)
	c.env["LISTEN_PID"], c.env["LISTEN_FDS"], c.env["LISTEN_FDNAMES"] = "4711", "2", "http:admin"
	c.host.isInherited = func(fd int) bool { return fd >= 3 && fd < 8 }
	argv := "--rootless=1 run -b b --console-socket con --pidfd-socket /abs/../pfd --pid-file pid --no-pivot --no-new-keyring " +
		"--preserve-fds 3 --detach --keep --no-subreaper --trace t.json web"
	if code := c.run(strings.Fields(argv)...); code != 0 {
		t.Fatalf("exit %d: %s", code, c.err.String())
	}
	o := c.fake.created
	if o.Trace == nil || o.Warn == nil {
		t.Errorf("trace %v", o.Trace)
	}
	o.Trace, o.Warn = nil, nil
	if o.Bundle != dir+"/b" || o.ConsoleSocket != dir+"/con" || o.PidfdSocket != "/pfd" || o.PidFile != dir+"/pid" ||
		!o.NoPivot || !o.NoNewKeyring || o.PreserveFDs != 3 || o.ListenFDs != 2 || o.ListenNames != "http:admin" || !o.Rootless || !o.Detach || !o.Keep || !o.NoSubreaper || !o.Exits {
		t.Errorf("%+v", o)
	}
	if c.fake.asked != "web" {
		t.Errorf("id %q", c.fake.asked)
	}
	if _, err := os.Stat("t.json"); err != nil {
		t.Error(err)
	}
}

func TestCreateDefaults(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	c := newCall(t)
	if code := c.run("create", "web"); code != 0 {
		t.Fatalf("exit %d: %s", code, c.err.String())
	}
	o := c.fake.created
	if o.Bundle != dir || o.ConsoleSocket != "" || o.PidfdSocket != "" || o.PidFile != "" || o.NoPivot || o.NoNewKeyring || o.PreserveFDs != 0 ||
		o.ListenFDs != 0 || o.Rootless || o.Trace != nil {
		t.Errorf("%+v", o)
	}
}

func TestCgroupManager(t *testing.T) {
	for argv, want := range map[string]libcontainer.CgroupManager{
		"":                          "",
		"--systemd-cgroup":          libcontainer.Systemd,
		"--cgroup-manager systemd":  libcontainer.Systemd,
		"--cgroup-manager=cgroupfs": libcontainer.Cgroupfs,
		"--cgroup-manager disabled": libcontainer.NoCgroup,
		"--systemd-cgroup --cgroup-manager disabled": libcontainer.NoCgroup,
	} {
		c := newCall(t)
		if code := c.run(append(strings.Fields(argv), "create", "web")...); code != 0 || c.fake.created.CgroupManager != want {
			t.Errorf("%q: exit %d, %q, want %q", argv, code, c.fake.created.CgroupManager, want)
		}
	}
}

// The trace of a command that fails is the one that is wanted most.
func TestTraceOfAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	c := newCall(t)
	c.fake.err = os.ErrPermission
	if code := c.run("create", "--trace", path, "web"); code != 1 || !strings.Contains(c.err.String(), "permission denied") {
		t.Errorf("exit %d, %s", code, c.err.String())
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	c = newCall(t)
	if code := c.run("create", "--trace", "/nonexistent/trace", "web"); code != 1 || !strings.Contains(c.err.String(), "no such file or directory") {
		t.Errorf("unwritable: exit %d, %s", code, c.err.String())
	}
	if c.fake.asked != "" {
		t.Error("the container was made before the trace was found to be unwritable")
	}
}

func TestRoot(t *testing.T) {
	t.Chdir("/tmp")
	for _, c := range []struct {
		name             string
		argv             string
		runtimeDir, user string
		euid             int
		userns           bool
		want             string
	}{
		{"default", "", "", "", 0, false, "/run/ocirun"},
		{"root ignores XDG_RUNTIME_DIR", "", "/run/user/0", "root", 0, false, "/run/ocirun"},
		{"user", "", "/run/user/1", "", 1, false, "/run/user/1/ocirun"},
		{"user without XDG_RUNTIME_DIR", "", "", "", 1, false, "/run/ocirun"},
		{"root of a user namespace", "", "/run/user/1", "me", 0, true, "/run/user/1/ocirun"},
		{"root of a user namespace, USER unset", "", "/run/user/1", "", 0, true, "/run/user/1/ocirun"},
		{"root of a user namespace, USER=root", "", "/run/user/1", "root", 0, true, "/run/ocirun"},
		{"flag", "--root /x/../y/", "/run/user/1", "", 1, false, "/y"},
		{"relative", "--root x", "", "", 0, false, "/tmp/x"},
		{"empty is the working directory", "--root=", "", "", 0, false, "/tmp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t)
			call.env["XDG_RUNTIME_DIR"], call.env["USER"] = c.runtimeDir, c.user
			call.host.euid = c.euid
			call.host.inUserNamespace = func() bool { return c.userns }
			got := ""
			call.app.open = func(_ *app, root string) (engine, error) {
				got = root
				return call.fake, nil
			}
			if code := call.run(append(strings.Fields(c.argv), "list")...); code != 0 || got != c.want {
				t.Errorf("exit %d, root %q, want %q\n%s", code, got, c.want, call.err.String())
			}
		})
	}
}

func TestRootBelowRuntimeDir(t *testing.T) {
	dir := t.TempDir()
	c := newCall(t)
	c.env["XDG_RUNTIME_DIR"], c.host.euid = dir, 1000
	if code := c.run("state", "x"); code != 0 {
		t.Fatal(c.err.String())
	}
	c.fake.explained = &libcontainer.Explanation{Plan: examplePlan()}
	if code := c.run("explain"); code != 0 {
		t.Fatal(c.err.String())
	}
	if _, err := os.Stat(dir + "/ocirun"); err == nil {
		t.Error("state or explain makes the state root")
	}
	if code := c.run("create", "x"); code != 0 {
		t.Fatal(c.err.String())
	}
	info, err := os.Stat(dir + "/ocirun")
	if err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestRootless(t *testing.T) {
	for _, c := range []struct {
		flag   string
		euid   int
		userns bool
		want   bool
	}{
		{"auto", 0, false, false},
		{"auto", 0, true, true},
		{"auto", 1, false, true},
		{"true", 0, false, true},
		{"f", 1, true, false},
		{"0", 1, false, false},
	} {
		h := host{euid: c.euid, inUserNamespace: func() bool { return c.userns }}
		if got, err := (&globals{rootless: c.flag}).isRootless(h); err != nil || got != c.want {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

func TestListenFDs(t *testing.T) {
	for _, c := range []struct {
		pid, fds string
		want     int
	}{
		{"", "", 0},
		{"4711", "3", 3},
		{"4712", "3", 0},
		{"", "3", 0},
		{"4711", "", 0},
		{"4711", "-1", 0},
		{"4711", "x", 0},
		{"x", "1", 0},
	} {
		env := map[string]string{"LISTEN_PID": c.pid, "LISTEN_FDS": c.fds}
		if got := (host{pid: 4711, getenv: func(n string) string { return env[n] }}).listenFDs(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestCheckDescriptors(t *testing.T) {
	open := func(fds ...int) host {
		return host{isInherited: func(fd int) bool {
			for _, f := range fds {
				if f == fd {
					return true
				}
			}
			return false
		}}
	}
	for _, c := range []struct {
		host             host
		listen, preserve int
		want             string
	}{
		{open(), 0, 0, ""},
		{open(3, 4), 1, 1, ""},
		{open(3, 4, 5), 0, 2, ""},
		{open(4), 1, 0, "LISTEN_FDS is 1 but descriptor 3 was not passed: bad file descriptor"},
		{open(3, 5), 1, 1, "unable to stat preserved-fd 0 (of 1): descriptor 4: bad file descriptor"},
		{open(3, 4), 0, 3, "unable to stat preserved-fd 2 (of 3): descriptor 5: bad file descriptor"},
		{open(3), 0, 1 << 40, "unable to stat preserved-fd 1 (of 1099511627776): descriptor 4: bad file descriptor"},
	} {
		got := ""
		if err := c.host.checkDescriptors(c.listen, c.preserve); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%d %d: %q, want %q", c.listen, c.preserve, got, c.want)
		}
	}
}

// A file that the program opened itself must never be handed on in the place of one that the caller forgot.
func TestIsPassed(t *testing.T) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	fd := int(f.Fd())
	if isPassed(fd) {
		t.Error("a file of our own counts as inherited")
	}
	if !isPassed(0) {
		t.Error("standard input does not count as inherited")
	}
	f.Close()
	if isPassed(fd) {
		t.Error("a closed file counts as inherited")
	}
}
