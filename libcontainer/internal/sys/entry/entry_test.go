package entry_test

import (
	"encoding/json"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// symbol is what the Makefile has the linker begin with.
const symbol = "github.com/ocirun/ocirun/libcontainer/internal/sys/entry.begin"

func TestMakefile(t *testing.T) {
	text, err := os.ReadFile("../../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "-E "+symbol+"\n") {
		t.Errorf("the Makefile does not have the linker begin with %s", symbol)
	}
}

// begun is what testdata/begun prints.
type begun struct {
	Processors, Threads, Slack int
	Mask                       []byte
	Limited, Relaxed           bool
	Args                       []string
}

func TestBegin(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the Go runtime is entered as usual on " + runtime.GOARCH)
	}
	program := filepath.Join(t.TempDir(), "begun")
	build := exec.Command("go", "build", "-ldflags", "-E "+symbol, "-o", program, "./testdata/begun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	runtime.LockOSThread() // what follows is about the thread, and it ends with the test
	const slack = "54321"
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 54321, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	mask, err := sys.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	all := count(mask)
	one := make([]byte, len(mask))
	for i, b := range mask {
		if b != 0 {
			one[i] = b & -b
			break
		}
	}
	for _, c := range []struct {
		name       string
		mask       []byte
		args       []string
		processors int
		relaxed    bool
	}{
		{"no argument", mask, []string{}, min(all, 2), false},
		{"another command", mask, []string{"--root", "/x", "run", "a"}, min(all, 2), false},
		{"exec", mask, []string{"exec", "a", "true"}, 1, true},
		{"exec behind options", mask, []string{"--root", "/x", "exec", "a"}, 1, true},
		{"almost exec", mask, []string{"execs", "exe", "e", "", "Exec"}, min(all, 2), false},
		{"one CPU", one, []string{"run"}, 1, false},
		{"exec on one CPU", one, []string{"exec"}, 1, true},
	} {
		if err := sys.SetAffinity(c.mask); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, c.args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		var got begun
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || len(lines) != 3 {
			t.Fatalf("%s: %v in\n%s", c.name, err, out)
		}
		want := begun{
			Processors: c.processors, Threads: got.Threads, Slack: 54321, Mask: c.mask,
			Limited: c.processors < count(c.mask), Relaxed: c.relaxed, Args: c.args,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: begun with\n%+v, not\n%+v", c.name, got, want)
		}
		if lines[1] != slack && c.relaxed {
			t.Errorf("%s: a program that it starts has the timer slack %s", c.name, lines[1])
		}
		if shown := strings.Fields(lines[2])[1]; countHex(shown) != count(c.mask) {
			t.Errorf("%s: a program that it starts has the CPUs %s", c.name, shown)
		}
	}
}

func count(mask []byte) (n int) {
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

// countHex counts the bits of a mask as proc_pid_status(5) shows it.
func countHex(text string) (n int) {
	for _, c := range strings.ReplaceAll(text, ",", "") {
		digit, _ := strconv.ParseUint(string(c), 16, 8)
		n += bits.OnesCount64(digit)
	}
	return n
}
