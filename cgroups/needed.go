package cgroups

import (
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// needed lists the v2 controllers that resources ask for.
func needed(r *specs.LinuxResources) []string {
	if r == nil {
		return nil
	}
	var list []string
	add := func(name string, wanted bool) {
		if wanted && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	add("pids", r.Pids != nil && r.Pids.Limit != nil)
	add("memory", r.Memory != nil && wantsMemory(r.Memory))
	if c := r.CPU; c != nil {
		add("cpu", value(c.Shares) != 0 || value(c.Quota) != 0 || value(c.Period) != 0 || c.Burst != nil || c.Idle != nil)
		add("cpuset", c.Cpus != "" || c.Mems != "")
	}
	add("io", r.BlockIO != nil)
	add("hugetlb", len(r.HugepageLimits) > 0)
	add("rdma", len(r.Rdma) > 0)
	for key := range r.Unified {
		controller, _, ok := strings.Cut(key, ".")
		add(controller, ok && controller != "cgroup")
	}
	return list
}
