package cgroups

import (
	"fmt"
	"math"
	"slices"

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
	opLoad32 = unix.BPF_LDX | unix.BPF_W | unix.BPF_MEM
	opMov    = 0x04 | 0xb0 // BPF_ALU | BPF_MOV | BPF_K
	opMovReg = opMov | unix.BPF_X
	opAnd    = 0x04 | unix.BPF_AND
	opOrReg  = 0x04 | unix.BPF_OR | unix.BPF_X
	opXor    = 0x04 | unix.BPF_XOR
	opLeft   = 0x04 | unix.BPF_LSH
	opRight  = 0x04 | unix.BPF_RSH
	opJump   = unix.BPF_JMP | unix.BPF_JA
	opJumpEQ = 0x06 | unix.BPF_JEQ // BPF_JMP32 | BPF_JEQ | BPF_K
	opJumpNE = 0x06 | 0x50         // BPF_JMP32 | BPF_JNE | BPF_K
	opExit   = unix.BPF_JMP | 0x90
)

// Registers: r0 is the verdict and a scratch register before, r1 is the struct bpf_cgroup_dev_ctx.
const (
	regScratch = iota
	regContext
	regKind
	regAccess
	regDevice // the device number, major << 20 | minor
	regMajor
)

// minorBits is how the kernel packs device numbers (linux/kdev_t.h); greater ones match no device.
const minorBits = 20

// compileDevices makes the program for a list of rules: a part for each kind of device, and in it a part for each access
// that the rules tell apart. Access is allowed if all its parts say so.
//
// The verifier follows every path on which the registers may differ, so a test works on a copy that is dead afterwards:
// all paths to a rule look alike, and the verifier takes each rule once. With tests on the registers themselves, ten
// rules take it 0.5 ms, and 500 a second.
func compileDevices(rules []deviceRule) ([]instruction, error) {
	p := make([]instruction, 0, 128)
	p = append(p,
		instruction{opLoad32, regContext<<4 | regKind, 0, 0},
		instruction{opMovReg, regKind<<4 | regAccess, 0, 0},
		instruction{opRight, regAccess, 0, 16},
		instruction{opAnd, regKind, 0, 0xffff},
		instruction{opLoad32, regContext<<4 | regMajor, 4, 0},
		instruction{opLoad32, regContext<<4 | regScratch, 8, 0},
		instruction{opMovReg, regMajor<<4 | regDevice, 0, 0},
		instruction{opLeft, regDevice, 0, minorBits},
		instruction{opOrReg, regScratch<<4 | regDevice, 0, 0},
	)
	choice := len(p)
	p = append(p, instruction{opJumpNE, regKind, 0, unix.BPF_DEVCG_DEV_CHAR})
	p = appendKind(p, rules, 'c')
	p[choice].off = int16(len(p) - choice - 1)
	tooLong := len(p) > math.MaxInt16
	p = appendKind(p, rules, 'b')
	if tooLong || len(p) > math.MaxInt16 {
		return nil, fmt.Errorf("%d device rules are too many for a filter", len(rules))
	}
	return p, nil
}

// appendKind adds the rules for one kind of device, and the end.
func appendKind(p []instruction, rules []deviceRule, kind byte) []instruction {
	var lists [3][]deviceRule
	for i := range lists {
		lists[i] = about(rules, kind, 1<<i)
	}
	for i, list := range lists {
		bits := int32(1) << i
		if slices.ContainsFunc(lists[:i], func(earlier []deviceRule) bool { return slices.Equal(earlier, list) }) {
			continue // decided together with that one
		}
		for j := i + 1; j < len(lists); j++ {
			if slices.Equal(lists[j], list) {
				bits |= 1 << j
			}
		}
		p = appendPart(p, list, bits)
	}
	return append(p, verdict(1)...)
}

// about gives the rules for one kind of device and one access, without what makes no difference there.
func about(rules []deviceRule, kind byte, bit uint8) []deviceRule {
	var list []deviceRule
	for _, r := range rules {
		if (r.kind == 'a' || r.kind == kind) && r.access&bit != 0 && r.major < 1<<(32-minorBits) && r.minor < 1<<minorBits {
			r.kind, r.access = 'a', accessAll // the same in all lists, so that they can be compared
			list = append(list, r)
		}
	}
	return prune(list)
}

// appendPart adds what decides about some access bits: from the last rule to the first, the first match counts.
func appendPart(p []instruction, rules []deviceRule, bits int32) []instruction {
	start := len(p)
	p = append(p,
		instruction{opMovReg, regAccess<<4 | regScratch, 0, 0},
		instruction{opAnd, regScratch, 0, bits},
		instruction{opJumpEQ, regScratch, 0, 0})
	exits := []int{len(p) - 1}
	for i := len(rules) - 1; i >= 0; i-- {
		r := rules[i]
		test := len(p)
		p = appendTest(p, r)
		jump := len(p) - 1
		if r.allow {
			exits = append(exits, len(p))
			p = append(p, instruction{opJump, 0, 0, 0})
		} else {
			p = append(p, verdict(0)...)
		}
		if jump >= test { // a rule for all devices has no test
			p[jump].off = int16(len(p) - jump - 1)
		} else {
			break
		}
	}
	if len(rules) == 0 || len(p) == start+3 || !decidesAll(rules[0]) {
		p = append(p, verdict(0)...)
	}
	for _, at := range exits {
		p[at].off = int16(len(p) - at - 1)
	}
	return p
}

// appendTest adds what compares a device with a rule; its last instruction jumps if they differ.
func appendTest(p []instruction, r deviceRule) []instruction {
	var imm int64
	switch {
	case r.major == anyNumber && r.minor == anyNumber:
		return p
	case r.minor == anyNumber:
		p = append(p, instruction{opMovReg, regMajor<<4 | regScratch, 0, 0})
		imm = r.major
	case r.major == anyNumber:
		p = append(p,
			instruction{opMovReg, regDevice<<4 | regScratch, 0, 0},
			instruction{opAnd, regScratch, 0, 1<<minorBits - 1})
		imm = r.minor
	default:
		p = append(p, instruction{opMovReg, regDevice<<4 | regScratch, 0, 0})
		imm = r.major<<minorBits | r.minor
	}
	return append(p,
		instruction{opXor, regScratch, 0, int32(uint32(imm))},
		instruction{opJumpNE, regScratch, 0, 0})
}

func verdict(allow int32) []instruction {
	return []instruction{{opMov, regScratch, 0, allow}, {opExit, 0, 0, 0}}
}

func decidesAll(r deviceRule) bool { return r.major == anyNumber && r.minor == anyNumber }
