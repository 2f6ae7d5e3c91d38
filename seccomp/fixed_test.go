//go:build libseccomp

package seccomp

import (
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// keepKnown leaves out of a section the calls that libseccomp's tables lack, and says
// how many those are: they would be allowed by ours alone.
func keepKnown(spec *specs.LinuxSeccomp) (missing int) {
	for i := range spec.Syscalls {
		var names []string
		for _, name := range spec.Syscalls[i].Names {
			if _, err := libseccomp.GetSyscallFromName(name); err != nil {
				missing++
				continue
			}
			names = append(names, name)
		}
		spec.Syscalls[i].Names = names
	}
	return missing
}

// TestEngineProfiles compares the profiles that engines use.
func TestEngineProfiles(t *testing.T) {
	for _, name := range []string{"docker.json", "containerd.json", "podman.json", "systemd-service.json", "systemd-deny.json"} {
		t.Run(name, func(t *testing.T) {
			for _, native := range []arch{archX86_64, archAARCH64, archRISCV64, archPPC64LE, archS390X} {
				spec := profile(t, name)
				if native != archX86_64 {
					spec.Architectures = relatives(native)
				}
				missing := keepKnown(spec)
				sum := tally{differences: map[difference]int{}}
				g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
				sum.compare(t, g, spec, archs[native].goarch)
				t.Logf("%s, %d names are unknown to libseccomp", archs[native].name, missing)
				sum.log(t)
			}
		})
	}
}

// relatives are the architectures that engines list beside a native one.
func relatives(native arch) []specs.Arch {
	for _, family := range families {
		if family[0] == native {
			var names []specs.Arch
			for _, a := range family {
				names = append(names, archs[a].name)
			}
			return names
		}
	}
	return nil
}

// TestEdgeProfiles compares small profiles that are at some edge.
func TestEdgeProfiles(t *testing.T) {
	for name, spec := range edgeProfiles() {
		t.Run(name, func(t *testing.T) {
			for _, native := range []arch{archX86_64, archAARCH64, archS390X} {
				s := *spec
				s.Architectures = relatives(native)
				sum := tally{differences: map[difference]int{}}
				g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
				sum.compare(t, g, &s, archs[native].goarch)
				for why, n := range sum.differences {
					t.Logf("%s: %d differences: %s", archs[native].name, n, why)
				}
			}
		})
	}
}

// TestTables pins how our tables cover libseccomp's, and the other way round.
func TestTables(t *testing.T) {
	ours, theirs := 0, map[string]int{}
	for a := range archCount {
		lib, err := libArch(a)
		if err != nil {
			continue
		}
		if _, err := libseccomp.GetSyscallFromNameByArch("read", lib); err != nil {
			continue // the installed version does not know the architecture
		}
		for id := range nameID(nameCount) {
			if archs[a].mux && subCalls[id] != 0 {
				continue
			}
			nr, have := archs[a].numberOf(id)
			number, err := libseccomp.GetSyscallFromNameByArch(id.String(), lib)
			switch {
			case err != nil && have:
				ours++
			case err != nil:
			case int32(number) >= 0 && !have:
				theirs[shortArch(a)+" "+id.String()]++
			case have && int32(number) >= 0 && nr != uint32(number):
				t.Errorf("%s on %s: ours %d, libseccomp's %d", id, archs[a].name, nr, number)
			}
		}
	}
	// cacheflush came to parisc after the headers, memfd_secret is not in s390's.
	for _, name := range []string{"s390 memfd_secret", "parisc cacheflush", "parisc64 cacheflush"} {
		delete(theirs, name)
	}
	if len(theirs) > 0 {
		t.Errorf("libseccomp has calls that our tables lack: %v", theirs)
	}
	t.Logf("our tables have %d calls that this libseccomp lacks", ours)
}
