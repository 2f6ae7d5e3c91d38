package initproc

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// labelProgram writes a label to a file in place of one of procfs, and runs a program if
// what the file shows is right.
func labelProgram(path, value string, shown word) *Program {
	lo := &lowerer{image: newImage(), layout: &Layout{}, plan: &plan.Plan{}}
	lo.prologue()
	lo.sys(unix.SYS_OPENAT2, imm(unix.AT_FDCWD), lo.str(path), lo.how(unix.O_RDWR, 0), imm(24)).to(slotTmp)
	lo.writeLabel(value, shown)
	lo.close(slotTmp)
	for _, step := range shell("echo labelled") {
		if err := lo.lower(step); err != nil {
			panic(err)
		}
	}
	return &Program{image: lo.image, pageSize: progressLen(0)}
}

// TestLabelReadBack lets a file stand for one of procfs. What it shows is not always what
// was written.
func TestLabelReadBack(t *testing.T) {
	apparmor, selinux := plan.Label{Module: "apparmor", Value: "docker"}, plan.Label{Module: "selinux", Value: "u:r:t:s0:c2,c1"}
	for _, c := range []struct {
		name    string
		step    plan.Label
		written string
		ok      bool
	}{
		{"same", plan.Label{Module: "selinux", Value: "u:r:t"}, "u:r:t", true},
		{"level in another order", selinux, "u:r:t:s0:c1,c2\x00", true},
		{"mode behind it", apparmor, "docker (enforce)\n", true},
		{"line behind it", apparmor, "docker\n", true},
		{"longer name", apparmor, "docker-default (enforce)\n", false},
		{"shorter name", apparmor, "dock\n", false},
		{"nothing", apparmor, "", false},
		{"another type", selinux, "u:r:tt:s0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "exec")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, shown := labelFile(c.step)
			// A file shows what was written, so that is what the kernel would show.
			out := runProgram(t, labelProgram(file, c.written, shown), &plan.Plan{}, &Layout{})
			if got := out.stdout == "labelled"; got != c.ok {
				t.Errorf("output %q, errno %v", out.stdout, out.progress.Errno)
			}
			if !c.ok && out.progress.Errno != ErrOtherLabel {
				t.Errorf("errno %v", out.progress.Errno)
			}
		})
	}
}

func TestLabelFiles(t *testing.T) {
	for _, c := range []struct {
		step              plan.Label
		file, value, word string
	}{
		{plan.Label{Module: "apparmor", Value: "p"}, "attr/apparmor/exec", "exec p", "p"},
		{plan.Label{Module: "apparmor", Value: ":ns:p"}, "attr/apparmor/exec", "exec :ns:p", ""},
		{plan.Label{Module: "apparmor", Value: "a//&b"}, "attr/apparmor/exec", "exec a//&b", ""},
		{plan.Label{Module: "selinux", Value: "u:r:t:s0:c1,c2"}, "attr/exec", "u:r:t:s0:c1,c2", "u:r:t"},
		{plan.Label{Module: "selinux", Keys: true, Value: "u:r:t"}, "attr/keycreate", "u:r:t", "u:r:t"},
	} {
		file, value, shown := labelFile(c.step)
		if file != c.file || value != c.value || shown.text != c.word {
			t.Errorf("%v: %s, %s, %s", c.step, file, value, shown.text)
		}
	}
}

// A kernel without the module has no such file; whatever is in its place is not written
// to, and a label that it does not know is refused.
func TestLabelRefused(t *testing.T) {
	step := plan.Label{Module: "apparmor", Value: "no-such-profile"}
	p := &plan.Plan{Spawn: plan.Spawn{New: mountNamespaces}}
	for _, s := range rootSteps(busyboxRoot(t)) {
		p.Add(plan.Rootfs, "", s)
	}
	p.Add(plan.Process, "/process/apparmorProfile", step)
	for _, s := range shell("echo program") {
		p.Add(plan.Start, "", s)
	}
	out := runLayout(t, p, &Layout{})
	if out.stdout == "program" || out.failed() == nil {
		t.Fatalf("output %q", out.stdout)
	}
	if e := out.progress.Errno; e != unix.ENOENT && e != unix.EINVAL && e != unix.EACCES {
		t.Errorf("errno %v", e)
	}
}
