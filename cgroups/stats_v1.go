package cgroups

import (
	"strings"
)

// nanosPerTick: cpuacct.stat counts in USER_HZ, which is 100 on every architecture that this module supports.
const nanosPerTick = 1e9 / 100

// controller reads the counters of a v1 controller.
func (r *counters) controller(name string, s *Stats) {
	switch name {
	case "cpu":
		r.throttling(&s.CPU.Throttling)
	case "cpuacct":
		r.cpuacct(&s.CPU.Usage)
	case "cpuset":
		r.cpuset(&s.CPUSet)
	case "memory":
		r.memory(&s.Memory)
	case "pids":
		r.pids(&s.Pids)
	case "blkio":
		r.blkio(&s.BlockIO)
	case "hugetlb":
		s.Hugetlb = r.hugetlb()
	case "rdma":
		s.Rdma = r.rdma()
	case "misc":
		s.Misc = r.misc()
	}
}

func (r *counters) throttling(t *Throttling) {
	stat := r.keyed("cpu.stat")
	t.Periods, t.ThrottledPeriods, t.ThrottledTime = stat["nr_periods"], stat["nr_throttled"], stat["throttled_time"]
}

func (r *counters) cpuacct(u *CPUUsage) {
	u.Total = r.number("cpuacct.usage")
	for field := range strings.FieldsSeq(r.text("cpuacct.usage_percpu")) {
		u.PerCPU = append(u.PerCPU, parseCount(field))
	}
	for line := range strings.Lines(r.text("cpuacct.usage_all")) { // "cpu user system", then "0 12 34"
		if f := strings.Fields(line); len(f) == 3 && f[0] != "cpu" {
			u.PerCPUUser, u.PerCPUKernel = append(u.PerCPUUser, parseCount(f[1])), append(u.PerCPUKernel, parseCount(f[2]))
		}
	}
	stat := r.keyed("cpuacct.stat")
	u.User, u.Kernel = stat["user"]*nanosPerTick, stat["system"]*nanosPerTick
}

func (r *counters) cpuset(c *CPUSetStats) {
	c.CPUs, c.Mems = parseList(r.text("cpuset.cpus")), parseList(r.text("cpuset.mems"))
	for name, to := range map[string]*uint64{
		"cpu_exclusive": &c.CPUExclusive, "mem_hardwall": &c.MemHardwall, "mem_exclusive": &c.MemExclusive,
		"memory_migrate": &c.MemoryMigrate, "memory_spread_page": &c.MemorySpreadPage, "memory_spread_slab": &c.MemorySpreadSlab,
		"memory_pressure": &c.MemoryPressure, "sched_load_balance": &c.SchedLoadBalance,
	} {
		*to = r.number("cpuset." + name)
	}
	level := r.text("cpuset.sched_relax_domain_level")
	if rest, negative := strings.CutPrefix(level, "-"); negative {
		c.SchedRelaxDomainLevel = -int64(parseCount(rest))
	} else {
		c.SchedRelaxDomainLevel = int64(parseCount(level))
	}
}

func (r *counters) memory(m *MemoryStats) {
	m.Raw = r.keyed("memory.stat")
	m.Cache = m.Raw["cache"]
	for prefix, to := range map[string]*MemoryUsage{
		"memory.": &m.Usage, "memory.memsw.": &m.Swap, "memory.kmem.": &m.Kernel, "memory.kmem.tcp.": &m.KernelTCP,
	} {
		*to = MemoryUsage{
			Limit: r.number(prefix + "limit_in_bytes"), Usage: r.number(prefix + "usage_in_bytes"),
			Max: r.number(prefix + "max_usage_in_bytes"), Failcnt: r.number(prefix + "failcnt"),
		}
	}
	m.OOMKills = r.keyed("memory.oom_control")["oom_kill"]
}

// pids reads files that v1 and v2 have in common.
func (r *counters) pids(p *PidsStats) {
	p.Current, p.Peak = r.number("pids.current"), r.number("pids.peak")
	if limit := r.text("pids.max"); limit != "max" {
		p.Limit = parseCount(limit)
	}
}

// blkio reads what a scheduler counts, BFQ or (until Linux 5.0) CFQ, and else what throttling counts.
func (r *counters) blkio(b *BlockIOStats) {
	for _, prefix := range []string{"blkio.bfq.", "blkio."} {
		if b.Serviced = r.entries(prefix + "io_serviced_recursive"); len(b.Serviced) == 0 {
			continue
		}
		b.ServiceBytes = r.entries(prefix + "io_service_bytes_recursive")
		b.Queued = r.entries(prefix + "io_queued_recursive")
		b.ServiceTime = r.entries(prefix + "io_service_time_recursive")
		b.WaitTime = r.entries(prefix + "io_wait_time_recursive")
		b.Merged = r.entries(prefix + "io_merged_recursive")
		b.Time = r.entries(prefix + "time_recursive")
		b.Sectors = r.entries(prefix + "sectors_recursive")
		return
	}
	b.Serviced = r.entries("blkio.throttle.io_serviced_recursive")
	b.ServiceBytes = r.entries("blkio.throttle.io_service_bytes_recursive")
}

// entries parses lines such as "8:0 Read 4096" or "8:0 4096"; the grand total at the end has no device.
func (r *counters) entries(name string) []BlockIOEntry { return parseEntries(r.text(name)) }

func parseEntries(text string) []BlockIOEntry {
	var list []BlockIOEntry
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || len(f) > 3 {
			continue
		}
		major, minor, ok := strings.Cut(f[0], ":")
		if !ok {
			continue
		}
		e := BlockIOEntry{Major: parseCount(major), Minor: parseCount(minor), Value: parseCount(f[len(f)-1])}
		if len(f) == 3 {
			e.Op = f[1]
		}
		list = append(list, e)
	}
	return list
}
