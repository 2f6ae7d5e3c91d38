package cgroups

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func (m *cgroupfs) setCPU(r *specs.LinuxResources) error {
	c := r.CPU
	if c == nil || value(c.Shares) == 0 && value(c.Quota) == 0 && value(c.Period) == 0 && c.Burst == nil && c.Idle == nil &&
		value(c.RealtimePeriod) == 0 && value(c.RealtimeRuntime) == 0 {
		return nil
	}
	t, err := m.where("cpu")
	if err != nil {
		return field("/cpu", fmt.Errorf("cannot set cpu limits: %w", err))
	}
	if t.v2() {
		return m.setCPUV2(t, c)
	}
	return m.setCPUV1(t, c)
}

func (m *cgroupfs) setCPUV1(t *tree, c *specs.LinuxCPU) error {
	var items []item
	if n := value(c.Shares); n != 0 && value(c.Idle) == 0 { // the kernel refuses shares for an idle group
		items = append(items, item{"cpu.shares", decimal(n), "/cpu/shares"})
	}
	if c.Idle != nil && (*c.Idle != 0 || !m.fresh) {
		items = append(items, item{"cpu.idle", strconv.FormatInt(*c.Idle, 10), "/cpu/idle"})
	}
	if n := value(c.Period); n != 0 {
		items = append(items, item{"cpu.cfs_period_us", decimal(n), "/cpu/period"})
	}
	if n := value(c.Quota); n != 0 {
		items = append(items, item{"cpu.cfs_quota_us", strconv.FormatInt(n, 10), "/cpu/quota"})
	}
	if c.Burst != nil && (*c.Burst != 0 || !m.fresh) {
		items = append(items, item{"cpu.cfs_burst_us", decimal(*c.Burst), "/cpu/burst"})
	}
	if n := value(c.RealtimePeriod); n != 0 {
		items = append(items, item{"cpu.rt_period_us", decimal(n), "/cpu/realtimePeriod"})
	}
	if n := value(c.RealtimeRuntime); n != 0 {
		items = append(items, item{"cpu.rt_runtime_us", strconv.FormatInt(n, 10), "/cpu/realtimeRuntime"})
	}
	return m.settle(t, items)
}

func (m *cgroupfs) setCPUV2(t *tree, c *specs.LinuxCPU) error {
	var items []item
	if value(c.RealtimePeriod) != 0 || value(c.RealtimeRuntime) != 0 {
		m.warn("linux.resources.cpu.realtimeRuntime and realtimePeriod are ignored: cgroup v2 has no such setting")
	}
	if n := CPUWeight(value(c.Shares)); n != 0 && value(c.Idle) == 0 {
		items = append(items, item{"cpu.weight", decimal(n), "/cpu/shares"})
	}
	if c.Idle != nil && (*c.Idle != 0 || !m.fresh) {
		items = append(items, item{"cpu.idle", strconv.FormatInt(*c.Idle, 10), "/cpu/idle"})
	}
	if bandwidth, pointer, err := m.bandwidth(t, c); err != nil {
		return field(pointer, err)
	} else if bandwidth != "" {
		items = append(items, item{"cpu.max", bandwidth, pointer})
	}
	if c.Burst != nil && (*c.Burst != 0 || !m.fresh) {
		items = append(items, item{"cpu.max.burst", decimal(*c.Burst), "/cpu/burst"})
	}
	return m.settle(t, items)
}

// bandwidth gives the value of cpu.max, "QUOTA PERIOD". Without a period the kernel keeps the old one; a quota has to be
// kept by writing it again.
func (m *cgroupfs) bandwidth(t *tree, c *specs.LinuxCPU) (text, pointer string, err error) {
	quota, period := value(c.Quota), value(c.Period)
	switch {
	case quota == 0 && period == 0:
		return "", "", nil
	case quota != 0:
		text, pointer = limit(quota), "/cpu/quota"
	case m.fresh:
		text, pointer = "max", "/cpu/period"
	default:
		now, err := read(t.file("cpu.max"))
		if err != nil {
			return "", "/cpu/period", err
		}
		text, _, _ = strings.Cut(now, " ")
		pointer = "/cpu/period"
	}
	if period != 0 {
		text += " " + decimal(period)
	}
	return text, pointer, nil
}

func (m *cgroupfs) setCpuset(r *specs.LinuxResources) error {
	if r.CPU == nil {
		return nil
	}
	for _, it := range [...]item{{"cpuset.cpus", r.CPU.Cpus, "/cpu/cpus"}, {"cpuset.mems", r.CPU.Mems, "/cpu/mems"}} {
		if it.value == "" {
			continue
		}
		t, err := m.where("cpuset")
		if err != nil {
			return field(it.pointer, fmt.Errorf("cannot set %s: %w", it.file, err))
		}
		if m.fresh && m.seeded[it.file] == it.value {
			continue
		}
		if err := m.put(t, it.file, it.value); err != nil {
			return field(it.pointer, err)
		}
	}
	return nil
}

func decimal[T uint16 | uint32 | uint64](n T) string { return strconv.FormatUint(uint64(n), 10) }

// at gives the JSON pointer of an element.
func at(pointer string, i int) string { return pointer + strconv.Itoa(i) }
