package entry

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	started, startedOn := cpus, cpu
	defer func() { cpus, cpu, few = started, startedOn, [128]uint64{} }()
	set := func(list []int) (mask [128]uint64) {
		for _, n := range list {
			mask[n/64] |= 1 << (n % 64)
		}
		return mask
	}
	for _, c := range []struct {
		on     int
		cpus   []int
		wanted int
		want   []int
		limits bool
	}{
		{0, []int{0}, 1, []int{0}, false},
		{0, []int{0}, 2, []int{0}, false},
		{1, []int{0, 1}, 1, []int{1}, true},
		{1, []int{0, 1}, 2, []int{0, 1}, false},
		{1, []int{0, 1, 2, 3}, 2, []int{0, 1}, true},
		{2, []int{0, 1, 2, 3}, 2, []int{2, 3}, true},
		{6, []int{1, 3, 6, 8}, 2, []int{6}, false}, // its neighbour may not be used
		{6, []int{1, 3, 6, 8}, 1, []int{6}, true},
		{64, []int{0, 1, 64, 65, 127}, 2, []int{64, 65}, true},
		{200, []int{0, 200, 201}, 2, []int{200, 201}, true},
		{200, []int{0, 200}, 1, []int{200}, true},
		{255, []int{254, 255}, 2, []int{254, 255}, false},
	} {
		cpus, few, cpu = set(c.cpus), [128]uint64{}, uint32(c.on)
		const size = 32 // as kernels for 256 CPUs have it
		if limits := choose(c.wanted, size); limits != c.limits || few != set(c.want) {
			t.Errorf("on %d of %v, %d wanted: limits %v to %v", c.on, c.cpus, c.wanted, limits, slices.Collect(func(yield func(int) bool) {
				for n := range 256 {
					if few[n/64]&(1<<(n%64)) != 0 && !yield(n) {
						return
					}
				}
			}))
		}
	}
	// Beyond the size that the kernel has given there is nothing to compare.
	cpus, few, cpu = set([]int{3, 300}), [128]uint64{}, 3
	if choose(1, 8) {
		t.Error("CPUs beyond the mask's size are counted")
	}
}
