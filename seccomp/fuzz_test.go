package seccomp

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// checkProgram is the kernel's check of a filter: known instructions, jumps and
// loads in range, and a return at the end.
func checkProgram(t *testing.T, insns []Insn) {
	t.Helper()
	for pc, in := range insns {
		left := len(insns) - pc - 1
		switch in.Code {
		case bpfRet, bpfAnd:
		case bpfLoad:
			if in.K%4 != 0 || in.K >= offArgs+8*maxArgs {
				t.Fatalf("instruction %d loads from %d", pc, in.K)
			}
		case bpfJump:
			if int(in.K) >= left {
				t.Fatalf("instruction %d jumps behind the end", pc)
			}
		case bpfJEQ, bpfJGT, bpfJGE:
			if int(in.JT) >= left || int(in.JF) >= left {
				t.Fatalf("instruction %d jumps behind the end", pc)
			}
		default:
			t.Fatalf("instruction %d has code %#x", pc, in.Code)
		}
	}
	if len(insns) == 0 || insns[len(insns)-1].Code != bpfRet {
		t.Fatal("the program does not end with a return")
	}
}

// FuzzSection compiles whatever decodes as a section, and compares verdicts with
// the naive evaluation.
func FuzzSection(f *testing.F) {
	for _, spec := range edgeProfiles() {
		raw, err := json.Marshal(spec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, uint64(2))
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		var spec specs.LinuxSeccomp
		if len(raw) > 1<<12 || json.Unmarshal(raw, &spec) != nil {
			return
		}
		opts := Options{Arch: []string{"amd64", "arm64", "riscv64", "s390x"}[seed%4], HasFlag: allFlags, NotifyAny: seed%3 == 0}
		if empty(&spec) || len(Validate(&spec, opts)) > 0 {
			return
		}
		s := parse(&spec, opts)
		p := &Program{Insns: s.build(), native: s.native}
		checkProgram(t, p.Insns)
		compareNaive(t, &spec, p, seed)
	})
}

// FuzzRules compiles sections from the generator of random ones.
func FuzzRules(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, seed%2 == 0)
	}
	names := allNames()
	f.Fuzz(func(t *testing.T, seed uint64, agree bool) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 9)), names: names, agree: agree}
		spec, goarch := g.section()
		s := parse(spec, Options{Arch: goarch, HasFlag: allFlags})
		if len(s.errors) > 0 {
			t.Fatal(s.errors[0])
		}
		p := &Program{Insns: s.build(), native: s.native}
		checkProgram(t, p.Insns)
		compareNaive(t, spec, p, seed)
	})
}

func compareNaive(t *testing.T, spec *specs.LinuxSeccomp, p *Program, seed uint64) {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	checked := 0
	for _, call := range spec.Syscalls {
		for _, name := range call.Names {
			if checked++; checked > 20 {
				return
			}
			if _, ok := findName(name); ok {
				checkNaive(t, g, spec, p, name)
			}
		}
	}
}

// FuzzProgram prints and runs what claims to be a program.
func FuzzProgram(f *testing.F) {
	f.Add([]byte{0x06, 0, 0, 0, 0, 0, 0xff, 0x7f}, uint32(0))
	f.Fuzz(func(t *testing.T, raw []byte, nr uint32) {
		p, err := ParseProgram(raw, "amd64")
		if err != nil {
			return
		}
		_ = p.String()
		if v, err := p.Simulate(Data{Number: nr, Arch: archs[archX86_64].token}); err == nil {
			_ = v.String()
		}
	})
}

// FuzzAsk parses queries.
func FuzzAsk(f *testing.F) {
	f.Add("openat2 2 @x86")
	p := &Program{Insns: []Insn{{Code: bpfRet, K: retAllow}}}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseAsk(text)
		if err != nil {
			return
		}
		if a, err := p.Ask(q); err == nil && a.String() == "" {
			t.Error("an empty answer")
		}
	})
}
