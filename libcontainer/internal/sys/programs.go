package sys

import "golang.org/x/sys/unix"

// FindPrivileged looks for a program where distributions put privileged ones, and nowhere
// that an environment variable names. What others than root can write to is not taken. It
// gives "" if there is none.
func FindPrivileged(name string) string {
	for _, dir := range [...]string{"/usr/bin/", "/bin/", "/usr/local/bin/", "/run/wrappers/bin/"} {
		var st unix.Stat_t
		if unix.Stat(dir+name, &st) != nil {
			continue
		}
		if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0 && st.Mode&0o022 == 0 && st.Uid == 0 {
			return dir + name
		}
	}
	return ""
}
