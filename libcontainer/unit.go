package libcontainer

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/cgroups/systemd"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// unitPrefix begins the name of a unit where the configuration has none.
const unitPrefix = "ocirun"

// chooseUnit is chooseCgroup for a cgroup that systemd makes.
func (b *builder) chooseUnit(host cgroups.Host) error {
	u, err := systemd.New(systemd.Config{
		ID: b.id, Path: b.cgroupsPath(), Prefix: unitPrefix, User: hostUID() != 0,
		Annotations: b.bundle.Spec.Annotations, Resources: b.resources(), Host: host,
	})
	var path *systemd.PathError
	var annotation *systemd.AnnotationError
	switch {
	case errors.As(err, &path):
		return specconv.Problem{Pointer: "/linux/cgroupsPath", Err: err}
	case errors.As(err, &annotation):
		return specconv.Problem{Pointer: plan.Cause("/annotations/" + annotation.Annotation), Err: err}
	case err != nil:
		return cgroupError(err)
	}
	b.host, b.cgroup, b.unit = host, u, u
	return nil
}

// unitStep tells the compiler of a unit.
func unitStep(u *systemd.Unit) *plan.SystemdUnit {
	if u == nil {
		return nil
	}
	step := &plan.SystemdUnit{Unit: u.Name(), Slice: u.Slice(), User: u.User()}
	for _, p := range u.Properties() {
		step.Properties = append(step.Properties, p.String())
	}
	return step
}

// enterUnit has systemd start the unit around the init, which waits for that before it
// does anything, and readies the cgroup.
func (b *builder) enterUnit() error {
	b.unit.Pid = b.init.Pid
	if err := b.makeCgroup(); err != nil {
		return err
	}
	if err := b.init.Answer(); err != nil && !errors.Is(err, unix.EPIPE) {
		return b.explainEnd(err)
	}
	return nil
}

// noCgroup stands for the cgroup of a container that has none.
func noCgroup() cgroups.Manager {
	// Without hierarchies there is nothing that could go wrong.
	m, _ := cgroups.New(cgroups.Config{Path: "/none", Rootless: true})
	return m
}
