package integration

import (
	"os"
	"slices"
	"strings"
)

// mountEntry is a line of mountinfo (see proc_pid_mountinfo(5)).
type mountEntry struct {
	root, point string
	options     []string // of the mount
	propagation string   // shared, master, unbindable, or "" for private
	fsType      string
	source      string
	super       []string // of the file system
}

func (m mountEntry) has(option string) bool { return slices.Contains(m.options, option) }

func mountTable(path string) []mountEntry {
	data, _ := os.ReadFile(path)
	return parseMounts(string(data))
}

func parseMounts(text string) []mountEntry {
	var table []mountEntry
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 3 {
			continue
		}
		m := mountEntry{root: l[3], point: l[4], options: strings.Split(l[5], ","), fsType: r[0], source: r[1], super: strings.Split(r[2], ",")}
		var kinds []string
		for _, tag := range l[6:] {
			kind, _, _ := strings.Cut(tag, ":")
			kinds = append(kinds, kind)
		}
		m.propagation = strings.Join(kinds, "+")
		table = append(table, m)
	}
	return table
}

// at finds the topmost mount on a point.
func at(table []mountEntry, point string) mountEntry {
	for _, m := range slices.Backward(table) {
		if m.point == point {
			return m
		}
	}
	return mountEntry{}
}
