package seccomp

import "slices"

// verdict is what the rules for one system call amount to: 0 is no rule, then
// come targets plus one, which need no argument, and from firstSet indices of
// builder.sets.
type verdict uint16

const firstSet verdict = 1 << 15

func verdictOf(t target) verdict { return verdict(t + 1) }

// ruleSet is the rules with conditions for one call, in their order.
type ruleSet []int32

// noSlot says that there is no call at all.
const noSlot = ^uint32(0)

// Numbers of the calls that others are multiplexed in, on all architectures that
// do so, and the mark of ipc's in subCalls.
const (
	slotSocketcall = 102
	slotIPC        = 117
	ipcBit         = 0x80
)

// fill finds the verdicts for an architecture's calls.
func (b *builder) fill(a arch) {
	info := &archs[a]
	clear(b.verdicts[:])
	b.sets = b.sets[:0]
	for i := range b.entries {
		e := &b.entries[i]
		if e.redundant {
			continue
		}
		if info.mux {
			b.multiplex(info, e)
		}
		slot := uint32(info.numbers[e.id]) - 1
		if slot == noSlot {
			continue
		}
		if slot >= armPrivateSlot {
			slot = slot - armPrivateSlot + maxSlots
		}
		b.apply(info, slot, e)
	}
}

// newest is the highest number that the profile names, be it with the default
// action, or noSlot. Arm's private calls do not count as such: they are far beyond
// all others.
func (s *section) newest(a arch) uint32 {
	newest := int32(-1)
	for i := range s.entries {
		if slot := int32(archs[a].numbers[s.entries[i].id]) - 1; slot > newest && slot < armPrivateSlot {
			newest = slot
		}
	}
	return uint32(newest)
}

// newestPrivate is the number of arm's private calls up to the highest that the
// profile names.
func (s *section) newestPrivate() uint32 {
	count := uint32(0)
	for i := range s.entries {
		if slot := uint32(numbers_arm[s.entries[i].id]); slot > armPrivateSlot {
			count = max(count, slot-armPrivateSlot)
		}
	}
	return count
}

// tells says whether an architecture's calls that are newer than the profile get
// the error ENOSYS. The default action must deny them, and the profile must name
// a call other than number 0, or none is known to be newer.
func (s *section) tells(a arch, newest uint32) bool {
	return !permissive(s.defaultAction) && newest != noSlot && archs[a].base+newest != 0
}

// apply adds a rule to a call's verdict. The first rule without conditions settles
// it; rules with conditions are kept in their order.
func (b *builder) apply(info *archInfo, slot uint32, e *entry) {
	v := &b.verdicts[slot]
	switch {
	case *v != 0 && *v < firstSet:
	case e.rule == noRule || b.rules[e.rule].unconditional(info.wide):
		*v = verdictOf(b.action(e.action))
	case *v == 0:
		b.sets = append(b.sets, ruleSet{e.rule})
		*v = firstSet + verdict(len(b.sets)-1)
	default:
		set := &b.sets[*v-firstSet]
		if len(*set) == maxInsns {
			b.overflow = true
			return
		}
		*set = append(*set, e.rule)
	}
}

// multiplex makes a rule for a call below socketcall or ipc. Their first argument
// tells the call; the others point at the call's own, so that a condition on the
// call's first argument cannot be kept. libseccomp drops it and compares the
// others as they are.
func (b *builder) multiplex(info *archInfo, e *entry) {
	slot, call, settled := uint32(slotSocketcall), uint64(subCalls[e.id]), b.socketcall
	if call&ipcBit != 0 {
		slot, call, settled = slotIPC, call&^ipcBit, b.ipc
	}
	if call == 0 || settled {
		return
	}
	r := rule{action: e.action}
	if e.rule != noRule {
		r = b.rules[e.rule]
	}
	r.has |= 1
	r.conds[0] = cond{op: opEQ, mask: ^uint64(0), datum: call}
	b.rules = append(b.rules, r)
	b.apply(info, slot, &entry{id: e.id, rule: int32(len(b.rules) - 1), action: e.action})
}

// body is code that looks at arguments, for all calls with the same rules.
type body struct {
	rules ruleSet
	wide  bool
	at    target
}

// conditions gives the code for a set of rules, which calls with the same rules
// share, also between architectures.
func (b *builder) conditions(a arch, set ruleSet) target {
	info := &archs[a]
	for i := range b.bodies {
		if have := &b.bodies[i]; have.wide == info.wide && slices.Equal(have.rules, set) {
			return have.at
		}
	}
	var d decision
	for _, r := range set {
		d.add(&b.nodes, &b.rules[r], info.wide)
	}
	to := b.def
	c := conds{builder: b, big: info.big, done: b.doneBuf[:0]}
	for _, tree := range slices.Backward(d) {
		to = c.level(tree, to, word{})
	}
	b.bodies = append(b.bodies, body{rules: set, wide: info.wide, at: to})
	return to
}
