package specconv

import (
	"fmt"
	"strconv"
	"strings"
)

// maxCPU is the highest number that a CPU can have: the kernel is built for 8192
// at most (NR_CPUS).
const maxCPU = 8191

// parseCPUs reads a list of CPUs such as "0-3,7" (cpuset(7), "List format"). The
// mask has a whole number of 64-bit words, as sched_setaffinity(2) wants it.
func parseCPUs(list string) ([]byte, error) { return parseList(list, "CPU", maxCPU) }

// parseList reads a list of numbers of something, which go from 0 to highest, and
// gives a mask of whole 64-bit words.
func parseList(list, what string, highest int) ([]byte, error) {
	var mask []byte
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, isRange := strings.Cut(part, "-")
		first, err := parseNumber(low, what, highest)
		last := first
		if err == nil && isRange {
			last, err = parseNumber(high, what, highest)
		}
		if err != nil {
			return nil, err
		}
		if first > last {
			return nil, fmt.Errorf("invalid range: %s", part)
		}
		if words := last/64 + 1; len(mask) < 8*words {
			mask = append(mask, make([]byte, 8*words-len(mask))...)
		}
		for n := first; n <= last; n++ {
			// The word's bytes are in little-endian order on every machine that the
			// runtime works on.
			mask[n/8] |= 1 << (n % 8)
		}
	}
	if len(mask) == 0 {
		return nil, fmt.Errorf("the list names no %s", what)
	}
	return mask, nil
}

func parseNumber(text, what string, highest int) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not the number of a %s", text, what)
	case n > uint64(highest):
		return 0, fmt.Errorf("%s %d is out of range 0-%d", what, n, highest)
	}
	return int(n), nil
}
