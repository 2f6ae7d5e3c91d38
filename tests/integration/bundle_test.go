package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// applets are the busybox commands that payloads use.
const applets = "sh true false cat ls echo sleep mount umount mkdir rmdir touch rm ln mknod stat id env pwd ionice uname taskset hostname " +
	"ps kill chmod chown dd head tail grep cut wc tr sort test readlink find sysctl ip tty stty nproc timeout usleep umask mkfifo " +
	"sync sed awk printf date df date unshare setsid seq yes chroot od"

// bundle is a directory with a config.json and a root file system.
type bundle struct {
	s      *scenario
	dir    string
	rootfs string
	spec   *specs.Spec
}

// edit changes a configuration before it is written.
type edit func(*specs.Spec)

// bundle makes a bundle from the default configuration and some changes.
func (s *scenario) bundle(edits ...edit) *bundle {
	s.t.Helper()
	dir, err := os.MkdirTemp(s.dir, "bundle-")
	s.must(err)
	s.must(os.Chmod(dir, 0o755))
	b := &bundle{s: s, dir: dir, rootfs: filepath.Join(dir, "rootfs"), spec: defaultSpec()}
	for _, d := range []string{"bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr/bin"} {
		s.must(os.MkdirAll(filepath.Join(b.rootfs, d), 0o755))
	}
	busybox := filepath.Join(b.rootfs, "bin/busybox")
	s.must(os.Link(suite.busybox, busybox))
	for _, a := range strings.Fields(applets) {
		if link := filepath.Join(b.rootfs, "bin", a); !exists(link) {
			s.must(os.Symlink("busybox", link))
		}
	}
	b.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n")
	b.edit(edits...)
	return b
}

// edit changes the configuration and writes it.
func (b *bundle) edit(edits ...edit) {
	b.s.t.Helper()
	for _, e := range edits {
		e(b.spec)
	}
	data, err := json.MarshalIndent(b.spec, "", "\t")
	b.s.must(err)
	b.config(string(data))
}

// config writes config.json as it is given.
func (b *bundle) config(text string) {
	b.s.t.Helper()
	b.s.must(os.WriteFile(filepath.Join(b.dir, "config.json"), []byte(text), 0o644))
}

// path names a file below the root file system.
func (b *bundle) path(name string) string { return filepath.Join(b.rootfs, name) }

// file writes a file below the root file system.
func (b *bundle) file(name, content string) {
	b.s.t.Helper()
	b.s.must(os.MkdirAll(filepath.Dir(b.path(name)), 0o755))
	b.s.must(os.WriteFile(b.path(name), []byte(content), 0o644))
}

// sh makes the payload a shell script.
func sh(script string) edit { return args("/bin/sh", "-c", script) }

func args(argv ...string) edit {
	return func(c *specs.Spec) { c.Process.Args = argv }
}

// addMounts appends mounts to the default ones.
func addMounts(mounts ...specs.Mount) edit {
	return func(c *specs.Spec) { c.Mounts = append(c.Mounts, mounts...) }
}

// withoutMount drops the default mount at a destination.
func withoutMount(destination string) edit {
	return func(c *specs.Spec) {
		var kept []specs.Mount
		for _, m := range c.Mounts {
			if m.Destination != destination {
				kept = append(kept, m)
			}
		}
		c.Mounts = kept
	}
}

// namespace replaces the entry of a namespace type.
func namespace(kind specs.LinuxNamespaceType, path string) edit {
	return func(c *specs.Spec) {
		withoutNamespace(kind)(c)
		c.Linux.Namespaces = append(c.Linux.Namespaces, specs.LinuxNamespace{Type: kind, Path: path})
	}
}

// withoutNamespace lets the container share the runtime's namespace.
func withoutNamespace(kind specs.LinuxNamespaceType) edit {
	return func(c *specs.Spec) {
		var kept []specs.LinuxNamespace
		for _, ns := range c.Linux.Namespaces {
			if ns.Type != kind {
				kept = append(kept, ns)
			}
		}
		c.Linux.Namespaces = kept
	}
}

// capabilities puts the same list into the bounding, effective and permitted sets.
func capabilities(names ...string) edit {
	return func(c *specs.Spec) {
		c.Process.Capabilities = &specs.LinuxCapabilities{Bounding: names, Effective: names, Permitted: names}
	}
}

// writable makes the root file system writable.
func writable(c *specs.Spec) { c.Root.Readonly = false }

// terminal asks for one.
func terminal(c *specs.Spec) { c.Process.Terminal = true }

func ptr[T any](v T) *T { return &v }

// defaultSpec is what engines and `spec` start from.
func defaultSpec() *specs.Spec {
	caps := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return &specs.Spec{
		Version:  "1.0.2",
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Hostname: "testhost",
		Process: &specs.Process{
			Args:            []string{"true"},
			Cwd:             "/",
			Env:             []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"},
			NoNewPrivileges: true,
			Rlimits:         []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024}},
			Capabilities:    &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Mounts: defaultMounts(),
		Linux: &specs.Linux{
			Namespaces: defaultNamespaces(),
			Resources:  &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}}},
			MaskedPaths: []string{
				"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
				"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
			},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

func defaultMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc"},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

func defaultNamespaces() []specs.LinuxNamespace {
	all := []specs.LinuxNamespace{{Type: "pid"}, {Type: "network"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}}
	if suite.view == "v2" {
		all = append(all, specs.LinuxNamespace{Type: "cgroup"})
	}
	return all
}
