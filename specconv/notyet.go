package specconv

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// lack is something that the specification has and this version of ocirun
// does not do.
type lack struct {
	// pattern is a JSON pointer with "*" for any index.
	pattern string
	// what names it in the error.
	what string
	// find gives the pointers of the places in a configuration that use it. What
	// is set to a value that means "unset" does not.
	find func(s *specs.Spec, l *specs.Linux) []plan.Cause
}

// notYet is everything that is missing. A configuration that uses any of it is
// refused: what somebody asked for is never left out in silence. The functions
// capture nothing, so that the table costs nothing at start.
var notYet = [...]lack{
	{"/mounts/*/uidMappings", "an id-mapped mount", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return mountsWith(s, "/uidMappings", func(m *specs.Mount) bool { return len(m.UIDMappings) > 0 })
	}},
	{"/mounts/*/gidMappings", "an id-mapped mount", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return mountsWith(s, "/gidMappings", func(m *specs.Mount) bool { return len(m.GIDMappings) > 0 })
	}},
	{"/mounts/*/options/*", "the mount option idmap", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return mountsWithOption(s, "idmap")
	}},
	{"/mounts/*/options/*", "the mount option ridmap", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return mountsWithOption(s, "ridmap")
	}},
	{"/mounts/*/options/*", "the mount option tmpcopyup", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return mountsWithOption(s, "tmpcopyup")
	}},
	{"/process/apparmorProfile", "apparmorProfile", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return when(s.Process != nil && s.Process.ApparmorProfile != "", "/process/apparmorProfile")
	}},
	{"/process/selinuxLabel", "selinuxLabel", func(s *specs.Spec, _ *specs.Linux) []plan.Cause {
		return when(s.Process != nil && s.Process.SelinuxLabel != "", "/process/selinuxLabel")
	}},
	{"/linux/mountLabel", "mountLabel", func(_ *specs.Spec, l *specs.Linux) []plan.Cause {
		return when(l.MountLabel != "", "/linux/mountLabel")
	}},
	{"/linux/netDevices", "netDevices", func(_ *specs.Spec, l *specs.Linux) []plan.Cause {
		return when(len(l.NetDevices) > 0, "/linux/netDevices")
	}},
	{"/linux/intelRdt", "intelRdt", func(_ *specs.Spec, l *specs.Linux) []plan.Cause {
		return when(l.IntelRdt != nil, "/linux/intelRdt")
	}},
}

// unsupported refuses what is missing.
func (v *validator) unsupported() {
	for i := range notYet {
		v.lacking(&notYet[i])
	}
}

func (v *validator) lacking(l *lack) {
	for _, where := range l.find(v.spec, v.linux) {
		v.failf(where, "", "%s is not supported by this version of ocirun", l.what)
	}
}

func when(used bool, where plan.Cause) []plan.Cause {
	if !used {
		return nil
	}
	return []plan.Cause{where}
}

func mountsWith(s *specs.Spec, field plan.Cause, has func(*specs.Mount) bool) (found []plan.Cause) {
	for i := range s.Mounts {
		if has(&s.Mounts[i]) {
			found = append(found, element("/mounts", i)+field)
		}
	}
	return found
}

func mountsWithOption(s *specs.Spec, name string) (found []plan.Cause) {
	for i := range s.Mounts {
		if k := slices.Index(s.Mounts[i].Options, name); k >= 0 {
			found = append(found, element(string(element("/mounts", i))+"/options", k))
		}
	}
	return found
}
