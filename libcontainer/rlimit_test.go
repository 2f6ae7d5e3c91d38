package libcontainer

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

func TestRlimitHint(t *testing.T) {
	if most := mostFiles(); most == 0 {
		t.Error("fs.nr_open cannot be read")
	}
	plain := mostFiles
	t.Cleanup(func() { mostFiles = plain })
	const capability = "raising a hard limit needs CAP_SYS_RESOURCE"
	for _, c := range []struct {
		most, hard uint64
		resource   int
		want       string
	}{
		{1000, 1001, unix.RLIMIT_NOFILE, "it may not be above the sysctl fs.nr_open, which is 1000"},
		{1000, 1000, unix.RLIMIT_NOFILE, capability},
		{0, 1001, unix.RLIMIT_NOFILE, capability},
		{1000, 1001, unix.RLIMIT_NPROC, capability},
	} {
		mostFiles = func() uint64 { return c.most }
		if got := schedulingHint(plan.Rlimit{Resource: c.resource, Hard: c.hard}, unix.EPERM); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
