package initproc

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// label writes to a file of the init's own in procfs and reads it back: what was written
// to another file protects nobody (CVE-2019-16884, CVE-2025-52881). Before the container
// is entered the host's procfs serves, where "self" is the only link on the way, later
// that of the container, which nothing can be mounted over.
func (lo *lowerer) label(s plan.Label) {
	file, value, shown := labelFile(s)
	if lo.plan.Entries[lo.step].Phase == plan.Namespaces {
		lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/proc/self/"+file), lo.how(unix.O_RDWR, unix.RESOLVE_NO_MAGICLINKS), imm(24)).to(slotTmp)
	} else {
		lo.openProc()
		resolve := uint64(unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS)
		lo.sys(unix.SYS_OPENAT2, slot(slotProc), lo.str("self/"+file), lo.how(unix.O_RDWR, resolve), imm(24)).to(slotTmp)
	}
	lo.add(OpVerify, 0, slot(slotTmp), imm(unix.S_IFREG), imm(0), imm(procMagic), imm(int(unix.EXDEV)))
	lo.writeLabel(value, shown)
	lo.close(slotTmp)
}

// writeLabel writes to slotTmp and makes sure that the same is shown afterwards.
func (lo *lowerer) writeLabel(value string, shown word) {
	lo.sys(unix.SYS_WRITE, slot(slotTmp), lo.str(value), imm(len(value)))
	if shown.text == "" {
		return
	}
	// One byte more tells whether the word ends, and one is left to end the text.
	there := lo.bytes(make([]byte, len(shown.text)+2))
	lo.sys(unix.SYS_PREAD64, slot(slotTmp), there, imm(len(shown.text)+1), imm(0))
	lo.add(OpMatch, 0, there, lo.str(shown.text), imm(len(shown.text)), imm(int(ErrOtherLabel)), imm(uint64(shown.border)))
}

// ErrOtherLabel is a label that the kernel does not show after it was written.
const ErrOtherLabel = unix.EBADE

// word is what the kernel shows of a label, and the byte that may follow before more of
// it.
type word struct {
	text   string
	border byte
}

// labelFile gives the file of a label, what is written to it, and what is then shown.
func labelFile(s plan.Label) (file, value string, shown word) {
	switch {
	case s.Module == "apparmor":
		shown = word{s.Value, ' '}
		if strings.HasPrefix(s.Value, ":") || strings.Contains(s.Value, "//") {
			// Names with a namespace and stacks are shown in other words.
			shown.text = ""
		}
		return "attr/apparmor/exec", "exec " + s.Value, shown
	case s.Keys:
		return "attr/keycreate", s.Value, selinuxWord(s.Value)
	}
	return "attr/exec", s.Value, selinuxWord(s.Value)
}

// selinuxWord is the part of a context that is shown as it is: the kernel may order the
// categories of the level, which is the fourth part.
func selinuxWord(label string) word {
	parts := strings.SplitN(label, ":", 4)
	if len(parts) > 3 {
		parts = parts[:3]
	}
	return word{strings.Join(parts, ":"), ':'}
}

const typeMqueue = "mqueue"

// context gives all files of a new file system one label.
func (lo *lowerer) context(label string) {
	if label != "" {
		lo.fsconfig(unix.FSCONFIG_SET_STRING, lo.str("context"), lo.str(label)).log()
	}
}

// labelFiles labels the root of a mount. The file system of message queues is made with
// its namespace, and takes no options any more.
func (lo *lowerer) labelFiles(mount uint8, label string) {
	lo.sys(unix.SYS_OPENAT2, slot(mount), lo.str("."), lo.how(unix.O_RDONLY|unix.O_DIRECTORY, unix.RESOLVE_BENEATH), imm(24)).to(slotTmp)
	lo.sys(unix.SYS_FSETXATTR, slot(slotTmp), lo.str("security.selinux"), lo.str(label), imm(len(label)+1), imm(0))
	lo.close(slotTmp)
}
