package specconv

import "slices"

// Use says what becomes of a field of config.json.
type Use string

// The uses of a field.
const (
	// UseStep: Compile reads it, and the plan shows it.
	UseStep Use = "step"
	// UseHost: the runtime itself uses it, outside of the plan.
	UseHost Use = "host"
	// UseIgnored: it has no effect, for the reason given.
	UseIgnored Use = "ignored"
)

// Field is a field of config.json.
type Field struct {
	// Pointer is a JSON pointer in which "*" stands for every index and key.
	Pointer string
	Use     Use
	// Note says who uses a field that is in no step, or why nobody does.
	Note string
}

// Fields lists what becomes of each field that runtime-spec defines for Linux. A
// test holds the list against the types of the specification and against what
// Compile and Validate really do.
func Fields() []Field { return slices.Clone(fields[:]) }

const (
	notePlatform     = "for other platforms"
	noteKernelMemory = "the kernel has no such limit any more (Linux 5.4)"
)

var fields = [...]Field{
	{"/ociVersion", UseHost, "a version of the same major number is accepted; hooks and state get the runtime's own"},
	{"/annotations", UseHost, "handed to hooks and shown by state"},

	{"/process/terminal", UseStep, ""},
	{"/process/consoleSize/height", UseStep, ""},
	{"/process/consoleSize/width", UseStep, ""},
	{"/process/user/uid", UseStep, ""},
	{"/process/user/gid", UseStep, ""},
	{"/process/user/umask", UseStep, ""},
	{"/process/user/additionalGids", UseStep, ""},
	{"/process/user/username", UseIgnored, notePlatform},
	{"/process/args", UseStep, ""},
	{"/process/commandLine", UseIgnored, notePlatform},
	{"/process/env", UseStep, ""},
	{"/process/cwd", UseStep, ""},
	{"/process/capabilities/bounding", UseStep, ""},
	{"/process/capabilities/effective", UseStep, ""},
	{"/process/capabilities/inheritable", UseStep, ""},
	{"/process/capabilities/permitted", UseStep, ""},
	{"/process/capabilities/ambient", UseStep, ""},
	{"/process/rlimits/*/type", UseStep, ""},
	{"/process/rlimits/*/hard", UseStep, ""},
	{"/process/rlimits/*/soft", UseStep, ""},
	{"/process/noNewPrivileges", UseStep, ""},
	{"/process/oomScoreAdj", UseStep, ""},
	{"/process/apparmorProfile", UseStep, ""},
	{"/process/selinuxLabel", UseStep, ""},
	{"/process/scheduler/policy", UseStep, ""},
	{"/process/scheduler/nice", UseStep, ""},
	{"/process/scheduler/priority", UseStep, ""},
	{"/process/scheduler/flags", UseStep, ""},
	{"/process/scheduler/runtime", UseStep, ""},
	{"/process/scheduler/deadline", UseStep, ""},
	{"/process/scheduler/period", UseStep, ""},
	{"/process/ioPriority/class", UseStep, ""},
	{"/process/ioPriority/priority", UseStep, ""},
	{"/process/execCPUAffinity/initial", UseIgnored, "for processes that join the container only"},
	{"/process/execCPUAffinity/final", UseIgnored, "for processes that join the container only"},

	{"/root/path", UseStep, ""},
	{"/root/readonly", UseStep, ""},
	{"/hostname", UseStep, ""},
	{"/domainname", UseStep, ""},

	{"/mounts/*/destination", UseStep, ""},
	{"/mounts/*/type", UseStep, ""},
	{"/mounts/*/source", UseStep, ""},
	{"/mounts/*/options", UseStep, ""},
	{"/mounts/*/uidMappings/*/containerID", UseStep, ""},
	{"/mounts/*/uidMappings/*/hostID", UseStep, ""},
	{"/mounts/*/uidMappings/*/size", UseStep, ""},
	{"/mounts/*/gidMappings/*/containerID", UseStep, ""},
	{"/mounts/*/gidMappings/*/hostID", UseStep, ""},
	{"/mounts/*/gidMappings/*/size", UseStep, ""},

	{"/hooks/prestart/*/path", UseStep, ""},
	{"/hooks/prestart/*/args", UseStep, ""},
	{"/hooks/prestart/*/env", UseStep, ""},
	{"/hooks/prestart/*/timeout", UseStep, ""},
	{"/hooks/createRuntime/*/path", UseStep, ""},
	{"/hooks/createRuntime/*/args", UseStep, ""},
	{"/hooks/createRuntime/*/env", UseStep, ""},
	{"/hooks/createRuntime/*/timeout", UseStep, ""},
	{"/hooks/createContainer/*/path", UseStep, ""},
	{"/hooks/createContainer/*/args", UseStep, ""},
	{"/hooks/createContainer/*/env", UseStep, ""},
	{"/hooks/createContainer/*/timeout", UseStep, ""},
	{"/hooks/startContainer/*/path", UseStep, ""},
	{"/hooks/startContainer/*/args", UseStep, ""},
	{"/hooks/startContainer/*/env", UseStep, ""},
	{"/hooks/startContainer/*/timeout", UseStep, ""},
	{"/hooks/poststart/*/path", UseStep, ""},
	{"/hooks/poststart/*/args", UseStep, ""},
	{"/hooks/poststart/*/env", UseStep, ""},
	{"/hooks/poststart/*/timeout", UseStep, ""},
	{"/hooks/poststop/*/path", UseStep, ""},
	{"/hooks/poststop/*/args", UseStep, ""},
	{"/hooks/poststop/*/env", UseStep, ""},
	{"/hooks/poststop/*/timeout", UseStep, ""},

	{"/linux/namespaces/*/type", UseStep, ""},
	{"/linux/namespaces/*/path", UseStep, ""},
	{"/linux/uidMappings/*/containerID", UseStep, ""},
	{"/linux/uidMappings/*/hostID", UseStep, ""},
	{"/linux/uidMappings/*/size", UseStep, ""},
	{"/linux/gidMappings/*/containerID", UseStep, ""},
	{"/linux/gidMappings/*/hostID", UseStep, ""},
	{"/linux/gidMappings/*/size", UseStep, ""},
	{"/linux/timeOffsets/*/secs", UseStep, ""},
	{"/linux/timeOffsets/*/nanosecs", UseStep, ""},
	{"/linux/devices/*/path", UseStep, ""},
	{"/linux/devices/*/type", UseStep, ""},
	{"/linux/devices/*/major", UseStep, ""},
	{"/linux/devices/*/minor", UseStep, ""},
	{"/linux/devices/*/fileMode", UseStep, ""},
	{"/linux/devices/*/uid", UseStep, ""},
	{"/linux/devices/*/gid", UseStep, ""},
	{"/linux/netDevices/*/name", UseStep, ""},
	{"/linux/cgroupsPath", UseHost, "gives the options their cgroup; the plan names it as the cause"},
	{"/linux/sysctl", UseStep, ""},
	{"/linux/rootfsPropagation", UseStep, ""},
	{"/linux/maskedPaths", UseStep, ""},
	{"/linux/readonlyPaths", UseStep, ""},
	{"/linux/mountLabel", UseStep, ""},
	{"/linux/intelRdt/closID", UseStep, ""},
	{"/linux/intelRdt/l3CacheSchema", UseStep, ""},
	{"/linux/intelRdt/memBwSchema", UseStep, ""},
	{"/linux/intelRdt/schemata", UseStep, ""},
	{"/linux/intelRdt/enableMonitoring", UseStep, ""},
	{"/linux/memoryPolicy/mode", UseStep, ""},
	{"/linux/memoryPolicy/nodes", UseStep, ""},
	{"/linux/memoryPolicy/flags", UseStep, ""},
	{"/linux/personality/domain", UseStep, ""},
	{"/linux/personality/flags", UseIgnored, "the specification defines none; a warning says so"},

	{"/linux/resources/devices/*/allow", UseStep, ""},
	{"/linux/resources/devices/*/type", UseStep, ""},
	{"/linux/resources/devices/*/major", UseStep, ""},
	{"/linux/resources/devices/*/minor", UseStep, ""},
	{"/linux/resources/devices/*/access", UseStep, ""},
	{"/linux/resources/memory/limit", UseStep, ""},
	{"/linux/resources/memory/reservation", UseStep, ""},
	{"/linux/resources/memory/swap", UseStep, ""},
	{"/linux/resources/memory/kernel", UseIgnored, noteKernelMemory},
	{"/linux/resources/memory/kernelTCP", UseIgnored, noteKernelMemory},
	{"/linux/resources/memory/swappiness", UseStep, ""},
	{"/linux/resources/memory/disableOOMKiller", UseStep, ""},
	{"/linux/resources/memory/useHierarchy", UseStep, ""},
	{"/linux/resources/memory/checkBeforeUpdate", UseStep, ""},
	{"/linux/resources/cpu/shares", UseStep, ""},
	{"/linux/resources/cpu/quota", UseStep, ""},
	{"/linux/resources/cpu/burst", UseStep, ""},
	{"/linux/resources/cpu/period", UseStep, ""},
	{"/linux/resources/cpu/realtimeRuntime", UseStep, ""},
	{"/linux/resources/cpu/realtimePeriod", UseStep, ""},
	{"/linux/resources/cpu/cpus", UseStep, ""},
	{"/linux/resources/cpu/mems", UseStep, ""},
	{"/linux/resources/cpu/idle", UseStep, ""},
	{"/linux/resources/pids/limit", UseStep, ""},
	{"/linux/resources/blockIO/weight", UseStep, ""},
	{"/linux/resources/blockIO/leafWeight", UseStep, ""},
	{"/linux/resources/blockIO/weightDevice/*/major", UseStep, ""},
	{"/linux/resources/blockIO/weightDevice/*/minor", UseStep, ""},
	{"/linux/resources/blockIO/weightDevice/*/weight", UseStep, ""},
	{"/linux/resources/blockIO/weightDevice/*/leafWeight", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadBpsDevice/*/major", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadBpsDevice/*/minor", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadBpsDevice/*/rate", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteBpsDevice/*/major", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteBpsDevice/*/minor", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteBpsDevice/*/rate", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadIOPSDevice/*/major", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadIOPSDevice/*/minor", UseStep, ""},
	{"/linux/resources/blockIO/throttleReadIOPSDevice/*/rate", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteIOPSDevice/*/major", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteIOPSDevice/*/minor", UseStep, ""},
	{"/linux/resources/blockIO/throttleWriteIOPSDevice/*/rate", UseStep, ""},
	{"/linux/resources/hugepageLimits/*/pageSize", UseStep, ""},
	{"/linux/resources/hugepageLimits/*/limit", UseStep, ""},
	{"/linux/resources/network/classID", UseStep, ""},
	{"/linux/resources/network/priorities/*/name", UseStep, ""},
	{"/linux/resources/network/priorities/*/priority", UseStep, ""},
	{"/linux/resources/rdma/*/hcaHandles", UseStep, ""},
	{"/linux/resources/rdma/*/hcaObjects", UseStep, ""},
	{"/linux/resources/unified", UseStep, ""},

	{"/linux/seccomp/defaultAction", UseStep, ""},
	{"/linux/seccomp/defaultErrnoRet", UseStep, ""},
	{"/linux/seccomp/architectures", UseStep, ""},
	{"/linux/seccomp/flags", UseStep, ""},
	{"/linux/seccomp/listenerPath", UseHost, "the runtime hands the listener over"},
	{"/linux/seccomp/listenerMetadata", UseHost, "goes with the listener"},
	{"/linux/seccomp/syscalls/*/names", UseStep, ""},
	{"/linux/seccomp/syscalls/*/action", UseStep, ""},
	{"/linux/seccomp/syscalls/*/errnoRet", UseStep, ""},
	{"/linux/seccomp/syscalls/*/args/*/index", UseStep, ""},
	{"/linux/seccomp/syscalls/*/args/*/value", UseStep, ""},
	{"/linux/seccomp/syscalls/*/args/*/valueTwo", UseStep, ""},
	{"/linux/seccomp/syscalls/*/args/*/op", UseStep, ""},

	{"/solaris", UseIgnored, notePlatform},
	{"/windows", UseIgnored, notePlatform},
	{"/vm", UseIgnored, notePlatform},
	{"/zos", UseIgnored, notePlatform},
	{"/freebsd", UseIgnored, notePlatform},
}
