package seccomp

import "github.com/opencontainers/runtime-spec/specs-go"

// arch is an index into archs.
type arch uint8

const (
	archX86_64 arch = iota
	archX86
	archX32
	archAARCH64
	archARM
	archRISCV64
	archLoongarch64
	archMIPS
	archMIPSEL
	archMIPS64
	archMIPSEL64
	archMIPS64N32
	archMIPSEL64N32
	archPPC
	archPPC64
	archPPC64LE
	archS390
	archS390X
	archPARISC
	archPARISC64
	archM68K
	archSH
	archSHEB
	archCount
)

// archInfo is what the compiler knows of an architecture.
type archInfo struct {
	name specs.Arch
	// goarch is the Go name, if there is one.
	goarch string
	// token is the AUDIT_ARCH_* value of linux/audit.h that the kernel puts into
	// struct seccomp_data.
	token uint32
	// wide says that conditions compare 64 bits, not the lower 32.
	wide bool
	// big says that the byte order is big-endian.
	big bool
	// mux says that rules for socket and System V IPC calls are also made for
	// socketcall and ipc.
	mux bool
	// base is the number of the first call.
	base uint32
	// slots is the number of the newest call plus one, without the base.
	slots uint32
	// numbers gives, by the index of a name, the call's number plus one.
	numbers *[nameCount]uint16
}

// x32Bit marks system calls of the x32 ABI, which share x86_64's token.
const x32Bit = 0x40000000

// Arm's private calls are at 0xf0001 to 0xf0006; the table keeps them behind
// armPrivateSlot.
const (
	armPrivateBase  = 0xf0000
	armPrivateSlot  = 1000
	armPrivateCount = 8
)

// maxSlots is more than any architecture's slots.
const maxSlots = 640

// Parts of AUDIT_ARCH_* values.
const (
	bit64 = 0x80000000
	le    = 0x40000000
	n32   = 0x20000000
)

// The numbers of machines are those of elf.h.
var archs = [archCount]archInfo{
	archX86_64:      {name: specs.ArchX86_64, goarch: "amd64", token: 62 | bit64 | le, wide: true, slots: slots_x86_64, numbers: &numbers_x86_64},
	archX86:         {name: specs.ArchX86, goarch: "386", token: 3 | le, mux: true, slots: slots_x86, numbers: &numbers_x86},
	archX32:         {name: specs.ArchX32, token: 62 | bit64 | le, base: x32Bit, slots: slots_x32, numbers: &numbers_x32},
	archAARCH64:     {name: specs.ArchAARCH64, goarch: "arm64", token: 183 | bit64 | le, wide: true, slots: slots_aarch64, numbers: &numbers_aarch64},
	archARM:         {name: specs.ArchARM, goarch: "arm", token: 40 | le, slots: slots_arm, numbers: &numbers_arm},
	archRISCV64:     {name: specs.ArchRISCV64, goarch: "riscv64", token: 243 | bit64 | le, wide: true, slots: slots_riscv64, numbers: &numbers_riscv64},
	archLoongarch64: {name: specs.ArchLOONGARCH64, goarch: "loong64", token: 258 | bit64 | le, wide: true, slots: slots_loongarch64, numbers: &numbers_loongarch64},
	archMIPS:        {name: specs.ArchMIPS, goarch: "mips", token: 8, big: true, mux: true, base: 4000, slots: slots_mips, numbers: &numbers_mips},
	archMIPSEL:      {name: specs.ArchMIPSEL, goarch: "mipsle", token: 8 | le, mux: true, base: 4000, slots: slots_mips, numbers: &numbers_mips},
	archMIPS64:      {name: specs.ArchMIPS64, goarch: "mips64", token: 8 | bit64, wide: true, big: true, base: 5000, slots: slots_mips64, numbers: &numbers_mips64},
	archMIPSEL64:    {name: specs.ArchMIPSEL64, goarch: "mips64le", token: 8 | bit64 | le, wide: true, base: 5000, slots: slots_mips64, numbers: &numbers_mips64},
	archMIPS64N32:   {name: specs.ArchMIPS64N32, token: 8 | bit64 | n32, big: true, base: 6000, slots: slots_mips64n32, numbers: &numbers_mips64n32},
	archMIPSEL64N32: {name: specs.ArchMIPSEL64N32, token: 8 | bit64 | le | n32, base: 6000, slots: slots_mips64n32, numbers: &numbers_mips64n32},
	archPPC:         {name: specs.ArchPPC, token: 20, big: true, mux: true, slots: slots_ppc, numbers: &numbers_ppc},
	archPPC64:       {name: specs.ArchPPC64, goarch: "ppc64", token: 21 | bit64, wide: true, big: true, mux: true, slots: slots_ppc64, numbers: &numbers_ppc64},
	archPPC64LE:     {name: specs.ArchPPC64LE, goarch: "ppc64le", token: 21 | bit64 | le, wide: true, mux: true, slots: slots_ppc64, numbers: &numbers_ppc64},
	archS390:        {name: specs.ArchS390, token: 22, big: true, mux: true, slots: slots_s390, numbers: &numbers_s390},
	archS390X:       {name: specs.ArchS390X, goarch: "s390x", token: 22 | bit64, wide: true, big: true, mux: true, slots: slots_s390x, numbers: &numbers_s390x},
	archPARISC:      {name: specs.ArchPARISC, token: 15, big: true, slots: slots_parisc, numbers: &numbers_parisc},
	archPARISC64:    {name: specs.ArchPARISC64, token: 15 | bit64, wide: true, big: true, slots: slots_parisc64, numbers: &numbers_parisc64},
	archM68K:        {name: specs.ArchM68K, token: 4, big: true, mux: true, slots: slots_m68k, numbers: &numbers_m68k},
	archSH:          {name: specs.ArchSH, token: 42 | le, mux: true, slots: slots_sh, numbers: &numbers_sh},
	archSHEB:        {name: specs.ArchSHEB, token: 42, big: true, mux: true, slots: slots_sh, numbers: &numbers_sh},
}

// parseArch finds an architecture by its name in configurations.
func parseArch(name specs.Arch) (arch, bool) {
	for i := range archs {
		if archs[i].name == name {
			return arch(i), true
		}
	}
	return 0, false
}

// archOfGo finds an architecture by its GOARCH.
func archOfGo(goarch string) (arch, bool) {
	for i := range archs {
		if archs[i].goarch == goarch && goarch != "" {
			return arch(i), true
		}
	}
	return 0, false
}

// number turns a slot of the table into the number that the kernel sees.
func (a *archInfo) number(slot uint32) uint32 {
	if slot >= armPrivateSlot {
		return armPrivateBase + slot - armPrivateSlot
	}
	return a.base + slot
}

// slot is number's inverse, for numbers of existing calls.
func (a *archInfo) slot(nr uint32) (uint32, bool) {
	if a.numbers == &numbers_arm && nr-armPrivateBase < armPrivateCount {
		return armPrivateSlot + nr - armPrivateBase, true
	}
	if nr < a.base || nr-a.base >= a.slots {
		return 0, false
	}
	return nr - a.base, true
}
