package libcontainer

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/ocirun/ocirun/specconv/plan"
)

var errIDMap = errors.New("not an id map")

// parseIDMap reads a uid_map or gid_map of procfs (user_namespaces(7)).
func parseIDMap(text []byte) ([]plan.IDMapping, error) {
	var list []plan.IDMapping
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 3 {
			return nil, errIDMap
		}
		var n [3]uint32
		for i, f := range fields {
			v, err := strconv.ParseUint(string(f), 10, 32)
			if err != nil {
				return nil, errIDMap
			}
			n[i] = uint32(v)
		}
		list = append(list, plan.IDMapping{ContainerID: n[0], HostID: n[1], Size: n[2]})
	}
	return list, nil
}

// sameMap reports whether two maps map the same ids to the same ids, however they
// cut them into ranges.
func sameMap(a, b []plan.IDMapping) bool {
	return slices.Equal(mergeRanges(a), mergeRanges(b))
}

// mergeRanges sorts a map and joins ranges that continue each other.
func mergeRanges(list []plan.IDMapping) []plan.IDMapping {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b plan.IDMapping) int { return cmp.Compare(a.ContainerID, b.ContainerID) })
	merged := list[:0]
	for _, m := range list {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if uint64(last.ContainerID)+uint64(last.Size) == uint64(m.ContainerID) &&
				uint64(last.HostID)+uint64(last.Size) == uint64(m.HostID) {
				last.Size += m.Size
				continue
			}
		}
		if m.Size > 0 {
			merged = append(merged, m)
		}
	}
	return merged
}
