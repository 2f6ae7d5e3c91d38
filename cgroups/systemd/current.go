package systemd

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// complete adds to limits for an update what systemd has to be told together with them: the other half of a quota and its
// period, and the limit of memory that a limit of memory and swap is counted from.
func (u *Unit) complete(c *converter, r *specs.LinuxResources) *specs.LinuxResources {
	if r.CPU != nil && (value(r.CPU.Quota) == 0) != (value(r.CPU.Period) == 0) {
		c.quota, c.period = u.bandwidth()
	}
	if m := r.Memory; !u.v1 && m != nil && value(m.Swap) > 0 && value(m.Limit) == 0 {
		if n, err := strconv.ParseInt(u.read("", "memory.max"), 10, 64); err == nil {
			more, memory := *r, *m
			memory.Limit, more.Memory = &n, &memory
			return &more
		}
	}
	return r
}

// bandwidth reads the quota and the period that hold now.
func (u *Unit) bandwidth() (quota int64, period uint64) {
	quotaText, periodText := u.read("cpu", "cpu.cfs_quota_us"), u.read("cpu", "cpu.cfs_period_us")
	if !u.v1 {
		quotaText, periodText, _ = strings.Cut(u.read("", "cpu.max"), " ")
	}
	quota, err := strconv.ParseInt(quotaText, 10, 64)
	if err != nil {
		quota = -1 // "max"
	}
	period, _ = strconv.ParseUint(periodText, 10, 64)
	return quota, period
}

// OOMKilled tells whether the kernel's OOM killer has ended a process of the unit. Systemd removes a scope as soon as it is
// empty, with what was counted for it; the counts of the slice, which hold those of all below, stay (cgroup v2).
func (u *Unit) OOMKilled() (bool, error) {
	killed, err := u.Manager.OOMKilled()
	if err != nil || killed || !u.started || u.Exists() {
		return killed, err
	}
	return u.killedInSlice() > u.killedBefore, nil
}

func (u *Unit) killedInSlice() uint64 {
	if u.v1 {
		return 0
	}
	text, err := os.ReadFile(path.Dir(u.Paths()[""]) + "/memory.events")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			count, _ := strconv.ParseUint(n, 10, 64)
			return count
		}
	}
	return 0
}

// read gives a file of the cgroup of a controller, nothing if it cannot be read.
func (u *Unit) read(controller, file string) string {
	text, err := os.ReadFile(u.Paths()[controller] + "/" + file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
