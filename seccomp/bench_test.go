package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// coldEnv makes the test binary compile a profile once and print how long it took.
const coldEnv = "OCIRUN_TEST_SECCOMP_COLD"

func TestMain(m *testing.M) {
	// Filters kill children here; nobody wants their cores.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	if name := os.Getenv(coldEnv); name != "" {
		printColdTime(name)
		return
	}
	if os.Getenv(loadEnv) != "" {
		runJob()
		return
	}
	os.Exit(m.Run())
}

// printColdTime is a process that has compiled nothing yet.
func printColdTime(name string) {
	spec := profile(&testing.B{}, name)
	before := pageFaults()
	start := time.Now()
	p, err := Compile(spec, Options{})
	took := time.Since(start)
	faults := pageFaults() - before
	if err != nil || p.Len() == 0 {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds(), faults)
}

func pageFaults() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Minflt
}

func BenchmarkCompile(b *testing.B) {
	benchmarkCompile(b, func(spec *specs.LinuxSeccomp) error {
		_, err := Compile(spec, Options{})
		return err
	})
}

func benchmarkCompile(b *testing.B, compile func(*specs.LinuxSeccomp) error) {
	b.Helper()
	spec := profile(b, "docker.json")
	b.ReportAllocs()
	for b.Loop() {
		if err := compile(spec); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompileCold measures the first use in a fresh process, as a runtime has
// it: the pages of the tables and of the code are not mapped yet.
func BenchmarkCompileCold(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var times, faults []int
	for b.Loop() {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), coldEnv+"=docker.json")
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		var took, fault int
		if _, err := fmt.Sscan(string(out), &took, &fault); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		times, faults = append(times, took), append(faults, fault)
	}
	slices.Sort(times)
	slices.Sort(faults)
	b.ReportMetric(float64(times[len(times)/2]), "ns/compile")
	b.ReportMetric(float64(times[0]), "ns-min/compile")
	b.ReportMetric(float64(faults[len(faults)/2]), "faults/compile")
}
