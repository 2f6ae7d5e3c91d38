package cgroups

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func (m *cgroupfs) SetDevices(rules []specs.LinuxDeviceCgroup) error {
	list, err := deviceRules(rules)
	if err != nil {
		return err
	}
	list = prune(list)
	if t := m.controller("devices"); t != nil {
		err = m.setDevicesV1(t, list)
	} else if t := m.unified(); t != nil && m.pure() {
		err = m.setDevicesV2(t, list)
	}
	m.freshDevices = false
	if err != nil && m.rootless && denied(err) {
		m.warn("device rules are not applied: " + err.Error())
		return nil
	}
	return err
}

// setDevicesV2 attaches the filter of the rules in place of the one before, without a moment between.
func (m *cgroupfs) setDevicesV2(t *tree, rules []deviceRule) error {
	dir, err := open(t.dir(), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open cgroup %s: %w", t.dir(), err)
	}
	defer unix.Close(dir)
	var old []int
	flags := uint32(unix.BPF_F_ALLOW_MULTI)
	if t.made == 0 || !m.freshDevices {
		if old, flags, err = attached(dir); err != nil {
			return err
		}
		defer closeAll(old)
	}
	if allowsAll(rules) {
		return detach(dir, old)
	}
	instructions, err := compileDevices(rules)
	if err != nil {
		return field("/devices", err)
	}
	program, err := loadFilter(instructions)
	if err != nil {
		return err
	}
	defer unix.Close(program)
	attr := bpfAttach{target: uint32(dir), program: uint32(program), kind: unix.BPF_CGROUP_DEVICE, flags: flags}
	if flags&unix.BPF_F_ALLOW_MULTI != 0 && len(old) > 0 {
		attr.flags |= unix.BPF_F_REPLACE // Linux 5.6
		attr.replace = uint32(old[0])
		old = old[1:]
	} else {
		old = nil // without ALLOW_MULTI there is one program, and attaching replaces it
	}
	if _, err := bpf(unix.BPF_PROG_ATTACH, &attr); err != nil {
		return fmt.Errorf("attach device filter to cgroup %s: %w", t.dir(), err)
	}
	return detach(dir, old)
}

// attached opens the device programs of a cgroup itself, not those of its ancestors.
func attached(dir int) (programs []int, flags uint32, err error) {
	ids := make([]uint32, 64) // BPF_CGROUP_MAX_PROGS
	query := bpfQuery{target: uint32(dir), kind: unix.BPF_CGROUP_DEVICE, ids: unsafe.Pointer(&ids[0]), count: uint32(len(ids))}
	if _, err := bpf(unix.BPF_PROG_QUERY, &query); err != nil {
		return nil, 0, fmt.Errorf("query device filters: %w", err)
	}
	for _, id := range ids[:query.count] {
		fd, err := bpf(unix.BPF_PROG_GET_FD_BY_ID, &bpfByID{id: id})
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			closeAll(programs)
			return nil, 0, fmt.Errorf("open device filter %d: %w", id, err)
		}
		programs = append(programs, fd)
	}
	if len(programs) == 0 {
		return nil, unix.BPF_F_ALLOW_MULTI, nil
	}
	return programs, query.attachFlags & (unix.BPF_F_ALLOW_MULTI | unix.BPF_F_ALLOW_OVERRIDE), nil
}

func detach(dir int, programs []int) error {
	var errs []error
	for _, fd := range programs {
		attr := bpfAttach{target: uint32(dir), program: uint32(fd), kind: unix.BPF_CGROUP_DEVICE}
		if _, err := bpf(unix.BPF_PROG_DETACH, &attr); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("detach device filter: %w", err))
		}
	}
	return errors.Join(errs...)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
