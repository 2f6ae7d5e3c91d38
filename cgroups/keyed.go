package cgroups

import (
	"strconv"
	"strings"
)

// keyed finds a number in a flat keyed file ("key value" lines, cgroup-v2.rst).
func keyed(text, key string) (uint64, bool) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if ok && name == key {
			n, err := strconv.ParseUint(value, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
