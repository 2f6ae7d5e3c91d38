package cgroups

import (
	"errors"
	"math"
	"strconv"
)

// CPUWeight converts v1 cpu.shares (2 to 262144, default 1024) to v2 cpu.weight (1 to 10000, default 100). The curve goes
// through the minimum, the default and the maximum of both; 0 means unset in both.
func CPUWeight(shares uint64) uint64 {
	switch {
	case shares == 0:
		return 0
	case shares <= 2:
		return 1
	case shares >= 262144:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}

// IOWeight converts a v1 blkio weight (10 to 1000) to v2 io.weight (1 to 10000), linearly.
func IOWeight(weight uint16) uint64 {
	if weight == 0 {
		return 0
	}
	return 1 + (uint64(weight)-10)*9999/990
}

// SwapMax converts a v1 limit of memory and swap together to the v2 limit of swap alone; 0 means that there is nothing
// to set.
func SwapMax(memorySwap, memory int64) (int64, error) {
	switch {
	case memory == -1 && memorySwap == 0: // no limit of memory, so none of swap either
		return -1, nil
	case memorySwap == -1 || memorySwap == 0:
		return memorySwap, nil
	case memory == 0 || memory == -1:
		return 0, errors.New("unable to set swap limit without memory limit")
	case memorySwap < memory:
		return 0, errors.New("memory+swap limit should be >= memory limit")
	}
	return memorySwap - memory, nil
}

// limit gives the v2 form of a limit: "max" for none.
func limit(n int64) string {
	if n < 0 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}
