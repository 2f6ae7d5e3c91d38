//go:build libseccomp

package seccomp

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// BenchmarkBothCompilers measures ours and libseccomp's in one run.
func BenchmarkBothCompilers(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		benchmarkCompile(b, func(spec *specs.LinuxSeccomp) error {
			parse(spec, Options{}).build()
			return nil
		})
	})
	b.Run("libseccomp", func(b *testing.B) {
		benchmarkCompile(b, func(spec *specs.LinuxSeccomp) error {
			_, err := parse(spec, Options{}).assemble(spec)
			return err
		})
	})
}

// BenchmarkLoadedCall measures what calls cost under Docker's profile: with our
// filter, with runc's and with none, by turns. The kernel remembers calls that a
// filter always allows (Linux 5.11); others run the filter every time.
func BenchmarkLoadedCall(b *testing.B) {
	spec := profile(b, "docker.json")
	s := parse(spec, Options{})
	lib, err := s.assemble(spec)
	if err != nil {
		b.Fatal(err)
	}
	none := []Insn{{Code: bpfRet, K: retAllow}}
	filters := []struct {
		name  string
		insns []Insn
	}{{"none", none}, {"ours", s.build()}, {"runc", lib}}
	calls := []struct {
		name string
		args [maxArgs]uint64
	}{{"getppid", [maxArgs]uint64{}}, {"personality", [maxArgs]uint64{1<<32 - 1}}, {"mount", [maxArgs]uint64{}}, {"open_tree", [maxArgs]uint64{}}}
	j := &job{Repeat: 20000}
	for _, c := range calls {
		nr, _ := SyscallNumber(string(archs[s.native].name), c.name)
		j.Calls = append(j.Calls, Data{Number: nr, Args: c.args})
	}
	times := map[string][]int{}
	for b.Loop() {
		for _, f := range filters {
			j.Program, j.Flags = (&Program{Insns: f.insns}).Bytes(), s.flags
			for i, ps := range j.bench(b) {
				key := calls[i].name + "-" + f.name
				times[key] = append(times[key], ps)
			}
		}
	}
	for key, all := range times {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/1000, "ns/"+key)
	}
}

func (j *job) bench(b *testing.B) []int {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), loadEnv+"=1")
	cmd.Stdin = strings.NewReader(string(text))
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var times []int
	if err := json.Unmarshal(out, &times); err != nil {
		b.Fatal(err)
	}
	return times
}
