package sys

import (
	"bytes"
	"math/bits"
	"runtime"
	"strings"
	"testing"
)

func affinity(t *testing.T) []byte {
	t.Helper()
	mask, err := Affinity()
	if err != nil {
		t.Fatal(err)
	}
	return mask
}

func count(mask []byte) (n int) {
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

func TestAvoidCPU(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := affinity(t)
	if count(before) < 2 {
		t.Skip("one CPU only: there is no other to go to")
	}
	cpu := CPU()
	// The kernel may move the thread between the two looks.
	for range 1000 {
		back := AvoidCPU(cpu)
		if bytes.Equal(affinity(t), before) {
			back()
			cpu = CPU()
			continue
		}
		if now := CPU(); now == cpu || now < 0 {
			t.Errorf("still on CPU %d", now)
		}
		if n := count(affinity(t)); n != count(before)-1 {
			t.Errorf("%d CPUs are left", n)
		}
		back()
		if !bytes.Equal(affinity(t), before) {
			t.Error("the CPUs are not those of before")
		}
		return
	}
	t.Error("never moved")
}

// TestAvoidCPUNothing: who is elsewhere, or has nowhere to go, stays as it is.
func TestAvoidCPUNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := affinity(t)
	for _, cpu := range []int{-1, 1 << 20, 8*len(before) - 1} {
		AvoidCPU(cpu)()
		if !bytes.Equal(affinity(t), before) {
			t.Fatalf("CPU %d: the CPUs have changed", cpu)
		}
	}
	back := pin()
	own := affinity(t)
	if count(own) != 1 {
		t.Errorf("stays on %d CPUs", count(own))
	}
	AvoidCPU(CPU())()
	if !bytes.Equal(affinity(t), own) {
		t.Error("the only CPU was left")
	}
	undone := make(chan struct{})
	go func() { // on another thread
		defer close(undone)
		back()
	}()
	<-undone
	if !bytes.Equal(affinity(t), before) {
		t.Error("the CPUs are not those of before")
	}
}

// TestProgramPinned: the child is where its parent is; the parent may be anywhere again.
func TestProgramPinned(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("a wish that is heard on amd64 only")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := affinity(t)
	for pinned, want := range map[bool]int{true: 1, false: count(before)} {
		start := func(p *Program) (int, int, error) {
			p.Pinned = pinned
			return p.vfork()
		}
		list := output(t, start, `while read -r key value; do [ "$key" = Cpus_allowed_list: ] && echo "$value"; done </proc/self/status; true`)
		if n := countList(t, list); n != want {
			t.Errorf("pinned %v: the child may run on %q, not on %d", pinned, list, want)
		}
		if !bytes.Equal(affinity(t), before) {
			t.Errorf("pinned %v: the parent's CPUs have changed", pinned)
		}
	}
}

// countList counts the CPUs of a list like "0-3,8".
func countList(t *testing.T, list string) (n int) {
	t.Helper()
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		n += number(t, last) - number(t, first) + 1
	}
	return n
}

func number(t *testing.T, text string) (n int) {
	t.Helper()
	if text == "" {
		t.Fatal("a list without numbers")
	}
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return n
}
