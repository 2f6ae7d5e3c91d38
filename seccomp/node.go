package seccomp

// node is one comparison in the decision tree of a system call.
//
// The nodes of a level are tried in order. A comparison that holds, or fails,
// returns an action, or goes on with the level below; if nothing there decides,
// the next node of the level above is tried. Levels may have several parents.
type node struct {
	// key is what the node compares and how; nodes with the same key are one.
	key
	// from is the operator of the rule, from which key.op is derived.
	from op
	// full is the value of the rule, of which key.datum is a half.
	full uint64

	yes, no branch

	prev, next *node // on the same level, each of which holds a reference
	refs       int
}

// key is a comparison of 32 bits: op is opEQ, opMaskedEQ, opGE or opGT.
type key struct {
	arg   uint8
	high  bool
	op    op
	mask  uint32
	datum uint32
}

// branch is what follows a comparison: at most one of an action and a level; with
// neither, the next node is tried.
type branch struct {
	decided bool
	action  uint32
	level   *node
}

func (b *branch) open() bool { return !b.decided && b.level == nil }

func (b *branch) decide(action uint32) { b.decided, b.action = true, action }

// lead makes b go on with a level.
func (b *branch) lead(level *node) { b.level = level.hold() }

func (n *node) leaf() bool { return n.yes.level == nil && n.no.level == nil }

// dead says that a node has become useless.
func (n *node) dead() bool { return n.leaf() && !n.yes.decided && !n.no.decided }

// first is the start of n's level.
func (n *node) first() *node {
	for n.prev != nil {
		n = n.prev
	}
	return n
}

// newNode compares one half of an argument, or all of it where it has 32 bits.
func newNode(arg int, high bool, c *cond, as op) *node {
	n := &node{from: c.op, full: c.datum}
	n.key = key{arg: uint8(arg), high: high, op: as, mask: uint32(c.mask), datum: uint32(c.datum)}
	if high {
		n.mask, n.datum = uint32(c.mask>>32), uint32(c.datum>>32)
	}
	n.datum &= n.mask
	return n
}

// ruleTree builds the tree of a single rule with conditions. The result has one
// reference; it is nil if no condition can fail.
func ruleTree(r *rule, wide bool) *node {
	var root *node
	var last []*branch
	for i := range maxArgs {
		if r.has&(1<<i) == 0 || !r.conds[i].matters(wide) {
			continue
		}
		var top *node
		var match []*branch
		if wide {
			top, match = wideCond(i, &r.conds[i])
		} else {
			top, match = narrowCond(i, &r.conds[i])
		}
		if root == nil {
			root = top.hold()
		}
		for _, b := range last {
			b.lead(top)
		}
		last = match
	}
	for _, b := range last {
		b.decide(r.action)
	}
	return root
}

// narrowCond compares the lower 32 bits. It gives the comparison and the branches
// to take if the condition holds.
func narrowCond(arg int, c *cond) (*node, []*branch) {
	n := newNode(arg, false, c, c.op)
	switch c.op {
	case opNE:
		n.op = opEQ
		return n, []*branch{&n.no}
	case opLT:
		n.op = opGE
		return n, []*branch{&n.no}
	case opLE:
		n.op = opGT
		return n, []*branch{&n.no}
	}
	return n, []*branch{&n.yes}
}

// wideCond compares the upper and then the lower 32 bits.
func wideCond(arg int, c *cond) (*node, []*branch) {
	equal := opEQ
	switch c.op {
	case opGT, opGE, opLE, opLT:
		return orderCond(arg, c)
	case opMaskedEQ:
		equal = opMaskedEQ
	}
	high, low := newNode(arg, true, c, equal), newNode(arg, false, c, equal)
	high.yes.lead(low)
	if c.op == opNE {
		return high, []*branch{&high.no, &low.no}
	}
	return high, []*branch{&low.yes}
}

// orderCond is wideCond for the four operators of order.
func orderCond(arg int, c *cond) (*node, []*branch) {
	lowOp := opGT
	if c.op == opGE || c.op == opLT {
		lowOp = opGE
	}
	above, same, low := newNode(arg, true, c, opGT), newNode(arg, true, c, opEQ), newNode(arg, false, c, lowOp)
	above.no.lead(same)
	same.yes.lead(low)
	if c.op == opGT || c.op == opGE {
		return above, []*branch{&above.yes, &low.yes}
	}
	return above, []*branch{&same.no, &low.no}
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
