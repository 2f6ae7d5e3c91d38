package systemd

import (
	"errors"
	"fmt"
	"strings"
)

const (
	suffixScope = ".scope"
	suffixSlice = ".slice"
	// maxName is what systemd takes for a unit's name (systemd.unit(5)).
	maxName = 255
)

// names says which unit a container gets.
type names struct {
	// unit is the name of a scope, or of a slice.
	unit string
	// slice is what the scope is in: "a-b.slice", "-.slice" for the root.
	slice string
}

func (n *names) isSlice() bool { return strings.HasSuffix(n.unit, suffixSlice) }

// path gives the cgroup, from that of the manager.
func (n *names) path() string {
	if n.isSlice() {
		return expandSlice(n.unit)
	}
	return expandSlice(n.slice) + "/" + cgroupName(n.unit)
}

// PathError is a cgroupsPath that names no unit.
type PathError struct{ Err error }

func (e *PathError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *PathError) Unwrap() error { return e.Err }

// parsePath takes a cgroupsPath "slice:prefix:name" apart. Without one the container is prefix-id.scope in the default
// slice.
func parsePath(cgroupsPath, id, prefix, defaultSlice string) (names, error) {
	n := names{slice: defaultSlice, unit: unitName(prefix, id)}
	if cgroupsPath != "" {
		parts := strings.Split(cgroupsPath, ":")
		if len(parts) != 3 {
			return n, fmt.Errorf("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got %q instead", cgroupsPath)
		}
		if parts[0] != "" {
			n.slice = parts[0]
		}
		if parts[2] == "" {
			return n, fmt.Errorf("cgroupsPath %q has no name for the unit behind the second colon", cgroupsPath)
		}
		n.unit = unitName(parts[1], parts[2])
	}
	if n.slice == "-" {
		n.slice = "-.slice"
	}
	if err := checkSlice(n.slice); err != nil {
		return n, err
	}
	if n.isSlice() {
		if err := checkSlice(n.unit); err != nil {
			return n, err
		}
		if n.unit == "-.slice" {
			return n, errors.New("the root slice cannot be a container's")
		}
	}
	if len(n.unit) > maxName {
		return n, fmt.Errorf("unit name %q has %d bytes, systemd takes at most %d", n.unit, len(n.unit), maxName)
	}
	return n, nil
}

// unitName gives "prefix-name.scope"; the name of a slice stays as it is.
func unitName(prefix, name string) string {
	if strings.HasSuffix(name, suffixSlice) {
		return name
	}
	return escape(prefix+"-"+name) + suffixScope
}

// escape writes what a unit's name cannot have as systemd-escape(1) does.
func escape(text string) string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case isAlphanumeric(c), strings.IndexByte(":-_.\\", c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteString(`\x`)
			out.WriteByte(hex[c>>4])
			out.WriteByte(hex[c&15])
		}
	}
	return out.String()
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// checkSlice refuses what is no name of a slice (systemd.slice(5)).
func checkSlice(name string) error {
	base, ok := strings.CutSuffix(name, suffixSlice)
	switch {
	case ok && base == "-":
		return nil
	case !ok, base == "", escape(base) != base, strings.HasPrefix(base, "-"), strings.HasSuffix(base, "-"), strings.Contains(base, "--"):
		return fmt.Errorf("invalid slice name: %s", name)
	}
	return nil
}

// expandSlice gives the cgroup of a slice, whose name is the path to it: "a-b.slice" is "/a.slice/a-b.slice".
func expandSlice(name string) string {
	base := strings.TrimSuffix(name, suffixSlice)
	if base == "-" {
		return ""
	}
	path := ""
	for i := range len(base) + 1 {
		if i == len(base) || base[i] == '-' {
			path += "/" + cgroupName(base[:i]+suffixSlice)
		}
	}
	return path
}

// parentSlice gives the slice that a slice is in.
func parentSlice(name string) string {
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		return name[:i] + suffixSlice
	}
	return "-.slice"
}

// cgroupName is the directory of a unit. Names that could be mistaken for files of the cgroup file system have a "_" in
// front (systemd: cg_needs_escape).
func cgroupName(unit string) string {
	head, _, _ := strings.Cut(unit, ".")
	switch {
	case strings.HasPrefix(unit, "_"), strings.HasPrefix(unit, "."):
		return "_" + unit
	}
	switch head {
	case "cgroup", "cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids":
		return "_" + unit
	}
	return unit
}
