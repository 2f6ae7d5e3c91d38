package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// maxInsns is the kernel's limit for a program (BPF_MAXINSNS, linux/bpf_common.h).
const maxInsns = 4096

// Insn is an instruction of classic BPF, struct sock_filter.
type Insn struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// Program is a filter for seccomp(2).
type Program struct {
	// Insns are the instructions, at most 4096.
	Insns []Insn
	// Flags are the SECCOMP_FILTER_FLAG_* bits for SECCOMP_SET_MODE_FILTER.
	Flags uint
	// NeedsListener says that there are rules with SCMP_ACT_NOTIFY: Flags has
	// SECCOMP_FILTER_FLAG_NEW_LISTENER, seccomp(2) returns a descriptor, and the
	// agent at the section's listenerPath waits for it.
	NeedsListener bool

	// native is the architecture that the program was compiled for.
	native arch
}

// Len is the number of instructions.
func (p *Program) Len() int { return len(p.Insns) }

// Bytes gives the instructions as the kernel reads them, 8 bytes each, in the
// byte order of the supported machines (little-endian).
func (p *Program) Bytes() []byte {
	raw := make([]byte, 0, 8*len(p.Insns))
	for _, in := range p.Insns {
		raw = binary.LittleEndian.AppendUint16(raw, in.Code)
		raw = append(raw, in.JT, in.JF)
		raw = binary.LittleEndian.AppendUint32(raw, in.K)
	}
	return raw
}

// ParseProgram takes the bytes of a filter, as [Program.Bytes] gives them, to
// print it or to ask it. goarch is as in [Options].
func ParseProgram(raw []byte, goarch string) (*Program, error) {
	native, ok := archOfGo(Options{Arch: goarch}.goarch())
	switch {
	case !ok:
		return nil, fmt.Errorf("seccomp is not supported on %s", goarch)
	case len(raw) == 0 || len(raw)%8 != 0:
		return nil, errors.New("a seccomp program has a multiple of 8 bytes")
	case len(raw) > 8*maxInsns:
		return nil, tooLong(len(raw) / 8)
	}
	p := &Program{Insns: make([]Insn, 0, len(raw)/8), native: native}
	for at := 0; at < len(raw); at += 8 {
		in := Insn{Code: binary.LittleEndian.Uint16(raw[at:]), JT: raw[at+2], JF: raw[at+3], K: binary.LittleEndian.Uint32(raw[at+4:])}
		p.NeedsListener = p.NeedsListener || in.Code == bpfRet && in.K&retAction == retNotify
		p.Insns = append(p.Insns, in)
	}
	return p, nil
}

func tooLong(n int) error {
	return fmt.Errorf("the seccomp filter needs %d instructions, the kernel takes at most %d", n, maxInsns)
}

// Options are what Compile must know beside the section.
type Options struct {
	// Arch is the GOARCH of the kernel that will run the program, by default that
	// of this program.
	Arch string
	// HasFlag says whether the kernel knows a flag for seccomp(2), an
	// SECCOMP_FILTER_FLAG_* bit. By default the running kernel is asked.
	HasFlag func(bit uint) bool
	// NotifyAny allows SCMP_ACT_NOTIFY as the default action and for write(2): the
	// loader hands the listener over without a system call of the process that
	// has loaded the filter.
	NotifyAny bool
}

func (o Options) goarch() string {
	if o.Arch == "" {
		return runtime.GOARCH
	}
	return o.Arch
}

func (o Options) hasFlag(bit uint) bool {
	if o.HasFlag == nil {
		return HasFlag(bit)
	}
	return o.HasFlag(bit)
}

// Compile makes the program for a seccomp section. A section that is nil or empty
// asks for no filter: the program is nil then. The error is a [*FieldError], the
// first that [Validate] finds, or says that the program would be too long for the
// kernel.
//
// Names of system calls that are not known are ignored, as config-linux.md allows:
// profiles are written for more kernels than this one.
func Compile(spec *specs.LinuxSeccomp, opts Options) (*Program, error) {
	if empty(spec) {
		return nil, nil
	}
	s := parse(spec, opts)
	if len(s.errors) > 0 {
		return nil, s.errors[0]
	}
	insns, err := s.assemble(spec)
	if err != nil {
		return nil, err
	}
	if len(insns) > maxInsns {
		return nil, tooLong(len(insns))
	}
	return &Program{Insns: insns, Flags: s.flags, NeedsListener: s.flags&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0, native: s.native}, nil
}

// Validate lists everything that is wrong with a seccomp section. What only shows
// when the program is built is left to [Compile].
func Validate(spec *specs.LinuxSeccomp, opts Options) []*FieldError {
	if empty(spec) {
		return nil
	}
	return parse(spec, opts).errors
}
