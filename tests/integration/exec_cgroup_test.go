package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unifiedOf finds the version 2 cgroup of a process, which there is in both views.
func (s *scenario) unifiedOf(pid int) string {
	s.t.Helper()
	mount := "/sys/fs/cgroup"
	if suite.view == "v1" {
		mount += "/unified"
	}
	for line := range strings.Lines(s.read(fmt.Sprintf("/proc/%d/cgroup", pid)) + "\n") {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && exists(mount) {
			return filepath.Join(mount, path)
		}
	}
	s.t.Skip("this machine has no cgroup v2")
	return ""
}

// into leaves a process in a container, by exec, and gives its id on the host.
func (s *scenario) into(id string, flags ...string) int {
	s.t.Helper()
	file := filepath.Join(s.dir, "into.pid")
	s.exec(id, append(flags, "--detach", "--pid-file", file), "sleep", "100").ok()
	pid := 0
	_, err := fmt.Sscan(s.read(file), &pid)
	s.must(err)
	return pid
}

func TestExecCgroupBelow(t *testing.T) {
	s := begin(t)
	_, id, pid := s.sleeping()
	dir := s.unifiedOf(pid)
	s.must(os.Mkdir(dir+"/below", 0o755))
	if suite.view == "v1" {
		for _, controller := range []string{"cpu", "memory", "freezer", "cpuset"} {
			sub := s.cgroupOf(pid, controller) + "/below"
			s.must(os.Mkdir(sub, 0o755))
			if controller == "cpuset" {
				for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
					s.must(os.WriteFile(sub+"/"+f, []byte(s.read(filepath.Dir(sub)+"/"+f)), 0))
				}
			}
		}
		moved := s.into(id, "--cgroup", "cpu,memory:below", "--cgroup", "freezer:/below")
		for _, controller := range []string{"cpu", "memory", "freezer"} {
			equal(s, controller, s.cgroupOf(moved, controller), s.cgroupOf(pid, controller)+"/below")
		}
		equal(s, "devices, which was not named", s.cgroupOf(moved, "devices"), s.cgroupOf(pid, "devices"))
		return
	}
	equal(s, "cgroup", s.unifiedOf(s.into(id, "--cgroup", "below")), dir+"/below")
	equal(s, "cgroup with a slash", s.unifiedOf(s.into(id, "--cgroup", "/below")), dir+"/below")
	equal(s, "the container's own", s.unifiedOf(s.into(id, "--cgroup", "/")), dir)
	equal(s, "without", s.unifiedOf(s.into(id)), dir)
}

func TestExecCgroupWrong(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	_, id, _ := s.sleeping()
	s.exec(id, flags("--cgroup", "../other"), "true").fails(255, "exec failed: bad sub cgroup path: ../other")
	s.exec(id, flags("--cgroup", "missing"), "true").failsWith(255, "no such file or directory")
	s.exec(id, flags("--cgroup", "nope:x"), "true").failsWith(255, `no cgroup of controller "nope"`)
	s.exec(id, flags("--cgroup", "a", "--cgroup", "b"), "true").failsWith(255, "missing <controller>: prefix")
	s.exec(id, flags("--cgroup", ":a"), "true").failsWith(255, "empty <controller> prefix")
}

// nest makes the container's version 2 cgroup one that takes no processes, with its
// first process below, as a service manager in the container would.
func (s *scenario) nest(pid int) (dir string) {
	s.t.Helper()
	dir = s.unifiedOf(pid)
	s.must(os.Mkdir(dir+"/init", 0o755))
	s.must(os.WriteFile(dir+"/init/cgroup.procs", []byte(itoa(pid)), 0))
	controllers := strings.Fields(s.read(dir + "/cgroup.controllers"))
	if len(controllers) == 0 {
		root := dir[:len("/sys/fs/cgroup")]
		if suite.view == "v1" {
			root += "/unified"
		}
		have := strings.Fields(s.read(root + "/cgroup.controllers"))
		if len(have) == 0 {
			s.t.Skip("the version 2 hierarchy has no controller")
		}
		enabled := s.read(root + "/cgroup.subtree_control")
		s.must(os.WriteFile(root+"/cgroup.subtree_control", []byte("+"+have[0]), 0))
		if !strings.Contains(enabled, have[0]) {
			s.t.Cleanup(func() { os.WriteFile(root+"/cgroup.subtree_control", []byte("-"+have[0]), 0) })
		}
		controllers = have
	}
	s.must(os.WriteFile(dir+"/cgroup.subtree_control", []byte("+"+domainController(controllers)), 0))
	return dir
}

// domainController picks one that processes and cgroups cannot share. Threaded ones, cpu for example, do not mind
// (Linux: Documentation/admin-guide/cgroup-v2.rst, "Threads").
func domainController(controllers []string) string {
	for _, c := range controllers {
		if !slices.Contains([]string{"cpu", "cpuset", "perf_event", "pids"}, c) {
			return c
		}
	}
	return controllers[0]
}

func TestExecCgroupTakesNoProcesses(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 looks at the cgroup of init in pure v2 only")
	_, id, pid := s.sleeping()
	dir := s.nest(pid)
	equal(s, "cgroup", s.unifiedOf(s.into(id)), dir+"/init")
	s.exec(id, flags("--cgroup", "/"), "true").failsWith(255, "device or resource busy")
}

// A container that can write to its cgroups may have moved its init anywhere.
func TestExecCgroupEscape(t *testing.T) {
	s := begin(t)
	s.differs("runc", "follows the init wherever it is")
	_, id, pid := s.sleeping()
	dir := s.nest(pid)
	outside := filepath.Dir(dir) + "/outside-" + itoa(os.Getpid())
	s.must(os.Mkdir(outside, 0o755))
	defer func() {
		s.must(os.WriteFile(dir+"/init/cgroup.procs", []byte(itoa(pid)), 0))
		s.must(os.Remove(outside))
	}()
	s.must(os.WriteFile(outside+"/cgroup.procs", []byte(itoa(pid)), 0))
	s.exec(id, nil, "true").failsWith(255, "not below it")
}

func TestExecIgnorePaused(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 waits for its child while that is frozen")
	_, id, pid := s.sleeping()
	s.run("pause", id).ok()
	c := s.cmd("exec", "--ignore-paused", id, "echo", "thawed")
	c.start()
	s.eventually("the process is in the frozen cgroup", func() bool {
		return strings.Count(s.cgroupFile(pid, "freezer", "cgroup.procs"), "\n") == 1
	})
	time.Sleep(100 * time.Millisecond)
	s.status(id, "paused")
	s.run("resume", id).ok()
	equal(s, "output", c.wait().ok().out, "thawed\n")
}

// An exec that waits for its container can be killed, and so ends its process.
func TestExecIgnorePausedIsKilled(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 leaves the process behind")
	_, id, pid := s.sleeping()
	s.run("pause", id).ok()
	c := s.cmd("exec", "--ignore-paused", id, "sleep", "100")
	c.start()
	procs := func() int { return len(strings.Fields(s.cgroupFile(pid, "freezer", "cgroup.procs"))) }
	s.eventually("the process is in the frozen cgroup", func() bool { return procs() == 2 })
	s.must(c.exec.Process.Signal(syscall.SIGKILL))
	c.wait().exits(-1)
	s.run("resume", id).ok()
	s.eventually("the process is gone", func() bool { return procs() == 1 })
}
