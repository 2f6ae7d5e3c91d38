package seccomp

import "slices"

// builder turns a section into instructions.
type builder struct {
	asm
	*section
	// def, enosys and bad are the targets of the default action, of calls that are
	// newer than the profile, and of architectures that the section lacks.
	def, enosys, bad target

	verdicts [maxSlots + armPrivateCount]verdict
	sets     []ruleSet
	ranges   []span
	bodies   []body
	nodes    nodes

	// Memory for what common profiles need.
	rangesBuf [256]span
	insnsBuf  [512]Insn
	setsBuf   [12]ruleSet
	bodiesBuf [12]body
	doneBuf   [8]levelCode
	retsBuf   [6]label
	actionBuf [6]uint32
}

// span is the numbers from one to the next span's, which have the same target.
type span struct {
	from uint32
	to   target
}

// build writes the program: the load of the architecture, a test for each, and
// their parts. The native architecture is the first to be tested. The result is nil
// if the section has far more than fits into a program.
func (s *section) build() []Insn {
	b := &builder{section: s}
	b.insns, b.ranges, b.sets, b.bodies = b.insnsBuf[:0], b.rangesBuf[:0], b.setsBuf[:0], b.bodiesBuf[:0]
	b.rets, b.actions = b.retsBuf[:0], b.actionBuf[:0]
	b.def = b.action(s.defaultAction)
	b.enosys = b.action(retENOSYS)
	b.bad = b.action(retKillThread)
	both := slices.Contains(s.archs, archX86_64)

	var parts [archCount]target
	for _, a := range slices.Backward(s.archs) {
		if a == archX32 && both {
			continue // part of x86_64's
		}
		parts[a] = b.part(a)
		if b.overflow {
			return nil
		}
	}
	next := b.bad
	for _, a := range slices.Backward(s.archs) {
		if a == archX32 && both {
			continue
		}
		next = b.test(bpfJEQ, archs[a].token, parts[a], next).target()
	}
	b.load(offArch, next)
	return slices.Clone(b.program())
}

// part writes the code for an architecture: the load of the number and the search
// among ranges of numbers.
func (b *builder) part(a arch) target {
	b.ranges = b.ranges[:0]
	switch a {
	case archX86_64:
		b.spansX86()
	case archX32:
		b.spansX32()
	default:
		b.spans(a)
	}
	return b.load(offNumber, b.search(b.ranges)).target()
}

// spans lists the ranges of an architecture's numbers. rest is the target of all
// numbers behind.
func (b *builder) spans(a arch) (rest target) {
	info := &archs[a]
	b.fill(a)
	after, rest := info.slots, b.def
	if newest := b.newest(a); b.tells(a, newest) {
		after, rest = newest+1, b.enosys
		if a == archS390 || a == archS390X {
			// A call that the kernel does not know arrives as number 0 there.
			b.verdicts[0] = verdictOf(b.enosys)
		}
	}
	if len(b.ranges) == 0 && info.base > 0 {
		b.span(0, b.def)
	}
	for slot := range after {
		b.span(info.base+slot, b.targetOf(a, b.verdicts[slot]))
	}
	b.span(info.base+after, rest)
	if a != archARM {
		return rest
	}
	named := b.newestPrivate()
	if rest == b.def {
		named = armPrivateCount
	}
	for slot := range named {
		b.span(armPrivateBase+slot, b.targetOf(a, b.verdicts[maxSlots+slot]))
	}
	b.span(armPrivateBase+named, rest)
	return rest
}

// spansX86 lists the ranges of x86_64 and, by a bit of the number, of x32. If the
// section lacks x32, the only number with this bit that is not killed is -1: a
// tracer uses it to skip a call (seccomp(2)).
func (b *builder) spansX86() {
	rest64 := b.spans(archX86_64)
	if slices.Contains(b.archs, archX32) {
		rest32 := b.spans(archX32)
		b.span(2*x32Bit, rest64)
		b.span(3*x32Bit, rest32)
		return
	}
	b.span(x32Bit, b.bad)
	if rest64 == b.enosys {
		b.span(2*x32Bit, b.enosys)
		b.span(3*x32Bit, b.bad)
	}
	b.span(^uint32(0), b.def)
}

// spansX32 lists the ranges of x32 alone: all other numbers are x86_64's.
func (b *builder) spansX32() {
	b.span(0, b.bad)
	rest := b.spans(archX32)
	b.span(2*x32Bit, b.def)
	b.span(3*x32Bit, rest)
}

// span starts a range, if its target is another than that of the range before.
func (b *builder) span(from uint32, to target) {
	if n := len(b.ranges); n > 0 && b.ranges[n-1].to == to {
		return
	}
	b.ranges = append(b.ranges, span{from, to})
}

func (b *builder) targetOf(a arch, v verdict) target {
	switch {
	case v >= firstSet:
		return b.conditions(a, b.sets[v-firstSet])
	case v != 0:
		return target(v - 1)
	}
	return b.def
}

// search writes a balanced search for the range that the number is in.
func (b *builder) search(ranges []span) target {
	switch n := len(ranges); {
	case n == 1:
		return ranges[0].to
	case n == 3 && ranges[0].to == ranges[2].to && ranges[1].from+1 == ranges[2].from:
		return b.test(bpfJEQ, ranges[1].from, ranges[1].to, ranges[0].to).target()
	}
	middle := len(ranges) / 2
	from := ranges[middle].from
	above := b.search(ranges[middle:])
	below := b.search(ranges[:middle])
	return b.test(bpfJGE, from, above, below).target()
}
