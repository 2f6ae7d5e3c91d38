package main

import "time"

// Kinds of a contender: how it is started.
const (
	kindOCI   = "oci"   // PATH --root R run --bundle B ID
	kindFloor = "floor" // PATH ROOTFS CGROUP PROGRAM
	kindBare  = "bare"  // the payload itself, without a container
)

// contender is one program under measurement.
type contender struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`              // inside the private root
	Version string `json:"version,omitempty"` // first line of --version
	Absent  string `json:"absent,omitempty"`  // why it is not measured
}

// Stages of the inner half.
const (
	stageTime        = "time"         // timing and a created container's init, pure cgroup v2
	stageMemory      = "memory"       // smallest memory limit, in a view that has the memory controller
	stageSweep       = "sweep"        // removes the cgroups that a killed time stage left
	stageSweepMemory = "sweep-memory" // the same for a memory stage
)

// job tells the inner half what to do.
type job struct {
	Stage      string        `json:"stage"`
	Root       string        `json:"root"`   // the private root, seen from the host
	Work       string        `json:"work"`   // folder of this run, seen from inside
	Prefix     string        `json:"prefix"` // of every container id and cgroup
	Rounds     int           `json:"rounds"`
	Seed       uint64        `json:"seed"`
	Settle     time.Duration `json:"settle"`
	Contenders []contender   `json:"contenders"`
	Docker     bool          `json:"docker"` // measure the Docker-like bundle too
}

// Bundles below job.Work.
const (
	bundleDefault     = "default"
	bundleDocker      = "docker"
	bundleProbe       = "probe"        // the default, printing what it sees
	bundleDockerProbe = "docker-probe" // the Docker-like one, printing what it sees
	bundleExec        = "exec"         // the default, sleeping, for commands that are added to it
	bundleMemory      = "memory"       // the default with a memory limit, rewritten for each try
)

// Variants of a series.
const (
	anyCache  = ""
	coldCache = "cold" // the runtime's --root is emptied before every run
	warmCache = "warm" // the runtime's --root is left as the last run left it
)

// series is what was measured of one contender on one bundle.
type series struct {
	Bundle  string   `json:"bundle"`
	Variant string   `json:"variant,omitempty"`
	Runtime string   `json:"runtime"`
	Samples []sample `json:"-"`
	Error   string   `json:"error,omitempty"`

	Summary summary   `json:"summary"`
	WallUS  []float64 `json:"wall_us"`
}

// footprint is the memory of a created container's init process, and of its cgroup.
type footprint struct {
	Runtime    string `json:"runtime"`
	PrivateKiB int64  `json:"private_kib"` // Private_Clean + Private_Dirty
	RSSKiB     int64  `json:"rss_kib"`
	PSSKiB     int64  `json:"pss_kib"`
	Error      string `json:"error,omitempty"`
}

// memoryLimit is the smallest limit at which the payload ran every time.
type memoryLimit struct {
	Runtime string `json:"runtime"`
	Bytes   int64  `json:"bytes"` // 0: it failed even at the largest limit tried
	Error   string `json:"error,omitempty"`
}

// outcome is what a stage hands back.
type outcome struct {
	Series     []series      `json:"series,omitempty"`
	Footprints []footprint   `json:"footprints,omitempty"`
	Limits     []memoryLimit `json:"limits,omitempty"`
	Contenders []contender   `json:"contenders,omitempty"`
	View       string        `json:"view,omitempty"`
	Notes      []string      `json:"notes,omitempty"`
}
