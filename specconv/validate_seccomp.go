package specconv

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const refSeccomp = "config-linux.md#seccomp"

// The words of the seccomp section (runtime-spec config-linux.md, "Seccomp"), as
// lists with spaces between them.
const (
	seccompActions = "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD " +
		"SCMP_ACT_LOG SCMP_ACT_NOTIFY SCMP_ACT_TRACE SCMP_ACT_TRAP"
	seccompOperators = "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT SCMP_CMP_MASKED_EQ SCMP_CMP_NE"
	seccompArchs     = "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM SCMP_ARCH_LOONGARCH64 SCMP_ARCH_M68K SCMP_ARCH_MIPS " +
		"SCMP_ARCH_MIPS64 SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64 SCMP_ARCH_MIPSEL64N32 " +
		"SCMP_ARCH_PARISC SCMP_ARCH_PARISC64 SCMP_ARCH_PPC SCMP_ARCH_PPC64 SCMP_ARCH_PPC64LE SCMP_ARCH_RISCV64 " +
		"SCMP_ARCH_S390 SCMP_ARCH_S390X SCMP_ARCH_SH SCMP_ARCH_SHEB SCMP_ARCH_X32 SCMP_ARCH_X86 SCMP_ARCH_X86_64"
	seccompFlags = "SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_LOG " +
		"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
)

// hasWord looks for a whole word in a list.
func hasWord(list, word string) bool {
	if word == "" || strings.Contains(word, " ") {
		return false
	}
	for {
		at := strings.Index(list, word)
		if at < 0 {
			return false
		}
		end := at + len(word)
		if (at == 0 || list[at-1] == ' ') && (end == len(list) || list[end] == ' ') {
			return true
		}
		list = list[end:]
	}
}

// seccomp checks the words of the section. A section that says nothing is none.
func (v *validator) seccomp() {
	s := v.linux.Seccomp
	if s == nil || s.DefaultAction == "" && len(s.Syscalls) == 0 {
		return
	}
	v.action("/linux/seccomp/defaultAction", s.DefaultAction)
	v.errnoOf("/linux/seccomp/defaultErrnoRet", s.DefaultAction, s.DefaultErrnoRet)
	for i, arch := range s.Architectures {
		if !hasWord(seccompArchs, string(arch)) {
			v.failf(element("/linux/seccomp/architectures", i), refSeccomp,
				"string %s is not a valid arch for seccomp", arch)
		}
	}
	for i, flag := range s.Flags {
		if !hasWord(seccompFlags, string(flag)) {
			v.failf(element("/linux/seccomp/flags", i), refSeccomp, "seccomp flag %s is not known to ocirun", flag)
		}
	}
	if s.ListenerMetadata != "" && s.ListenerPath == "" {
		v.failf("/linux/seccomp/listenerMetadata", refSeccomp, "seccomp listenerMetadata is set without listenerPath")
	}
	last := specs.LinuxSeccompAction("")
	for i := range s.Syscalls {
		rule := &s.Syscalls[i]
		// Profiles have long runs of one action.
		if rule.Action != last {
			last = rule.Action
			v.action(element("/linux/seccomp/syscalls", i)+"/action", rule.Action)
		}
		v.seccompRule(i, rule)
	}
	v.listener(s)
}

// listener wants an agent for the calls that one is to judge.
func (v *validator) listener(s *specs.LinuxSeccomp) {
	if s.ListenerPath != "" {
		return
	}
	if s.DefaultAction == specs.ActNotify {
		v.failf("/linux/seccomp/defaultAction", refSeccomp, "seccomp listenerPath is not set")
	}
	for i := range s.Syscalls {
		if s.Syscalls[i].Action == specs.ActNotify {
			v.failf(element("/linux/seccomp/syscalls", i)+"/action", refSeccomp, "seccomp listenerPath is not set")
			return
		}
	}
}

func (v *validator) seccompRule(i int, rule *specs.LinuxSyscall) {
	if rule.ErrnoRet != nil {
		v.errnoOf(element("/linux/seccomp/syscalls", i)+"/errnoRet", rule.Action, rule.ErrnoRet)
	}
	if len(rule.Names) == 0 {
		v.warnf(element("/linux/seccomp/syscalls", i)+"/names", refSeccomp, "seccomp rule without a system call")
	}
	for k := range rule.Args {
		arg := &rule.Args[k]
		where := func() plan.Cause { return element(string(element("/linux/seccomp/syscalls", i))+"/args", k) }
		if arg.Index > 5 {
			v.failf(where()+"/index", refSeccomp, "syscalls only have up to 6 arguments (%d given)", arg.Index)
		}
		if !hasWord(seccompOperators, string(arg.Op)) {
			v.failf(where()+"/op", refSeccomp, "string %s is not a valid operator for seccomp", arg.Op)
		}
	}
}

func (v *validator) action(where plan.Cause, action specs.LinuxSeccompAction) {
	if !hasWord(seccompActions, string(action)) {
		v.failf(where, refSeccomp, "string %s is not a valid action for seccomp", action)
	}
}

// errnoOf refuses an error number for an action that returns none.
func (v *validator) errnoOf(where plan.Cause, action specs.LinuxSeccompAction, errno *uint) {
	if errno != nil && action != specs.ActErrno && action != specs.ActTrace {
		v.failf(where, refSeccomp, "errno value specified for action %q", action)
	}
}
