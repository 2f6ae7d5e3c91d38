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
}

// span is the numbers from one to the next span's, which have the same target.
type span struct {
	from uint32
	to   target
}

// build writes the program: the load of the architecture, a test for each, and
// their parts. The native architecture is the first to be tested.
func (s *section) build() ([]Insn, error) {
	b := &builder{section: s}
	b.insns = make([]Insn, 0, 512)
	b.def = b.action(s.defaultAction)
	b.enosys = b.action(retENOSYS)
	b.bad = b.action(retKillThread)
	both := slices.Contains(s.archs, archX86_64)

	var parts [archCount]target
	for _, a := range slices.Backward(s.archs) {
		if a == archX32 && both {
			continue // part of x86_64's
		}
		var err error
		if parts[a], err = b.part(a); err != nil {
			return nil, err
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
	return b.program(), nil
}

// part writes the code for an architecture: the load of the number and the search
// among ranges of numbers.
func (b *builder) part(a arch) (target, error) {
	b.ranges = b.ranges[:0]
	var err error
	switch a {
	case archX86_64:
		err = b.spansX86()
	case archX32:
		err = b.spansX32()
	default:
		_, err = b.spans(a)
	}
	if err != nil {
		return 0, err
	}
	return b.load(offNumber, b.search(b.ranges)).target(), nil
}

// spans lists the ranges of an architecture's numbers. rest is the target of all
// numbers behind.
func (b *builder) spans(a arch) (rest target, err error) {
	info := &archs[a]
	if err := b.fill(a); err != nil {
		return 0, err
	}
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
		if err := b.spanVerdict(a, info.base+slot, b.verdicts[slot]); err != nil {
			return 0, err
		}
	}
	b.span(info.base+after, rest)
	if a != archARM {
		return rest, nil
	}
	named := b.newestPrivate()
	if rest == b.def {
		named = armPrivateCount
	}
	for slot := range named {
		if err := b.spanVerdict(a, armPrivateBase+slot, b.verdicts[maxSlots+slot]); err != nil {
			return 0, err
		}
	}
	b.span(armPrivateBase+named, rest)
	return rest, nil
}

// spansX86 lists the ranges of x86_64 and, by a bit of the number, of x32. If the
// section lacks x32, the only number with this bit that is not killed is -1: a
// tracer uses it to skip a call (seccomp(2)).
func (b *builder) spansX86() error {
	rest64, err := b.spans(archX86_64)
	if err != nil {
		return err
	}
	if slices.Contains(b.archs, archX32) {
		rest32, err := b.spans(archX32)
		if err != nil {
			return err
		}
		b.span(2*x32Bit, rest64)
		b.span(3*x32Bit, rest32)
		return nil
	}
	b.span(x32Bit, b.bad)
	if rest64 == b.enosys {
		b.span(2*x32Bit, b.enosys)
		b.span(3*x32Bit, b.bad)
	}
	b.span(^uint32(0), b.def)
	return nil
}

// spansX32 lists the ranges of x32 alone: all other numbers are x86_64's.
func (b *builder) spansX32() error {
	b.span(0, b.bad)
	rest, err := b.spans(archX32)
	if err != nil {
		return err
	}
	b.span(2*x32Bit, b.def)
	b.span(3*x32Bit, rest)
	return nil
}

// span starts a range, if its target is another than that of the range before.
func (b *builder) span(from uint32, to target) {
	if n := len(b.ranges); n > 0 && b.ranges[n-1].to == to {
		return
	}
	b.ranges = append(b.ranges, span{from, to})
}

func (b *builder) spanVerdict(a arch, from uint32, v verdict) error {
	to := b.def
	switch {
	case v >= firstSet:
		var err error
		if to, err = b.conditions(a, &b.sets[v-firstSet]); err != nil {
			return err
		}
	case v != 0:
		to = target(v - 1)
	}
	b.span(from, to)
	return nil
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
