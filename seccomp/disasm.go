package seccomp

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// String names the verdict as profiles do: "ALLOW", "ERRNO(1) EPERM".
func (v Verdict) String() string {
	data := uint32(v) & retData
	switch uint32(v) & retAction {
	case retKillProcess:
		return "KILL_PROCESS"
	case retKillThread:
		return "KILL_THREAD"
	case retTrap:
		return "TRAP"
	case retErrno:
		if name := unix.ErrnoName(unix.Errno(data)); name != "" {
			return fmt.Sprintf("ERRNO(%d) %s", data, name)
		}
		return fmt.Sprintf("ERRNO(%d)", data)
	case retTrace:
		return fmt.Sprintf("TRACE(%d)", data)
	case retNotify:
		return "NOTIFY"
	case retLog:
		return "LOG"
	case retAllow:
		return "ALLOW"
	}
	return fmt.Sprintf("%#x", uint32(v))
}

// known is what must be true when an instruction runs, whatever the way to it.
type known struct {
	reached bool
	// arch is the architecture that was found, or noArch.
	arch arch
	// acc says that off and mask describe the accumulator.
	acc       bool
	off, mask uint32
}

const noArch = archCount

// join keeps what is true for both ways to an instruction.
func (k *known) join(other known) {
	if !k.reached {
		*k = other
		return
	}
	if k.arch != other.arch {
		k.arch = noArch
	}
	if k.off != other.off || k.mask != other.mask || !other.acc {
		k.acc = false
	}
}

// String lists the instructions, one a line, with the names of architectures,
// system calls and arguments where the program's flow tells which are meant.
func (p *Program) String() string {
	states := make([]known, len(p.Insns)+1)
	states[0] = known{reached: true, arch: noArch}
	var out strings.Builder
	for pc, in := range p.Insns {
		k := states[pc]
		text := p.line(pc, in, k)
		if !k.reached {
			text += "  (never reached)"
		}
		fmt.Fprintf(&out, "%4d  %s\n", pc, text)
		if k.reached {
			p.flow(states, pc, in, k)
		}
	}
	return out.String()
}

// flow tells the instructions that may come next what is known.
func (p *Program) flow(states []known, pc int, in Insn, k known) {
	to := func(by int, k known) {
		if at := pc + 1 + by; at < len(states) {
			states[at].join(k)
		}
	}
	switch in.Code {
	case bpfLoad:
		k.acc, k.off, k.mask = true, in.K, ^uint32(0)
		to(0, k)
	case bpfAnd:
		k.mask &= in.K
		to(0, k)
	case bpfJump:
		to(int(in.K), k)
	case bpfJEQ, bpfJGT, bpfJGE, bpfJSET:
		yes := k
		if in.Code == bpfJEQ && k.acc && k.off == offArch {
			yes.arch = archOfToken(in.K)
		}
		to(int(in.JT), yes)
		to(int(in.JF), k)
	}
}

// archOfToken prefers x86_64 to x32.
func archOfToken(token uint32) arch {
	for i := range archs {
		if archs[i].token == token {
			return arch(i)
		}
	}
	return noArch
}

func (p *Program) line(pc int, in Insn, k known) string {
	var compare string
	switch in.Code {
	case bpfLoad:
		return "load    " + p.operand(in.K)
	case bpfAnd:
		return fmt.Sprintf("and     %#x", in.K)
	case bpfJump:
		return fmt.Sprintf("goto    %d", pc+1+int(in.K))
	case bpfRet:
		return "return  " + Verdict(in.K).String()
	case bpfJEQ:
		compare = "=="
	case bpfJGT:
		compare = "> "
	case bpfJGE:
		compare = ">="
	case bpfJSET:
		compare = "& "
	default:
		return fmt.Sprintf("unknown code %#x jt %d jf %d k %#x", in.Code, in.JT, in.JF, in.K)
	}
	return fmt.Sprintf("if      %s %-28s goto %d else %d", compare, constant(in.K, k), pc+1+int(in.JT), pc+1+int(in.JF))
}

// operand names a word of struct seccomp_data.
func (p *Program) operand(off uint32) string {
	switch {
	case off == offNumber:
		return "number"
	case off == offArch:
		return "arch"
	case off < offArgs || off >= offArgs+8*maxArgs || off%4 != 0:
		return fmt.Sprintf("[%d]", off)
	}
	half := "low"
	if (off%8 != 0) != archs[p.native].big {
		half = "high"
	}
	return fmt.Sprintf("arg%d.%s", (off-offArgs)/8, half)
}

// constant explains the number in a comparison.
func constant(value uint32, k known) string {
	if !k.acc || k.mask != ^uint32(0) {
		return fmt.Sprintf("%#x", value)
	}
	switch k.off {
	case offArch:
		if a := archOfToken(value); a != noArch {
			return fmt.Sprintf("%#x %s", value, shortArch(a))
		}
	case offNumber:
		a := k.arch
		if a == archX86_64 && value&x32Bit != 0 {
			a = archX32
		}
		if a == noArch {
			break
		}
		if name, ok := archs[a].nameOf(value); ok {
			return fmt.Sprintf("%d %s", value, name)
		}
		return fmt.Sprintf("%d", value)
	}
	return fmt.Sprintf("%#x", value)
}

// shortArch is the name without "SCMP_ARCH_", in lower case.
func shortArch(a arch) string {
	return strings.ToLower(strings.TrimPrefix(string(archs[a].name), "SCMP_ARCH_"))
}
