package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cgroupOf finds the directory that a process has in the hierarchy of a v1
// controller, or in the only hierarchy there is in the v2 view.
func (s *scenario) cgroupOf(pid int, controller string) string {
	s.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	s.must(err)
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) != 3:
		case suite.view == "v2" && fields[0] == "0":
			return filepath.Join("/sys/fs/cgroup", fields[2])
		case suite.view == "v1" && fields[1] == controller:
			return filepath.Join("/sys/fs/cgroup", controller, fields[2])
		}
	}
	s.t.Fatalf("harness: process %d has no %s cgroup:\n%s", pid, controller, data)
	return ""
}

// cgroupFile reads a file of a process's cgroup.
func (s *scenario) cgroupFile(pid int, controller, name string) string {
	s.t.Helper()
	return s.read(filepath.Join(s.cgroupOf(pid, controller), name))
}

// needsController skips when the controller is not there in this view. A v1
// host keeps most of them away from the v2 hierarchy.
func (s *scenario) needsController(controller string) {
	s.t.Helper()
	if suite.view == "v2" {
		data, _ := os.ReadFile("/sys/fs/cgroup/cgroup.controllers")
		for _, c := range strings.Fields(string(data)) {
			if c == controller {
				return
			}
		}
		s.without(controller, fmt.Sprintf("the v2 hierarchy of this machine has no %s controller, only: %s", controller, strings.TrimSpace(string(data))))
	}
	if !exists(filepath.Join("/sys/fs/cgroup", controller, "cgroup.procs")) {
		s.without(controller, fmt.Sprintf("this machine has no %s hierarchy", controller))
	}
}
