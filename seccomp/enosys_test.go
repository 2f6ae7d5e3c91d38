package seccomp

import (
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestNewerCalls checks which numbers get ENOSYS: all above the highest that the
// profile names, those of the other ABI apart, and none at or below.
func TestNewerCalls(t *testing.T) {
	allow := func(names ...string) []specs.LinuxSyscall {
		return []specs.LinuxSyscall{{Names: names, Action: specs.ActAllow}}
	}
	enosys, denied := Verdict(retENOSYS), Verdict(retErrno|1)
	for _, c := range []struct {
		name  string
		arch  arch
		archs []specs.Arch
		calls []specs.LinuxSyscall
		want  map[uint32]Verdict
	}{
		{"x86_64", archX86_64, nil, allow("openat2", "read"), map[uint32]Verdict{
			0: retAllow, 1: denied, 437: retAllow, 438: enosys, 1000: enosys, x32Bit: retKillThread, 2 * x32Bit: enosys, 3 * x32Bit: retKillThread, 1<<32 - 1: denied,
		}},
		{"x32", archX86_64, []specs.Arch{specs.ArchX32}, allow("openat2", "read"), map[uint32]Verdict{
			437: retAllow, 438: enosys, x32Bit: retAllow, x32Bit + 437: retAllow, x32Bit + 438: enosys, 1<<32 - 1: enosys,
		}},
		{"only number 0", archX86_64, nil, allow("read"), map[uint32]Verdict{0: retAllow, 1: denied, 1000: denied}},
		{"named with the default action", archX86_64, nil, []specs.LinuxSyscall{{Names: []string{"mseal"}, Action: specs.ActErrno}}, map[uint32]Verdict{461: denied, 462: denied, 463: enosys}},
		{"nothing known", archX86_64, nil, allow("no_such_call"), map[uint32]Verdict{0: denied, 1000: denied}},
		{"arm64", archAARCH64, []specs.Arch{specs.ArchARM}, allow("set_tls", "close_range"), map[uint32]Verdict{436: retAllow, 437: enosys}},
		{"s390x", archS390X, nil, allow("openat2"), map[uint32]Verdict{0: enosys, 1: denied, 437: retAllow, 438: enosys}},
		{"mips64", archMIPSEL64, nil, allow("read"), map[uint32]Verdict{0: denied, 4999: denied, 5000: retAllow, 5001: enosys}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, Architectures: c.archs, Syscalls: c.calls}, archs[c.arch].goarch)
			for nr, want := range c.want {
				got, err := p.Simulate(Data{Number: nr, Arch: archs[c.arch].token})
				if err != nil || got != want {
					t.Errorf("%d: %v, %v, want %v", nr, got, err, want)
				}
			}
		})
	}
}

// TestPermissiveDefault checks that no call gets ENOSYS if the default lets calls
// happen: denying newer ones would be stricter than the profile.
func TestPermissiveDefault(t *testing.T) {
	for _, action := range []specs.LinuxSeccompAction{specs.ActAllow, specs.ActLog, specs.ActTrace} {
		spec := &specs.LinuxSeccomp{DefaultAction: action, Syscalls: []specs.LinuxSyscall{{Names: []string{"openat2"}, Action: specs.ActErrno}}}
		p := compile(t, spec, "amd64")
		want, _, _ := actionValue(action)
		if got, _ := p.Simulate(Data{Number: 1000, Arch: archs[archX86_64].token}); uint32(got)&retAction != want {
			t.Errorf("%s: %v", action, got)
		}
	}
}

// TestNewerNeverAllowed checks that ENOSYS only ever takes the place of the default
// action, and only for calls that the profile does not name.
func TestNewerNeverAllowed(t *testing.T) {
	for seed := range uint64(300) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), names: allNames()}
		spec, goarch := g.section()
		s := parse(spec, Options{Arch: goarch, HasFlag: allFlags})
		p := &Program{Insns: s.build(), native: s.native}
		named := map[uint32]bool{}
		for _, a := range s.archs {
			for _, e := range s.entries {
				if nr, ok := archs[a].numberOf(e.id); ok {
					named[nr] = true
				}
			}
			for i := range uint32(1001) {
				d := Data{Number: archs[a].base + i, Arch: archs[a].token, Args: g.arguments(spec)}
				got, err := p.Simulate(d)
				if err != nil {
					t.Fatal(err)
				}
				if got != Verdict(retENOSYS) || s.defaultAction == retENOSYS || usesENOSYS(spec) {
					continue
				}
				if permissive(s.defaultAction) || named[d.Number] && (d.Number != 0 || a != archS390 && a != archS390X) {
					t.Fatalf("seed %d: %s %d gets ENOSYS: %s", seed, archs[a].name, d.Number, toJSON(spec))
				}
			}
			clear(named)
		}
	}
}

// usesENOSYS says whether a rule of the profile has this errno.
func usesENOSYS(spec *specs.LinuxSeccomp) bool {
	for _, call := range spec.Syscalls {
		if ret, _ := parseAction(call.Action, call.ErrnoRet); ret == retENOSYS {
			return true
		}
	}
	return false
}
