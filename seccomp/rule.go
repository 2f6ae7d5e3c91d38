package seccomp

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// maxArgs is the number of arguments of a system call.
const maxArgs = 6

// op compares an argument with a value.
type op uint8

const (
	opNE op = iota
	opLT
	opLE
	opEQ
	opGE
	opGT
	opMaskedEQ
)

// cond is a condition on one argument.
type cond struct {
	op    op
	mask  uint64
	datum uint64
}

// rule is a set of conditions that must all hold.
type rule struct {
	action uint32
	// has has a bit for each argument that has a condition.
	has   uint8
	conds [maxArgs]cond
}

// unconditional says that no condition can fail: a mask of zero hides all bits
// that are compared, on a 32-bit architecture those of the lower half.
func (r *rule) unconditional(wide bool) bool {
	for i := range maxArgs {
		if r.has&(1<<i) != 0 && r.conds[i].matters(wide) {
			return false
		}
	}
	return true
}

func (c *cond) matters(wide bool) bool {
	return c.op != opMaskedEQ || uint32(c.mask) != 0 || wide && c.mask != 0
}

// parseOp finds an operator by its name in configurations.
func parseOp(name specs.LinuxSeccompOperator) (op, bool) {
	switch name {
	case specs.OpNotEqual:
		return opNE, true
	case specs.OpLessThan:
		return opLT, true
	case specs.OpLessEqual:
		return opLE, true
	case specs.OpEqualTo:
		return opEQ, true
	case specs.OpGreaterEqual:
		return opGE, true
	case specs.OpGreaterThan:
		return opGT, true
	case specs.OpMaskedEqual:
		return opMaskedEQ, true
	}
	return 0, false
}

// parseArgs gives the rules that the conditions of one entry amount to. Normally
// that is one rule, for all of them. Two conditions for the same argument cannot
// be in one rule: then each condition is a rule of its own, any of which is
// enough. That is runc's reading of such profiles.
func parseArgs(rules []rule, args []specs.LinuxSeccompArg, action uint32, report func(at int, field string, err error)) []rule {
	first := len(rules)
	rules = append(rules, rule{action: action})
	twice := false
	for i := range args {
		c, ok := parseArg(&args[i], i, report)
		if !ok {
			continue
		}
		r, bit := &rules[first], uint8(1)<<args[i].Index
		twice = twice || r.has&bit != 0
		r.has |= bit
		r.conds[args[i].Index] = c
	}
	if twice {
		return parseAlternatives(rules[:first], args, action)
	}
	return rules
}

// parseAlternatives makes each condition a rule.
func parseAlternatives(rules []rule, args []specs.LinuxSeccompArg, action uint32) []rule {
	for i := range args {
		if c, ok := parseArg(&args[i], i, func(int, string, error) {}); ok {
			r := rule{action: action, has: 1 << args[i].Index}
			r.conds[args[i].Index] = c
			rules = append(rules, r)
		}
	}
	return rules
}

func parseArg(arg *specs.LinuxSeccompArg, at int, report func(at int, field string, err error)) (cond, bool) {
	o, ok := parseOp(arg.Op)
	if !ok {
		report(at, "op", fmt.Errorf("string %s is not a valid operator for seccomp", arg.Op))
		return cond{}, false
	}
	if arg.Index >= maxArgs {
		report(at, "index", fmt.Errorf("syscalls only have up to %d arguments (%d given)", maxArgs, arg.Index))
		return cond{}, false
	}
	if o == opMaskedEQ {
		return cond{op: o, mask: arg.Value, datum: arg.ValueTwo}, true
	}
	return cond{op: o, mask: ^uint64(0), datum: arg.Value}, true
}
