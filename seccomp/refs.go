package seccomp

// References decide when a node that several branches lead to disappears, which
// in turn decides whether a later rule is merged or dropped. So they are part of
// the precedence of rules, not of memory management.

func (n *node) hold() *node {
	if n != nil {
		n.refs++
	}
	return n
}

// drop gives a reference back. The last one takes the node off its level, gives
// back what it held and makes *p a neighbour. It returns how many nodes went.
func drop(p **node) int {
	n := *p
	if n == nil {
		return 0
	}
	n.refs--
	if n.refs != 0 {
		return 0
	}
	prev, next := n.prev, n.next
	if prev != nil {
		prev.next = nil
	}
	if next != nil {
		next.prev = nil
	}
	count := 1 + drop(&prev)
	count += drop(&next)
	if prev != nil {
		prev.next = next.hold()
	}
	if next != nil {
		next.prev = prev.hold()
	}
	*p = prev
	if prev == nil {
		*p = next
	}
	yes, no := n.yes.level, n.no.level
	count += dropLevel(&yes)
	return count + dropLevel(&no)
}

// dropLevel gives a branch's reference back, and the whole level if no other
// branch leads to it.
func dropLevel(p **node) int {
	count := drop(p)
	if *p == nil {
		return count
	}
	for n := (*p).first(); n != nil; n = n.next {
		links := 0
		if n.prev != nil {
			links++
		}
		if n.next != nil {
			links++
		}
		if n.refs > links {
			return count
		}
	}
	for n := (*p).first(); n != nil; {
		count += drop(&n)
	}
	return count
}

// remove takes one node out of a tree, and any that is dead on the way there.
func remove(tree **node, target *node) int {
	if *tree == nil || target == nil {
		return 0
	}
	count := 0
	for n := (*tree).first(); n != nil && count == 0; n = n.next {
		if n == target {
			return count + unlink(tree, n)
		}
		count += remove(&n.yes.level, target)
		count += remove(&n.no.level, target)
		if n.dead() {
			return count + unlink(tree, n)
		}
	}
	return count
}

func unlink(tree **node, n *node) int {
	if n == *tree {
		*tree = n.prev
		if n.prev == nil {
			*tree = n.next
		}
	}
	if n.prev != nil {
		n.prev.next = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
	return drop(&n)
}
