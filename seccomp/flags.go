package seccomp

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// flagTsync has no constant in specs-go.
const flagTsync specs.LinuxSeccompFlag = "SECCOMP_FILTER_FLAG_TSYNC"

// KnownFlags lists the flags that a section may have, for `features`.
func KnownFlags() []specs.LinuxSeccompFlag {
	return []specs.LinuxSeccompFlag{
		flagTsync,
		specs.LinuxSeccompFlagSpecAllow,
		specs.LinuxSeccompFlagLog,
		specs.LinuxSeccompFlagWaitKillableRecv,
	}
}

// flagBit gives the bit of seccomp(2) that a flag stands for.
func flagBit(flag specs.LinuxSeccompFlag) (uint, bool) {
	switch flag {
	case flagTsync:
		return unix.SECCOMP_FILTER_FLAG_TSYNC, true
	case specs.LinuxSeccompFlagLog:
		return unix.SECCOMP_FILTER_FLAG_LOG, true
	case specs.LinuxSeccompFlagSpecAllow:
		return unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, true
	case specs.LinuxSeccompFlagWaitKillableRecv:
		return unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, true
	}
	return 0, false
}

// parseFlags gives the flags for seccomp(2). Without a list the mitigation of
// speculative store bypass is not asked for, if the kernel can do without, as
// runc does; an empty list asks for nothing.
//
// TSYNC is for a process with several threads; the one that loads the filter has
// one. WAIT_KILLABLE_RECV is about a listener; the kernel refuses it without.
func (s *section) parseFlags(flags []specs.LinuxSeccompFlag) {
	if s.notify {
		s.flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	if flags == nil && s.opts.hasFlag(unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW) {
		s.flags |= unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	}
	for i, flag := range flags {
		bit, known := flagBit(flag)
		switch {
		case !known:
			s.fail("/flags/"+strconv.Itoa(i), fmt.Errorf("seccomp flag %s is not known to the runtime", flag))
		case !s.opts.hasFlag(bit):
			s.fail("/flags/"+strconv.Itoa(i), fmt.Errorf("seccomp flag %s is not supported: the kernel does not know it", flag))
		case bit == unix.SECCOMP_FILTER_FLAG_TSYNC:
		case bit == unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !s.notify:
		default:
			s.flags |= bit
		}
	}
}

// flagNames lists the flags of a program without their common prefix.
func flagNames(flags uint) string {
	var names []string
	for _, f := range [...]struct {
		bit  uint
		name string
	}{
		{unix.SECCOMP_FILTER_FLAG_TSYNC, "TSYNC"},
		{unix.SECCOMP_FILTER_FLAG_LOG, "LOG"},
		{unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, "SPEC_ALLOW"},
		{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, "NEW_LISTENER"},
		{unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, "WAIT_KILLABLE_RECV"},
	} {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ",")
}
