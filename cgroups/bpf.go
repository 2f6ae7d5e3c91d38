package cgroups

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The bpf(2) system call takes a union; each command reads its own part of it. Pointers are 64 bits wide on every
// architecture that this module supports.
type (
	bpfLoad struct {
		kind, count uint32
		program     unsafe.Pointer
		license     unsafe.Pointer
		_           [24]byte // log of the verifier, kernel version, flags
		name        [16]byte
	}
	bpfAttach struct{ target, program, kind, flags, replace uint32 }
	bpfQuery  struct {
		target, kind, _, attachFlags uint32
		ids                          unsafe.Pointer
		count, _                     uint32
	}
	bpfByID struct{ id, _, _ uint32 }
)

func bpf[T any](command uintptr, attr *T) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR, unix.EAGAIN: // the verifier gives up when a signal is pending
		default:
			return -1, errno
		}
	}
}

// loadFilter gives the kernel a device program; the descriptor is close-on-exec by nature of bpf(2).
func loadFilter(program []instruction) (int, error) {
	license := []byte("Apache-2.0\x00")
	attr := bpfLoad{
		kind: unix.BPF_PROG_TYPE_CGROUP_DEVICE, count: uint32(len(program)),
		program: unsafe.Pointer(&program[0]), license: unsafe.Pointer(&license[0]),
	}
	copy(attr.name[:], "ocirun_devices")
	fd, err := bpf(unix.BPF_PROG_LOAD, &attr)
	if err != nil {
		return -1, fmt.Errorf("load device filter: %w", err)
	}
	return fd, nil
}
