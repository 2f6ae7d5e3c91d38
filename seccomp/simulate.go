package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Data is struct seccomp_data (linux/seccomp.h): a system call as a filter sees it.
type Data struct {
	// Number has the bit 0x40000000 for calls of the x32 ABI.
	Number uint32
	// Arch is the AUDIT_ARCH_* value.
	Arch uint32
	// IP is the instruction pointer.
	IP   uint64
	Args [maxArgs]uint64
}

// word loads 32 bits in the byte order that the architecture has.
func (d *Data) word(off uint32, big bool) (uint32, bool) {
	if off%4 != 0 || off >= offArgs+8*maxArgs {
		return 0, false
	}
	switch off {
	case offNumber:
		return d.Number, true
	case offArch:
		return d.Arch, true
	}
	value := d.IP
	if off >= offArgs {
		value = d.Args[(off-offArgs)/8]
	}
	var raw [8]byte
	if big {
		binary.BigEndian.PutUint64(raw[:], value)
		return binary.BigEndian.Uint32(raw[off%8:]), true
	}
	binary.LittleEndian.PutUint64(raw[:], value)
	return binary.LittleEndian.Uint32(raw[off%8:]), true
}

// Verdict is what a filter returns: an action and data for it.
type Verdict uint32

// ErrProgram says that a program is none that the kernel would take.
var ErrProgram = errors.New("invalid seccomp program")

// Simulate runs the program on a system call as the kernel would. The error, which
// wraps ErrProgram, cannot happen with programs made by Compile.
func (p *Program) Simulate(data Data) (Verdict, error) {
	return p.run(&data, nil)
}

// trace gives the instructions that run for a system call.
func (p *Program) trace(data *Data) (path []int, err error) {
	_, err = p.run(data, func(pc int) { path = append(path, pc) })
	return path, err
}

func (p *Program) run(data *Data, step func(pc int)) (Verdict, error) {
	big := archs[p.native].big
	var acc uint32
	for pc := 0; pc < len(p.Insns); pc++ {
		in := p.Insns[pc]
		if step != nil {
			step(pc)
		}
		yes := false
		switch in.Code {
		case bpfRet:
			return Verdict(in.K), nil
		case bpfLoad:
			var ok bool
			if acc, ok = data.word(in.K, big); !ok {
				return 0, fmt.Errorf("%w: instruction %d loads from offset %d", ErrProgram, pc, in.K)
			}
			continue
		case bpfAnd:
			acc &= in.K
			continue
		case bpfJump:
			pc += int(in.K)
			continue
		case bpfJEQ:
			yes = acc == in.K
		case bpfJGT:
			yes = acc > in.K
		case bpfJGE:
			yes = acc >= in.K
		case bpfJSET:
			yes = acc&in.K != 0
		default:
			return 0, fmt.Errorf("%w: instruction %d has code %#x", ErrProgram, pc, in.Code)
		}
		if yes {
			pc += int(in.JT)
		} else {
			pc += int(in.JF)
		}
	}
	return 0, fmt.Errorf("%w: it ends without a return", ErrProgram)
}
