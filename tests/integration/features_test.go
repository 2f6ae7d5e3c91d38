package integration

import (
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go/features"
)

func TestFeatures(t *testing.T) {
	s := begin(t)
	r := s.run("features").ok()
	if !strings.HasPrefix(r.out, "{\n    \"ociVersionMin\"") || !strings.HasSuffix(r.out, "}\n") {
		s.errorf("not indented by four spaces, or no newline at the end:\n%s", r.out)
	}
	equal(s, "stderr", r.err, "")
	f := decode[features.Features](s, r.out)
	equal(s, "oldest version", f.OCIVersionMin, "1.0.0")
	equal(s, "hooks", strings.Join(f.Hooks, " "), "prestart createRuntime createContainer startContainer poststart poststop")
	if !slices.IsSorted(f.MountOptions) {
		s.errorf("mountOptions are not sorted: %v", f.MountOptions)
	}
	for _, option := range []string{"bind", "rbind", "ro", "nosuid", "rprivate", "rshared", "rslave", "relatime"} {
		equal(s, "mount option "+option, slices.Contains(f.MountOptions, option), true)
	}
	for _, ns := range []string{"cgroup", "ipc", "mount", "network", "pid", "uts"} {
		equal(s, "namespace "+ns, slices.Contains(f.Linux.Namespaces, ns), true)
	}
	equal(s, "first capability", f.Linux.Capabilities[0], "CAP_CHOWN")
	equal(s, "cgroup v1", *f.Linux.Cgroup.V1, true)
	equal(s, "cgroup v2", *f.Linux.Cgroup.V2, true)
	equal(s, "seccomp", *f.Linux.Seccomp.Enabled, true)
	equal(s, "seccomp actions", slices.Contains(f.Linux.Seccomp.Actions, "SCMP_ACT_ERRNO"), true)
}

func TestFeaturesOfSpec13(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 knows version 1.0.2 of the spec")
	f := decode[features.Features](s, s.run("features").ok().out)
	equal(s, "newest version", f.OCIVersionMax, "1.3.0")
	if _, ok := f.Annotations["org.opencontainers.runc.commit"]; ok && suite.kind != "runc" {
		s.errorf("claims a commit of runc")
	}
	equal(s, "option rro", slices.Contains(f.MountOptions, "rro"), true)
	equal(s, "potentially unsafe annotations", slices.Contains(f.PotentiallyUnsafeConfigAnnotations, "bundle"), true)
}
