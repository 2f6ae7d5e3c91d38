package seccomp

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestPrecedence has rules with different actions that match the same call.
func TestPrecedence(t *testing.T) {
	if Backend != "go" {
		t.Skip("libseccomp refuses some of these")
	}
	rule := func(action specs.LinuxSeccompAction, conds ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: []string{"ioctl"}, Action: action, Args: conds}
	}
	is := func(index uint, op specs.LinuxSeccompOperator, value uint64) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: index, Op: op, Value: value}
	}
	eq, ge, lt, ne := specs.OpEqualTo, specs.OpGreaterEqual, specs.OpLessThan, specs.OpNotEqual
	kill, trap, log := specs.ActKill, specs.ActTrap, specs.ActLog
	for _, c := range []struct {
		name  string
		rules []specs.LinuxSyscall
		args  []uint64
		want  Verdict
	}{
		{"the unconditional one, last", []specs.LinuxSyscall{rule(kill, is(0, eq, 1)), rule(trap)}, []uint64{1}, retTrap},
		{"the first unconditional one", []specs.LinuxSyscall{rule(trap), rule(log)}, []uint64{1}, retTrap},
		{"the later argument", []specs.LinuxSyscall{rule(kill, is(0, eq, 1)), rule(trap, is(1, eq, 2))}, []uint64{1, 2}, retTrap},
		{"equality before order", []specs.LinuxSyscall{rule(kill, is(0, ge, 1)), rule(trap, is(0, eq, 1))}, []uint64{1}, retTrap},
		{"less before greater", []specs.LinuxSyscall{rule(kill, is(0, ge, 1)), rule(trap, is(0, lt, 9))}, []uint64{5}, retTrap},
		{"the higher limit", []specs.LinuxSyscall{rule(kill, is(0, ge, 1)), rule(trap, is(0, ge, 4))}, []uint64{5}, retTrap},
		{"the higher limit, upper half", []specs.LinuxSyscall{rule(kill, is(0, ge, 1)), rule(trap, is(0, ge, 4))}, []uint64{5 << 32}, retTrap},
		{"the same twice", []specs.LinuxSyscall{rule(kill, is(0, eq, 1)), rule(trap, is(0, eq, 1))}, []uint64{1}, retKillThread},
		{"shorter first", []specs.LinuxSyscall{rule(kill, is(0, eq, 1)), rule(trap, is(0, eq, 1), is(1, eq, 2))}, []uint64{1, 2}, retKillThread},
		{"longer first", []specs.LinuxSyscall{rule(trap, is(0, eq, 1), is(1, eq, 2)), rule(kill, is(0, eq, 1))}, []uint64{1, 2}, retTrap},
		{"longer first, else", []specs.LinuxSyscall{rule(trap, is(0, eq, 1), is(1, eq, 2)), rule(kill, is(0, eq, 1))}, []uint64{1, 3}, retKillThread},
		{"between longer ones", []specs.LinuxSyscall{rule(trap, is(0, eq, 1), is(1, eq, 2)), rule(kill, is(0, eq, 1)), rule(log, is(0, eq, 1), is(2, eq, 3))}, []uint64{1, 5, 3}, retKillThread},
		{"covered in part", []specs.LinuxSyscall{rule(kill, is(0, ge, 10)), rule(trap, is(0, ge, 3), is(2, eq, 1))}, []uint64{5, 0, 1}, retTrap},
		{"covered in the other part", []specs.LinuxSyscall{rule(kill, is(0, ge, 10)), rule(trap, is(0, ge, 3), is(2, eq, 1))}, []uint64{5 << 32, 0, 1}, retKillThread},
		{"no shared branches", []specs.LinuxSyscall{rule(kill, is(0, ge, 1), is(2, ne, 7)), rule(trap, is(0, ge, 3), is(2, eq, 7))}, []uint64{2, 0, 7}, retAllow},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: c.rules}, "amd64")
			if got := askName(t, p, "ioctl", c.args...); got != c.want {
				t.Errorf("%v, want %v\n%s", got, c.want, p)
			}
		})
	}
}
