package specconv

import (
	"io/fs"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// host looks for what the configuration takes to be there, and what creation would miss
// only when it is far.
func (r *reviewer) host(b *Bundle) {
	if l := b.Spec.Linux; l != nil {
		r.namespaces(l.Namespaces)
		if s := l.Seccomp; s != nil && s.ListenerPath != "" {
			r.listener(s.ListenerPath)
		}
	}
	r.program(b)
}

// namespaces opens those that are joined.
func (r *reviewer) namespaces(list []specs.LinuxNamespace) {
	for i := range list {
		n := &list[i]
		if n.Path == "" || n.Path[0] != '/' || hasNUL(n.Path) {
			continue
		}
		where := element("/linux/namespaces", i) + "/path"
		fd, err := openAt(unix.AT_FDCWD, n.Path, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC})
		if err != nil {
			r.add(where, "config-linux.md#namespaces", false, "%w", &fs.PathError{Op: "open", Path: n.Path, Err: err})
			continue
		}
		kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
		unix.Close(fd)
		if err != nil || plan.Namespace(kind) != namespaceBit(n.Type) {
			r.add(where, "config-linux.md#namespaces", false, "%s: not a %s namespace: %w", n.Path, n.Type, unix.EINVAL)
		}
	}
}

// namespaceBit is 0 for what is no namespace.
func namespaceBit(kind specs.LinuxNamespaceType) plan.Namespace {
	for i := range namespaceKinds {
		if namespaceKinds[i].name == kind {
			return namespaceKinds[i].bit
		}
	}
	return 0
}

func (r *reviewer) listener(socket string) {
	var st unix.Stat_t
	if err := unix.Stat(socket, &st); err != nil {
		r.add("/linux/seccomp/listenerPath", refSeccomp, false, "failed to connect with seccomp agent specified in the seccomp profile: %w",
			&fs.PathError{Op: "dial unix", Path: socket, Err: err})
	}
}

// program looks for the program in the root file system. What a mount or a hook may bring
// is not looked for, and since either may do more than can be told, it is a warning.
func (r *reviewer) program(b *Bundle) {
	p := b.Spec.Process
	if p == nil || len(p.Args) == 0 || p.Args[0] == "" || b.Spec.Root == nil || b.Spec.Hooks != nil {
		return
	}
	root, err := openRoot(b.Dir, b.Spec.Root.Path)
	if err != nil {
		return
	}
	defer unix.Close(root)
	for _, name := range candidates(p.Args[0], p.Env) {
		if name[0] != '/' {
			name = path.Join(inContainer(p.Cwd), name)
		}
		if hasNUL(name) || covered(b.Spec.Mounts, name) {
			return
		}
		fd, err := openAt(root, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
		if err == nil {
			unix.Close(fd)
			return
		}
	}
	r.add("/process/args/0", refProcess, true, "exec: %q: executable file not found in the root file system", p.Args[0])
}

// covered says whether a mount may have to do with a path.
func covered(mounts []specs.Mount, name string) bool {
	for i := range mounts {
		dest := inContainer(mounts[i].Destination)
		if dest == name || strings.HasPrefix(name, dest+"/") {
			return true
		}
	}
	return false
}
