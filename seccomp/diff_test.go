//go:build libseccomp

package seccomp

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// oracle is what runc would load: libseccomp's filter with runc's test for calls
// that are newer than the profile before it.
type oracle struct {
	filter *Program
	*section
	// newest is runc's idea of the newest call, by architecture.
	newest map[arch]uint32
}

// newOracle takes the same decisions as runc from libseccomp's own tables.
func newOracle(spec *specs.LinuxSeccomp, s *section) (*oracle, error) {
	filter, err := s.libFilter(spec)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	insns, err := exportFilter(filter, archs[s.native].big)
	if err != nil {
		return nil, err
	}
	o := &oracle{filter: &Program{Insns: insns, native: s.native}, section: s, newest: map[arch]uint32{}}
	for _, a := range s.archs {
		lib, err := libArch(a)
		if err != nil {
			return nil, err
		}
		for _, call := range spec.Syscalls {
			for _, name := range call.Names {
				nr, err := libseccomp.GetSyscallFromNameByArch(name, lib)
				if err == nil && int32(nr) > int32(o.newest[a]) {
					o.newest[a] = uint32(nr)
				}
			}
		}
	}
	return o, nil
}

// newOracleInTime gives up on libseccomp when it does not come to an end. Its thread
// goes on till the tests end.
func newOracleInTime(spec *specs.LinuxSeccomp, s *section) (*oracle, error) {
	type result struct {
		o   *oracle
		err error
	}
	done := make(chan result, 1)
	go func() {
		o, err := newOracle(spec, s)
		done <- result{o, err}
	}()
	select {
	case r := <-done:
		return r.o, r.err
	case <-time.After(10 * time.Second):
		return nil, errEndless
	}
}

var errEndless = errors.New("libseccomp does not come to an end")

// verdict also says whether it comes from the test before the filter.
func (o *oracle) verdict(t *testing.T, a arch, d Data) (v Verdict, stub bool) {
	t.Helper()
	if newest := o.newest[a]; newest != 0 && !permissive(o.defaultAction) {
		if d.Number > newest || d.Number == 0 && (a == archS390 || a == archS390X) {
			return Verdict(retENOSYS), true
		}
	}
	v, err := o.filter.Simulate(d)
	if err != nil {
		t.Fatalf("libseccomp's filter: %v", err)
	}
	return v, false
}

// sameNames lists the calls that libseccomp's tables have as ours do, on all
// architectures that both know.
func sameNames(t testing.TB) []string {
	var names []string
	for id := range nameID(nameCount) {
		// Two calls share a pseudo number for where they do not exist.
		back := ""
		if nr, err := libseccomp.GetSyscallFromName(id.String()); err == nil {
			back, _ = nr.GetName()
		}
		same := back == id.String()
		for a := range archCount {
			lib, err := libArch(a)
			if err != nil || a >= archM68K || a == archLoongarch64 {
				continue
			}
			if archs[a].mux && subCalls[id] != 0 {
				continue
			}
			theirs, err := libseccomp.GetSyscallFromNameByArch(id.String(), lib)
			ours, known := archs[a].numberOf(id)
			if err != nil || known != (int32(theirs) >= 0) || known && ours != uint32(theirs) {
				same = false
			}
		}
		if same {
			names = append(names, id.String())
		}
	}
	return names
}

// count is how many random profiles to try.
func count() int {
	if n, err := strconv.Atoi(os.Getenv("OCIRUN_TEST_SECCOMP_PROFILES")); err == nil {
		return n
	}
	if testing.Short() {
		return 2000
	}
	return 5000
}

// tally is what a comparison came to.
type tally struct {
	profiles, refused, cases int
	differences              map[difference]int
}

// TestRandomProfiles compares verdicts with libseccomp's, the argument values and
// numbers being near those of the profile.
func TestRandomProfiles(t *testing.T) {
	names := sameNames(t)
	sum := tally{differences: map[difference]int{}}
	for seed := range uint64(count()) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 3)), names: names}
		spec, goarch := g.section()
		sum.compare(t, g, spec, goarch)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	sum.log(t)
}

func (sum *tally) log(t *testing.T) {
	t.Logf("%d profiles, %d of them refused by libseccomp, %d cases", sum.profiles, sum.refused, sum.cases)
	for d, n := range sum.differences {
		t.Logf("%d differences: %s", n, d)
	}
}

func (sum *tally) compare(t *testing.T, g *generator, spec *specs.LinuxSeccomp, goarch string) {
	t.Helper()
	s := parse(spec, Options{Arch: goarch, HasFlag: allFlags, NotifyAny: true})
	if len(s.errors) > 0 {
		t.Fatalf("%v", s.errors[0])
	}
	sum.profiles++
	o, err := newOracleInTime(spec, s)
	if why := explainRefusal(spec, err); why != "" {
		sum.refused++
		sum.differences[why]++
		return
	}
	if err != nil {
		t.Errorf("%v\n%s", err, toJSON(spec))
		return
	}
	p := &Program{Insns: s.build(), native: s.native}
	for _, a := range s.archs {
		for _, nr := range numbers(a) {
			sum.call(t, g, spec, p, o, a, nr)
			if t.Failed() {
				return
			}
		}
	}
}

// dump writes what it takes to look into a difference to a directory.
func dump(t *testing.T, spec *specs.LinuxSeccomp, theirs, ours *Program) {
	t.Helper()
	dir := filepath.Join(os.TempDir(), "ocirun-seccomp-difference")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"profile.json": toJSON(spec), "libseccomp.txt": theirs.String(), "ours.txt": ours.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the profile and both programs are in %s", dir)
}

// numbers are those to try on an architecture.
func numbers(a arch) []uint32 {
	base := archs[a].base
	list := []uint32{0, 1<<30 - 1, 1 << 30, 1<<31 - 1, 1 << 31, 3 << 30, 1<<32 - 2, 1<<32 - 1}
	for i := range uint32(601) {
		list = append(list, base+i)
	}
	for i := range uint32(armPrivateCount) {
		list = append(list, armPrivateBase+i)
	}
	return list
}

// call compares the verdicts on one number: many times if there are conditions.
func (sum *tally) call(t *testing.T, g *generator, spec *specs.LinuxSeccomp, p *Program, o *oracle, a arch, nr uint32) {
	t.Helper()
	a = really(a, nr)
	tries := 1
	if o.conditional(a, nr) {
		tries = 40
	}
	for range tries {
		d := Data{Number: nr, Arch: archs[a].token, IP: g.Uint64(), Args: g.arguments(spec)}
		want, stub := o.verdict(t, a, d)
		got, err := p.Simulate(d)
		if err != nil {
			t.Fatal(err)
		}
		sum.cases++
		if got == want {
			continue
		}
		why := explainVerdict(t, spec, o, a, d, got, want, stub)
		if why == "" {
			t.Errorf("%s %d %#x: libseccomp %v, ours %v", archs[a].name, nr, d.Args, want, got)
			dump(t, spec, o.filter, p)
			return
		}
		if sum.differences[why]++; sum.differences[why] == 1 {
			t.Logf("for example %s %d %#x: libseccomp %v, ours %v: %s", archs[a].name, nr, d.Args, want, got, why)
		}
	}
}

// really tells x86_64 and x32 apart, which share a token.
func really(a arch, nr uint32) arch {
	switch {
	case a != archX86_64 && a != archX32:
		return a
	case nr&x32Bit != 0:
		return archX32
	}
	return archX86_64
}

// conditional says whether any rule for a number has conditions; those that take
// other calls may have any.
func (o *oracle) conditional(a arch, nr uint32) bool {
	info := &archs[a]
	if info.mux && (nr-info.base == slotSocketcall || nr-info.base == slotIPC) {
		return true
	}
	for _, e := range o.entries {
		if have, ok := info.numberOf(e.id); ok && have == nr && e.rule != noRule {
			return true
		}
	}
	return false
}
