package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// used is the processor time that the cgroup of a process has had.
func (s *scenario) used(pid int) time.Duration {
	s.t.Helper()
	if suite.view == "v1" {
		ns, err := strconv.ParseInt(strings.TrimSpace(s.cgroupFile(pid, "cpuacct", "cpuacct.usage")), 10, 64)
		s.must(err)
		return time.Duration(ns)
	}
	for line := range strings.Lines(s.cgroupFile(pid, "cpu", "cpu.stat")) {
		if text, ok := strings.CutPrefix(line, "usage_usec "); ok {
			us, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			s.must(err)
			return time.Duration(us) * time.Microsecond
		}
	}
	s.t.Fatal("harness: cpu.stat has no usage_usec")
	return 0
}

// A busy loop gets its share of each second and not more, however idle the machine is. What a tick of the kernel adds to
// one period is taken from the next ones.
func TestLimitsQuotaOfASecond(t *testing.T) {
	s := begin(t)
	s.needsController("cpu")
	b := s.bundle(resources(func(r *specs.LinuxResources) {
		r.CPU = &specs.LinuxCPU{Quota: ptr(int64(20000)), Period: ptr(uint64(100000))}
	}), sh("echo up; while :; do :; done"))
	_, pid := b.detached()
	before, begun := s.used(pid), time.Now()
	time.Sleep(2 * time.Second)
	used, elapsed := s.used(pid)-before, time.Since(begun)
	if share := used.Seconds() / elapsed.Seconds(); used == 0 || share > 0.3 {
		s.errorf("used %v of %v, a share of %.2f where 0.2 is allowed", used, elapsed, share)
	}
}

// diskOf finds the disk with a file, which is what can be throttled, not its parts.
func (s *scenario) diskOf(path string) (major, minor int64) {
	s.t.Helper()
	var st unix.Stat_t
	s.must(unix.Stat(path, &st))
	dir, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if err != nil {
		s.without("disk", path+" is on no disk")
	}
	if exists(dir + "/partition") {
		dir = filepath.Dir(dir)
	}
	_, err = fmt.Sscanf(s.read(dir+"/dev"), "%d:%d", &major, &minor)
	s.must(err)
	return major, minor
}

// Direct writes wait for their turn: three MiB at two MiB a second.
func TestLimitsDirectWrites(t *testing.T) {
	s := begin(t)
	controller := map[string]string{"v1": "blkio", "v2": "io"}[suite.view]
	s.needsController(controller)
	d := specs.LinuxThrottleDevice{Rate: 2 << 20}
	d.Major, d.Minor = s.diskOf(s.dir)
	s.must(os.Mkdir(filepath.Join(s.dir, "data"), 0o755))
	b := s.bundle(addMounts(bind(filepath.Join(s.dir, "data"), "/mnt")), resources(func(r *specs.LinuxResources) {
		r.BlockIO = &specs.LinuxBlockIO{ThrottleWriteBpsDevice: []specs.LinuxThrottleDevice{d}}
	}), sh("a=$(cut -d ' ' -f 1 /proc/uptime); dd if=/dev/zero of=/mnt/x bs=256k count=12 oflag=direct 2>/dev/null; echo $? $a $(cut -d ' ' -f 1 /proc/uptime)"))
	status, from, to := 0, 0.0, 0.0
	_, err := fmt.Sscan(b.payload(), &status, &from, &to)
	s.must(err)
	equal(s, "status of dd", status, 0)
	if to-from < 1 {
		s.errorf("3 MiB at 2 MiB a second took %.2f s", to-from)
	}
}

// hugePages has the kernel set some aside until the scenario ends.
func (s *scenario) hugePages(n int) {
	s.t.Helper()
	const free, all = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
	if !exists(free) {
		s.without("hugetlb", "this machine has no huge pages of 2 MiB")
	}
	number := func(file string) int {
		value, err := strconv.Atoi(strings.TrimSpace(s.read(file)))
		s.must(err)
		return value
	}
	if number(free) >= n {
		return
	}
	before := number(all)
	s.t.Cleanup(func() { os.WriteFile(all, []byte(itoa(before)), 0) })
	s.must(os.WriteFile(all, []byte(itoa(before+n)), 0))
	if number(free) < n {
		s.without("hugetlb", "this machine has no memory left in one piece for huge pages")
	}
}

// A file of huge pages cannot grow beyond the limit, though there are more pages.
func TestLimitsHugePages(t *testing.T) {
	s := begin(t)
	s.needsController("hugetlb")
	s.hugePages(4)
	b := s.bundle(addMounts(specs.Mount{Type: "hugetlbfs", Source: "hugetlbfs", Destination: "/mnt", Options: []string{"pagesize=2M"}}),
		resources(func(r *specs.LinuxResources) {
			r.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}}
		}), sh("fallocate -l 4M /mnt/a && echo 4; fallocate -l 6M /mnt/a 2>/dev/null || echo not 6"))
	equal(s, "output", b.payload(), "4\nnot 6\n")
	b.edit(resources(func(r *specs.LinuxResources) { r.HugepageLimits[0].Limit = 6 << 20 }))
	b.edit(sh("fallocate -l 6M /mnt/a && echo 6"))
	equal(s, "output with a higher limit", b.payload(), "6\n")
}

// There is neither an RDMA device nor anything of the misc controller on most machines, but what is asked of them is said.
func TestLimitsOfNothing(t *testing.T) {
	s := begin(t)
	s.differs("runc", "1.1.5 has other words")
	for controller, c := range map[string]struct {
		want   string
		change func(*specs.LinuxResources)
	}{
		"rdma": {"/linux/resources/rdma/none0: ", func(r *specs.LinuxResources) {
			r.Rdma = map[string]specs.LinuxRdma{"none0": {HcaHandles: ptr(uint32(1))}}
		}},
		"misc": {"/linux/resources/unified/misc.max: ", func(r *specs.LinuxResources) {
			r.Unified = map[string]string{"misc.max": "none 1"}
		}},
	} {
		t.Run(controller, func(t *testing.T) {
			s := begin(t)
			if s.needsController(controller); controller == "misc" && suite.view != "v2" {
				t.Skip("the misc controller is for version 2 only")
			}
			s.refusesLimits(c.change, c.want)
		})
	}
}
