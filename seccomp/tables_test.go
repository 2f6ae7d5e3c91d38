package seccomp

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestTablesFresh makes the tables anew and compares.
func TestTablesFresh(t *testing.T) {
	made, err := exec.Command("go", "run", "./internal/gen", "-o", "-").Output()
	if err != nil {
		t.Fatalf("go run ./internal/gen: %v", err)
	}
	have, err := os.ReadFile("ztables.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, have) {
		t.Error("ztables.go is not what the generator makes: run go generate ./seccomp")
	}
}

// TestKnownNumbers pins some numbers against the kernel's tables.
func TestKnownNumbers(t *testing.T) {
	for _, c := range []struct {
		arch, name string
		want       uint32
	}{
		{"SCMP_ARCH_X86_64", "openat2", 437},
		{"SCMP_ARCH_X86", "socketcall", 102},
		{"SCMP_ARCH_X32", "execve", 0x40000208},
		{"SCMP_ARCH_AARCH64", "clone", 220},
		{"SCMP_ARCH_ARM", "set_tls", 0xf0005},
		{"SCMP_ARCH_ARM", "cacheflush", 0xf0002},
		{"SCMP_ARCH_RISCV64", "riscv_flush_icache", 259},
		{"SCMP_ARCH_LOONGARCH64", "read", 63},
		{"SCMP_ARCH_MIPS", "read", 4003},
		{"SCMP_ARCH_MIPSEL64", "read", 5000},
		{"SCMP_ARCH_MIPS64N32", "read", 6000},
		{"SCMP_ARCH_PPC64LE", "swapcontext", 249},
		{"SCMP_ARCH_S390X", "s390_pci_mmio_read", 353},
		{"SCMP_ARCH_M68K", "atomic_cmpxchg_32", 335},
		{"SCMP_ARCH_PARISC", "lws_entry", 0},
		{"SCMP_ARCH_SH", "cacheflush", 123},
	} {
		nr, ok := SyscallNumber(c.arch, c.name)
		if c.want == 0 && ok {
			t.Errorf("%s has %s", c.arch, c.name)
		}
		if c.want != 0 && nr != c.want {
			t.Errorf("%s on %s is %d, want %d", c.name, c.arch, nr, c.want)
		}
	}
}
