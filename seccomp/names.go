package seccomp

import "fmt"

// nameID is the index of a system call's name in the tables.
type nameID uint16

// hashName is where nameHash has a name; the generator uses the same function.
func hashName(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h * 2654435769 >> (32 - nameHashBits)
}

// findName looks a system call up. Not finding it is no error in profiles: they
// name calls that only other kernels have.
func findName(name string) (nameID, bool) {
	for at := hashName(name); ; at = (at + 1) % (1 << nameHashBits) {
		id := nameHash[at]
		if id == 0 {
			return 0, false
		}
		if nameID(id-1).String() == name {
			return nameID(id - 1), true
		}
	}
}

// String is the name.
func (id nameID) String() string {
	return nameText[nameEnd[id]:nameEnd[id+1]]
}

// SyscallName gives the name of a system call of an architecture of the spec
// ("SCMP_ARCH_X86_64"), or false if there is none with this number. For x32 the
// number has the bit 0x40000000.
func SyscallName(archName string, nr uint32) (string, bool) {
	for i := range archs {
		if string(archs[i].name) == archName {
			return archs[i].nameOf(nr)
		}
	}
	return "", false
}

// CallName gives the name of a call as a filter or an agent sees it, or its
// architecture and number if there is no such call.
func CallName(d Data) string {
	for i := range archs {
		if archs[i].token != d.Arch {
			continue
		}
		if name, ok := archs[i].nameOf(d.Number); ok {
			return name
		}
	}
	return fmt.Sprintf("%#x:%d", d.Arch, d.Number)
}

// SyscallNumber gives the number of a system call of an architecture of the spec.
func SyscallNumber(archName, name string) (uint32, bool) {
	id, ok := findName(name)
	if !ok {
		return 0, false
	}
	for i := range archs {
		if string(archs[i].name) == archName {
			return archs[i].numberOf(id)
		}
	}
	return 0, false
}

func (a *archInfo) numberOf(id nameID) (uint32, bool) {
	slot := a.numbers[id]
	if slot == 0 {
		return 0, false
	}
	return a.number(uint32(slot) - 1), true
}

// nameOf prefers the first name where two share a number.
func (a *archInfo) nameOf(nr uint32) (string, bool) {
	slot, ok := a.slot(nr)
	if !ok {
		return "", false
	}
	for id := range a.numbers {
		if uint32(a.numbers[id]) == slot+1 {
			return nameID(id).String(), true
		}
	}
	return "", false
}
