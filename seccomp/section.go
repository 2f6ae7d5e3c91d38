package seccomp

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// entry is one name of the section together with one rule for it.
type entry struct {
	id nameID
	// rule is an index into section.rules, or noRule.
	rule int32
	// action is the value to return if there are no conditions.
	action uint32
	// redundant marks a rule with the default action: it does nothing but make
	// the call known to the profile.
	redundant bool
}

const noRule = -1

// section is the parsed form of specs.LinuxSeccomp.
type section struct {
	defaultAction uint32
	native        arch
	archs         []arch // the native one first, none twice
	flags         uint
	entries       []entry
	rules         []rule
	// notify says that there is a rule with SCMP_ACT_NOTIFY.
	notify bool
	// socketcall and ipc say that a rule without conditions decides about all calls
	// below them.
	socketcall, ipc bool

	opts   Options
	errors []*FieldError

	// Memory for what common profiles need.
	entriesBuf [480]entry
	rulesBuf   [16]rule
	archsBuf   [8]arch
}

// empty is runc's test for a section that asks for nothing.
func empty(spec *specs.LinuxSeccomp) bool {
	return spec == nil || spec.DefaultAction == "" && len(spec.Syscalls) == 0
}

// parse reads all of the section and collects all errors.
func parse(spec *specs.LinuxSeccomp, opts Options) *section {
	s := &section{opts: opts}
	s.rules = s.rulesBuf[:0]
	s.archs = s.archsBuf[:0]
	s.parseDefault(spec)
	s.parseArchs(spec.Architectures)
	s.parseSyscalls(spec.Syscalls)
	s.parseFlags(spec.Flags)
	s.parseListener(spec)
	return s
}

func (s *section) fail(pointer string, err error) {
	s.errors = append(s.errors, &FieldError{Pointer: pointer, Err: err})
}

func (s *section) parseDefault(spec *specs.LinuxSeccomp) {
	var err error
	s.defaultAction, err = parseAction(spec.DefaultAction, spec.DefaultErrnoRet)
	if err != nil {
		pointer := "/defaultAction"
		if _, _, known := actionValue(spec.DefaultAction); known {
			pointer = "/defaultErrnoRet"
		}
		s.fail(pointer, err)
		return
	}
	if s.defaultAction == retNotify {
		if !s.opts.NotifyAny {
			s.fail("/defaultAction", errors.New("SCMP_ACT_NOTIFY cannot be used as default action"))
		}
		s.notify = true
	}
}

func (s *section) parseArchs(names []specs.Arch) {
	native, ok := archOfGo(s.opts.goarch())
	if !ok {
		s.fail("", fmt.Errorf("seccomp is not supported on %s", s.opts.goarch()))
		return
	}
	s.native = native
	s.archs = append(s.archs, native)
	var seen [archCount]bool
	seen[native] = true
	for i, name := range names {
		a, ok := parseArch(name)
		if !ok {
			s.fail("/architectures/"+strconv.Itoa(i), fmt.Errorf("string %s is not a valid arch for seccomp", name))
			continue
		}
		if archs[a].big != archs[native].big {
			s.fail("/architectures/"+strconv.Itoa(i), fmt.Errorf("%s has another byte order than the machine's %s", name, archs[native].name))
			continue
		}
		if !seen[a] {
			seen[a] = true
			s.archs = append(s.archs, a)
		}
	}
}

func (s *section) parseSyscalls(calls []specs.LinuxSyscall) {
	count := 0
	for i := range calls {
		count += len(calls[i].Names)
	}
	s.entries = s.entriesBuf[:0]
	if count > len(s.entriesBuf) {
		s.entries = make([]entry, 0, count)
	}
	for i := range calls {
		s.parseSyscall(&calls[i], i)
	}
}

func (s *section) parseSyscall(call *specs.LinuxSyscall, at int) {
	action, err := parseAction(call.Action, call.ErrnoRet)
	if err != nil {
		field := "action"
		if _, _, known := actionValue(call.Action); known {
			field = "errnoRet"
		}
		s.fail(callPointer(at, field), err)
	}
	s.notify = s.notify || action == retNotify && err == nil
	first := len(s.rules)
	if len(call.Args) > 0 {
		s.rules = parseArgs(s.rules, call.Args, action, func(arg int, field string, err error) {
			s.fail(callPointer(at, "args/"+strconv.Itoa(arg)+"/"+field), err)
		})
	}
	redundant := action == s.defaultAction
	for n, name := range call.Names {
		if !s.checkName(name, action, at, n) {
			continue
		}
		id, ok := findName(name)
		if !ok {
			continue
		}
		if len(call.Args) == 0 {
			s.socketcall = s.socketcall || id == idSocketcall && !redundant
			s.ipc = s.ipc || id == idIPC && !redundant
			s.entries = append(s.entries, entry{id: id, rule: noRule, action: action, redundant: redundant})
		}
		for r := first; r < len(s.rules); r++ {
			s.entries = append(s.entries, entry{id: id, rule: int32(r), action: action, redundant: redundant})
		}
	}
}

// checkName finds the names that no kernel's table decides about.
func (s *section) checkName(name string, action uint32, call, at int) bool {
	if name == "" {
		s.fail(callPointer(call, "names/"+strconv.Itoa(at)), errors.New("empty string is not a valid syscall"))
		return false
	}
	if action == retNotify && name == "write" && !s.opts.NotifyAny {
		s.fail(callPointer(call, "names/"+strconv.Itoa(at)), errors.New("SCMP_ACT_NOTIFY cannot be used for the write syscall"))
		return false
	}
	return true
}

func callPointer(call int, field string) string {
	return "/syscalls/" + strconv.Itoa(call) + "/" + field
}

// parseListener checks the agent's address, which is of no interest without
// SCMP_ACT_NOTIFY.
func (s *section) parseListener(spec *specs.LinuxSeccomp) {
	if spec.ListenerPath == "" {
		if spec.ListenerMetadata != "" {
			s.fail("/listenerMetadata", errors.New("seccomp listenerMetadata is set without listenerPath"))
		}
		if s.notify {
			s.fail("/listenerPath", errors.New("seccomp listenerPath is not set"))
		}
	}
}
