//go:build libseccomp

package seccomp

import "testing"

// TestSteps compares how many instructions a call costs: our program and runc's,
// which is libseccomp's with the test for newer calls before it.
func TestSteps(t *testing.T) {
	for _, name := range []string{"docker.json", "containerd.json", "podman.json", "systemd-service.json"} {
		spec := profile(t, name)
		keepKnown(spec)
		s := parse(spec, Options{Arch: "amd64", HasFlag: allFlags})
		lib, err := s.assemble(spec)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := &Program{Insns: s.build()}, &Program{Insns: lib}
		sum := [2]int{}
		longest := [2]int{}
		for nr := range uint32(470) {
			d := Data{Number: nr, Arch: archs[archX86_64].token}
			for i, p := range []*Program{ours, theirs} {
				path, err := p.trace(&d)
				if err != nil {
					t.Fatal(err)
				}
				sum[i] += len(path)
				longest[i] = max(longest[i], len(path))
			}
		}
		t.Logf("%s: ours %d instructions, %.1f a call, at most %d; libseccomp's %d, %.1f, %d", name,
			ours.Len(), float64(sum[0])/470, longest[0], theirs.Len(), float64(sum[1])/470, longest[1])
		if sum[0] > sum[1] || longest[0] > longest[1] {
			t.Errorf("%s: our program is the slower one", name)
		}
	}
}
