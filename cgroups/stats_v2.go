package cgroups

import (
	"math"
	"os"
	"strconv"
	"strings"
)

// unified reads the counters of a v2 cgroup; on a hybrid machine those that no v1 hierarchy has.
func (r *counters) unified(s *Stats, m *cgroupfs) {
	s.CPU.PSI, s.Memory.PSI, s.BlockIO.PSI = r.pressure("cpu.pressure"), r.pressure("memory.pressure"), r.pressure("io.pressure")
	if m.pure() {
		r.cpuV2(&s.CPU)
		s.CPUSet.CPUs, s.CPUSet.Mems = parseList(r.text("cpuset.cpus.effective")), parseList(r.text("cpuset.mems.effective"))
		r.memoryV2(&s.Memory)
		r.pids(&s.Pids)
		r.io(&s.BlockIO)
	}
	if m.controller("hugetlb") == nil {
		s.Hugetlb = r.hugetlb()
	}
	if m.controller("rdma") == nil {
		s.Rdma = r.rdma()
	}
	if m.controller("misc") == nil {
		s.Misc = r.misc()
	}
}

func (r *counters) cpuV2(c *CPUStats) {
	stat := r.keyed("cpu.stat")
	c.Usage.Total, c.Usage.User, c.Usage.Kernel = stat["usage_usec"]*1000, stat["user_usec"]*1000, stat["system_usec"]*1000
	c.Throttling = Throttling{
		Periods: stat["nr_periods"], ThrottledPeriods: stat["nr_throttled"], ThrottledTime: stat["throttled_usec"] * 1000,
	}
}

func (r *counters) memoryV2(m *MemoryStats) {
	m.Raw = r.keyed("memory.stat")
	m.Cache = m.Raw["file"]
	events := r.keyed("memory.events")
	m.OOMKills = events["oom_kill"]
	m.Usage = MemoryUsage{
		Limit: r.number("memory.max"), Usage: r.number("memory.current"),
		Max: r.number("memory.peak"), Failcnt: events["max"], // memory.peak: Linux 5.19
	}
	// What v1 has counts memory and swap together, and readers know it that way. The peaks cannot be added.
	m.Swap = MemoryUsage{Limit: r.number("memory.swap.max"), Usage: m.Usage.Usage + r.number("memory.swap.current")}
	m.Swap.Failcnt = r.keyed("memory.swap.events")["max"]
	switch {
	case m.Usage.Limit == math.MaxUint64:
		m.Swap.Limit = math.MaxUint64
	case m.Swap.Limit != math.MaxUint64:
		m.Swap.Limit += m.Usage.Limit
	}
}

// io reads io.stat, lines such as "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6".
func (r *counters) io(b *BlockIOStats) {
	for line := range strings.Lines(r.text("io.stat")) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		major, minor, ok := strings.Cut(f[0], ":")
		if !ok {
			continue
		}
		for _, pair := range f[1:] {
			key, value, _ := strings.Cut(pair, "=")
			e := BlockIOEntry{Major: parseCount(major), Minor: parseCount(minor), Value: parseCount(value)}
			list := &b.ServiceBytes
			if strings.HasSuffix(key, "ios") {
				list = &b.Serviced
			}
			switch key {
			case "rbytes", "rios":
				e.Op = "Read"
			case "wbytes", "wios":
				e.Op = "Write"
			case "dbytes", "dios":
				e.Op = "Discard"
			default: // io.cost and io.latency add keys of their own
				continue
			}
			*list = append(*list, e)
		}
	}
}

// hugetlb reads the counters of all page sizes, on v1 and v2.
func (r *counters) hugetlb() map[string]HugetlbStats {
	usage, peak := ".usage_in_bytes", ".max_usage_in_bytes"
	if r.v2() {
		usage, peak = ".current", "" // v2 keeps no peak
	}
	all := map[string]HugetlbStats{}
	for _, size := range hugePageSizes() {
		prefix := "hugetlb." + size
		text := r.text(prefix + ".rsvd" + usage)
		if text != "" {
			prefix += ".rsvd"
		} else if text = r.text(prefix + usage); text == "" {
			continue
		}
		h := HugetlbStats{Usage: parseCount(text)}
		if r.v2() {
			h.Failcnt = r.keyed("hugetlb." + size + ".events")["max"]
		} else {
			h.Max, h.Failcnt = r.number(prefix+peak), r.number(prefix+".failcnt")
		}
		all[size] = h
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// hugePageSizes lists the sizes that the kernel has, as the names of the files of the hugetlb controller have them.
func hugePageSizes() []string {
	entries, err := os.ReadDir("/sys/kernel/mm/hugepages")
	if err != nil {
		return nil
	}
	var sizes []string
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), "hugepages-")
		if kib, err := strconv.ParseUint(strings.TrimSuffix(text, "kB"), 10, 64); ok && err == nil {
			sizes = append(sizes, hugePageName(kib))
		}
	}
	return sizes
}

// hugePageName gives "64KB", "2MB", "1GB" (mm/hugetlb_cgroup.c).
func hugePageName(kib uint64) string {
	switch {
	case kib >= 1<<20:
		return decimal(kib>>20) + "GB"
	case kib >= 1<<10:
		return decimal(kib>>10) + "MB"
	default:
		return decimal(kib) + "KB"
	}
}

// rdma reads lines such as "mlx4_0 hca_handle=2 hca_object=max", on v1 and v2.
func (r *counters) rdma() []RdmaStats {
	var list []RdmaStats
	for _, line := range strings.Split(r.text("rdma.current"), "\n") {
		if device, handles, objects, ok := parseRdma(line); ok {
			list = append(list, RdmaStats{Device: device, Handles: handles, Objects: objects})
		}
	}
	for _, line := range strings.Split(r.text("rdma.max"), "\n") {
		device, handles, objects, ok := parseRdma(line)
		for i := range list {
			if ok && list[i].Device == device {
				list[i].HandlesMax, list[i].ObjectsMax = handles, objects
			}
		}
	}
	return list
}

func parseRdma(line string) (device string, handles, objects uint64, ok bool) {
	f := strings.Fields(line)
	if len(f) != 3 {
		return "", 0, 0, false
	}
	for _, pair := range f[1:] {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "hca_handle":
			handles = parseCount(value)
		case "hca_object":
			objects = parseCount(value)
		}
	}
	return f[0], handles, objects, true
}

func (r *counters) misc() map[string]MiscStats {
	current := r.keyed("misc.current")
	if len(current) == 0 {
		return nil
	}
	events, all := r.keyed("misc.events"), make(map[string]MiscStats, len(current))
	for name, usage := range current {
		all[name] = MiscStats{Usage: usage, Events: events[name+".max"]}
	}
	return all
}
