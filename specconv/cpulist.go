package specconv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxCPU is the highest number that a CPU can have: the kernel is built for 8192
// at most (NR_CPUS).
const maxCPU = 8191

// parseCPUs reads a list of CPUs such as "0-3,7" (cpuset(7), "List format"). The
// mask has a whole number of 64-bit words, as sched_setaffinity(2) wants it.
func parseCPUs(list string) ([]byte, error) {
	var mask []byte
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		low, high, isRange := strings.Cut(part, "-")
		first, err := parseCPU(low)
		last := first
		if err == nil && isRange {
			last, err = parseCPU(high)
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
		for cpu := first; cpu <= last; cpu++ {
			// The word's bytes are in little-endian order on every machine that the
			// runtime works on.
			mask[cpu/8] |= 1 << (cpu % 8)
		}
	}
	if len(mask) == 0 {
		return nil, errors.New("the list names no CPU")
	}
	return mask, nil
}

func parseCPU(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not the number of a CPU", text)
	case n > maxCPU:
		return 0, fmt.Errorf("CPU %d is out of range 0-%d", n, maxCPU)
	}
	return int(n), nil
}
