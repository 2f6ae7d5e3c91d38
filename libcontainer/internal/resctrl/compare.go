package resctrl

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// compare holds what a group asks for against a class that others made. What it does not
// speak of may be anything.
func (f FS) compare(g Group, dir string) error {
	const limit = 1 << 20
	text, err := sys.ReadFileAt(unix.AT_FDCWD, filepath.Join(dir, "schemata"), limit)
	if err != nil {
		return err
	}
	have := parseSchemata(string(text))
	for _, lines := range [...]string{g.L3, g.Bandwidth} {
		for key, want := range parseSchemata(lines) {
			if there, ok := have[key]; !ok || there != want {
				return fmt.Errorf("class of service %s exists, and has %s=%s instead of %s", g.Class, key, there, want)
			}
		}
	}
	return nil
}

// parseSchemata takes lines such as "L3:0=ff;1=0f" apart. The keys are "L3:0", the values
// have no leading zeros.
func parseSchemata(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		resource, list, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(list, ";") {
			domain, value, ok := strings.Cut(part, "=")
			if !ok {
				continue
			}
			value = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(value)), "0x")
			if value = strings.TrimLeft(value, "0"); value == "" {
				value = "0"
			}
			values[strings.TrimSpace(resource)+":"+strings.TrimSpace(domain)] = value
		}
	}
	return values
}
