package cgroups

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Set applies limits controller by controller; unified comes last, so that it wins.
func (m *cgroupfs) Set(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	defer func() { m.fresh = false }()
	for _, apply := range setters {
		if err := apply(m, r); err != nil {
			return err
		}
	}
	return nil
}

// setters are the functions themselves: values of methods would be made anew each time.
var setters = [...]func(*cgroupfs, *specs.LinuxResources) error{
	(*cgroupfs).setPids, (*cgroupfs).setMemory, (*cgroupfs).setBlockIO, (*cgroupfs).setCPU, (*cgroupfs).setCpuset,
	(*cgroupfs).setHugepages, (*cgroupfs).setRdma, (*cgroupfs).setNetwork, (*cgroupfs).setUnified,
}

// where finds the cgroup of a controller: a v1 hierarchy, else v2.
func (m *cgroupfs) where(v1 string) (*tree, error) {
	if t := m.controller(v1); t != nil {
		return t, nil
	}
	if t := m.unified(); t != nil {
		return t, nil
	}
	for i := range m.trees {
		if t := &m.trees[i]; t.absent != nil {
			return nil, fmt.Errorf("container could not join or create its %s cgroup: %w", v1, t.absent)
		}
	}
	if m.forbidden != nil {
		return nil, fmt.Errorf("container could not join or create its %s cgroup: %w", v1, m.forbidden)
	}
	return nil, fmt.Errorf("controller %q is not available on this machine: %w", v1, unix.ENOENT)
}

// item is a value for a file, and the field of the resources it comes from.
type item struct{ file, value, pointer string }

// settle writes values that the kernel checks against each other, such as a quota and a burst. Which order is right
// depends on the old values: one that is refused is tried again after the others.
func (m *cgroupfs) settle(t *tree, items []item) error {
	for len(items) > 0 {
		var refused []item
		var first error
		for _, it := range items {
			err := m.put(t, it.file, it.value)
			if err == nil {
				continue
			}
			if !errors.Is(err, unix.EINVAL) {
				return field(it.pointer, err)
			}
			refused = append(refused, it)
			if first == nil {
				first = field(it.pointer, err)
			}
		}
		if len(refused) == len(items) {
			return first
		}
		items = refused
	}
	return nil
}

func (m *cgroupfs) setPids(r *specs.LinuxResources) error {
	if r.Pids == nil || r.Pids.Limit == nil {
		return nil
	}
	const pointer = "/pids/limit"
	t, err := m.where("pids")
	if err != nil {
		return field(pointer, fmt.Errorf("cannot set pids limit: %w", err))
	}
	return field(pointer, m.put(t, "pids.max", limit(*r.Pids.Limit))) // 0 is a real limit (config-linux.md)
}

func (m *cgroupfs) setNetwork(r *specs.LinuxResources) error {
	if r.Network == nil {
		return nil
	}
	if m.pure() {
		if value(r.Network.ClassID) != 0 || len(r.Network.Priorities) > 0 {
			m.warn("linux.resources.network is ignored: cgroup v2 has no net_cls and net_prio")
		}
		return nil
	}
	if value(r.Network.ClassID) != 0 {
		const pointer = "/network/classID"
		t := m.controller("net_cls")
		if t == nil {
			return field(pointer, fmt.Errorf("cannot set network class: controller %q is not available: %w", "net_cls", unix.ENOENT))
		}
		if err := m.put(t, "net_cls.classid", decimal(*r.Network.ClassID)); err != nil {
			return field(pointer, err)
		}
	}
	for i, p := range r.Network.Priorities {
		pointer := at("/network/priorities/", i)
		t := m.controller("net_prio")
		if t == nil {
			return field(pointer, fmt.Errorf("cannot set network priority: controller %q is not available: %w", "net_prio", unix.ENOENT))
		}
		if err := m.put(t, "net_prio.ifpriomap", p.Name+" "+decimal(p.Priority)); err != nil {
			return field(pointer, err)
		}
	}
	return nil
}

// setHugepages limits reservations, which fail cleanly, and usage, which older kernels alone know.
func (m *cgroupfs) setHugepages(r *specs.LinuxResources) error {
	for i, h := range r.HugepageLimits {
		pointer := at("/hugepageLimits/", i)
		t, err := m.where("hugetlb")
		if err != nil {
			return field(pointer, fmt.Errorf("cannot set hugetlb limit: %w", err))
		}
		suffix := ".limit_in_bytes"
		if t.v2() {
			suffix = ".max"
		}
		if err := m.put(t, "hugetlb."+h.Pagesize+suffix, decimal(h.Limit)); err != nil {
			return field(pointer, fmt.Errorf("cannot set hugetlb limit for %s pages: %w", h.Pagesize, err))
		}
		err = m.put(t, "hugetlb."+h.Pagesize+".rsvd"+suffix, decimal(h.Limit))
		if err != nil && !errors.Is(err, unix.ENOENT) { // Linux 5.7
			return field(pointer, err)
		}
	}
	return nil
}

func (m *cgroupfs) setRdma(r *specs.LinuxResources) error {
	for _, name := range sortedKeys(r.Rdma) {
		pointer, e := "/rdma/"+escape(name), r.Rdma[name]
		t, err := m.where("rdma")
		if err != nil {
			return field(pointer, fmt.Errorf("cannot set rdma limit: %w", err))
		}
		line := name
		if e.HcaHandles != nil {
			line += " hca_handle=" + decimal(*e.HcaHandles)
		}
		if e.HcaObjects != nil {
			line += " hca_object=" + decimal(*e.HcaObjects)
		}
		if err := m.put(t, "rdma.max", line); err != nil {
			return field(pointer, err)
		}
	}
	return nil
}

func (m *cgroupfs) setUnified(r *specs.LinuxResources) error {
	if len(r.Unified) == 0 {
		return nil
	}
	if !m.pure() {
		return field("/unified", errors.New("invalid configuration: cannot use unified on cgroup v1"))
	}
	for _, key := range sortedKeys(r.Unified) {
		err := m.put(&m.trees[0], key, r.Unified[key])
		if err != nil {
			return field("/unified/"+escape(key), fmt.Errorf("unified resource %q can't be set: %w", key, err))
		}
	}
	return nil
}
