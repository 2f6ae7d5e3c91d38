package libcontainer

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Engines derive the exit status, 126 or 127, from these words.
func TestLookupErrorWords(t *testing.T) {
	cases := []struct {
		program string
		errno   unix.Errno
		want    string
	}{
		{"nope", unix.ENOENT, "executable file not found in $PATH"},
		{"nope", unix.EACCES, "executable file not found in $PATH"},
		{"/nope", unix.ENOENT, "stat /nope: no such file or directory"},
		{"/etc/passwd", unix.EACCES, "permission denied"},
		{"/etc", unix.EISDIR, "is a directory: permission denied"},
	}
	for _, c := range cases {
		if got := lookupError(plan.Lookup{Program: c.program}, c.errno).Error(); got != c.want {
			t.Errorf("lookupError(%q, %d) = %q, want %q", c.program, int(c.errno), got, c.want)
		}
	}
}
