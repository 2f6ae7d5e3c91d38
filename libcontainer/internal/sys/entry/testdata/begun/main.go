// Begun prints with which processors and threads it has begun, as lines of JSON, and what a
// program inherits that it starts.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
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
	// Of the first thread, on which this need not be any more.
	slack, _ := os.ReadFile("/proc/" + strconv.Itoa(os.Getpid()) + "/timerslack_ns")
	var cpus unix.CPUSet
	_ = unix.SchedGetaffinity(os.Getpid(), &cpus)
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"Processors": runtime.GOMAXPROCS(0), "Threads": len(early), "Slack": strings.TrimSpace(string(slack)), "CPUs": cpus.Count(),
		"Files": files(), "Limited": entry.CPUs() != nil, "Relaxed": entry.TimerSlack() != 0, "Args": os.Args[1:],
	})
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000000, 0, 0, 0) // as threads have that the monitor started
	if entry.CPUs() != nil {
		var one unix.CPUSet
		one.Set(sys.CPU())
		_ = unix.SchedSetaffinity(0, &one) // as threads have that began early
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
