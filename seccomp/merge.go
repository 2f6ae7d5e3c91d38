package seccomp

import "errors"

// errContradiction is libseccomp's EEXIST: the same conditions, or those of one
// rule being the beginning of the other's, with different actions.
var errContradiction = errors.New("has rules that contradict each other")

// decision collects the rules for one system call.
//
// It reproduces libseccomp 2.5's trees, so that rules whose conditions overlap
// have the precedence there and here. The order of the levels (see before) decides
// between them; equal beginnings of conditions are shared; of two rules with the
// same action, the one that the other implies is dropped.
type decision struct {
	used bool
	tree *node
	// action is what to do if tree is nil.
	action uint32
}

// add merges a rule.
func (d *decision) add(r *rule, wide bool) error {
	fresh := ruleTree(r, wide)
	switch {
	case !d.used:
		d.used, d.tree, d.action = true, fresh, r.action
		return nil
	case d.tree == nil:
		return nil // a rule without conditions is first and covers this one
	case fresh == nil:
		d.tree, d.action = nil, r.action
		return nil
	}
	p := pruning{root: &d.tree, action: r.action}
	var found overlap
	if p.prune(d.tree, fresh, &found) > 0 {
		if d.tree == nil {
			d.tree = fresh
			return nil
		}
	} else if found.has(matched | oldFinished | newPrefix) {
		return nil
	}
	if err := merge(&d.tree, fresh); err != nil {
		return err
	}
	dropLevel(&fresh)
	return nil
}

// merge adds the tree of a rule to another.
func merge(tree **node, fresh *node) error {
	old := *tree
	for {
		if old.key == fresh.key {
			return mergeNode(old, fresh)
		}
		if before(old, fresh) {
			insert(tree, old, fresh)
			return nil
		}
		if old.next == nil {
			fresh.prev = old.hold()
			old.next = fresh.hold()
			return nil
		}
		old = old.next
	}
}

// insert puts fresh in front of old.
func insert(tree **node, old, fresh *node) {
	if old.prev != nil {
		old.prev.next = fresh.hold()
		fresh.prev = old.prev
		old.prev = fresh.hold()
		fresh.next = old
	} else {
		old.prev = fresh.hold()
		fresh.next = old.hold()
	}
	if *tree == old {
		*tree = fresh.hold()
		drop(&old)
	}
}

// mergeNode merges the branches of two equal comparisons.
func mergeNode(old, fresh *node) error {
	if fresh.yes.decided {
		wins := fresh.high && fresh.full > old.full
		if err := mergeAction(old, fresh, &old.yes, &fresh.yes, wins); err != nil {
			return err
		}
	}
	if fresh.no.decided {
		wins := fresh.high && fresh.full < old.full
		if err := mergeAction(old, fresh, &old.no, &fresh.no, wins); err != nil {
			return err
		}
	}
	if shadowed, err := mergeLevel(&old.yes, &fresh.yes); shadowed || err != nil {
		return err
	}
	_, err := mergeLevel(&old.no, &fresh.no)
	return err
}

// mergeAction gives a branch the action of the same branch of the new rule. wins
// says that the new rule is the one whose 64-bit value decides.
func mergeAction(old, fresh *node, to, from *branch, wins bool) error {
	if !to.decided {
		if !only(to.level, from.action) {
			return errContradiction
		}
		drop(&to.level)
		to.level = nil
		to.decide(from.action)
		return nil
	}
	if to.action == from.action {
		return nil
	}
	if wins {
		// Also for the other branch libseccomp copies the action of this one.
		old.yes.action = fresh.yes.action
	}
	if old.leaf() || fresh.leaf() {
		return errContradiction
	}
	return nil
}

// mergeLevel gives a branch the level of the same branch of the new rule. shadowed
// says that the old rule decides already.
func mergeLevel(to, from *branch) (shadowed bool, err error) {
	switch {
	case from.level == nil:
		return false, nil
	case to.level != nil:
		return false, merge(&to.level, from.level)
	case to.decided:
		return true, nil
	}
	to.lead(from.level)
	return false, nil
}

// only says whether all actions on a level and below are the given one.
func only(level *node, action uint32) bool {
	if level == nil {
		return true
	}
	for n := level.first(); n != nil; n = n.next {
		for _, b := range [...]*branch{&n.yes, &n.no} {
			if b.decided && b.action != action || !only(b.level, action) {
				return false
			}
		}
	}
	return true
}
