package plan

import (
	"math/bits"
	"strconv"
	"strings"
)

// CapSet is a set of capabilities, a bit each (capabilities(7)).
type CapSet uint64

// capNames are the capabilities in the kernel's order (linux/capability.h, 41
// as of Linux 5.9).
const capNames = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP " +
	"LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER " +
	"SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE " +
	"SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP " +
	"MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF " +
	"CHECKPOINT_RESTORE"

// CapabilityNames lists the known capabilities in the kernel's order, without
// the prefix "CAP_".
func CapabilityNames() []string { return strings.Fields(capNames) }

// Capability finds a capability by its name with the prefix "CAP_", in capital
// letters.
func Capability(name string) (bit uint8, ok bool) {
	name, ok = strings.CutPrefix(name, "CAP_")
	if !ok {
		return 0, false
	}
	rest := capNames
	for bit = 0; rest != ""; bit++ {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if word == name {
			return bit, true
		}
	}
	return 0, false
}

// Has reports whether the capability with that number is in the set.
func (s CapSet) Has(bit uint8) bool { return s&(1<<bit) != 0 }

// String lists the set's capabilities in the kernel's order, or says "all" or
// "none".
func (s CapSet) String() string {
	names := CapabilityNames()
	all := CapSet(1)<<len(names) - 1
	switch s {
	case 0:
		return "none"
	case all:
		return "all"
	}
	parts := make([]string, 0, bits.OnesCount64(uint64(s)))
	for bit := range uint8(64) {
		switch {
		case !s.Has(bit):
		case int(bit) < len(names):
			parts = append(parts, names[bit])
		default:
			parts = append(parts, strconv.Itoa(int(bit)))
		}
	}
	return strings.Join(parts, ",")
}
