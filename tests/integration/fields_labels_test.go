package integration

import (
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// A label that nobody enforces is an error, not a container without it. Where the kernel
// has the module, a label that it does not know is.
func TestFieldsLabelsWithoutModule(t *testing.T) {
	appArmor, selinux := exists("/sys/module/apparmor/parameters/enabled"), exists("/sys/fs/selinux/enforce")
	for _, c := range []struct {
		name, want, unknown string
		enabled             bool
		edit                edit
	}{
		{
			"apparmor", "unable to apply apparmor profile: apparmor: config provided but apparmor not supported", "the profile is not loaded", appArmor,
			func(c *specs.Spec) { c.Process.ApparmorProfile = "no-such-profile" },
		},
		{
			"selinux", "selinux label is specified in config, but selinux is disabled or not supported", "apply selinux label", selinux,
			func(c *specs.Spec) { c.Process.SelinuxLabel = "no:such:label:s0" },
		},
		{
			"mount label", "selinux label is specified in config, but selinux is disabled or not supported", "mount tmpfs", selinux,
			func(c *specs.Spec) { c.Linux.MountLabel = "no:such:label:s0" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "1.1.5 puts the text in front of another")
			want := c.want
			if c.enabled {
				want = c.unknown
			}
			s.run("run", "-b", s.bundle(c.edit).dir, s.id()).failsWith(1, want)
			s.oracle()
		})
	}
}
