//go:build libseccomp

package seccomp

import (
	"encoding/json"
	"errors"
	"math/bits"
	"strings"
)

// difference is a reason why a verdict of ours is not that of runc's filter.
type difference string

// Decisions of ours that differ from runc's on purpose.
const (
	muxNewest difference = "the newest call of the profile is below socketcall or ipc: runc does not count it and answers ENOSYS even to that call"
	armNewest difference = "the newest call of the profile is a private one of arm: runc takes all numbers up to 0xf0006 for known"
	covered   difference = "rules contradict each other for a call that another rule decides without conditions: libseccomp refuses the profile"
	noCall    difference = "rules contradict each other for a call that the architecture lacks: libseccomp refuses the profile"
)

// Errors in libseccomp 2.5.
const (
	staleWord difference = "libseccomp compares the wrong word: it jumps from one condition into the middle of another, behind the load"
	noLoad    difference = "libseccomp compares the architecture instead of the number: the load is with the first call of its list, which it leaves out if the architecture lacks it"
	swapped   difference = "libseccomp returns an action with its bytes swapped: it writes far returns twice in big-endian order"
)

// explainVerdict gives the reason for a difference, or "" if there is none.
func explainVerdict(o *oracle, a arch, d Data, got, want Verdict, stub bool) difference {
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
	case !stub && info.big && want == Verdict(bits.ReverseBytes32(uint32(got))):
		return swapped
	case !stub:
		return libBug(o, d)
	}
	return ""
}

// explainRefusal gives the reason why libseccomp refuses what we take, or "".
func explainRefusal(s *section, libErr, err error) difference {
	var field *FieldError
	if err != nil || !errors.Is(libErr, errContradiction) || !errors.As(libErr, &field) {
		return ""
	}
	name := strings.TrimSuffix(strings.TrimPrefix(field.Err.Error(), "syscall "), ": "+errContradiction.Error())
	id, ok := findName(name)
	if !ok {
		return ""
	}
	for _, e := range s.entries {
		if e.id == id && (e.rule == noRule || s.rules[e.rule].unconditional(true)) {
			return covered
		}
	}
	for _, a := range s.archs {
		if archs[a].numbers[id] == 0 {
			return noCall
		}
	}
	return ""
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

func toJSON(v any) string {
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
