package cgroups

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// instruction is a struct bpf_insn of the kernel.
type instruction struct {
	code byte
	regs byte // destination in the low, source in the high half
	off  int16
	imm  int32
}

// Operation codes (linux/bpf.h, linux/bpf_common.h) that the filter needs.
const (
	opLoad32   = unix.BPF_LDX | unix.BPF_W | unix.BPF_MEM
	opMov      = 0x04 | 0xb0 // BPF_ALU | BPF_MOV | BPF_K
	opMovReg   = opMov | unix.BPF_X
	opAnd      = 0x04 | unix.BPF_AND
	opShift    = 0x04 | unix.BPF_RSH
	opJump     = unix.BPF_JMP | unix.BPF_JA
	opJumpNE   = 0x06 | 0x50 // BPF_JMP32 | BPF_JNE | BPF_K
	opJumpBits = 0x06 | unix.BPF_JSET
	opExit     = unix.BPF_JMP | 0x90
)

// Registers: r0 is the verdict, r1 the struct bpf_cgroup_dev_ctx.
const (
	regVerdict = iota
	regContext
	regKind
	regAccess
	regMajor
	regMinor
)

// compileDevices makes the program for a list of rules. It goes through the rules from the last to the first, and keeps
// the access bits that no rule has decided yet: an allowing rule clears its bits, a denying one ends it.
func compileDevices(rules []deviceRule) []instruction {
	p := make([]instruction, 0, 8*len(rules)+10)
	p = append(p,
		instruction{opLoad32, regContext<<4 | regKind, 0, 0},
		instruction{opMovReg, regKind<<4 | regAccess, 0, 0},
		// All 16 bits stay in the register, so that the verifier can never tell that it is zero: it would then have to
		// follow every combination of rules.
		instruction{opShift, regAccess, 0, 16},
		instruction{opAnd, regKind, 0, 0xffff},
		instruction{opLoad32, regContext<<4 | regMajor, 4, 0},
		instruction{opLoad32, regContext<<4 | regMinor, 8, 0},
	)
	for i := len(rules) - 1; i >= 0; i-- {
		p = appendRule(p, rules[i])
	}
	return append(p,
		instruction{opMov, regVerdict, 0, 1},
		instruction{opJumpNE, regAccess, 1, 0},
		instruction{opExit, 0, 0, 0},
		instruction{opMov, regVerdict, 0, 0},
		instruction{opExit, 0, 0, 0},
	)
}

// appendRule adds one rule; each test jumps to the instruction after it.
func appendRule(p []instruction, r deviceRule) []instruction {
	start := len(p)
	switch r.kind {
	case 'b':
		p = append(p, instruction{opJumpNE, regKind, 0, unix.BPF_DEVCG_DEV_BLOCK})
	case 'c':
		p = append(p, instruction{opJumpNE, regKind, 0, unix.BPF_DEVCG_DEV_CHAR})
	}
	if r.major != anyNumber {
		p = append(p, instruction{opJumpNE, regMajor, 0, int32(uint32(r.major))})
	}
	if r.minor != anyNumber {
		p = append(p, instruction{opJumpNE, regMinor, 0, int32(uint32(r.minor))})
	}
	tests := len(p)
	if r.allow {
		p = append(p,
			instruction{opAnd, regAccess, 0, ^int32(r.access)},
			instruction{opJumpNE, regAccess, 2, 0},
			instruction{opMov, regVerdict, 0, 1},
			instruction{opExit, 0, 0, 0})
	} else {
		p = append(p,
			instruction{opJumpBits, regAccess, 1, int32(r.access)},
			instruction{opJump, 0, 2, 0},
			instruction{opMov, regVerdict, 0, 0},
			instruction{opExit, 0, 0, 0})
	}
	for i := start; i < tests; i++ {
		p[i].off = int16(len(p) - i - 1)
	}
	return p
}

// The bpf(2) system call takes a union; each command reads its own part of it. Pointers are 64 bits wide on every
// architecture that this module supports.
type (
	bpfLoad struct {
		kind, count    uint32
		program        unsafe.Pointer
		license        unsafe.Pointer
		logLevel, size uint32
		log            unsafe.Pointer
		version, flags uint32
		name           [16]byte
	}
	bpfAttach struct{ target, program, kind, flags, replace uint32 }
	bpfQuery  struct {
		target, kind, flags, attachFlags uint32
		ids                              unsafe.Pointer
		count, _                         uint32
	}
	bpfByID struct{ id, next, flags uint32 }
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
