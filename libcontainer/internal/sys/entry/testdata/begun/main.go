// Begun prints with which processors and threads it has begun, as lines of JSON, and what a
// program inherits that it starts.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/libcontainer/internal/sys/entry"
	"github.com/ocirun/ocirun/libcontainer/internal/sys/nofile"
)

// files is the soft limit on open files that the package nofile knows.
func files() (limit uint64) {
	if started := nofile.Started(); started != nil {
		limit = started.Cur
	}
	return limit
}

func main() {
	sys.RelaxMonitor()
	early, _ := filepath.Glob("/proc/self/task/*")
	slack, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	mask, _ := sys.Affinity()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"Processors": runtime.GOMAXPROCS(0), "Threads": len(early), "Slack": slack, "Mask": mask,
		"Files": files(), "Limited": entry.CPUs() != nil, "Relaxed": entry.TimerSlack() != 0, "Args": os.Args[1:],
	})
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000000, 0, 0, 0) // as threads have that the monitor started
	if cpus := entry.CPUs(); cpus != nil {
		one := make([]byte, len(mask))
		cpu := sys.CPU()
		one[cpu/8] = 1 << (cpu % 8)
		_ = sys.SetAffinity(one) // as threads have that began early
	}
	for _, args := range [][]string{
		{"grep", "-h", "", "/proc/self/timerslack_ns"}, {"grep", "^Cpus_allowed:", "/proc/self/status"}, {"grep", "^Max open files", "/proc/self/limits"},
	} {
		pid, err := sys.ForkExec("/bin/grep", args, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if err == nil {
			_, err = sys.Reap(pid)
		}
		if err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
		}
	}
}
