//go:build libseccomp

package seccomp

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// Backend names what makes the programs.
const Backend = "libseccomp"

// assemble lets libseccomp make the program and puts the test for calls that are
// newer than the profile before it.
func (s *section) assemble(spec *specs.LinuxSeccomp) ([]Insn, error) {
	filter, err := s.libFilter(spec)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	insns, err := exportFilter(filter, archs[s.native].big)
	if err != nil {
		return nil, err
	}
	return s.prependStub(insns), nil
}

// libFilter is libseccomp's filter for the section.
func (s *section) libFilter(spec *specs.LinuxSeccomp) (*libseccomp.ScmpFilter, error) {
	filter, err := libseccomp.NewFilter(libAction(s.defaultAction))
	if err != nil {
		return nil, err
	}
	err = s.addArchs(filter)
	if err == nil && len(s.entries) > 32 {
		err = filter.SetOptimize(2)
	}
	for i := range spec.Syscalls {
		if err == nil {
			err = s.addCall(filter, &spec.Syscalls[i], i)
		}
	}
	if err != nil {
		filter.Release()
		return nil, err
	}
	return filter, nil
}

func (s *section) addArchs(filter *libseccomp.ScmpFilter) error {
	machine, err := libseccomp.GetNativeArch()
	if err != nil {
		return err
	}
	if err := filter.RemoveArch(machine); err != nil {
		return err
	}
	for _, a := range s.archs {
		lib, err := libArch(a)
		if err != nil {
			return err
		}
		if err := filter.AddArch(lib); err != nil {
			return fmt.Errorf("libseccomp: add %s: %w", archs[a].name, err)
		}
	}
	return nil
}

// libArch is libseccomp's name, which differs from the spec's for two.
func libArch(a arch) (libseccomp.ScmpArch, error) {
	switch a {
	case archX86_64:
		return libseccomp.ArchAMD64, nil
	case archAARCH64:
		return libseccomp.ArchARM64, nil
	case archLoongarch64:
		return libseccomp.GetArchFromString("loong64")
	}
	return libseccomp.GetArchFromString(shortArch(a))
}

func libAction(ret uint32) libseccomp.ScmpAction {
	data := int16(ret & retData)
	switch ret & retAction {
	case retKillProcess:
		return libseccomp.ActKillProcess
	case retTrap:
		return libseccomp.ActTrap
	case retErrno:
		return libseccomp.ActErrno.SetReturnCode(data)
	case retTrace:
		return libseccomp.ActTrace.SetReturnCode(data)
	case retNotify:
		return libseccomp.ActNotify
	case retLog:
		return libseccomp.ActLog
	case retAllow:
		return libseccomp.ActAllow
	}
	return libseccomp.ActKillThread
}

// addCall adds the rules of one entry, those that do nothing left out.
func (s *section) addCall(filter *libseccomp.ScmpFilter, call *specs.LinuxSyscall, at int) error {
	action, err := parseAction(call.Action, call.ErrnoRet)
	if err != nil || action == s.defaultAction {
		return err
	}
	sets := libConditions(parseArgs(nil, call.Args, action, func(int, string, error) {}))
	for _, name := range call.Names {
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			continue
		}
		for _, conds := range sets {
			if len(call.Args) == 0 {
				conds = nil
			}
			if err := filter.AddRuleConditional(nr, libAction(action), conds); err != nil {
				return &FieldError{callPointer(at, "args"), fmt.Errorf("syscall %s: libseccomp: %w", name, err)}
			}
		}
	}
	return nil
}

func libConditions(rules []rule) [][]libseccomp.ScmpCondition {
	var sets [][]libseccomp.ScmpCondition
	for i := range rules {
		var conds []libseccomp.ScmpCondition
		for arg := range uint(maxArgs) {
			if rules[i].has&(1<<arg) == 0 {
				continue
			}
			c := rules[i].conds[arg]
			cond := libseccomp.ScmpCondition{Argument: arg, Op: libOp(c.op), Operand1: c.datum}
			if c.op == opMaskedEQ {
				cond.Operand1, cond.Operand2 = c.mask, c.datum
			}
			conds = append(conds, cond)
		}
		sets = append(sets, conds)
	}
	return sets
}

func libOp(o op) libseccomp.ScmpCompareOp {
	return [...]libseccomp.ScmpCompareOp{
		opNE: libseccomp.CompareNotEqual, opLT: libseccomp.CompareLess, opLE: libseccomp.CompareLessOrEqual,
		opEQ: libseccomp.CompareEqual, opGE: libseccomp.CompareGreaterEqual, opGT: libseccomp.CompareGreater,
		opMaskedEQ: libseccomp.CompareMaskedEqual,
	}[o]
}

// exportFilter reads the program, which libseccomp writes to a file in the byte
// order of its architectures.
func exportFilter(filter *libseccomp.ScmpFilter, big bool) ([]Insn, error) {
	fd, err := unix.MemfdCreate("seccomp", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "seccomp")
	defer file.Close()
	if err := filter.ExportBPF(file); err != nil {
		return nil, fmt.Errorf("libseccomp: export: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, info.Size())
	if _, err := file.ReadAt(raw, 0); err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	insns := make([]Insn, 0, len(raw)/8)
	for ; len(raw) >= 8; raw = raw[8:] {
		insns = append(insns, Insn{order.Uint16(raw), raw[2], raw[3], order.Uint32(raw[4:])})
	}
	return insns, nil
}

// prependStub is what libseccomp does not do: ENOSYS for calls that are newer than
// the profile.
func (s *section) prependStub(insns []Insn) []Insn {
	a := &asm{insns: insns}
	slices.Reverse(a.insns)
	filter := a.here().target()
	next := filter
	for _, arch := range slices.Backward(s.archs) {
		if arch == archX32 && slices.Contains(s.archs, archX86_64) {
			continue
		}
		var part target
		switch {
		case arch == archX86_64 && slices.Contains(s.archs, archX32):
			part = a.test(bpfJSET, x32Bit, s.newer(a, archX32, filter), s.newer(a, arch, filter)).target()
		case arch == archX86_64:
			part = a.test(bpfJSET, x32Bit, filter, s.newer(a, arch, filter)).target()
		case arch == archX32:
			part = a.test(bpfJSET, x32Bit, s.newer(a, arch, filter), filter).target()
		default:
			part = s.newer(a, arch, filter)
		}
		part = a.load(offNumber, part).target()
		next = a.test(bpfJEQ, archs[arch].token, part, next).target()
	}
	a.load(offArch, next)
	return a.program()
}

// newer tests the number on one architecture.
func (s *section) newer(a *asm, arch arch, filter target) target {
	newest := s.newest(arch)
	if !s.tells(arch, newest) {
		return filter
	}
	enosys := a.action(retENOSYS)
	then := filter
	if arch == archARM {
		then = a.test(bpfJGE, armPrivateBase+s.newestPrivate(), enosys, filter).target()
		then = a.test(bpfJGE, armPrivateBase, then, enosys).target()
		return a.test(bpfJGT, newest, then, filter).target()
	}
	then = a.test(bpfJGT, archs[arch].base+newest, enosys, then).target()
	if arch == archS390 || arch == archS390X {
		then = a.test(bpfJEQ, 0, enosys, then).target()
	}
	return then
}
