package cgroups

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func (m *cgroupfs) setMemory(r *specs.LinuxResources) error {
	if r.Memory == nil {
		return nil
	}
	if value(r.Memory.Kernel) != 0 || value(r.Memory.KernelTCP) != 0 { //nolint:staticcheck // old configurations have it
		m.warn("Kernel memory settings are ignored and will be removed")
	}
	if !wantsMemory(r.Memory) {
		return nil
	}
	t, err := m.where("memory")
	if err != nil {
		return field("/memory/limit", fmt.Errorf("cannot set memory limit: %w", err))
	}
	if t.v2() {
		return m.setMemoryV2(t, r.Memory)
	}
	return m.setMemoryV1(t, r.Memory)
}

func wantsMemory(r *specs.LinuxMemory) bool {
	return value(r.Limit) != 0 || value(r.Swap) != 0 || value(r.Reservation) != 0 || r.Swappiness != nil ||
		r.DisableOOMKiller != nil
}

// setMemoryV1 has the limit and the limit with swap settle: the kernel wants the second to be at least the first.
func (m *cgroupfs) setMemoryV1(t *tree, r *specs.LinuxMemory) error {
	var items []item
	add := func(file string, n int64, pointer string) {
		if n != 0 {
			items = append(items, item{file, strconv.FormatInt(n, 10), pointer})
		}
	}
	limit, swap := value(r.Limit), value(r.Swap)
	if limit == -1 && swap == 0 && !m.fresh && unix.Access(t.file("memory.memsw.limit_in_bytes"), unix.F_OK) == nil {
		swap = -1 // without a limit of memory, one of memory and swap makes no sense
	}
	if swap != 0 && limit != 0 {
		if _, err := SwapMax(swap, limit); err != nil {
			return field("/memory/swap", err)
		}
	}
	add("memory.limit_in_bytes", limit, "/memory/limit")
	add("memory.memsw.limit_in_bytes", swap, "/memory/swap")
	if err := m.settle(t, items); err != nil {
		return explainMemory(t, limit, err)
	}
	items = items[:0]
	add("memory.soft_limit_in_bytes", value(r.Reservation), "/memory/reservation")
	if r.Swappiness != nil {
		if *r.Swappiness > 100 {
			return field("/memory/swappiness", fmt.Errorf("invalid memory swappiness value: %d (valid range is 0-100)", *r.Swappiness))
		}
		items = append(items, item{"memory.swappiness", decimal(*r.Swappiness), "/memory/swappiness"})
	}
	if disable := r.DisableOOMKiller; disable != nil && (*disable || !m.fresh) {
		v := "0"
		if *disable {
			v = "1"
		}
		items = append(items, item{"memory.oom_control", v, "/memory/disableOOMKiller"})
	}
	return m.settle(t, items)
}

// explainMemory says what EBUSY means: more is in use than can be reclaimed.
func explainMemory(t *tree, limit int64, err error) error {
	var w *WriteError
	if !errors.As(err, &w) || !errors.Is(err, unix.EBUSY) {
		return err
	}
	usage, _ := read(t.file("memory.usage_in_bytes"))
	peak, _ := read(t.file("memory.max_usage_in_bytes"))
	return field("/memory/limit", fmt.Errorf("unable to set memory limit to %d (current usage: %s, peak usage: %s): %w",
		limit, usage, peak, unix.EBUSY))
}

func (m *cgroupfs) setMemoryV2(t *tree, r *specs.LinuxMemory) error {
	max, reservation := value(r.Limit), value(r.Reservation)
	swap, err := SwapMax(value(r.Swap), m.memoryLimit(t, r))
	if err != nil {
		return field("/memory/swap", err)
	}
	if r.Swappiness != nil {
		m.warn("linux.resources.memory.swappiness is ignored: cgroup v2 has no such setting")
	}
	if value(r.DisableOOMKiller) {
		m.warn("linux.resources.memory.disableOOMKiller is ignored: cgroup v2 has no such setting")
	}
	if max > 0 && value(r.CheckBeforeUpdate) {
		if err := checkUsage(t, max); err != nil {
			return err
		}
	}
	// An absent swap file means a kernel without swap accounting; "no limit" needs none.
	if swap != 0 || value(r.Swap) > 0 {
		err := m.put(t, "memory.swap.max", limit(swap))
		if err != nil && (swap != -1 || !errors.Is(err, unix.ENOENT)) {
			return field("/memory/swap", err)
		}
	}
	if max != 0 {
		if err := m.put(t, "memory.max", limit(max)); err != nil {
			return field("/memory/limit", err)
		}
	}
	if reservation != 0 {
		return field("/memory/reservation", m.put(t, "memory.low", limit(reservation)))
	}
	return nil
}

// memoryLimit gives the limit from which that of swap is counted: the one in force, if an update leaves it alone.
func (m *cgroupfs) memoryLimit(t *tree, r *specs.LinuxMemory) int64 {
	if value(r.Limit) != 0 || value(r.Swap) <= 0 || m.fresh {
		return value(r.Limit)
	}
	text, err := read(t.file("memory.max"))
	n, bad := strconv.ParseInt(text, 10, 64)
	if err != nil || bad != nil { // "max" is none
		return 0
	}
	return n
}

// checkUsage refuses a limit below the usage, where the kernel would reclaim and then kill (checkBeforeUpdate).
func checkUsage(t *tree, max int64) error {
	text, err := read(t.file("memory.current"))
	if err != nil {
		return field("/memory/limit", err)
	}
	if usage, err := strconv.ParseInt(text, 10, 64); err == nil && usage > max {
		return field("/memory/limit", fmt.Errorf("unable to set memory limit to %d (current usage: %d): %w", max, usage, unix.EBUSY))
	}
	return nil
}
