package cgroups

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// access is a question to a device filter.
type access struct {
	kind         byte
	major, minor int64
	bits         uint8
}

// naive answers by the definition: for each bit, the last rule that speaks of it decides.
func naive(rules []deviceRule, a access) bool {
	for bit := accessMknod; bit <= accessWrite; bit <<= 1 {
		if a.bits&bit == 0 {
			continue
		}
		verdict := false
		for _, r := range rules {
			if (r.kind == 'a' || r.kind == a.kind) && (r.major == anyNumber || r.major == a.major) &&
				(r.minor == anyNumber || r.minor == a.minor) && r.access&bit != 0 {
				verdict = r.allow
			}
		}
		if !verdict {
			return false
		}
	}
	return true
}

// simulate runs a device program as the kernel would.
func simulate(t *testing.T, program []instruction, a access) bool {
	t.Helper()
	kind := uint32(unix.BPF_DEVCG_DEV_CHAR)
	if a.kind == 'b' {
		kind = unix.BPF_DEVCG_DEV_BLOCK
	}
	context := map[int16]uint32{0: uint32(a.bits)<<16 | kind, 4: uint32(a.major), 8: uint32(a.minor)}
	var reg [11]uint32
	for pc := 0; pc < len(program); pc++ {
		in := program[pc]
		dst, src := in.regs&15, in.regs>>4
		jump := false
		switch in.code {
		case opLoad32:
			reg[dst] = context[in.off]
			continue
		case opMov:
			reg[dst] = uint32(in.imm)
		case opMovReg:
			reg[dst] = reg[src]
		case opAnd:
			reg[dst] &= uint32(in.imm)
		case opOrReg:
			reg[dst] |= reg[src]
		case opXor:
			reg[dst] ^= uint32(in.imm)
		case opLeft:
			reg[dst] <<= uint32(in.imm)
		case opRight:
			reg[dst] >>= uint32(in.imm)
		case opJump:
			jump = true
		case opJumpNE:
			jump = reg[dst] != uint32(in.imm)
		case opJumpEQ:
			jump = reg[dst] == uint32(in.imm)
		case opExit:
			return reg[regScratch] != 0
		default:
			t.Fatalf("unknown instruction %#x", in.code)
		}
		if jump && in.off < 0 {
			t.Fatal("a jump backwards")
		}
		if jump {
			pc += int(in.off)
		}
	}
	t.Fatal("the program runs off its end")
	return false
}

func filter(t *testing.T, rules []deviceRule) []instruction {
	t.Helper()
	program, err := compileDevices(rules)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// listAllows answers as the kernel's v1 list does (security/device_cgroup.c).
func listAllows(l deviceList, a access) bool {
	for _, e := range l.exceptions {
		if e.kind != a.kind || e.major != anyNumber && e.major != a.major || e.minor != anyNumber && e.minor != a.minor {
			continue
		}
		if l.allow && e.access&a.bits != 0 {
			return false
		}
		if !l.allow && a.bits&^e.access == 0 {
			return true
		}
	}
	return l.allow
}

func randomRules(rng *rand.Rand) []deviceRule {
	numbers := []int64{anyNumber, 0, 1, 2, 4095, 4294967295}
	rules := make([]deviceRule, rng.IntN(8))
	for i := range rules {
		rules[i] = deviceRule{
			kind: "abcc"[rng.IntN(4)], major: numbers[rng.IntN(6)], minor: numbers[rng.IntN(6)],
			access: uint8(1 + rng.IntN(7)), allow: rng.IntN(2) == 0,
		}
	}
	return rules
}

func forEachAccess(check func(access) bool) {
	for _, kind := range []byte("bc") {
		for _, major := range []int64{0, 1, 2, 3, 4095} {
			for _, minor := range []int64{0, 1, 2, 4095, 1<<minorBits - 1} {
				for bits := range accessAll {
					if !check(access{kind, major, minor, bits + 1}) {
						return
					}
				}
			}
		}
	}
}

// TestDeviceFiltersAgree compares program, pruned rules and v1 list with the definition.
func TestDeviceFiltersAgree(t *testing.T) {
	expressible := 0
	for seed := range uint64(3000) {
		rules := randomRules(rand.New(rand.NewPCG(seed, 1)))
		pruned := prune(rules)
		program := filter(t, pruned)
		list, err := listDevices(pruned)
		if err == nil {
			expressible++
		}
		all := true
		forEachAccess(func(a access) bool {
			want := naive(rules, a)
			all = all && want
			if got := naive(pruned, a); got != want {
				t.Fatalf("seed %d: %v pruned to %v: %+v is %t, want %t", seed, rules, pruned, a, got, want)
			}
			if got := simulate(t, program, a); got != want {
				t.Fatalf("seed %d: %v: the program says %t to %+v, want %t", seed, rules, got, a, want)
			}
			if err == nil {
				if got := listAllows(list, a); got != want {
					t.Fatalf("seed %d: %v: the list %v says %t to %+v, want %t", seed, rules, list, got, a, want)
				}
			}
			return true
		})
		if allowsAll(pruned) && !all {
			t.Fatalf("seed %d: %v does not allow everything", seed, rules)
		}
	}
	if expressible < 1000 {
		t.Errorf("only %d of 3000 lists can be expressed on v1", expressible)
	}
}

func rule(allow bool, kind string, major, minor int64, access string) specs.LinuxDeviceCgroup {
	r := specs.LinuxDeviceCgroup{Allow: allow, Type: kind, Access: access}
	if major >= 0 {
		r.Major = &major
	}
	if minor >= 0 {
		r.Minor = &minor
	}
	return r
}

func TestDeviceDefaults(t *testing.T) {
	for name, rules := range map[string][]specs.LinuxDeviceCgroup{
		"no rules": nil, "deny all": {rule(false, "a", -1, -1, "rwm")},
		"denied one by one": {rule(false, "c", 1, 3, "rwm"), rule(false, "", -1, -1, "rwm")},
	} {
		list, err := deviceRules(rules)
		if err != nil {
			t.Fatal(err)
		}
		program := filter(t, prune(list))
		for a, want := range map[access]bool{
			{'c', 1, 3, accessAll}: true, {'c', 5, 2, accessAll}: true, {'c', 136, 7, accessAll}: true, {'c', 10, 200, accessAll}: true,
			{'b', 8, 0, accessMknod}: true, {'c', 1, 1, accessMknod}: true,
			{'b', 8, 0, accessRead}: false, {'c', 1, 1, accessWrite}: false, {'c', 1, 4, accessRead}: false, {'c', 10, 201, accessRead}: false,
		} {
			if got := simulate(t, program, a); got != want {
				t.Errorf("%s: %+v is %t", name, a, got)
			}
		}
	}
}

func TestDeviceRuleErrors(t *testing.T) {
	good := rule(true, "c", 1, 3, "rwm")
	for _, c := range []struct {
		rule    specs.LinuxDeviceCgroup
		pointer string
		text    string
	}{
		{rule(true, "z", 1, 3, "r"), "/devices/1/type", `invalid cgroup device type "z"`},
		{rule(true, "c", 1, 3, ""), "/devices/1/access", "device access at 1: field cannot be empty"},
		{rule(true, "c", 1, 3, "rx"), "/devices/1/access", `invalid device access "rx"`},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "r", Major: ptr[int64](-2)}, "/devices/1/major", "invalid device number -2"},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "r", Minor: ptr[int64](1 << 40)}, "/devices/1/minor", "invalid device number"},
	} {
		_, err := deviceRules([]specs.LinuxDeviceCgroup{good, c.rule})
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v", c.rule, err)
		}
		wantPointer(t, err, c.pointer)
	}
}

func TestWhatV1CannotExpress(t *testing.T) {
	list, _ := deviceRules([]specs.LinuxDeviceCgroup{rule(true, "c", 10, -1, "rw"), rule(false, "c", 10, 5, "w")})
	if _, err := listDevices(prune(list)); err == nil || !strings.Contains(err.Error(), "cgroup v1 cannot express") {
		t.Errorf("listDevices() = %v", err)
	}
}

// deviceNode makes a node of the memory device that can be opened here.
func deviceNode(t *testing.T, name string, minor uint32) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, minor))); err != nil {
		t.Skipf("mknod: %v", err)
	}
	fd, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Skipf("devices cannot be opened here: %v", err)
	}
	fd.Close()
	return path
}

// TestDevicesHold opens real devices from inside: the node of the memory device exists everywhere.
func TestDevicesHold(t *testing.T) {
	needRoot(t)
	null, kmsg := deviceNode(t, "null", 3), deviceNode(t, "kmsg", 11)
	m := create(t, nil)
	probe := func() string {
		out, err := finish(t, start(t, m, "open", null, kmsg), 5*time.Second)
		if err != nil {
			t.Fatal(err, out)
		}
		return out
	}
	set := func(rules ...specs.LinuxDeviceCgroup) {
		t.Helper()
		if err := m.SetDevices(rules); err != nil {
			t.Fatal(err)
		}
	}
	set()
	if got := probe(); got != "ok,operation not permitted" {
		t.Errorf("no rules: %s", got)
	}
	set(rule(true, "c", 1, 11, "rw"))
	if got := probe(); got != "ok,ok" {
		t.Errorf("allowed: %s", got)
	}
	set(rule(true, "a", -1, -1, "rwm"))
	if got := probe(); got != "ok,ok" {
		t.Errorf("everything allowed: %s", got)
	}
	set(rule(true, "a", -1, -1, "rwm"), rule(false, "c", 1, 11, "w"))
	if got := probe(); got != "ok,operation not permitted" {
		t.Errorf("one denied: %s", got)
	}
	set(rule(false, "a", -1, -1, "rwm"))
	if got := probe(); got != "ok,operation not permitted" {
		t.Errorf("everything denied: %s", got)
	}
}

// TestDevicesAreReplacedWithoutAGap changes rules under a payload that opens what all of them allow.
func TestDevicesAreReplacedWithoutAGap(t *testing.T) {
	needRoot(t)
	m := create(t, nil)
	if err := m.SetDevices(nil); err != nil {
		t.Fatal(err)
	}
	ready := t.TempDir() + "/ready"
	cmd := start(t, m, "open-forever", ready, "/dev/null", "/dev/zero")
	eventually(t, "payload runs", func() bool { return unix.Access(ready, unix.F_OK) == nil })
	for i := range 200 {
		if err := m.SetDevices([]specs.LinuxDeviceCgroup{rule(true, "c", 1, int64(11+i%2), "rwm"), rule(true, "b", 8, int64(i%16), "r")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if out, err := finish(t, cmd, 5*time.Second); err != nil || !strings.HasPrefix(out, "opened") {
		t.Errorf("payload: %v %s", err, out)
	}
	if m.pure() { // replaced, not stacked
		dir, _ := open(m.trees[0].dir(), unix.O_RDONLY)
		defer unix.Close(dir)
		if programs, _, err := attached(dir); err != nil || len(programs) != 1 {
			t.Errorf("%d programs are attached, %v", len(programs), err)
		} else {
			closeAll(programs)
		}
		return
	}
	list, err := readDevices(m.controller("devices"))
	if err != nil || len(list.exceptions) != len(defaultDevices())+2 {
		t.Errorf("list: %v, %v", list, err)
	}
}

func TestManyDeviceRulesLoad(t *testing.T) {
	needMode(t, true)
	m := create(t, nil)
	var rules []specs.LinuxDeviceCgroup
	for i := range int64(500) { // as a privileged container with every device of the host listed
		rules = append(rules, rule(i%5 != 0, "c", i, -1, []string{"rw", "r", "w", "rwm"}[i%4]))
	}
	begin := time.Now()
	if err := m.SetDevices(rules); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > 200*time.Millisecond {
		t.Errorf("500 rules take %v", d)
	} else {
		t.Logf("500 rules take %v", d)
	}
}

func FuzzDeviceList(f *testing.F) {
	f.Add("c 1:3 rwm\nb *:* m")
	f.Add("a *:* rwm")
	f.Add("c 1: r")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseDeviceList(text)
		if err != nil {
			return
		}
		for _, e := range list.exceptions {
			if again, ok := parseDeviceLine(e.String()); !ok || again != e {
				t.Errorf("%q reads back as %v", e, again)
			}
		}
	})
}

func BenchmarkLoadFilter(b *testing.B) {
	rules, _ := deviceRules([]specs.LinuxDeviceCgroup{rule(false, "a", -1, -1, "rwm")})
	program, _ := compileDevices(prune(rules))
	for b.Loop() {
		fd, err := loadFilter(program)
		if errors.Is(err, unix.EPERM) {
			b.Skip("bpf needs root")
		}
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(fd)
	}
	b.ReportMetric(float64(len(program)), "instructions")
}
