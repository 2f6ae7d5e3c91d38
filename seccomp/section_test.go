package seccomp

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// allowAll is a section to spoil.
func allowAll(change func(*specs.LinuxSeccomp)) *specs.LinuxSeccomp {
	spec := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
	change(spec)
	return spec
}

func number(n uint) *uint { return &n }

func TestErrors(t *testing.T) {
	rule := func(call specs.LinuxSyscall) func(*specs.LinuxSeccomp) {
		return func(s *specs.LinuxSeccomp) {
			s.Syscalls = []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActTrap}, call}
		}
	}
	for _, c := range []struct {
		name, want string
		change     func(*specs.LinuxSeccomp)
	}{
		{"no default action", "/defaultAction: string  is not a valid action for seccomp", func(s *specs.LinuxSeccomp) {
			s.DefaultAction = ""
			s.Syscalls = []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActAllow}}
		}},
		{"default action", "/defaultAction: string SCMP_ACT_NO is not a valid action for seccomp", func(s *specs.LinuxSeccomp) { s.DefaultAction = "SCMP_ACT_NO" }},
		{"default errno", "/defaultErrnoRet: errno value specified for action `SCMP_ACT_ALLOW`", func(s *specs.LinuxSeccomp) { s.DefaultErrnoRet = number(1) }},
		{"large errno", "/defaultErrnoRet: errno value 65536 is above 65535", func(s *specs.LinuxSeccomp) { s.DefaultAction, s.DefaultErrnoRet = specs.ActErrno, number(65536) }},
		{"architecture", "/architectures/1: string SCMP_ARCH_VAX is not a valid arch for seccomp", func(s *specs.LinuxSeccomp) { s.Architectures = []specs.Arch{specs.ArchX86, "SCMP_ARCH_VAX"} }},
		{"byte order", "/architectures/0: SCMP_ARCH_S390X has another byte order than the machine's SCMP_ARCH_X86_64", func(s *specs.LinuxSeccomp) { s.Architectures = []specs.Arch{specs.ArchS390X} }},
		{"flag", "/flags/1: seccomp flag SECCOMP_FILTER_FLAG_NO is not known to the runtime", func(s *specs.LinuxSeccomp) {
			s.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog, "SECCOMP_FILTER_FLAG_NO"}
		}},
		{"action", "/syscalls/1/action: string SCMP_ACT_NO is not a valid action for seccomp", rule(specs.LinuxSyscall{Names: []string{"x"}, Action: "SCMP_ACT_NO"})},
		{"errno", "/syscalls/1/errnoRet: errno value specified for action `SCMP_ACT_KILL`", rule(specs.LinuxSyscall{Names: []string{"x"}, Action: specs.ActKill, ErrnoRet: number(0)})},
		{"operator", "/syscalls/1/args/0/op: string SCMP_CMP_NO is not a valid operator for seccomp", rule(specs.LinuxSyscall{Names: []string{"x"}, Action: specs.ActKill, Args: []specs.LinuxSeccompArg{{Op: "SCMP_CMP_NO"}}})},
		{"index", "/syscalls/1/args/1/index: syscalls only have up to 6 arguments (9 given)", rule(specs.LinuxSyscall{Names: []string{"x"}, Action: specs.ActKill, Args: []specs.LinuxSeccompArg{{Op: specs.OpEqualTo}, {Index: 9, Op: specs.OpEqualTo}}})},
		{"empty name", "/syscalls/1/names/1: empty string is not a valid syscall", rule(specs.LinuxSyscall{Names: []string{"x", ""}, Action: specs.ActKill})},
		{"notify by default", "/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action", func(s *specs.LinuxSeccomp) { s.DefaultAction, s.ListenerPath = specs.ActNotify, "/a" }},
		{"notify write", "/syscalls/1/names/0: SCMP_ACT_NOTIFY cannot be used for the write syscall", func(s *specs.LinuxSeccomp) {
			rule(specs.LinuxSyscall{Names: []string{"write"}, Action: specs.ActNotify})(s)
			s.ListenerPath = "/a"
		}},
		{"no listener", "/listenerPath: seccomp listenerPath is not set", rule(specs.LinuxSyscall{Names: []string{"mkdir"}, Action: specs.ActNotify})},
		{"metadata alone", "/listenerMetadata: seccomp listenerMetadata is set without listenerPath", func(s *specs.LinuxSeccomp) { s.ListenerMetadata = "m" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := allowAll(c.change)
			opts := Options{Arch: "amd64", HasFlag: allFlags}
			_, err := Compile(spec, opts)
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			var field *FieldError
			if !errors.As(err, &field) {
				t.Errorf("%v is no FieldError", err)
			}
			if all := Validate(spec, opts); len(all) != 1 {
				t.Errorf("%d errors: %v", len(all), all)
			}
		})
	}
}

// TestErrorsAll has several errors in one section.
func TestErrorsAll(t *testing.T) {
	spec := allowAll(func(s *specs.LinuxSeccomp) {
		s.DefaultAction, s.Architectures, s.Flags = "A", []specs.Arch{"B"}, []specs.LinuxSeccompFlag{"C"}
		s.Syscalls = []specs.LinuxSyscall{{Names: []string{""}, Action: "D", Args: []specs.LinuxSeccompArg{{Op: "E"}, {Index: 6, Op: specs.OpEqualTo}}}}
	})
	var pointers []string
	for _, e := range Validate(spec, Options{HasFlag: allFlags}) {
		pointers = append(pointers, e.Pointer)
	}
	want := "/defaultAction /architectures/0 /syscalls/0/action /syscalls/0/args/0/op /syscalls/0/args/1/index /syscalls/0/names/0 /flags/0"
	if got := strings.Join(pointers, " "); got != want {
		t.Errorf("errors at %s, want %s", got, want)
	}
}

func TestN47NothingAskedFor(t *testing.T) {
	for _, spec := range []*specs.LinuxSeccomp{nil, {}, {Architectures: []specs.Arch{"nonsense"}}} {
		if p, err := Compile(spec, Options{}); p != nil || err != nil {
			t.Errorf("%+v: %v, %v", spec, p, err)
		}
		if errs := Validate(spec, Options{}); errs != nil {
			t.Errorf("%+v: %v", spec, errs)
		}
	}
}

func TestFlags(t *testing.T) {
	notify := []specs.LinuxSyscall{{Names: []string{"mkdir"}, Action: specs.ActNotify}}
	for _, c := range []struct {
		name  string
		flags []specs.LinuxSeccompFlag
		calls []specs.LinuxSyscall
		has   func(uint) bool
		want  uint
	}{
		{"absent", nil, nil, allFlags, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{"absent, old kernel", nil, nil, func(uint) bool { return false }, 0},
		{"empty", []specs.LinuxSeccompFlag{}, nil, allFlags, 0},
		{"tsync", []specs.LinuxSeccompFlag{flagTsync}, nil, allFlags, 0},
		{"log", []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}, nil, allFlags, unix.SECCOMP_FILTER_FLAG_LOG},
		{"both", []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow}, nil, allFlags, unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{"killable", []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, notify, allFlags, unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER},
		{"killable without listener", []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv}, nil, allFlags, 0},
		{"notify", nil, notify, allFlags, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: c.flags, Syscalls: c.calls, ListenerPath: "/agent"}
			p, err := Compile(spec, Options{HasFlag: c.has})
			if err != nil {
				t.Fatal(err)
			}
			if p.Flags != c.want || p.NeedsListener != (c.calls != nil) {
				t.Errorf("flags %#x, listener %v, want %#x", p.Flags, p.NeedsListener, c.want)
			}
		})
	}
}

func TestFlagUnsupported(t *testing.T) {
	spec := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog}}
	_, err := Compile(spec, Options{HasFlag: func(uint) bool { return false }})
	want := "seccomp flag SECCOMP_FILTER_FLAG_LOG is not supported: "
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestNotifyAny has a loader that needs no system call to hand the listener over.
func TestNotifyAny(t *testing.T) {
	spec := &specs.LinuxSeccomp{
		DefaultAction: specs.ActNotify, ListenerPath: "/agent",
		Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActAllow}},
	}
	p, err := Compile(spec, Options{NotifyAny: true, HasFlag: allFlags})
	if err != nil {
		t.Fatal(err)
	}
	if got := askName(t, p, "write"); got != retNotify || !p.NeedsListener {
		t.Errorf("write: %v, listener %v", got, p.NeedsListener)
	}
}

// TestKernel asks the running kernel, which is at least 5.12.
func TestKernel(t *testing.T) {
	if !Enabled() {
		t.Skip("the kernel has no seccomp filters")
	}
	have := SupportedFlags()
	for _, flag := range []specs.LinuxSeccompFlag{flagTsync, specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow} {
		if !slices.Contains(have, flag) {
			t.Errorf("the kernel lacks %s", flag)
		}
	}
	if HasFlag(1 << 30) {
		t.Error("the kernel knows a flag that does not exist")
	}
	if len(Actions()) != 9 || len(Operators()) != 7 || len(Archs()) != 23 || len(KnownFlags()) != 4 {
		t.Errorf("%d actions, %d operators, %d architectures, %d flags", len(Actions()), len(Operators()), len(Archs()), len(KnownFlags()))
	}
	for _, action := range Actions() {
		if ret, _, ok := actionValue(action); !ok || !hasAction(ret&retAction) {
			t.Errorf("the kernel lacks %s", action)
		}
	}
}

func TestTooLong(t *testing.T) {
	rules := func(n int, change func(i int, call *specs.LinuxSyscall)) *specs.LinuxSeccomp {
		spec := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
		for i := range n {
			call := specs.LinuxSyscall{Names: []string{"ioctl"}, Action: specs.ActAllow}
			change(i, &call)
			spec.Syscalls = append(spec.Syscalls, call)
		}
		return spec
	}
	condition := func(i int, call *specs.LinuxSyscall) {
		call.Args = []specs.LinuxSeccompArg{{Index: 1, Value: uint64(i) << 32, Op: specs.OpEqualTo}}
	}
	for name, spec := range map[string]*specs.LinuxSeccomp{
		"instructions": rules(3000, condition),
		"rules":        rules(5000, condition),
		"actions": rules(5000, func(i int, call *specs.LinuxSyscall) {
			call.Names = []string{[]string{"ioctl", "read"}[i%2]}
			call.Action, call.ErrnoRet = specs.ActErrno, number(uint(i))
			condition(i, call)
		}),
	} {
		if Backend != "go" && name != "instructions" {
			continue // libseccomp would take minutes
		}
		_, err := Compile(spec, Options{})
		if err == nil || !strings.Contains(err.Error(), "at most 4096") {
			t.Errorf("%s: %v, want that the filter is too long", name, err)
		}
	}
}
