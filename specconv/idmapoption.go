package specconv

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// idMapOption finds the option "idmap=" or "ridmap=" of a mount, by which Podman gives a
// mount maps of its own (crun(1)), and gives its number; -1 if there is none.
func idMapOption(options []string) (number int, text string) {
	for i, name := range options {
		if base, text, ok := strings.Cut(name, "="); ok && (base == "idmap" || base == "ridmap") {
			return i, text
		}
	}
	return -1, ""
}

// mountMappings gives the maps of a mount: those of its option, or those of its fields.
// linux has the container's own, which the option may refer to and which stand in for
// those that it leaves out.
func mountMappings(m *specs.Mount, linux *specs.Linux) (uids, gids []specs.LinuxIDMapping, err error) {
	number, text := idMapOption(m.Options)
	if number < 0 || text == "" {
		return m.UIDMappings, m.GIDMappings, nil
	}
	uids, gids = linux.UIDMappings, linux.GIDMappings
	for part := range strings.SplitSeq(text, ";") {
		kind, list, _ := strings.Cut(part, "=")
		switch kind {
		case "uids":
			uids, err = parseMountMap(list, linux.UIDMappings)
		case "gids":
			gids, err = parseMountMap(list, linux.GIDMappings)
		case "":
		default:
			err = fmt.Errorf("%q is neither uids nor gids", kind)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("invalid idmap option %q: %w", text, err)
		}
	}
	return uids, gids, nil
}

// parseMountMap reads ranges of the form FROM-TO-SIZE with "#" between them: ids of the
// files, ids of the host, how many. Behind an "@" TO is an id of the container.
func parseMountMap(list string, container []specs.LinuxIDMapping) (ranges []specs.LinuxIDMapping, err error) {
	for text := range strings.SplitSeq(list, "#") {
		text, relative := strings.CutPrefix(text, "@")
		numbers := strings.Split(text, "-")
		if len(numbers) != 3 {
			return nil, fmt.Errorf("%q is not of the form FROM-TO-SIZE", text)
		}
		var n [3]uint32
		for i := range n {
			v, err := strconv.ParseUint(numbers[i], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%q is no id", numbers[i])
			}
			n[i] = uint32(v)
		}
		r := specs.LinuxIDMapping{ContainerID: n[0], HostID: n[1], Size: n[2]}
		if relative {
			if r.HostID, err = onHostOf(container, r.HostID, r.Size); err != nil {
				return nil, err
			}
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// onHostOf gives the host's id of the first of some ids of the container, which have to
// follow each other on the host as well.
func onHostOf(container []specs.LinuxIDMapping, first, size uint32) (uint32, error) {
	for i := range container {
		m := &container[i]
		if first >= m.ContainerID && first-m.ContainerID < m.Size && size <= m.Size-(first-m.ContainerID) {
			return m.HostID + (first - m.ContainerID), nil
		}
	}
	return 0, fmt.Errorf("the container's user namespace has no range with %d ids from %d on", size, first)
}
