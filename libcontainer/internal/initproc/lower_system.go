package initproc

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

func (lo *lowerer) lowerSystem(step plan.Step) error {
	switch s := step.(type) {
	case plan.Join:
		if s.Namespace == plan.NamespaceUser {
			// Its processes have all rights over those that enter it.
			lo.undumpable()
		}
		fd := imm(lo.layout.firstNamespace() + lo.joins)
		lo.joins++
		lo.sys(unix.SYS_SETNS, fd, imm(uint64(s.Namespace)))
		lo.sys(unix.SYS_CLOSE, fd)
	case plan.Unshare:
		lo.sys(unix.SYS_UNSHARE, imm(uint64(s.Namespaces)))
	case plan.Fork:
		lo.add(OpClone, 0, imm(uint64(s.Namespaces)))
		// Only who leads a session can have a terminal.
		lo.sys(unix.SYS_SETSID)
	case plan.JoinContainer:
		lo.joinContainer(s)
	case plan.CPUAffinity:
		lo.affinity(s)
	case plan.Label:
		lo.label(s)
	case plan.Keyring:
		lo.keyring(s)
	case plan.Loopback:
		if !lo.layout.Net {
			lo.loopback()
		}
	case plan.Hostname:
		nr := uintptr(unix.SYS_SETHOSTNAME)
		if s.Domain {
			nr = unix.SYS_SETDOMAINNAME
		}
		lo.sys(nr, lo.str(s.Value), imm(len(s.Value)))
	case plan.Sysctl:
		lo.openProc()
		lo.writeProc(slot(slotProc), "sys/"+s.Key, s.Value)
	case plan.OOMScoreAdj:
		lo.writeOwnProc("oom_score_adj", strconv.Itoa(s.Value))
	case plan.TimeOffset:
		text := s.Clock + " " + strconv.FormatInt(s.Secs, 10) + " " + strconv.FormatUint(uint64(s.Nanos), 10)
		// The kernel takes a write at the beginning of the file only.
		lo.sys(unix.SYS_LSEEK, slot(slotTime), imm(0), imm(unix.SEEK_SET))
		lo.sys(unix.SYS_WRITE, slot(slotTime), lo.str(text), imm(len(text)))
	default:
		return unsupported(step)
	}
	return nil
}

// keyring joins a session keyring of the container's own and lets its user
// search it, as runc does. KEY_SPEC_SESSION_KEYRING is -3.
func (lo *lowerer) keyring(s plan.Keyring) {
	const permissions = 0x3f1b0000 // possessor: all; user: view, read, search, link
	lo.sys(unix.SYS_KEYCTL, imm(unix.KEYCTL_JOIN_SESSION_KEYRING), lo.str(s.KeyringName)).to(slotTmp).tolerate(unix.ENOSYS)
	lo.sys(unix.SYS_KEYCTL, imm(unix.KEYCTL_SETPERM), imm(unix.KEY_SPEC_SESSION_KEYRING), imm(permissions)).ifOK(slotTmp)
}

// loopback sets the flags of "lo" (netdevice(7)).
func (lo *lowerer) loopback() {
	ifreq := make([]byte, 40)
	copy(ifreq, "lo")
	ifreq[16] = unix.IFF_UP | unix.IFF_RUNNING
	lo.sys(unix.SYS_SOCKET, imm(unix.AF_INET), imm(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), imm(0)).to(slotTmp)
	lo.sys(unix.SYS_IOCTL, slot(slotTmp), imm(unix.SIOCSIFFLAGS), lo.bytes(ifreq))
	lo.close(slotTmp)
}

// enterNet enters the network namespace that the runtime hands over. It comes by the
// control socket before any answer of the runtime, so nothing may wait for one earlier.
func (lo *lowerer) enterNet() {
	if !lo.layout.Net || lo.haveNet {
		return
	}
	lo.haveNet = true
	lo.add(OpRecvFD, 0, imm(lo.layout.fd(fdControl))).to(slotTmp)
	lo.sys(unix.SYS_SETNS, slot(slotTmp), imm(unix.CLONE_NEWNET))
	lo.close(slotTmp)
}

// isNetFree knows the steps which are the same in every network namespace, and ask
// nothing of the runtime. The kernel needs longer to make such a namespace than the
// runtime needs to start the init, and these steps stand at the beginning of most plans.
func isNetFree(step plan.Step) bool {
	switch s := step.(type) {
	case plan.TreePropagation, plan.Loopback, plan.Keyring, plan.CPUAffinity:
		return true
	case plan.Unshare:
		return s.Namespaces == plan.NamespaceCgroup
	case plan.Root:
		return !s.Handed
	case plan.Mount:
		switch s.Type {
		case "proc", "tmpfs", "devpts", "mqueue", "cgroup2":
			return s.OrBind == "" && s.IDMap == nil && !s.CopyUp && !hasLongOption(s)
		}
	}
	return false
}

// openProc makes slotProc a procfs that nobody has mounted anything over. That
// of the container serves where there is one; see keepsProc.
func (lo *lowerer) openProc() {
	if lo.haveProc {
		return
	}
	lo.haveProc = true
	lo.sys(unix.SYS_FSOPEN, lo.str("proc"), imm(unix.FSOPEN_CLOEXEC)).to(slotContext)
	lo.fsconfig(unix.FSCONFIG_CMD_CREATE, imm(0), imm(0)).log()
	lo.sys(unix.SYS_FSMOUNT, slot(slotContext), imm(unix.FSMOUNT_CLOEXEC), imm(0)).to(slotProc)
	lo.close(slotContext)
}

// writeProc writes to a file of procfs in one piece. A mount over it or a link
// in its path is an error: labels and parameters were diverted by such
// (CVE-2019-16884, CVE-2025-52881).
func (lo *lowerer) writeProc(dir arg, name, value string) {
	resolve := uint64(unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS)
	lo.sys(unix.SYS_OPENAT2, dir, lo.str(name), lo.how(unix.O_WRONLY, resolve), imm(24)).to(slotTmp)
	lo.add(OpVerify, 0, slot(slotTmp), imm(unix.S_IFREG), imm(0), imm(procMagic), imm(int(unix.EXDEV)))
	lo.sys(unix.SYS_WRITE, slot(slotTmp), lo.str(value), imm(len(value)))
	lo.close(slotTmp)
}

// writeOwnProc writes to a file of the init's own in the host's procfs, for what
// has to be set before the container has one: as long as the root is the host's,
// "self" is the only link on the way.
func (lo *lowerer) writeOwnProc(name, value string) {
	lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str("/proc/self/"+name), lo.how(unix.O_WRONLY, unix.RESOLVE_NO_MAGICLINKS), imm(24)).to(slotTmp)
	lo.add(OpVerify, 0, slot(slotTmp), imm(unix.S_IFREG), imm(0), imm(procMagic), imm(int(unix.EXDEV)))
	lo.sys(unix.SYS_WRITE, slot(slotTmp), lo.str(value), imm(len(value)))
	lo.close(slotTmp)
}
