package libcontainer

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
)

// CheckpointMode is what CRIU does about cgroups (criu(8), "--manage-cgroups").
type CheckpointMode int

// The values of CheckpointMode. Soft restores the properties of cgroups that have to
// be made, full those of all; strict fails if one exists already.
const (
	CgroupsSoft CheckpointMode = iota
	CgroupsFull
	CgroupsStrict
	CgroupsIgnore
)

func (m CheckpointMode) criu() criu.CgroupMode {
	switch m {
	case CgroupsFull:
		return criu.CgroupsFull
	case CgroupsStrict:
		return criu.CgroupsStrict
	case CgroupsIgnore:
		return criu.CgroupsIgnore
	}
	return criu.CgroupsSoft
}

// CRIUOptions are what a checkpoint and a restore have in common (criu(8)).
type CRIUOptions struct {
	// ImagePath is the directory of the images.
	ImagePath string
	// WorkPath is the directory of the log; empty means ImagePath.
	WorkPath string
	// TCPEstablished keeps connections, ExtUnixSockets those of unix sockets to
	// processes outside.
	TCPEstablished, ExtUnixSockets bool
	// ShellJob allows a controlling terminal from outside.
	ShellJob bool
	// FileLocks keeps file locks.
	FileLocks bool
	// LinkRemap keeps files that were removed while they were open and have
	// another name.
	LinkRemap bool
	// AutoDedup removes from earlier images what later ones hold.
	AutoDedup bool
	// LazyPages leaves memory behind to be fetched when it is used.
	LazyPages bool
	// Cgroups says what is kept of cgroups.
	Cgroups CheckpointMode
	// Warn, if set, is told what is odd but no error.
	Warn func(message string)
}

// CheckpointOptions says how a container is saved.
type CheckpointOptions struct {
	CRIUOptions
	// ParentPath holds earlier images, relative to ImagePath.
	ParentPath string
	// LeaveRunning lets the container go on afterwards.
	LeaveRunning bool
	// PreDump saves the memory only, ahead of a checkpoint; the container goes on.
	PreDump bool
	// TCPSkipInFlight leaves connections out that are not established yet.
	TCPSkipInFlight bool
	// StatusFD, if not 0, is a descriptor that gets a zero byte when lazy pages can
	// be asked for.
	StatusFD int
	// PageServer, if set, is the address that the memory is sent to.
	PageServer string
	// PageServerPort is its port.
	PageServerPort int
}

// RestoreOptions says how a container is brought back.
type RestoreOptions struct {
	CRIUOptions
	// Bundle is the directory that holds config.json.
	Bundle string
	// PidFile and ConsoleSocket are as in CreateOptions.
	PidFile, ConsoleSocket string
	// Detach returns as soon as the container runs.
	Detach bool
	// NoSubreaper leaves orphaned processes to the caller's reaper.
	NoSubreaper bool
	// NoPivot is kept for the container's record; CRIU chooses by itself.
	NoPivot bool
	// CgroupManager says who makes the container's cgroup; empty means Cgroupfs.
	CgroupManager CgroupManager
	// Rootless ignores missing permission for cgroups.
	Rootless bool
	// TCPClose restores connections as closed ones.
	TCPClose bool
	// LSMProfile is "TYPE:NAME", with which processes come back instead of their own.
	LSMProfile string
	// LSMMountContext is the SELinux context of mounts that come back with one.
	LSMMountContext string
	// Stdio are the container's standard streams; nil means those of the process.
	Stdio [3]*os.File
}

// criu gives the options of a request. The log's name is that of the command's.
func (o *CRIUOptions) criu(images *imageDirs, log string) criu.Options {
	c := criu.Options{
		ImagesDir: images.images, WorkDir: images.work, LogFile: log,
		TCPEstablished: o.TCPEstablished, ExtUnixSockets: o.ExtUnixSockets, ShellJob: o.ShellJob,
		FileLocks: o.FileLocks, LinkRemap: o.LinkRemap, AutoDedup: o.AutoDedup, LazyPages: o.LazyPages,
		CgroupMode: o.Cgroups.criu(), OrphanPtsMaster: true, Notifying: true,
		// The devices of a network namespace are those of hooks and plugins, which make
		// them anew. The flag says nothing about a namespace that is joined.
		EmptyNamespaces: unix.CLONE_NEWNET,
	}
	return c
}
