package specconv

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"

	"github.com/ocirun/ocirun/seccomp"
	"github.com/ocirun/ocirun/specconv/plan"
)

// The annotations of the runtime's features (runtime-spec features.md,
// "Annotations"). Engines look for the keys of runc.
const (
	annotationVersion    = "io.github.ocirun.version"
	annotationCompatible = "org.opencontainers.runc.version"
	annotationCheckpoint = "org.opencontainers.runc.checkpoint.enabled"
	// compatibleVersion is the version of runc whose contract ocirun keeps.
	compatibleVersion = "1.5.1"
)

// Features lists what the runtime understands (runtime-spec features.md). It is
// made of the tables that compilation and validation work with, so what is listed
// is what is accepted. Version is the runtime's own.
func Features(version string) *features.Features {
	return &features.Features{
		OCIVersionMin: "1.0.0",
		OCIVersionMax: SpecVersion,
		Hooks: []string{
			string(plan.Prestart), string(plan.CreateRuntime), string(plan.CreateContainer),
			string(plan.StartContainer), string(plan.Poststart), string(plan.Poststop),
		},
		MountOptions: knownMountOptions(),
		Linux:        linuxFeatures(),
		Annotations: map[string]string{
			annotationVersion:    version,
			annotationCompatible: compatibleVersion,
			annotationCheckpoint: "true",
		},
		PotentiallyUnsafeConfigAnnotations: []string{"bundle", "org.systemd.property.", "org.criu.config"},
	}
}

func linuxFeatures() *features.Linux {
	yes := true
	return &features.Linux{
		Namespaces:      knownNamespaces(),
		Capabilities:    knownCapabilities(),
		Cgroup:          &features.Cgroup{V1: &yes, V2: &yes, Systemd: &yes, SystemdUser: &yes, Rdma: &yes},
		Seccomp:         seccompFeatures(),
		Apparmor:        &features.Apparmor{Enabled: &yes},
		Selinux:         &features.Selinux{Enabled: &yes},
		IntelRdt:        &features.IntelRdt{Enabled: &yes, Schemata: &yes, Monitoring: &yes},
		MemoryPolicy:    memoryPolicyFeatures(),
		MountExtensions: &features.MountExtensions{IDMap: &features.IDMap{Enabled: &yes}},
		NetDevices:      &features.NetDevices{Enabled: &yes},
	}
}

func knownMountOptions() []string {
	names := make([]string, len(mountOptions))
	for i := range mountOptions {
		names[i] = mountOptions[i].name
	}
	return names
}

func knownNamespaces() []string {
	names := make([]string, len(namespaceKinds))
	for i := range namespaceKinds {
		names[i] = string(namespaceKinds[i].name)
	}
	slices.Sort(names)
	return names
}

func knownCapabilities() []string {
	names := plan.CapabilityNames()
	for i := range names {
		names[i] = "CAP_" + names[i]
	}
	return names
}

func seccompFeatures() *features.Seccomp {
	yes := true
	return &features.Seccomp{
		Enabled:        &yes,
		Actions:        sortedNames(seccomp.Actions()),
		Operators:      sortedNames(seccomp.Operators()),
		Archs:          sortedNames(seccomp.Archs()),
		KnownFlags:     names(seccomp.KnownFlags()),
		SupportedFlags: names(seccomp.SupportedFlags()),
	}
}

func names[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = string(list[i])
	}
	return out
}

func sortedNames[T ~string](list []T) []string {
	out := names(list)
	slices.Sort(out)
	return out
}

func memoryPolicyFeatures() *features.MemoryPolicy {
	return &features.MemoryPolicy{
		Modes: names([]specs.MemoryPolicyModeType{
			specs.MpolDefault, specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave,
			specs.MpolPreferred, specs.MpolPreferredMany, specs.MpolLocal,
		}),
		Flags: names([]specs.MemoryPolicyFlagType{
			specs.MpolFNumaBalancing, specs.MpolFRelativeNodes, specs.MpolFStaticNodes,
		}),
	}
}
