package seccomp

import (
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// naive evaluates a section rule by rule, as the text of the spec has it. It knows
// no precedence: it gives the actions of all rules that match.
func naive(t testing.TB, spec *specs.LinuxSeccomp, info *archInfo, name string, args [maxArgs]uint64) (actions []uint32) {
	t.Helper()
	for _, call := range spec.Syscalls {
		action, err := parseAction(call.Action, call.ErrnoRet)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range call.Names {
			if n == name && naiveMatch(t, call.Args, info.wide, args, false) ||
				info.mux && naiveMux(n, name, info.wide, args[0]) && naiveMatch(t, call.Args, info.wide, args, true) {
				actions = append(actions, action)
			}
		}
	}
	return actions
}

// naiveMux says whether the call that is made, socketcall or ipc, stands for the
// named one.
func naiveMux(named, made string, wide bool, arg uint64) bool {
	id, ok := findName(named)
	if !ok || subCalls[id] == 0 {
		return false
	}
	want := "socketcall"
	if subCalls[id]&ipcBit != 0 {
		want = "ipc"
	}
	if !wide {
		arg = uint64(uint32(arg))
	}
	return made == want && arg == uint64(subCalls[id]&^ipcBit)
}

// naiveMatch leaves out conditions on the first argument of multiplexed calls.
func naiveMatch(t testing.TB, conds []specs.LinuxSeccompArg, wide bool, args [maxArgs]uint64, mux bool) bool {
	t.Helper()
	all, any, twice := true, false, false
	seen := map[uint]bool{}
	for _, c := range conds {
		holds := mux && c.Index == 0 || naiveCond(t, c, wide, args[c.Index])
		all, any = all && holds, any || holds
		twice = twice || seen[c.Index]
		seen[c.Index] = true
	}
	if twice {
		return any
	}
	return all
}

func naiveCond(t testing.TB, c specs.LinuxSeccompArg, wide bool, arg uint64) bool {
	t.Helper()
	value, second := c.Value, c.ValueTwo
	if !wide {
		arg, value, second = uint64(uint32(arg)), uint64(uint32(value)), uint64(uint32(second))
	}
	switch c.Op {
	case specs.OpNotEqual:
		return arg != value
	case specs.OpLessThan:
		return arg < value
	case specs.OpLessEqual:
		return arg <= value
	case specs.OpEqualTo:
		return arg == value
	case specs.OpGreaterEqual:
		return arg >= value
	case specs.OpGreaterThan:
		return arg > value
	case specs.OpMaskedEqual:
		return arg&value == second&value
	}
	t.Fatalf("operator %s", c.Op)
	return false
}

// TestNaive checks that a verdict is the action of a rule that matches, the default
// action if none does, and the first unconditional one's if there is one.
func TestNaive(t *testing.T) {
	cases, overlaps := 0, 0
	profiles := uint64(1500)
	if testing.Short() {
		profiles = 300
	}
	for seed := range profiles {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 5)), names: allNames(), agree: seed%2 == 0}
		spec, goarch := g.section()
		parsed := parse(spec, Options{Arch: goarch, HasFlag: allFlags})
		if len(parsed.errors) > 0 {
			t.Fatalf("seed %d: %v", seed, parsed.errors[0])
		}
		p := &Program{Insns: parsed.build(), native: parsed.native}
		for _, call := range spec.Syscalls {
			for _, name := range call.Names {
				n, o := checkNaive(t, g, spec, p, name)
				cases, overlaps = cases+n, overlaps+o
			}
		}
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	t.Logf("%d cases, in %d of them several rules match", cases, overlaps)
}

func allNames() []string {
	names := make([]string, nameCount)
	for id := range names {
		names[id] = nameID(id).String()
	}
	return names
}

func checkNaive(t *testing.T, g *generator, spec *specs.LinuxSeccomp, p *Program, name string) (cases, overlaps int) {
	t.Helper()
	id, _ := findName(name)
	defaultAction, _ := parseAction(spec.DefaultAction, spec.DefaultErrnoRet)
	s := parse(spec, Options{Arch: archs[p.native].goarch, HasFlag: allFlags})
	for _, a := range s.archs {
		info := &archs[a]
		nr, ok := info.numberOf(id)
		if !ok || nr == 0 && (a == archS390X || a == archS390) {
			continue
		}
		for range 20 {
			d := Data{Number: nr, Arch: info.token, Args: g.arguments(spec)}
			got, err := p.Simulate(d)
			if err != nil {
				t.Fatal(err)
			}
			cases++
			want := naive(t, spec, info, name, d.Args)
			if len(want) > 1 {
				overlaps++
			}
			if !allowed(uint32(got), want, defaultAction) {
				t.Errorf("%s %s %#x: %v, of %#x", info.name, name, d.Args, got, want)
				return
			}
		}
	}
	return cases, overlaps
}

// allowed leaves the precedence of overlapping rules open. Rules with the default
// action are none: libseccomp refuses them, runc leaves them out.
func allowed(got uint32, want []uint32, defaultAction uint32) bool {
	rules := 0
	for _, action := range want {
		if action == defaultAction {
			continue
		}
		rules++
		if action == got {
			return true
		}
	}
	return rules == 0 && got == defaultAction
}
