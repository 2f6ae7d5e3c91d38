package specconv

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestCompileSeccomp(t *testing.T) {
	with := func(section *specs.LinuxSeccomp, noNewPrivileges bool) func(*specs.Spec, *Options) {
		return func(s *specs.Spec, _ *Options) {
			s.Linux.Seccomp, s.Process.NoNewPrivileges = section, noNewPrivileges
		}
	}
	allow := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{}}
	notify := &specs.LinuxSeccomp{
		ListenerPath:  "/run/agent.sock",
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{"mkdir"}, Action: specs.ActNotify}},
	}
	runCases(t, []compileCase{
		{
			name: "early without no_new_privs", change: with(allow, false),
			want: []string{"load the seccomp filter", "bounding set", "apply capabilities", "exec:"},
		},
		{
			name: "last with no_new_privs", change: with(allow, true),
			want: []string{"set no_new_privs", "apply capabilities", "umask", "exec:", "load the seccomp filter", "exec \"sh\""},
		},
		{name: "says nothing", change: with(&specs.LinuxSeccomp{}, true), absent: []string{"filter"}},
		{
			name: "bad action", change: with(&specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_BOGUS"}, true),
			err: "/linux/seccomp/defaultAction: string SCMP_ACT_BOGUS is not a valid action for seccomp",
		},
		{
			name: "a listener before the container is created",
			change: func(s *specs.Spec, o *Options) {
				with(notify, true)(s, o)
				o.Create = true
			},
			want: []string{"apply capabilities", "with a listener", "report that", "wait for start", "exec \"sh\""},
		},
		{
			name: "behind the gate",
			change: func(s *specs.Spec, o *Options) {
				with(allow, true)(s, o)
				o.Create = true
			},
			want: []string{"wait for start", "load the seccomp filter", "exec \"sh\""},
		},
		{name: "flags of the kernel", change: func(s *specs.Spec, o *Options) {
			o.Host.SeccompFlags = 1 << 2
			s.Linux.Seccomp = &specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow, Flags: []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagLog},
			}
		}, err: "/linux/seccomp/flags/0: seccomp flag SECCOMP_FILTER_FLAG_LOG is not supported"},
	})
}
