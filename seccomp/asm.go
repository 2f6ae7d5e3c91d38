package seccomp

// Instruction codes of classic BPF (linux/bpf_common.h).
const (
	bpfLoad = 0x20 // BPF_LD | BPF_W | BPF_ABS
	bpfAnd  = 0x54 // BPF_ALU | BPF_AND | BPF_K
	bpfJump = 0x05 // BPF_JMP | BPF_JA
	bpfJEQ  = 0x15
	bpfJGT  = 0x25
	bpfJGE  = 0x35
	bpfJSET = 0x45
	bpfRet  = 0x06 // BPF_RET | BPF_K
)

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16
)

// label is a place in the program, counted from its end.
type label int

// asm writes a program from its end to its start: jumps in BPF go forwards only,
// so that the place that a jump goes to is known when the jump is written.
type asm struct {
	insns []Insn // the last one first
	// rets has the place of the latest return of each action, so that one is
	// shared by all that are within reach.
	rets []label
	// actions are the values to return, by index.
	actions []uint32
	// overflow says that there were more actions, or rules for one call, than a
	// program has room for; what has been written means nothing then.
	overflow bool
}

// A target is where a jump goes: a label, or the return of an action. Returns need
// no place yet.
type target int32

const firstLabel target = 1 << 16

func (l label) target() target { return firstLabel + target(l) }

// near is how far a jump may go so that one more instruction may come between.
const near = 254

// action gives the target that returns a value.
func (a *asm) action(ret uint32) target {
	for i, known := range a.actions {
		if known == ret {
			return target(i)
		}
	}
	if len(a.actions) == maxInsns {
		a.overflow = true
		return 0
	}
	a.actions = append(a.actions, ret)
	a.rets = append(a.rets, -1)
	return target(len(a.actions) - 1)
}

func (a *asm) emit(code uint16, jt, jf uint8, k uint32) label {
	a.insns = append(a.insns, Insn{Code: code, JT: jt, JF: jf, K: k})
	return label(len(a.insns) - 1)
}

// here is the place of the instruction that was written last.
func (a *asm) here() label { return label(len(a.insns) - 1) }

// place makes sure that a conditional jump can reach a target.
func (a *asm) place(t target) label {
	if t >= firstLabel {
		at := label(t - firstLabel)
		if len(a.insns)-int(at) > near {
			return a.emit(bpfJump, 0, 0, uint32(a.here()-at))
		}
		return at
	}
	at := a.rets[t]
	if at < 0 || len(a.insns)-int(at) > near {
		at = a.emit(bpfRet, 0, 0, a.actions[t])
		a.rets[t] = at
	}
	return at
}

// test writes a conditional jump.
func (a *asm) test(code uint16, k uint32, yes, no target) label {
	n := a.place(no)
	y := a.place(yes)
	next := label(len(a.insns))
	return a.emit(code, uint8(next-y-1), uint8(next-n-1), k)
}

// next makes a target the next instruction, for code that falls through.
func (a *asm) next(t target) {
	at := a.place(t)
	if at != a.here() {
		a.emit(bpfJump, 0, 0, uint32(a.here()-at))
	}
}

// load writes the load of a word of struct seccomp_data, followed by what is at
// the target.
func (a *asm) load(off uint32, then target) label {
	a.next(then)
	return a.emit(bpfLoad, 0, 0, off)
}

// program gives the instructions in their order.
func (a *asm) program() []Insn {
	for i, j := 0, len(a.insns)-1; i < j; i, j = i+1, j-1 {
		a.insns[i], a.insns[j] = a.insns[j], a.insns[i]
	}
	return a.insns
}
