package cgroups

import (
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidate(t *testing.T) {
	v1 := Host{Mode: ModeV1, Root: "/r", V1: []Hierarchy{{Mount: "/r/all", Controllers: v1Controllers}}}
	v2 := Host{Mode: ModeV2, Root: "/r", Unified: "/r"}
	bare := Host{Mode: ModeV1, Root: "/r"}
	memory := func(m specs.LinuxMemory) specs.LinuxResources { return specs.LinuxResources{Memory: &m} }
	cpu := func(c specs.LinuxCPU) specs.LinuxResources { return specs.LinuxResources{CPU: &c} }
	io := func(b specs.LinuxBlockIO) specs.LinuxResources { return specs.LinuxResources{BlockIO: &b} }
	for _, c := range []struct {
		host    Host
		r       specs.LinuxResources
		pointer string
		text    string
	}{
		{v1, specs.LinuxResources{}, "", ""},
		{v2, *everything(), "", ""},
		{v1, *everything(), "", ""},
		{v1, memory(specs.LinuxMemory{Limit: ptr[int64](-2)}), "/memory/limit", "invalid memory value: -2"},
		{v2, memory(specs.LinuxMemory{Swappiness: ptr[uint64](200)}), "/memory/swappiness", "invalid memory swappiness value: 200 (valid range is 0-100)"},
		{v1, memory(specs.LinuxMemory{Limit: ptr[int64](10), Swap: ptr[int64](5)}), "/memory/swap", "memory+swap limit should be >= memory limit"},
		{v2, memory(specs.LinuxMemory{Swap: ptr[int64](5)}), "/memory/swap", "unable to set swap limit without memory limit"},
		{v2, memory(specs.LinuxMemory{Swap: ptr[int64](-1)}), "", ""},
		{bare, memory(specs.LinuxMemory{Limit: ptr[int64](10)}), "/memory/limit", `controller "memory" is not available`},
		{v1, cpu(specs.LinuxCPU{Period: ptr[uint64](1)}), "/cpu/period", "invalid cpu period 1"},
		{v1, cpu(specs.LinuxCPU{Quota: ptr[int64](5)}), "/cpu/quota", "invalid cpu quota 5"},
		{v1, cpu(specs.LinuxCPU{Quota: ptr[int64](5000), Burst: ptr[uint64](5001)}), "/cpu/burst", "greater than the quota 5000"},
		{v1, cpu(specs.LinuxCPU{Idle: ptr[int64](2)}), "/cpu/idle", "invalid cpu idle value 2"},
		{v1, cpu(specs.LinuxCPU{Cpus: "x"}), "/cpu/cpus", `invalid list "x"`},
		{v1, cpu(specs.LinuxCPU{Mems: "0,2-1"}), "/cpu/mems", `invalid list "0,2-1"`},
		{v1, cpu(specs.LinuxCPU{Cpus: "0-3,7,10-30:2/5", Mems: "0"}), "", ""},
		{v1, io(specs.LinuxBlockIO{Weight: ptr[uint16](5)}), "/blockIO/weight", "invalid weight 5"},
		{v1, io(specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{{}}}), "/blockIO/weightDevice/0", "weight or leafWeight must be given"},
		{v1, specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2M"}}}, "/hugepageLimits/0/pageSize", "invalid huge page size"},
		{v1, specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"a/b": {}}}, "/rdma/a~1b", "hcaHandles or hcaObjects"},
		{v1, specs.LinuxResources{Unified: map[string]string{"a.b": "c"}}, "/unified", "invalid configuration: cannot use unified on cgroup v1"},
		{v2, specs.LinuxResources{Unified: map[string]string{"a/b": "c"}}, "/unified/a~1b", `unified resource "a/b" must be a file name (no slashes)`},
		{v2, specs.LinuxResources{Unified: map[string]string{"ab": "c"}}, "/unified/ab", `unified resource "ab" must be in the form CONTROLLER.PARAMETER`},
		{v2, specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Type: "z", Access: "r"}}}, "/devices/0/type", `invalid cgroup device type "z"`},
	} {
		errs := Validate(&c.r, &c.host)
		if c.pointer == "" {
			for _, err := range errs {
				t.Errorf("%s: %v", err.Pointer, err)
			}
			continue
		}
		if len(errs) != 1 || errs[0].Pointer != c.pointer || !strings.Contains(errs[0].Error(), c.text) {
			t.Errorf("want %s: %s, got %v", c.pointer, c.text, errs)
		}
	}
	if Validate(nil, &v1) != nil {
		t.Error("nil is valid")
	}
}
