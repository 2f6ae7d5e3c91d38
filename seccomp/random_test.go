package seccomp

import (
	"math/rand/v2"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// generator makes random sections that are hard on a compiler: few calls, so that
// rules meet; few values, so that conditions overlap.
type generator struct {
	*rand.Rand
	// names are those to choose from.
	names []string
	// agree makes all rules of a call have the same action, and each argument of a
	// rule only one condition, so that precedence does not matter.
	agree bool
}

// families are architectures of one byte order; the first ones may be native.
var families = [][]arch{
	{archX86_64, archX86, archX32},
	{archAARCH64, archARM},
	{archRISCV64},
	{archMIPSEL, archMIPSEL64, archMIPSEL64N32},
	{archMIPSEL64, archMIPSEL, archMIPSEL64N32},
	{archPPC64LE},
	{archX86, archX86_64, archX32, archARM, archAARCH64, archPPC64LE, archRISCV64, archMIPSEL64N32},
	{archS390X, archS390},
	{archMIPS, archMIPS64, archMIPS64N32},
	{archPPC64, archPPC, archPARISC, archPARISC64, archS390, archMIPS64N32},
}

var (
	someActions = []specs.LinuxSeccompAction{
		specs.ActAllow, specs.ActErrno, specs.ActErrno, specs.ActKill, specs.ActKillProcess, specs.ActTrap, specs.ActTrace, specs.ActLog,
	}
	someValues = []uint64{0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x200000003, 0xffffffff00000000, 1<<63 - 1, 1 << 63, 1<<64 - 1}
)

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// section makes a section for a family of architectures and says which GOARCH is
// native to it.
func (g *generator) section() (*specs.LinuxSeccomp, string) {
	family := pick(g, families)
	spec := &specs.LinuxSeccomp{DefaultAction: pick(g, someActions)}
	spec.DefaultErrnoRet = g.errno(spec.DefaultAction)
	for _, a := range family {
		if g.IntN(2) == 0 {
			spec.Architectures = append(spec.Architectures, archs[a].name)
		}
	}
	names := make([]string, 2+g.IntN(12))
	for i := range names {
		names[i] = pick(g, g.names)
	}
	actions := make([]specs.LinuxSeccompAction, 1+g.IntN(3))
	for i := range actions {
		actions[i] = pick(g, someActions)
	}
	if g.agree {
		actions = actions[:1]
	}
	for range 1 + g.IntN(14) {
		spec.Syscalls = append(spec.Syscalls, g.call(names, actions))
	}
	return spec, archs[family[0]].goarch
}

func (g *generator) errno(action specs.LinuxSeccompAction) *uint {
	_, carries, _ := actionValue(action)
	if !carries || g.agree || g.IntN(2) == 0 {
		return nil
	}
	ret := uint(g.IntN(3) * 19)
	return &ret
}

func (g *generator) call(names []string, actions []specs.LinuxSeccompAction) specs.LinuxSyscall {
	call := specs.LinuxSyscall{Action: pick(g, actions)}
	call.ErrnoRet = g.errno(call.Action)
	for range 1 + g.IntN(3) {
		call.Names = append(call.Names, pick(g, names))
	}
	if g.IntN(4) == 0 {
		return call
	}
	order := g.Perm(maxArgs)
	for i := range min(1+g.IntN(3)*g.IntN(3), maxArgs) {
		index := order[i] % (1 + g.IntN(maxArgs))
		call.Args = append(call.Args, g.arg(uint(index)))
	}
	if g.agree {
		call.Args = unique(call.Args)
	}
	return call
}

func unique(args []specs.LinuxSeccompArg) []specs.LinuxSeccompArg {
	var seen [maxArgs]bool
	var kept []specs.LinuxSeccompArg
	for _, a := range args {
		if !seen[a.Index] {
			kept = append(kept, a)
		}
		seen[a.Index] = true
	}
	return kept
}

func (g *generator) arg(index uint) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: index, Op: pick(g, Operators()), Value: g.value(), ValueTwo: g.value()}
}

func (g *generator) value() uint64 {
	switch g.IntN(8) {
	case 0:
		return g.Uint64()
	case 1:
		return uint64(g.Uint32())
	}
	return pick(g, someValues)
}

// arguments makes arguments that a section may decide about: values that it names,
// and their neighbours.
func (g *generator) arguments(spec *specs.LinuxSeccomp) [maxArgs]uint64 {
	var args [maxArgs]uint64
	for i := range args {
		args[i] = g.value()
	}
	for range min(maxArgs, len(spec.Syscalls)) {
		call := pick(g, spec.Syscalls)
		if len(call.Args) == 0 {
			continue
		}
		for _, a := range call.Args {
			v := a.Value
			if a.Op == specs.OpMaskedEqual && g.IntN(2) == 0 {
				v = a.ValueTwo
			}
			switch g.IntN(6) {
			case 0:
				v++
			case 1:
				v--
			case 2:
				v ^= 1 << g.IntN(64)
			}
			args[a.Index] = v
		}
	}
	return args
}
