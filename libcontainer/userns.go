package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// initialUserNS is the inode of the machine's first user namespace
// (PROC_USER_INIT_INO of linux/proc_ns.h). The id maps do not tell: identity maps
// are made for other namespaces as well.
const initialUserNS = 0xEFFFFFFD

// InUserNamespace reports whether the calling process is in a user namespace other
// than the machine's first one, and so lacks the rights of the host's root.
func InUserNamespace() bool {
	var st unix.Stat_t
	err := sys.Retry(func() error { return unix.Stat("/proc/self/ns/user", &st) })
	return err == nil && st.Ino != initialUserNS
}
