package plan

import "strconv"

// Mkdir makes a directory and those above it.
type Mkdir struct {
	Path string
	Mode uint32
}

// Lane is Init.
func (Mkdir) Lane() Lane { return Init }

// Name is "mkdir".
func (Mkdir) Name() string { return "mkdir" }

// Action describes the step.
func (s Mkdir) Action() string { return "mkdir " + s.Path }

// Detail gives the mode.
func (s Mkdir) Detail() string { return octal(s.Mode) }

// Mknod makes a device node or a FIFO. Nodes directly below /dev are made in
// the directory that was opened once; an existing node has to be the same one.
type Mknod struct {
	Path string
	// Type is 'c', 'b' or 'p'.
	Type         byte
	Mode         uint32
	Major, Minor uint32
	UID, GID     uint32
}

// Lane is Init.
func (Mknod) Lane() Lane { return Init }

// Name is "mknod".
func (Mknod) Name() string { return "mknod" }

// Action describes the step.
func (s Mknod) Action() string { return "make node " + s.Path }

// Detail gives the device numbers and the mode.
func (s Mknod) Detail() string {
	detail := string(s.Type)
	if s.Type != 'p' {
		detail += " " + u32(s.Major) + ":" + u32(s.Minor)
	}
	detail += " " + octal(s.Mode)
	if s.UID != 0 || s.GID != 0 {
		detail += " owner=" + u32(s.UID) + ":" + u32(s.GID)
	}
	return detail
}

// Symlink makes a symbolic link. What exists is left alone unless Replace is set, or
// Exact, with which it has to be the same link.
type Symlink struct {
	Target, Path   string
	Replace, Exact bool
	// IfExists makes the link only where this path exists in the container.
	IfExists string
}

// Lane is Init.
func (Symlink) Lane() Lane { return Init }

// Name is "symlink".
func (Symlink) Name() string { return "symlink" }

// Action describes the step.
func (s Symlink) Action() string { return "link " + s.Path + " to " + s.Target }

// Detail is empty.
func (Symlink) Detail() string { return "" }

// Mask hides a path: a file behind /dev/null, a directory behind an empty
// read-only tmpfs that all masked directories share. A path that does not exist
// is skipped.
type Mask struct {
	Path string
	// Label is the SELinux context of the tmpfs.
	Label string
}

// Lane is Init.
func (Mask) Lane() Lane { return Init }

// Name is "mask".
func (Mask) Name() string { return "mask" }

// Action describes the step.
func (s Mask) Action() string { return "mask " + s.Path }

// Detail gives the label.
func (s Mask) Detail() string {
	if s.Label == "" {
		return ""
	}
	return "label=" + s.Label
}

// Protect makes a path read-only. A path that does not exist is skipped.
type Protect struct {
	Path string
}

// Lane is Init.
func (Protect) Lane() Lane { return Init }

// Name is "protect".
func (Protect) Name() string { return "protect" }

// Action describes the step.
func (s Protect) Action() string { return "make " + s.Path + " read-only" }

// Detail is empty.
func (Protect) Detail() string { return "" }

func octal(mode uint32) string { return "0" + strconv.FormatUint(uint64(mode), 8) }
