package seccomp

// overlap says how far a new rule and a tree were found to be the same.
type overlap uint8

const (
	matched     overlap = 1 << iota // the nodes at hand are the same
	matchedOnce                     // some nodes above were the same
	oldFinished                     // the old tree ends here
	newFinished                     // the new rule ends here
	oldPrefix                       // the old tree has more conditions before
	newPrefix                       // the new rule has more conditions before
)

func (o overlap) has(bits overlap) bool { return o&bits == bits }

// pruning looks for rules that the new one covers, with the same action, and takes
// them out of the tree.
type pruning struct {
	root   **node
	action uint32
}

// prune compares a level of the tree, and the levels below, with the new rule. It
// returns how many nodes went, and in found whether the comparison held.
func (p *pruning) prune(old, fresh *node, found *overlap) int {
	own := *found
	count := 0
	if old != nil && fresh != nil && own&(matched|matchedOnce) != matchedOnce {
		count = p.level(old.first(), fresh, *found, &own)
	}
	if own.has(matched) {
		*found |= own
	} else {
		*found &^= matched
	}
	return count
}

// level compares all nodes of a level, till one of them settles the matter.
func (p *pruning) level(old, fresh *node, found overlap, own *overlap) int {
	count := 0
	for old != nil {
		next := old.next
		var n int
		var done bool
		switch {
		case old.key == fresh.key:
			n, done = p.same(old, fresh, found, own)
		case before(old, fresh):
			n, done = p.skipOld(old, fresh, found, own)
		default:
			n, done = p.skipNew(old, fresh, found, own)
		}
		count += n
		if done {
			return count
		}
		old = next
	}
	*own &^= matched
	return count
}

// same treats a node that the new rule has too.
func (p *pruning) same(old, fresh *node, found overlap, own *overlap) (count int, done bool) {
	*own |= matched | matchedOnce
	if fresh.leaf() {
		*own |= newFinished
	}
	if old.leaf() {
		*own |= oldFinished
	}
	if !old.yes.open() && fresh.yes.open() || !old.no.open() && fresh.no.open() {
		return 0, true
	}
	if own.has(newFinished|oldFinished) && !(old.yes.sameAction(&fresh.yes) && old.no.sameAction(&fresh.no)) {
		return 0, true
	}
	for _, no := range [...]bool{false, true} {
		below := fresh.branch(no).level
		if below == nil {
			continue
		}
		deeper := found | matched | matchedOnce
		old.hold()
		count += p.prune(old.branch(no).level, below, &deeper)
		count += drop(&old)
		if deeper.has(matched) {
			*own |= deeper
		}
		if old == nil {
			return count, false
		}
	}
	if !only(old, p.action) {
		return count, false
	}
	if own.has(matched | newFinished | oldPrefix) {
		count += remove(p.root, old)
		return count, *p.root == nil
	}
	return count, own.has(matched | oldFinished | newPrefix)
}

func (b *branch) sameAction(c *branch) bool {
	return b.decided == c.decided && b.action == c.action
}

func (n *node) branch(no bool) *branch {
	if no {
		return &n.no
	}
	return &n.yes
}

// skipOld treats a node that comes before the new rule's: the new rule may be the
// end of one below.
func (p *pruning) skipOld(old, fresh *node, found overlap, own *overlap) (count int, done bool) {
	if found.has(newPrefix) {
		return 0, true
	}
	for _, no := range [...]bool{false, true} {
		if old.branch(no).level == nil {
			continue
		}
		deeper := found&^matched | oldPrefix
		old.hold()
		count += p.prune(old.branch(no).level, fresh, &deeper)
		count += drop(&old)
		if deeper.has(matched) {
			*own |= deeper
			return count, true
		}
		if old == nil {
			return count, false
		}
	}
	return count, false
}

// skipNew treats a node that comes after the new rule's first: it may be the end
// of the new rule.
func (p *pruning) skipNew(old, fresh *node, found overlap, own *overlap) (count int, done bool) {
	if found.has(oldPrefix) {
		return 0, true
	}
	for _, no := range [...]bool{false, true} {
		below := fresh.branch(no).level
		if below == nil {
			continue
		}
		deeper := found&^matched | newPrefix
		old.hold()
		count += p.prune(old, below, &deeper)
		count += drop(&old)
		if deeper.has(matched) {
			*own |= deeper
			return count, true
		}
		if old == nil {
			return count, false
		}
	}
	return count, false
}
