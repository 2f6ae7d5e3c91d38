package seccomp

// decision collects the rules with conditions for one system call: trees that are
// tried one after the other. The second and further ones have rules that a rule in
// the one before covers in part (see merge).
//
// Rules whose conditions overlap have the precedence that they have in libseccomp
// 2.5: its trees are ordered by what is compared (see before), not by the order of
// the rules, and so are these. Otherwise the first rule wins. What libseccomp's
// trees get wrong is not reproduced: a call never gets the action of a rule that
// does not match, nor the default action if one does.
type decision []*node

// add merges a rule.
func (d *decision) add(s *nodes, r *rule, wide bool) {
	for i := range *d {
		if merge(&(*d)[i], s.ruleTree(r, wide, 0)) {
			return
		}
	}
	*d = append(*d, s.ruleTree(r, wide, 0))
}

// merge adds a node, and what is below, to a level. It fails if the level decides
// already where the node's comparison holds, but not where it does not: there the
// new rule comes after all others.
func merge(level **node, fresh *node) bool {
	for ; *level != nil; level = &(*level).next {
		old := *level
		if old.key == fresh.key {
			if fresh.yes.level != nil && old.yes.decided && !fresh.no.open() {
				return false
			}
			yes := mergeBranch(&old.yes, &fresh.yes, fresh.high && fresh.full > old.full)
			no := mergeBranch(&old.no, &fresh.no, false)
			return yes && no
		}
		if before(old, fresh) {
			break
		}
	}
	fresh.next = *level
	*level = fresh
	return true
}

// mergeBranch adds what follows a comparison in the new rule. narrower says that
// the new rule is for values above a higher limit: both rules match all values
// whose upper half is above that of the limits.
func mergeBranch(old, fresh *branch, narrower bool) bool {
	switch {
	case fresh.open():
	case fresh.level != nil && old.decided:
		// The action that is there is for all that the new rule is about.
	case fresh.level != nil && old.level != nil:
		return merge(&old.level, fresh.level)
	case fresh.level != nil:
		old.level = fresh.level
	case !old.decided:
		old.decide(fresh.action)
	case narrower:
		old.action = fresh.action
	}
	return true
}
