package specconv

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

const (
	moduleAppArmor = "apparmor"
	moduleSELinux  = "selinux"

	pointerAppArmor = "/process/apparmorProfile"
	pointerSELinux  = "/process/selinuxLabel"
)

// labelRows give the process to the security modules. Both take effect when a program is
// executed, so hooks of the container that run later have the labels as well, and those
// that run earlier have not.
func (c *compiler) labelRows(phase plan.Phase) {
	if c.labelled {
		return
	}
	c.labelled = true
	if profile := c.process.ApparmorProfile; profile != "" {
		c.add(phase, pointerAppArmor, plan.Label{Module: moduleAppArmor, Value: profile})
	}
	if label := c.process.SelinuxLabel; label != "" {
		c.add(phase, pointerSELinux, plan.Label{Module: moduleSELinux, Value: label})
	}
}

// keyLabelRow gives the session keyring the label of the process. The kernel forgets it
// when a program is executed.
func (c *compiler) keyLabelRow() {
	if label := c.process.SelinuxLabel; label != "" && !c.o.NoNewKeyring {
		c.add(plan.Namespaces, pointerSELinux, plan.Label{Module: moduleSELinux, Keys: true, Value: label})
	}
}

// mountLabel gives the label of the files of a new file system. Those that show objects of
// the kernel have labels of their own.
func (c *compiler) mountLabel(fsType string) string {
	switch fsType {
	case "proc", "sysfs", typeCgroup, "cgroup2":
		return ""
	}
	return c.linux.MountLabel
}

var (
	errNoAppArmor = errors.New("unable to apply apparmor profile: apparmor: config provided but apparmor not supported")
	errNoSELinux  = errors.New("selinux label is specified in config, but selinux is disabled or not supported")
)

// labels checks that there is somebody to hand the labels to.
func (v *validator) labels(p *specs.Process) {
	switch {
	case p.ApparmorProfile == "":
	case !v.o.Host.AppArmor:
		v.fail(pointerAppArmor, refLinux, errNoAppArmor)
	case hasNUL(p.ApparmorProfile):
		v.fail(pointerAppArmor, refLinux, errNUL)
	}
	v.selinuxLabel(pointerSELinux, refLinux, p.SelinuxLabel)
}

func (v *validator) selinuxLabel(where plan.Cause, ref, label string) {
	switch {
	case label == "":
	case !v.o.Host.SELinux:
		v.fail(where, ref, errNoSELinux)
	case hasNUL(label):
		v.fail(where, ref, errNUL)
	}
}
