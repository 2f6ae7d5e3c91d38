package seccomp

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
		if d.first == first && d.after == after && d.held == held {
			return d.at
		}
	}
	last := first
	for last.next != nil {
		last = last.next
	}
	// fresh is where the next node is, loaded the same if its word is there.
	fresh, same, sameWord := after, after, word{}
	for n := last; n != nil; n = n.prev {
		w := c.wordOf(n)
		direct := fresh
		if w == sameWord {
			direct = same
		}
		test := c.node(n, w, direct, fresh)
		before := held
		fall := false
		if n.prev != nil {
			before = c.wordOf(n.prev)
			fall = !n.prev.leaf()
		}
		same, sameWord, fresh = test, w, test
		if before != w || fall {
			fresh = c.loadWord(w, test)
		}
	}
	at := fresh
	if held == sameWord {
		at = same
	}
	c.done = append(c.done, levelCode{first, after, held, at})
	return at
}

// node writes the test of a node. direct is where the next node is for a jump from
// here, fresh where it is for one from a level below.
func (c *conds) node(n *node, w word, direct, fresh target) target {
	to := func(b *branch) target {
		switch {
		case b.decided:
			return c.action(b.action)
		case b.level != nil:
			return c.level(b.level.first(), fresh, w)
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
