package specconv

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// cgroupRows create the container's cgroup with its limits and device rules.
func (c *compiler) cgroupRows() {
	mode := c.o.Host.CgroupMode
	if mode == cgroupNone || mode == "" {
		c.refuseLimits()
		c.warnOfNoCgroup()
		return
	}
	cause := plan.Cause("/linux/cgroupsPath")
	if c.linux.CgroupsPath == "" {
		cause = causeCgroup
	}
	if c.o.Unit != nil {
		c.add(plan.Prepare, cause, *c.o.Unit)
	}
	c.add(plan.Prepare, cause, plan.Cgroup{Path: c.o.CgroupPath, Mode: mode})
	if c.linux.Resources != nil {
		c.limitRows(c.linux.Resources)
	}
	if !c.o.Rootless && !c.o.Host.UserNS {
		c.deviceRuleRows()
	}
	c.cgroupOwnerRow()
}

// warnOfNoCgroup says what a container lacks that is to have no cgroup.
func (c *compiler) warnOfNoCgroup() {
	if !c.o.NoCgroup {
		return
	}
	if r := c.linux.Resources; r != nil && len(r.Devices) > 0 && !c.o.Rootless && !c.o.Host.UserNS {
		c.warn("/linux/resources/devices: without a cgroup there are no device rules: every device that the container has a node of, or may make one of, can be used")
	}
	if !c.makesNamespace(specs.PIDNamespace) {
		c.warn("/linux/namespaces: without a cgroup and a new pid namespace, processes that the container leaves behind cannot be found")
	}
}

// refuseLimits fails if there are limits and nothing that could hold them.
// Device rules are no reason: without privileges no device can be made.
func (c *compiler) refuseLimits() {
	if c.linux.Resources == nil {
		return
	}
	probe := compiler{plan: &plan.Plan{}}
	probe.limitRows(c.linux.Resources)
	if len(probe.plan.Entries) > 0 {
		first := probe.plan.Entries[0]
		c.fail(first.Cause, fmt.Errorf("cannot set %s limit: container could not join or create cgroup",
			strings.TrimSuffix(first.Step.(plan.Limit).Resource, ".limit")))
	}
}

func (c *compiler) limitRows(r *specs.LinuxResources) {
	if m := r.Memory; m != nil {
		c.memoryRows(m)
	}
	if cpu := r.CPU; cpu != nil {
		c.cpuRows(cpu)
	}
	if r.Pids != nil {
		limit(c, "pids.limit", "/linux/resources/pids/limit", r.Pids.Limit)
	}
	if r.BlockIO != nil {
		c.blockIORows(r.BlockIO)
	}
	for i, page := range r.HugepageLimits {
		c.limitRow("hugepageLimits", element("/linux/resources/hugepageLimits", i),
			page.Pagesize+" "+strconv.FormatUint(page.Limit, 10))
	}
	if r.Network != nil {
		limit(c, "network.classID", "/linux/resources/network/classID", r.Network.ClassID)
		for i, p := range r.Network.Priorities {
			c.limitRow("network.priorities", element("/linux/resources/network/priorities", i),
				p.Name+" "+strconv.FormatUint(uint64(p.Priority), 10))
		}
	}
	for _, device := range sortedKeys(r.Rdma) {
		at := string(member("/linux/resources/rdma", device))
		limit(c, "rdma."+device+".hcaHandles", at+"/hcaHandles", r.Rdma[device].HcaHandles)
		limit(c, "rdma."+device+".hcaObjects", at+"/hcaObjects", r.Rdma[device].HcaObjects)
	}
	for _, file := range sortedKeys(r.Unified) {
		c.limitRow("unified."+file, member("/linux/resources/unified", file), r.Unified[file])
	}
}

// memoryRows leaves kernel and kernelTCP out: the kernel has no such limits any
// more.
func (c *compiler) memoryRows(m *specs.LinuxMemory) {
	const at = "/linux/resources/memory/"
	limitUnlessZero(c, "memory.limit", at+"limit", m.Limit)
	limitUnlessZero(c, "memory.reservation", at+"reservation", m.Reservation)
	limitUnlessZero(c, "memory.swap", at+"swap", m.Swap)
	limit(c, "memory.swappiness", at+"swappiness", m.Swappiness)
	c.switchRow("memory.disableOOMKiller", at+"disableOOMKiller", m.DisableOOMKiller)
	c.switchRow("memory.useHierarchy", at+"useHierarchy", m.UseHierarchy)
	c.switchRow("memory.checkBeforeUpdate", at+"checkBeforeUpdate", m.CheckBeforeUpdate)
}

func (c *compiler) cpuRows(cpu *specs.LinuxCPU) {
	const at = "/linux/resources/cpu/"
	limitUnlessZero(c, "cpu.shares", at+"shares", cpu.Shares)
	limitUnlessZero(c, "cpu.quota", at+"quota", cpu.Quota)
	limit(c, "cpu.burst", at+"burst", cpu.Burst)
	limitUnlessZero(c, "cpu.period", at+"period", cpu.Period)
	limitUnlessZero(c, "cpu.realtimeRuntime", at+"realtimeRuntime", cpu.RealtimeRuntime)
	limitUnlessZero(c, "cpu.realtimePeriod", at+"realtimePeriod", cpu.RealtimePeriod)
	if cpu.Cpus != "" {
		c.limitRow("cpu.cpus", at+"cpus", cpu.Cpus)
	}
	if cpu.Mems != "" {
		c.limitRow("cpu.mems", at+"mems", cpu.Mems)
	}
	limit(c, "cpu.idle", at+"idle", cpu.Idle)
}

func (c *compiler) blockIORows(io *specs.LinuxBlockIO) {
	const at = "/linux/resources/blockIO/"
	limitUnlessZero(c, "blockIO.weight", at+"weight", io.Weight)
	limitUnlessZero(c, "blockIO.leafWeight", at+"leafWeight", io.LeafWeight)
	for i := range io.WeightDevice {
		d := &io.WeightDevice[i]
		device := deviceName(d.LinuxBlockIODevice)
		here := string(element(at+"weightDevice", i))
		if d.Weight != nil {
			c.limitRow("blockIO.weightDevice.weight", plan.Cause(here+"/weight"),
				device+" "+strconv.FormatUint(uint64(*d.Weight), 10))
		}
		if d.LeafWeight != nil {
			c.limitRow("blockIO.weightDevice.leafWeight", plan.Cause(here+"/leafWeight"),
				device+" "+strconv.FormatUint(uint64(*d.LeafWeight), 10))
		}
	}
	c.throttleRows("throttleReadBpsDevice", io.ThrottleReadBpsDevice)
	c.throttleRows("throttleWriteBpsDevice", io.ThrottleWriteBpsDevice)
	c.throttleRows("throttleReadIOPSDevice", io.ThrottleReadIOPSDevice)
	c.throttleRows("throttleWriteIOPSDevice", io.ThrottleWriteIOPSDevice)
}

func (c *compiler) throttleRows(field string, list []specs.LinuxThrottleDevice) {
	for i := range list {
		c.limitRow("blockIO."+field, element("/linux/resources/blockIO/"+field, i),
			deviceName(list[i].LinuxBlockIODevice)+" "+strconv.FormatUint(list[i].Rate, 10))
	}
}

func deviceName(d specs.LinuxBlockIODevice) string {
	return strconv.FormatInt(d.Major, 10) + ":" + strconv.FormatInt(d.Minor, 10)
}

func (c *compiler) limitRow(resource string, cause plan.Cause, value string) {
	c.add(plan.Prepare, cause, plan.Limit{Resource: resource, Value: value})
}

// limit adds a row for a number that is set.
func limit[N int64 | uint64 | uint32 | uint16](c *compiler, resource, pointer string, value *N) {
	if value == nil {
		return
	}
	text := ""
	if *value < 0 {
		text = strconv.FormatInt(int64(*value), 10)
	} else {
		text = strconv.FormatUint(uint64(*value), 10)
	}
	c.limitRow(resource, plan.Cause(pointer), text)
}

// limitUnlessZero is for numbers of which zero stands for "leave it alone":
// engines write it for what their user did not set.
func limitUnlessZero[N int64 | uint64 | uint16](c *compiler, resource, pointer string, value *N) {
	if value != nil && *value != 0 {
		limit(c, resource, pointer, value)
	}
}

// switchRow adds a row for what is turned on; off is how a cgroup begins.
func (c *compiler) switchRow(resource, pointer string, value *bool) {
	if value != nil && *value {
		c.limitRow(resource, plan.Cause(pointer), "true")
	}
}

// defaultDeviceRules follow the rules of the configuration: every device node
// may be made, and the devices that each container has may be used, together
// with pseudo terminals and /dev/net/tun, which has been usable for so long that
// programs rely on it.
var defaultDeviceRules = [...]plan.Step{
	plan.DeviceRule{Allow: true, Type: 'c', Major: -1, Minor: -1, Access: "m"},
	plan.DeviceRule{Allow: true, Type: 'b', Major: -1, Minor: -1, Access: "m"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 3, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 8, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 7, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 5, Minor: 0, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 5, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 1, Minor: 9, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 136, Minor: -1, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 5, Minor: 2, Access: "rwm"},
	plan.DeviceRule{Allow: true, Type: 'c', Major: 10, Minor: 200, Access: "rwm"},
}

// deviceRuleRows gives the effective list of device rules.
func (c *compiler) deviceRuleRows() {
	if c.linux.Resources != nil {
		for i := range c.linux.Resources.Devices {
			d := &c.linux.Resources.Devices[i]
			cause := element("/linux/resources/devices", i)
			row := plan.DeviceRule{Allow: d.Allow, Major: allIfUnset(d.Major), Minor: allIfUnset(d.Minor), Access: d.Access}
			switch d.Type {
			case "", "a":
				row.Type = 'a'
			case "b", "c":
				row.Type = d.Type[0]
			default:
				c.fail(cause, fmt.Errorf("invalid cgroup device type %q", d.Type))
				return
			}
			c.add(plan.Prepare, cause, row)
		}
	}
	for i := range defaultDeviceRules {
		c.add(plan.Prepare, causeDeviceRules, defaultDeviceRules[i])
	}
}

// allIfUnset gives -1, which stands for all, for a number that is not set.
func allIfUnset(n *int64) int64 {
	if n == nil || *n < 0 {
		return -1
	}
	return *n
}
