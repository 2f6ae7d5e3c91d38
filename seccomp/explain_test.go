package seccomp

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestExplain compares listings with golden files.
func TestExplain(t *testing.T) {
	if Backend != "go" {
		t.Skip("the listings are of our compiler")
	}
	for _, c := range []struct{ profile, goarch, golden string }{
		{"docker.json", "amd64", "docker-amd64.txt"},
		{"systemd-deny.json", "amd64", "systemd-deny-amd64.txt"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			var out bytes.Buffer
			if err := Explain(&out, compile(t, profile(t, c.profile), c.goarch)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.golden)
			if *update {
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("the listing differs from %s; -update writes it anew", path)
			}
		})
	}
}

func TestExplainNothing(t *testing.T) {
	var out strings.Builder
	if err := Explain(&out, nil); err != nil || out.String() != "no seccomp filter\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestAsk(t *testing.T) {
	p := compile(t, profile(t, "docker.json"), "amd64")
	for query, want := range map[string]string{
		"openat2 2":                "openat2(0x2) on x86_64: ALLOW",
		"mount":                    "mount() on x86_64: ERRNO(1) EPERM",
		"clone 0x10000000":         "clone(0x10000000) on x86_64: ERRNO(1) EPERM",
		"clone 17":                 "clone(0x11) on x86_64: ALLOW",
		"socket 40 @x86":           "socket(0x28) on x86: ERRNO(1) EPERM",
		"socket 2 @SCMP_ARCH_X86":  "socket(0x2) on x86: ALLOW",
		"personality -1":           "personality(0xffffffffffffffff) on x86_64: ERRNO(1) EPERM",
		"personality 0xffffffff":   "personality(0xffffffff) on x86_64: ALLOW",
		"0":                        "read() on x86_64: ALLOW",
		"1000 0 0 5":               "system call 1000(0x0, 0x0, 0x5) on x86_64: ERRNO(38) ENOSYS",
		"read @arm64":              "read() on aarch64: KILL_THREAD",
		"getpid 1 2 3 4 5 6 @x32 ": "getpid(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) on x32: ALLOW",
	} {
		q, err := ParseAsk(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		a, err := p.Ask(q)
		if err != nil || a.String() != want {
			t.Errorf("%s: %q, %v, want %q", query, a, err, want)
		}
		if len(a.Steps) == 0 || p.Insns[a.Steps[len(a.Steps)-1]].Code != bpfRet {
			t.Errorf("%s: the steps are %v", query, a.Steps)
		}
	}
}

func TestAskErrors(t *testing.T) {
	p := compile(t, profile(t, "docker.json"), "amd64")
	for query, want := range map[string]string{
		"":                           "a query is the name of a system call and its arguments",
		"@x86":                       "a query is the name of a system call and its arguments",
		"read 1 2 3 4 5 6 7":         "read: system calls have up to 6 arguments",
		"read x":                     `argument 0 of read: "x" is not a number of 64 bits`,
		"read @vax":                  `unknown architecture "vax"`,
		"no_such_call":               `unknown system call "no_such_call"`,
		"socketcall":                 "SCMP_ARCH_X86_64 has no system call socketcall",
		"read 1 0x10000000000000000": `argument 1 of read: "0x10000000000000000" is not a number of 64 bits`,
	} {
		q, err := ParseAsk(query)
		if err == nil {
			_, err = p.Ask(q)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", query, err, want)
		}
	}
}

func TestParseProgram(t *testing.T) {
	p := compile(t, profile(t, "docker.json"), "amd64")
	again, err := ParseProgram(p.Bytes(), "amd64")
	if err != nil || again.String() != p.String() || again.NeedsListener {
		t.Errorf("a program changes on its way through bytes: %v", err)
	}
	for _, raw := range [][]byte{nil, make([]byte, 7), make([]byte, 8*4097)} {
		if _, err := ParseProgram(raw, "amd64"); err == nil {
			t.Errorf("a program of %d bytes is taken", len(raw))
		}
	}
	if _, err := ParseProgram(p.Bytes(), "vax"); err == nil {
		t.Error("a program for a vax is taken")
	}
}

// TestSimulateInvalid runs programs that the kernel would not take.
func TestSimulateInvalid(t *testing.T) {
	for name, insns := range map[string][]Insn{
		"empty":       {},
		"no return":   {{Code: bpfLoad}},
		"jump behind": {{Code: bpfJump, K: 1 << 31}},
		"odd load":    {{Code: bpfLoad, K: 2}, {Code: bpfRet}},
		"far load":    {{Code: bpfLoad, K: 64}, {Code: bpfRet}},
		"code":        {{Code: 0xffff}},
	} {
		if _, err := (&Program{Insns: insns}).Simulate(Data{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		_ = (&Program{Insns: insns}).String()
	}
}

func TestVerdictString(t *testing.T) {
	for v, want := range map[Verdict]string{
		retAllow: "ALLOW", retLog: "LOG", retNotify: "NOTIFY", retTrap: "TRAP", retKillThread: "KILL_THREAD",
		retKillProcess: "KILL_PROCESS", retTrace | 5: "TRACE(5)", retErrno | 1: "ERRNO(1) EPERM", retErrno: "ERRNO(0)", 0x12340000: "0x12340000",
	} {
		if v.String() != want {
			t.Errorf("%#x: %s, want %s", uint32(v), v, want)
		}
	}
}

func TestNames(t *testing.T) {
	for id := range nameID(nameCount) {
		if got, ok := findName(id.String()); !ok || got != id {
			t.Fatalf("%s is found as %d, %v", id, got, ok)
		}
		for a := range archCount {
			nr, ok := archs[a].numberOf(id)
			if !ok {
				continue
			}
			name, ok := archs[a].nameOf(nr)
			if back, _ := SyscallNumber(string(archs[a].name), name); !ok || back != nr {
				t.Errorf("%s on %s is %d, that is %q", id, archs[a].name, nr, name)
			}
		}
	}
	for _, name := range []string{"", "rea", "readd", "no_such_call"} {
		if _, ok := findName(name); ok {
			t.Errorf("%q is found", name)
		}
	}
	if name, ok := SyscallName("SCMP_ARCH_X32", x32Bit+437); !ok || name != "openat2" {
		t.Errorf("%q, %v", name, ok)
	}
}
