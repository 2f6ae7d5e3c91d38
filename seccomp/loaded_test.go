package seccomp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// loadEnv makes the test binary load a filter and make system calls under it.
const loadEnv = "OCIRUN_TEST_SECCOMP_LOAD"

// job is what that process reads, and errnos what it prints.
type job struct {
	Program []byte
	Flags   uint
	Calls   []Data
	// Exec is a command to become instead of making the calls.
	Exec []string
	// Repeat makes each call so often and prints the picoseconds that one takes,
	// instead of errnos.
	Repeat int
}

// load puts a filter on the calling thread.
func load(program []byte, flags uint) (fd int, err error) {
	prog := unix.SockFprog{Len: uint16(len(program) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	r, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(flags), uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// runJob is the process under the filter. Only the calls of the job meet it: the
// profiles allow all that the Go runtime needs.
func runJob() {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	errnos := make([]int, len(j.Calls))
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		listener, err := load(j.Program, j.Flags)
		if err != nil {
			done <- err
			return
		}
		if j.Flags&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0 {
			fmt.Println(listener)
		}
		if j.Exec != nil {
			done <- syscall.Exec(j.Exec[0], j.Exec, os.Environ())
			return
		}
		for i := range j.Calls {
			errnos[i] = int(j.Calls[i].make())
			if j.Repeat > 0 {
				errnos[i] = j.Calls[i].measure(j.Repeat)
			}
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case <-time.After(2 * time.Second):
		os.Exit(threadDied)
	}
	json.NewEncoder(os.Stdout).Encode(errnos)
}

func (d *Data) make() unix.Errno {
	_, _, errno := unix.RawSyscall6(uintptr(d.Number), uintptr(d.Args[0]), uintptr(d.Args[1]), uintptr(d.Args[2]), uintptr(d.Args[3]), uintptr(d.Args[4]), uintptr(d.Args[5]))
	return errno
}

// measure gives the picoseconds that the call takes.
func (d *Data) measure(times int) int {
	start := time.Now()
	for range times {
		d.make()
	}
	return int(time.Since(start).Nanoseconds() * 1000 / int64(times))
}

// threadDied is the exit status when the filter has killed the thread alone.
const threadDied = 99

// start runs a job in a process of its own.
func (j *job) start(t *testing.T) (stdout []byte, state *os.ProcessState) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), loadEnv+"=1")
	cmd.Stdin = bytes.NewReader(text)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if problems.Len() > 0 {
		t.Logf("stderr: %.200s", problems.Bytes())
	}
	return out.Bytes(), cmd.ProcessState
}

// harmless are calls that need no arguments and have no effect.
var harmless = []string{"getppid", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getsid", "sched_get_priority_max"}

// TestLoadedFilters loads random filters into the kernel and makes the calls.
func TestLoadedFilters(t *testing.T) {
	filters := 150
	if testing.Short() {
		filters = 40
	}
	checked := 0
	for seed := range uint64(filters) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 11)), names: harmless}
		spec, _ := g.section()
		spec.DefaultAction, spec.DefaultErrnoRet, spec.Architectures = specs.ActAllow, nil, nil
		for i := range spec.Syscalls {
			call := &spec.Syscalls[i]
			call.Action, call.ErrnoRet = pick(g, []specs.LinuxSeccompAction{specs.ActErrno, specs.ActErrno, specs.ActLog, specs.ActTrace}), nil
			if call.Action == specs.ActErrno {
				ret := uint(100 + g.IntN(20))
				call.ErrnoRet = &ret
			}
		}
		checked += checkLoaded(t, g, spec)
		if t.Failed() {
			t.Fatalf("with seed %d: %s", seed, toJSON(spec))
		}
	}
	t.Logf("%d filters, %d calls", filters, checked)
}

func checkLoaded(t *testing.T, g *generator, spec *specs.LinuxSeccomp) int {
	t.Helper()
	p, err := Compile(spec, Options{})
	if Backend == "libseccomp" && errors.Is(err, unix.EEXIST) {
		return 0 // it refuses rules that overlap in some ways
	}
	if err != nil {
		t.Fatal(err)
	}
	info := &archs[p.native]
	j := &job{Program: p.Bytes(), Flags: p.Flags}
	for range 200 {
		id, _ := findName(pick(g, harmless))
		nr, _ := info.numberOf(id)
		j.Calls = append(j.Calls, Data{Number: nr, Arch: info.token, Args: g.arguments(spec)})
	}
	out, state := j.start(t)
	var errnos []int
	if err := json.Unmarshal(out, &errnos); err != nil {
		t.Fatalf("%v: %v, %q", state, err, out)
	}
	for i, call := range j.Calls {
		v, err := p.Simulate(call)
		if err != nil {
			t.Fatal(err)
		}
		if !agrees(v, errnos[i]) {
			name, _ := info.nameOf(call.Number)
			t.Errorf("%s %#x: the filter says %v, the kernel errno %d", name, call.Args, v, errnos[i])
		}
	}
	return len(errnos)
}

// agrees compares a verdict with what a call that changes nothing returned. Without
// a tracer TRACE is ENOSYS (seccomp(2)). getpgid and the like may fail by themselves,
// but not with the errnos of the profiles.
func agrees(v Verdict, errno int) bool {
	switch uint32(v) & retAction {
	case retErrno:
		return errno == int(uint32(v)&retData)
	case retTrace:
		return errno == int(unix.ENOSYS)
	}
	return errno < 100 && errno != int(unix.ENOSYS)
}

func TestLoadedKills(t *testing.T) {
	for _, c := range []struct {
		action specs.LinuxSeccompAction
		check  func(*os.ProcessState) bool
	}{
		{specs.ActKillProcess, func(s *os.ProcessState) bool {
			status := s.Sys().(syscall.WaitStatus)
			return status.Signaled() && status.Signal() == syscall.SIGSYS
		}},
		{specs.ActKillThread, func(s *os.ProcessState) bool { return s.ExitCode() == threadDied }},
		{specs.ActTrap, func(s *os.ProcessState) bool { return !s.Success() }},
	} {
		t.Run(string(c.action), func(t *testing.T) {
			t.Parallel()
			p := compile(t, &specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow,
				Syscalls:      []specs.LinuxSyscall{{Names: []string{"getppid"}, Action: c.action}},
			}, "")
			nr, _ := SyscallNumber(string(archs[p.native].name), "getppid")
			j := &job{Program: p.Bytes(), Flags: p.Flags, Calls: []Data{{Number: nr}}}
			if _, state := j.start(t); !c.check(state) {
				t.Errorf("the process ended with %v", state)
			}
		})
	}
}

// TestLoadedDocker runs a shell under Docker's profile.
func TestLoadedDocker(t *testing.T) {
	p := compile(t, profile(t, "docker.json"), "")
	j := &job{Program: p.Bytes(), Flags: p.Flags, Exec: []string{"/bin/sh", "-c", "echo $((6 * 7)); unshare -m true 2>/dev/null || echo refused"}}
	out, state := j.start(t)
	if want := "42\nrefused\n"; string(out) != want || !state.Success() {
		t.Errorf("%q and %v, want %q", out, state, want)
	}
}
