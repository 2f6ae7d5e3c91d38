package resctrl

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

var errNotOneLine = errors.New("a schema is one line")

// Update writes other schemata into a class of service; an empty one stays. If one is
// refused, both are as before, as they are after undo.
func (f FS) Update(p Placed, l3, bandwidth string) (undo func() error, err error) {
	for _, schema := range [...]string{l3, bandwidth} {
		if strings.ContainsAny(schema, "\n\x00") {
			return nil, fmt.Errorf("schema %q: %w", schema, errNotOneLine)
		}
	}
	if bandwidth != "" && !strings.HasPrefix(bandwidth, "MB:") {
		return nil, fmt.Errorf("schema %q does not start with %q", bandwidth, "MB:")
	}
	const limit = 1 << 20
	before, err := sys.ReadFileAt(unix.AT_FDCWD, filepath.Join(p.Dir, "schemata"), limit)
	if err != nil {
		return nil, fmt.Errorf("read the schemata of the class of service: %w", err)
	}
	undo = func() error { return f.schemata(Group{More: []string{string(before)}}, p.Dir) }
	if err := f.schemata(Group{L3: l3, Bandwidth: bandwidth}, p.Dir); err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}
