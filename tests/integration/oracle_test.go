package integration

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// snapshot is everything on the machine that a runtime could leave behind or
// damage; each entry is a line for people.
type snapshot struct {
	mounts []string // of the private mount namespace the tests live in
	run    []string // files below /run
	dev    []string // names, types and numbers below /dev
	canary []string // kernel switches and the runtime's own binary
}

func (s *scenario) look() snapshot {
	return snapshot{
		mounts: hostMounts(),
		run:    tree("/run", append(services, s.dir)...),
		dev:    tree("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"), // others may work in those
		canary: canaries(),
	}
}

// end removes the scenario's containers and compares the machine with the
// picture taken before.
func (s *scenario) end() {
	for _, id := range s.ids {
		if exists(filepath.Join(s.root, id)) {
			if r := s.run("delete", "--force", id); r.code != 0 {
				s.leftover("delete --force %s: exit %d: %s", id, r.code, r.err)
			}
		}
	}
	s.stopHelpers()
	s.oracle()
	after := s.look()
	s.unmountRest()
	s.compare("mounts", s.before.mounts, after.mounts)
	s.compare("/run", s.before.run, after.run)
	s.compare("/dev", s.before.dev, after.dev)
	s.compare("canaries", s.before.canary, after.canary)
}

// unmountRest takes away what is mounted in the scenario's directory, so that it can be
// removed.
func (s *scenario) unmountRest() {
	table := mountTable("/proc/self/mountinfo")
	for i := len(table) - 1; i >= 0; i-- {
		if strings.HasPrefix(table[i].point, s.dir+"/") {
			unix.Unmount(table[i].point, unix.MNT_DETACH)
		}
	}
}

// oracle checks that nothing of the scenario's ids is left: state, cgroups,
// processes. What is found is removed, so that the next scenario starts clean.
func (s *scenario) oracle() {
	s.t.Helper()
	for _, name := range readNames(s.root) {
		if name == ".cache" && suite.kind == "crun" {
			continue // of its seccomp filters
		}
		s.leftover("state of %s is left", name)
		os.RemoveAll(filepath.Join(s.root, name))
	}
	s.processes()
	for _, unit := range s.units() {
		s.leftover("systemd unit %s is left", unit)
	}
	for _, dir := range s.cgroups() {
		s.leftover("cgroup %s is left", dir)
		removeCgroup(dir)
	}
}

// leftover reports a leak; a peer that is known for it is only told about.
func (s *scenario) leftover(format string, args ...any) {
	s.t.Helper()
	if s.peerReason != "" {
		s.t.Logf("differs as expected from ocirun: %s (%s)", s.peerReason, fmt.Sprintf(format, args...))
		return
	}
	s.t.Errorf("left behind: "+format, args...)
}

func (s *scenario) compare(what string, before, after []string) {
	s.t.Helper()
	for _, line := range after {
		if !slices.Contains(before, line) {
			s.leftover("%s: new: %s", what, line)
		}
	}
	for _, line := range before {
		if !slices.Contains(after, line) {
			s.leftover("%s: lost: %s", what, line)
		}
	}
}

// processes waits for our reparented children to end, reaps them, and reports
// and kills those that stay.
func (s *scenario) processes() {
	s.t.Helper()
	var alive []int
	for range 100 {
		alive = slices.DeleteFunc(reap(), s.isHelper)
		if len(alive) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, pid := range alive {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		s.leftover("process %d %q is left", pid, strings.ReplaceAll(string(cmdline), "\x00", " "))
		syscall.Kill(pid, syscall.SIGKILL)
	}
	time.Sleep(50 * time.Millisecond)
	reap()
}

// reap collects ended children and returns those that live. The tests are the
// reaper of all containers, so nothing can hide from this.
func reap() (alive []int) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil {
		return nil
	}
	threads := readNames("/proc/self/task")
	text := string(data)
	for _, tid := range threads {
		more, _ := os.ReadFile("/proc/self/task/" + tid + "/children")
		text += " " + string(more)
	}
	seen := map[int]bool{}
	for _, field := range strings.Fields(text) {
		pid, err := strconv.Atoi(field)
		if err != nil || seen[pid] {
			continue
		}
		seen[pid] = true
		if _, ok := calls.Load(pid); ok {
			continue
		}
		if got, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); got == 0 && err == nil {
			alive = append(alive, pid)
		}
	}
	return alive
}

// cgroups finds the directories of our containers in every hierarchy.
func (s *scenario) cgroups() []string {
	var found []string
	prefix := fmt.Sprintf("it-%d-", os.Getpid())
	for _, top := range cgroupRoots() {
		filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil
			}
			if strings.HasPrefix(d.Name(), prefix) || strings.HasSuffix(d.Name(), ".scope") && strings.Contains(d.Name(), prefix) {
				found = append(found, path)
				return filepath.SkipDir
			}
			return nil
		})
	}
	return found
}

// cgroupRoots lists the hierarchies that can be seen at their mount point.
func cgroupRoots() []string {
	if suite.view == "v2" {
		return []string{"/sys/fs/cgroup"}
	}
	roots := map[string]bool{}
	for _, m := range mountTable("/proc/self/mountinfo") {
		if m.fsType == "cgroup" || m.fsType == "cgroup2" {
			roots[m.point] = true
		}
	}
	return slices.Sorted(maps.Keys(roots))
}

func removeCgroup(dir string) {
	// What is frozen does not end.
	_ = os.WriteFile(filepath.Join(dir, "freezer.state"), []byte("THAWED"), 0)
	_ = os.WriteFile(filepath.Join(dir, "cgroup.freeze"), []byte("0"), 0)
	for range 20 {
		procs, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, field := range strings.Fields(string(procs)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		reap()
		if unix.Rmdir(dir) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func hostMounts() []string {
	var lines []string
	for _, m := range mountTable("/proc/self/mountinfo") {
		lines = append(lines, m.point+" "+m.fsType+" "+m.source)
	}
	return lines
}

// tree lists the files below a directory, with what could be changed about them.
func tree(top string, except ...string) []string {
	var lines []string
	filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if slices.Contains(except, path) {
			return filepath.SkipDir
		}
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil && path != top {
			link, _ := os.Readlink(path)
			lines = append(lines, fmt.Sprintf("%s mode %o uid %d gid %d device %x %s", path, st.Mode, st.Uid, st.Gid, st.Rdev, link))
		}
		return nil
	})
	return lines
}

func canaries() []string {
	var lines []string
	for _, path := range []string{
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/kernel/shmmax", "/proc/self/oom_score_adj",
	} {
		data, _ := os.ReadFile(path)
		lines = append(lines, path+" "+strings.TrimSpace(string(data)))
	}
	for _, path := range []string{suite.runtime, "/etc/passwd", "/dev/null"} {
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			lines = append(lines, fmt.Sprintf("%s inode %d size %d mode %o uid %d", path, st.Ino, st.Size, st.Mode, st.Uid))
		}
	}
	return lines
}

func readNames(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// processState is the letter of /proc/PID/stat, or nothing.
func processState(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(data)
	return text[strings.LastIndexByte(text, ')')+2:][:1]
}
