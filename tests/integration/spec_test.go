package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestSpec(t *testing.T) {
	s := begin(t)
	c := s.cmd("spec")
	c.dir = s.dir
	c.run().ok()
	path := filepath.Join(s.dir, "config.json")
	text := s.read(path)
	raw, err := os.ReadFile(path)
	s.must(err)
	if strings.HasSuffix(string(raw), "\n") || !strings.HasPrefix(text, "{\n\t\"ociVersion\"") {
		s.errorf("config.json is not indented by tabs, or ends with a newline")
	}
	info, err := os.Stat(path)
	s.must(err)
	equal(s, "mode", info.Mode().Perm(), 0o644)
	c = s.cmd("spec")
	c.dir = s.dir
	c.run().fails(1, "File config.json exists. Remove it first")
}

func TestSpecContent(t *testing.T) {
	s := begin(t)
	s.run("spec", "--bundle", s.dir).ok()
	spec := decode[specs.Spec](s, s.read(filepath.Join(s.dir, "config.json")))
	p, l := spec.Process, spec.Linux
	equal(s, "terminal", p.Terminal, true)
	equal(s, "args", strings.Join(p.Args, " "), "sh")
	equal(s, "env", strings.Join(p.Env, " "), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=xterm")
	equal(s, "cwd", p.Cwd, "/")
	equal(s, "noNewPrivileges", p.NoNewPrivileges, true)
	equal(s, "hostname", spec.Hostname, suite.kind)
	equal(s, "root", *spec.Root, specs.Root{Path: "rootfs", Readonly: true})
	equal(s, "rlimits", p.Rlimits[0], specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024})
	caps := "CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE"
	equal(s, "bounding", strings.Join(p.Capabilities.Bounding, " "), caps)
	equal(s, "effective", strings.Join(p.Capabilities.Effective, " "), caps)
	equal(s, "permitted", strings.Join(p.Capabilities.Permitted, " "), caps)
	equal(s, "inheritable", len(p.Capabilities.Inheritable), 0)
	var destinations []string
	for _, m := range spec.Mounts {
		destinations = append(destinations, m.Destination)
	}
	equal(s, "mounts", strings.Join(destinations, " "), "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup")
	want := []string{"pid", "network", "ipc", "uts", "mount"}
	if suite.view == "v2" {
		want = append(want, "cgroup")
	}
	var kinds []string
	for _, ns := range l.Namespaces {
		kinds = append(kinds, string(ns.Type))
	}
	equal(s, "namespaces", strings.Join(kinds, " "), strings.Join(want, " "))
	equal(s, "device rules", len(l.Resources.Devices), 1)
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware", "/proc/scsi"} {
		equal(s, "masked "+path, slices.Contains(l.MaskedPaths, path), true)
	}
	equal(s, "read-only", strings.Join(l.ReadonlyPaths, " "), "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger")
}

func TestSpecIsRunnable(t *testing.T) {
	s := begin(t)
	b := s.bundle()
	s.must(os.Remove(filepath.Join(b.dir, "config.json")))
	s.run("spec", "-b", b.dir).ok()
	text := s.read(filepath.Join(b.dir, "config.json"))
	text = strings.Replace(text, `"terminal": true`, `"terminal": false`, 1)
	text = strings.Replace(text, `"sh"`, `"hostname"`, 1)
	b.config(text)
	equal(s, "hostname", b.payload(), suite.kind+"\n")
}

func TestSpecRootless(t *testing.T) {
	s := begin(t)
	s.run("spec", "--rootless", "--bundle", s.dir).ok()
	spec := decode[specs.Spec](s, s.read(filepath.Join(s.dir, "config.json")))
	kinds := map[specs.LinuxNamespaceType]bool{}
	for _, ns := range spec.Linux.Namespaces {
		kinds[ns.Type] = true
	}
	equal(s, "network namespace", kinds["network"], false)
	equal(s, "user namespace", kinds["user"], true)
	id := specs.LinuxIDMapping{ContainerID: 0, HostID: 0, Size: 1}
	if len(spec.Linux.UIDMappings) == 0 || len(spec.Linux.GIDMappings) == 0 {
		s.fatalf("no maps of ids")
	}
	equal(s, "uid map", spec.Linux.UIDMappings[0], id)
	equal(s, "gid map", spec.Linux.GIDMappings[0], id)
	if r := spec.Linux.Resources; r != nil && len(r.Devices) > 0 {
		s.errorf("resources are not dropped")
	}
	for _, m := range spec.Mounts {
		for _, option := range m.Options {
			if strings.HasPrefix(option, "gid=") || strings.HasPrefix(option, "uid=") {
				s.errorf("%s keeps %s", m.Destination, option)
			}
		}
		if m.Destination == "/sys" {
			equal(s, "/sys is an rbind", slices.Contains(m.Options, "rbind"), true)
			equal(s, "/sys is read-only", slices.Contains(m.Options, "ro"), true)
		}
	}
}

func TestSpecUnwritable(t *testing.T) {
	s := begin(t)
	s.run("spec", "--bundle", filepath.Join(s.dir, "nowhere")).failsWith(1, "no such file or directory")
}
