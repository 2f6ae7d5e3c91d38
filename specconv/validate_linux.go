package specconv

import (
	"strings"

	"github.com/ocirun/ocirun/specconv/plan"
)

// readNamespaces collects the namespaces of the container.
func (v *validator) readNamespaces() {
	const ref = "config-linux.md#namespaces"
	for i := range v.linux.Namespaces {
		entry := &v.linux.Namespaces[i]
		bit := plan.Namespace(0)
		for k := range namespaceKinds {
			if namespaceKinds[k].name == entry.Type {
				bit = namespaceKinds[k].bit
			}
		}
		switch {
		case bit == 0:
			v.failf(element("/linux/namespaces", i)+"/type", ref, "namespace {%q %q} does not exist", entry.Type, entry.Path)
		case v.has(bit):
			v.failf(element("/linux/namespaces", i), ref,
				"malformed spec file: duplicated ns {%q %q}", entry.Type, entry.Path)
		case entry.Path != "" && entry.Path[0] != '/':
			v.failf(element("/linux/namespaces", i)+"/path", ref, "namespace path %q must be absolute", entry.Path)
		case hasNUL(entry.Path):
			v.fail(element("/linux/namespaces", i)+"/path", ref, errNUL)
		}
		v.owned |= bit
	}
	if !v.has(plan.NamespaceMount) {
		v.failf("/linux/namespaces", ref,
			"a container needs a mount namespace: without one its mounts would replace the host's")
	}
}

// maxHostname is how long a name the kernel takes, in bytes (uts_namespaces(7),
// __NEW_UTS_LEN).
const maxHostname = 64

func (v *validator) hostnames() {
	for _, name := range [...]struct{ field, value string }{
		{"hostname", v.spec.Hostname}, {"domainname", v.spec.Domainname},
	} {
		switch {
		case name.value == "":
		case !v.has(plan.NamespaceUTS):
			v.failf(plan.Cause("/"+name.field), "config.md#"+name.field,
				"unable to set %s without a private UTS namespace", name.field)
		case len(name.value) > maxHostname:
			v.failf(plan.Cause("/"+name.field), "config.md#"+name.field,
				"set%s: invalid argument: the name has %d bytes, at most %d are possible",
				name.field, len(name.value), maxHostname)
		}
	}
}

func (v *validator) devices() {
	const ref = "config-linux.md#devices"
	for i := range v.linux.Devices {
		d := &v.linux.Devices[i]
		switch d.Type {
		case "b", "c", "p", "u":
		default:
			v.failf(element("/linux/devices", i)+"/type", ref, "invalid device type %q", d.Type)
		}
		switch {
		case d.Path == "":
			v.failf(element("/linux/devices", i)+"/path", ref, "device path must not be empty")
		case hasNUL(d.Path):
			v.fail(element("/linux/devices", i)+"/path", ref, errNUL)
		case inContainer(d.Path) == "/":
			v.failf(element("/linux/devices", i)+"/path", ref, "device path %q is the root", d.Path)
		}
		if d.Type != "p" && (!deviceNumber(d.Major) || !deviceNumber(d.Minor)) {
			v.failf(element("/linux/devices", i), ref, "invalid device number %d:%d", d.Major, d.Minor)
		}
	}
}

// paths checks the paths that are hidden or protected, the cgroup's path and the
// propagation of the root.
func (v *validator) paths() {
	v.pathList("/linux/maskedPaths", "config-linux.md#masked-paths", v.linux.MaskedPaths)
	v.pathList("/linux/readonlyPaths", "config-linux.md#readonly-paths", v.linux.ReadonlyPaths)
	v.rootfsPropagation()
	const ref = "config-linux.md#cgroups-path"
	switch path := v.linux.CgroupsPath; {
	case hasNUL(path):
		v.fail("/linux/cgroupsPath", ref, errNUL)
	case v.o.Unit == nil && !v.o.NoCgroup && strings.Count(path, ":") == 2 && !strings.Contains(path, "/"):
		v.warnf("/linux/cgroupsPath", ref,
			"cgroupsPath %q has the form of the systemd driver; it is taken for the name of a directory", path)
	}
}

func (v *validator) pathList(pointer, ref string, list []string) {
	for i, path := range list {
		switch {
		case path == "" || path[0] != '/':
			v.failf(element(pointer, i), ref, "path %q must be absolute", path)
		case hasNUL(path):
			v.fail(element(pointer, i), ref, errNUL)
		case inContainer(path) == "/":
			v.failf(element(pointer, i), ref, "path %q is the root", path)
		}
	}
	if len(list) > 0 && !v.has(plan.NamespaceMount) {
		v.failf(plan.Cause(pointer), ref, "unable to restrict sys entries without a private MNT namespace")
	}
}

func (v *validator) rootfsPropagation() {
	const ref = "config-linux.md#rootfs-mount-propagation"
	name := v.linux.RootfsPropagation
	if name == "" {
		return
	}
	option, ok := lookupOption(name)
	switch {
	case !ok || option.kind != optionPropagation:
		v.failf("/linux/rootfsPropagation", ref, "rootfsPropagation=%s is not supported", name)
	case v.o.NoPivot && option.propagation().Type() == plan.Private:
		v.failf("/linux/rootfsPropagation", ref, "rootfsPropagation of [r]private is not safe without pivot_root")
	}
}

func (v *validator) sysctls() {
	for _, key := range sortedKeys(v.linux.Sysctl) {
		v.sysctl(member("/linux/sysctl", key), key, sysctlPath(key))
	}
}

// sysctl refuses parameters that belong to no namespace of the container.
func (v *validator) sysctl(where plan.Cause, key, path string) {
	const ref = "config-linux.md#sysctl"
	// A way up would lead to parameters of the host under an innocent name.
	if hasNUL(key) || strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "/./") ||
		strings.Contains("/"+path+"/", "//") {
		v.failf(where, ref, "sysctl %q is no name of a kernel parameter", key)
		return
	}
	group, name, _ := strings.Cut(path, "/")
	switch {
	case group == "net":
		if !v.has(plan.NamespaceNetwork) {
			v.failf(where, ref, "sysctl %q not allowed in host network namespace", key)
		}
	case group == "user":
		if !v.has(plan.NamespaceUser) {
			v.failf(where, ref, "setting ucounts without a user namespace not allowed: %s", key)
		}
	case group == "fs" && strings.HasPrefix(name, "mqueue/") || group == "kernel" && isIPCParameter(name):
		if !v.has(plan.NamespaceIPC) {
			v.failf(where, ref, "sysctl %q is not allowed in the hosts ipc namespace", key)
		}
	case path == "kernel/domainname" && v.has(plan.NamespaceUTS):
	case path == "kernel/hostname" && v.has(plan.NamespaceUTS):
		v.failf(where, ref, "sysctl %q conflicts with the OCI \"hostname\" field", key)
	default:
		v.failf(where, ref, "sysctl %q is not in a separate kernel namespace", key)
	}
}

// isIPCParameter knows the parameters below kernel/ that the IPC namespace has
// for itself (ipc_namespaces(7)).
func isIPCParameter(name string) bool {
	switch name {
	case "msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced":
		return true
	}
	return false
}
