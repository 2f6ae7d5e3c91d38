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
			annotationCheckpoint: "false",
		},
		PotentiallyUnsafeConfigAnnotations: []string{"bundle", "org.systemd.property.", "org.criu.config"},
	}
}

func linuxFeatures() *features.Linux {
	yes, no := true, false
	return &features.Linux{
		Namespaces:   knownNamespaces(),
		Capabilities: knownCapabilities(),
		Cgroup:       &features.Cgroup{V1: &yes, V2: &yes, Systemd: &no, SystemdUser: &no, Rdma: &yes},
		Seccomp:      seccompFeatures(),
		Apparmor: &features.Apparmor{
			Enabled: accepts(specs.Spec{Process: &specs.Process{ApparmorProfile: "x"}}),
		},
		Selinux: &features.Selinux{
			Enabled: accepts(specs.Spec{Process: &specs.Process{SelinuxLabel: "x"}, Linux: &specs.Linux{MountLabel: "x"}}),
		},
		IntelRdt: rdtFeatures(accepts(specs.Spec{Linux: &specs.Linux{IntelRdt: &specs.LinuxIntelRdt{}}})),
		MemoryPolicy: memoryPolicyFeatures(
			accepts(specs.Spec{Linux: &specs.Linux{MemoryPolicy: &specs.LinuxMemoryPolicy{}}})),
		MountExtensions: &features.MountExtensions{
			IDMap: &features.IDMap{Enabled: accepts(specs.Spec{Mounts: []specs.Mount{{
				UIDMappings: []specs.LinuxIDMapping{{Size: 1}}, GIDMappings: []specs.LinuxIDMapping{{Size: 1}},
			}}})},
		},
		NetDevices: &features.NetDevices{
			Enabled: accepts(specs.Spec{Linux: &specs.Linux{NetDevices: map[string]specs.LinuxNetDevice{"x": {}}}}),
		},
	}
}

// accepts reports whether nothing that a configuration uses is missing.
func accepts(s specs.Spec) *bool {
	linux := s.Linux
	if linux == nil {
		linux = &specs.Linux{}
	}
	yes := true
	for i := range notYet {
		yes = yes && len(notYet[i].find(&s, linux)) == 0
	}
	return &yes
}

func knownMountOptions() []string {
	var names []string
	for i := range mountOptions {
		name := mountOptions[i].name
		if *accepts(specs.Spec{Mounts: []specs.Mount{{Options: []string{name}}}}) {
			names = append(names, name)
		}
	}
	return names
}

func knownNamespaces() []string {
	var names []string
	for i := range namespaceKinds {
		entry := specs.LinuxNamespace{Type: namespaceKinds[i].name}
		if *accepts(specs.Spec{Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{entry}}}) {
			names = append(names, string(entry.Type))
		}
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
	var actions []specs.LinuxSeccompAction
	for _, action := range seccomp.Actions() {
		rule := []specs.LinuxSyscall{{Action: action}}
		if *accepts(specs.Spec{Linux: &specs.Linux{Seccomp: &specs.LinuxSeccomp{Syscalls: rule}}}) {
			actions = append(actions, action)
		}
	}
	return &features.Seccomp{
		Enabled:        &yes,
		Actions:        sortedNames(actions),
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

func rdtFeatures(enabled *bool) *features.IntelRdt {
	return &features.IntelRdt{Enabled: enabled, Schemata: enabled, Monitoring: enabled}
}

// memoryPolicyFeatures lists nothing while the field is not accepted.
func memoryPolicyFeatures(enabled *bool) *features.MemoryPolicy {
	if !*enabled {
		return nil
	}
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
