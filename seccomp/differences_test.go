//go:build libseccomp

package seccomp

import (
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// difference is a reason why a verdict of ours is not that of runc's filter.
type difference string

// Decisions of ours that differ from runc's on purpose.
const (
	muxNewest difference = "the newest call of the profile is below socketcall or ipc: runc does not count it and answers ENOSYS even to that call"
	armNewest difference = "the newest call of the profile is a private one of arm: runc takes all numbers up to 0xf0006 for known; alone they do not make calls known to us"
	tables    difference = "the tables have different calls under the number, or one has none"
	refused   difference = "rules with different actions overlap: libseccomp refuses the profile, unless the shorter or the first one comes first; here that one wins"
)

// Errors in libseccomp 2.5.
const (
	staleWord difference = "libseccomp compares the wrong word: it jumps from one condition into the middle of another, behind the load"
	noLoad    difference = "libseccomp compares the architecture instead of the number: the load is with the first call of its list, which it leaves out if the architecture lacks it"
	endless   difference = "libseccomp does not come to an end"
	swapped   difference = "libseccomp returns an action with its bytes swapped: on a machine of the other byte order it swaps those of far returns twice"
	lost      difference = "libseccomp returns the action of another rule that matches too: it drops ours, as its filter is the same without"
	unsound   difference = "libseccomp returns what no matching rule says: it merges rules into branches that others share, or drops rules as redundant that are not"
)

// explainVerdict gives the reason for a difference, or "" if there is none.
func explainVerdict(t *testing.T, spec *specs.LinuxSeccomp, o *oracle, a arch, d Data, got, want Verdict, stub bool) difference {
	t.Helper()
	info := &archs[a]
	ours := info.base + o.section.newest(a)
	enosys := got == Verdict(retENOSYS)
	switch {
	case stub && info.mux && d.Number <= ours:
		return muxNewest
	case info.mux && enosys && o.newest[a] < ours && (d.Number > ours || d.Number == 0):
		return muxNewest
	case a == archARM && enosys && o.newest[a] > armPrivateBase && d.Number > ours && d.Number <= o.newest[a]:
		return armNewest
	case a == archARM && stub && o.section.newest(a) == noSlot:
		return armNewest
	case stub:
		return ""
	case info.big && want == Verdict(bits.ReverseBytes32(uint32(got))):
		return swapped
	}
	// Ours must be what a rule says, or the default action if none matches.
	name, _ := info.nameOf(d.Number)
	if lib, err := libArch(a); err == nil {
		if theirs, _ := libseccomp.ScmpSyscall(d.Number).GetNameByArch(lib); theirs != name {
			return tables
		}
	}
	matching := naive(t, spec, info, name, d.Args)
	if !allowed(uint32(got), matching, o.defaultAction) {
		return ""
	}
	if bug := libBug(o, d); bug != "" {
		return bug
	}
	if !allowed(uint32(want), matching, o.defaultAction) {
		return unsound
	}
	if ineffective(t, spec, o, info, name, got, d) {
		return lost
	}
	return ""
}

// ineffective says whether libseccomp's filter decides about a call as if the rules
// with our verdict, for these arguments, were not there.
func ineffective(t *testing.T, spec *specs.LinuxSeccomp, o *oracle, info *archInfo, name string, got Verdict, d Data) bool {
	t.Helper()
	less := *spec
	less.Syscalls = slices.Clone(spec.Syscalls)
	for i := range less.Syscalls {
		call := &less.Syscalls[i]
		action, _ := parseAction(call.Action, call.ErrnoRet)
		if action == uint32(got) && naiveMatch(t, call.Args, info.wide, d.Args, false) {
			call.Names = slices.DeleteFunc(slices.Clone(call.Names), func(n string) bool { return n == name })
		}
	}
	s := parse(&less, o.opts)
	without, err := newOracleInTime(&less, s)
	if err != nil {
		return false
	}
	g := &generator{Rand: rand.New(rand.NewPCG(1, 1))}
	for range 5000 {
		d.Args = g.arguments(spec)
		v, err := o.filter.Simulate(d)
		w, err2 := without.filter.Simulate(d)
		if err != nil || err2 != nil || v != w {
			return false
		}
	}
	return true
}

// explainRefusal gives the reason why libseccomp refuses what we take, or "".
func explainRefusal(spec *specs.LinuxSeccomp, libErr error) difference {
	if errors.Is(libErr, errEndless) {
		return endless
	}
	var field *FieldError
	if !errors.Is(libErr, unix.EEXIST) || !errors.As(libErr, &field) {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(field.Err.Error(), "syscall "), ":")
	actions := map[uint32]bool{}
	for _, call := range spec.Syscalls {
		if slices.Contains(call.Names, name) {
			action, _ := parseAction(call.Action, call.ErrnoRet)
			actions[action] = true
		}
	}
	if len(actions) < 2 {
		return ""
	}
	return refused
}

// libBug looks for comparisons on the way to the verdict that cannot be meant: of a
// word that depends on the way to the comparison, and of the architecture with
// something else.
func libBug(o *oracle, d Data) difference {
	p := o.filter
	tokens := map[uint32]bool{}
	for _, a := range o.archs {
		tokens[archs[a].token] = true
	}
	states := make([]known, len(p.Insns)+1)
	states[0] = known{reached: true, arch: noArch}
	for pc, in := range p.Insns {
		if states[pc].reached {
			p.flow(states, pc, in, states[pc])
		}
	}
	path, _ := p.trace(&d)
	for _, pc := range path {
		switch k := states[pc]; p.Insns[pc].Code {
		case bpfJEQ, bpfJGE, bpfJGT:
			if !k.acc {
				return staleWord
			}
			if k.off == offArch && !tokens[p.Insns[pc].K] {
				return noLoad
			}
		}
	}
	return ""
}
