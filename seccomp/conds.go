package seccomp

import "slices"

// conds writes the code that looks at arguments.
type conds struct {
	*builder
	big bool
	// done are the levels that several branches lead to.
	done []levelCode
}

// word is what the accumulator holds: a masked word of struct seccomp_data.
type word struct {
	off  uint32
	mask uint32
}

// levelCode is where the code of a level is, given what follows it and what the
// accumulator holds.
type levelCode struct {
	first *node
	after target
	held  word
	at    target
}

func (c *conds) wordOf(n *node) word {
	off := offArgs + 8*uint32(n.arg)
	if n.high != c.big {
		off += 4
	}
	return word{off, n.mask}
}

// level writes a level and all below. after is where to go if nothing decides;
// held is what the accumulator holds at the start.
func (c *conds) level(first *node, after target, held word) target {
	for _, d := range c.done {
		if d.after == after && d.held == held && equalLevels(d.first, first) {
			return d.at
		}
	}
	// fresh is where the next node is, same where it is if its word is loaded.
	fresh, same, sameWord := after, after, word{}
	var buf [8]*node
	row := first.list(buf[:0])
	for i, n := range slices.Backward(row) {
		w := c.wordOf(n)
		direct := fresh
		if w == sameWord {
			direct = same
		}
		test := c.node(n, w, direct, fresh)
		before, fall := held, false
		if i > 0 {
			prev := row[i-1]
			before, fall = c.wordOf(prev), prev.yes.level != nil || prev.no.level != nil
		}
		fresh, same, sameWord = test, test, w
		if before != w || fall {
			fresh = c.loadWord(w, test)
		}
	}
	if held == sameWord {
		fresh = same
	}
	c.done = append(c.done, levelCode{first, after, held, fresh})
	return fresh
}

// node writes the test of a node. direct is where the next node is for a jump from
// here, fresh where it is for one from a level below.
func (c *conds) node(n *node, w word, direct, fresh target) target {
	to := func(b *branch) target {
		switch {
		case b.level != nil && b.decided:
			return c.level(b.level, c.action(b.action), w)
		case b.level != nil:
			return c.level(b.level, fresh, w)
		case b.decided:
			return c.action(b.action)
		}
		return direct
	}
	code := uint16(bpfJEQ)
	switch n.op {
	case opGE:
		code = bpfJGE
	case opGT:
		code = bpfJGT
	}
	no := to(&n.no)
	return c.test(code, n.datum, to(&n.yes), no).target()
}

// loadWord writes the load of a word.
func (c *conds) loadWord(w word, then target) target {
	if w.mask != ^uint32(0) {
		c.next(then)
		then = c.emit(bpfAnd, 0, 0, w.mask).target()
	}
	return c.load(w.off, then).target()
}
