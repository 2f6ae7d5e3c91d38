package seccomp

// node is one comparison in the decision tree of a system call.
//
// The nodes of a level are tried in order. A comparison that holds, or fails, goes
// on with the level below or returns an action. If nothing there decides, the next
// node of the level is tried, and behind the last one those of the level above.
type node struct {
	// key is what the node compares and how; on a level it is unique.
	key
	// from is the operator of the rule, from which key.op is derived.
	from op
	// full is the value of the rule, of which key.datum is a half.
	full uint64

	yes, no branch

	next *node // on the same level
}

// key is a comparison of 32 bits: op is opEQ, opMaskedEQ, opGE or opGT.
type key struct {
	arg   uint8
	high  bool
	op    op
	mask  uint32
	datum uint32
}

// branch is what follows a comparison: a level, an action, an action for when the
// level does not decide, or, with neither, the next node.
type branch struct {
	level   *node
	decided bool
	action  uint32
}

func (b *branch) open() bool { return b.level == nil && !b.decided }

func (b *branch) decide(action uint32) { b.decided, b.action = true, action }

// nodes allocates nodes, many at a time.
type nodes struct {
	free []node
}

// make compares one half of an argument, or all of it where it has 32 bits.
func (s *nodes) make(arg int, high bool, c *cond, as op) *node {
	if len(s.free) == 0 {
		s.free = make([]node, 32)
	}
	n := &s.free[0]
	s.free = s.free[1:]
	n.from, n.full = c.op, c.datum
	n.key = key{arg: uint8(arg), high: high, op: as, mask: uint32(c.mask), datum: uint32(c.datum)}
	if high {
		n.mask, n.datum = uint32(c.mask>>32), uint32(c.datum>>32)
	}
	n.datum &= n.mask
	return n
}

// ruleTree builds the tree of a single rule, for its conditions from an argument
// on. It is nil if none of them can fail.
//
// Every branch that leads to the next condition gets a tree of its own for it, so
// that another rule which is merged into one branch does not appear in others.
func (s *nodes) ruleTree(r *rule, wide bool, arg int) *node {
	for ; arg < maxArgs; arg++ {
		c := &r.conds[arg]
		if r.has&(1<<arg) == 0 || !c.matters(wide) {
			continue
		}
		var top *node
		var match matches
		if wide {
			top, match = s.wideCond(arg, c)
		} else {
			top, match = s.narrowCond(arg, c)
		}
		for _, b := range match {
			if b == nil {
				continue
			}
			if b.level = s.ruleTree(r, wide, arg+1); b.level == nil {
				b.decide(r.action)
			}
		}
		return top
	}
	return nil
}

// matches are the branches to take if a condition holds, one or two.
type matches [2]*branch

// narrowCond compares the lower 32 bits.
func (s *nodes) narrowCond(arg int, c *cond) (*node, matches) {
	n := s.make(arg, false, c, c.op)
	switch c.op {
	case opNE:
		n.op = opEQ
		return n, matches{&n.no}
	case opLT:
		n.op = opGE
		return n, matches{&n.no}
	case opLE:
		n.op = opGT
		return n, matches{&n.no}
	}
	return n, matches{&n.yes}
}

// wideCond compares the upper and then the lower 32 bits.
func (s *nodes) wideCond(arg int, c *cond) (*node, matches) {
	equal := opEQ
	switch c.op {
	case opGT, opGE, opLE, opLT:
		return s.orderCond(arg, c)
	case opMaskedEQ:
		equal = opMaskedEQ
	}
	high, low := s.make(arg, true, c, equal), s.make(arg, false, c, equal)
	high.yes.level = low
	if c.op == opNE {
		return high, matches{&high.no, &low.no}
	}
	return high, matches{&low.yes}
}

// orderCond is wideCond for the four operators of order.
func (s *nodes) orderCond(arg int, c *cond) (*node, matches) {
	lowOp := opGT
	if c.op == opGE || c.op == opLT {
		lowOp = opGE
	}
	above, same, low := s.make(arg, true, c, opGT), s.make(arg, true, c, opEQ), s.make(arg, false, c, lowOp)
	above.no.level = same
	same.yes.level = low
	if c.op == opGT || c.op == opGE {
		return above, matches{&above.yes, &low.yes}
	}
	return above, matches{&same.no, &low.no}
}

// before says whether n comes after m on a level: the later argument first, the
// upper half before the lower, equality before order, and of the same kind the
// narrower condition.
func before(n, m *node) bool {
	if a, b := n.place(), m.place(); a != b {
		return a < b
	}
	if a, b := n.from.rank(), m.from.rank(); a != b {
		return a < b
	}
	if n.from == opLE || n.from == opLT {
		return n.datum > m.datum
	}
	return n.datum < m.datum
}

func (k *key) place() int {
	place := int(k.arg) * 2
	if k.high {
		place++
	}
	return place
}

func (o op) rank() int {
	switch o {
	case opLE, opLT:
		return 2
	case opGE, opGT:
		return 1
	}
	return 3
}

// list appends the nodes of a level.
func (n *node) list(to []*node) []*node {
	for ; n != nil; n = n.next {
		to = append(to, n)
	}
	return to
}

// equalLevels says whether two levels and all below are the same.
func equalLevels(a, b *node) bool {
	for ; a != nil && b != nil; a, b = a.next, b.next {
		if a == b {
			return true
		}
		if a.key != b.key || !a.yes.equal(&b.yes) || !a.no.equal(&b.no) {
			return false
		}
	}
	return a == b
}

func (b *branch) equal(c *branch) bool {
	return b.decided == c.decided && b.action == c.action && equalLevels(b.level, c.level)
}
