package plan

// Label hands a label for the process to a security module of the kernel, through a file
// of the process in procfs, and reads it back.
type Label struct {
	// Module is "apparmor" or "selinux".
	Module string
	// Keys says that the label is for keys that the process makes. Otherwise it is what
	// the process becomes at the next execve(2).
	Keys bool
	// Value is the profile or the context.
	Value string
}

// Lane is Init.
func (Label) Lane() Lane { return Init }

// Name is "label".
func (Label) Name() string { return "label" }

// Action describes the step.
func (s Label) Action() string {
	switch {
	case s.Module == "apparmor":
		return "apply apparmor profile " + s.Value
	case s.Keys:
		return "apply selinux label " + s.Value + " to keys"
	}
	return "apply selinux label " + s.Value
}

// Detail is empty.
func (Label) Detail() string { return "" }
