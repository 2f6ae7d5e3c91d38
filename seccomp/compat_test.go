package seccomp

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestLoadedCompat makes calls in the three ways that an x86_64 kernel knows. That
// takes a program in C.
func TestLoadedCompat(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil || runtime.GOARCH != "amd64" {
		t.Skip("wants gcc on amd64")
	}
	program := filepath.Join(t.TempDir(), "compat")
	if out, err := exec.Command(gcc, "-O1", "-o", program, "testdata/compat.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		name, want, end string
		archs           []specs.Arch
	}{
		{"all", "-101 -101 -101\n", "exit status 0", []specs.Arch{specs.ArchX86, specs.ArchX32}},
		{"no x86", "-101 -101", "signal: bad system call", []specs.Arch{specs.ArchX32}},
		{"no x32", "-101", "signal: bad system call", []specs.Arch{specs.ArchX86}},
	} {
		t.Run(c.name, func(t *testing.T) {
			errno := uint(101)
			p := compile(t, &specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow, Architectures: c.archs,
				Syscalls: []specs.LinuxSyscall{{Names: []string{"getppid"}, Action: specs.ActErrno, ErrnoRet: &errno}},
			}, "")
			cmd := exec.Command(program)
			cmd.Stdin = bytes.NewReader(p.Bytes())
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if end := cmd.ProcessState.String(); string(out) != c.want || end != c.end {
				t.Errorf("%q and %s, want %q and %s", out, end, c.want, c.end)
			}
		})
	}
}
