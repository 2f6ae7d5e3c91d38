package libcontainer

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

func TestHint(t *testing.T) {
	step := func(cause plan.Cause, s plan.Step, err error) error {
		return fmt.Errorf("run failed: %w", &plan.StepError{Cause: cause, Step: s, Err: err})
	}
	problem := func(at plan.Cause, err error) error { return specconv.Problem{Pointer: at, Err: err} }
	for _, test := range []struct {
		err  error
		part string
	}{
		{nil, ""},
		{unix.EINVAL, ""},
		{&initOOMError{unix.EINVAL}, "raise linux.resources.memory.limit"},
		{step("", plan.Exec{}, unix.ENOENT), "interpreter"},
		{step("", plan.Exec{}, unix.ENOEXEC), "another architecture"},
		{step("", plan.Exec{}, unix.EACCES), "noexec"},
		{step("", plan.Exec{}, unix.ELIBBAD), "interpreter"},
		{step("", plan.Exec{}, unix.E2BIG), "too long"},
		{step("", plan.Lookup{Program: "sh"}, errNotInPath), "PATH"},
		{step("", plan.Lookup{Program: "sh -c x"}, errNotInPath), "further elements"},
		{step("", plan.Lookup{Program: "/x"}, unix.ENOENT), "root file system"},
		{step("", plan.Lookup{Program: "/x"}, unix.EACCES), "noexec"},
		{step("", plan.Lookup{Program: "/x"}, unix.EISDIR), "begin with a program"},
		{step("/mounts/1", plan.Bind{}, unix.ENOENT), "path of the host"},
		{step("/mounts/1", plan.Mount{Type: "zfs"}, unix.ENODEV), "file system zfs"},
		{step("/mounts/1", plan.Mount{Type: "proc"}, unix.EPERM), "ocirun doctor"},
		{step("/linux/sysctl/a.b", plan.Sysctl{}, unix.ENOENT), "no such setting"},
		{step("/hooks/startContainer/0", plan.Hook{}, unix.ENOENT), "programs of the container"},
		{problem("/hooks/prestart/0", unix.ENOENT), "programs of the host"},
		{problem("/root/path", unix.ENOENT), "root file system"},
		{problem("/hostname", unix.EINVAL), `{"type": "uts"}`},
		{problem("/linux/sysctl/net.a", unix.EINVAL), `"network"`},
		{problem("/linux/namespaces/0", unix.ENOENT), "has ended"},
		{problem("/linux/resources/memory/limit", unix.EBUSY), "in use"},
		{problem("/linux/resources/pids/limit", unix.EACCES), "ocirun doctor"},
		{problem("/process/cwd", unix.EINVAL), ""},
		{ErrNotExist, "ocirun list"},
		{ErrExist, "delete --force"},
		{ErrInvalidID, "letters"},
		{ErrConsoleNeeded, "process.terminal"},
		{ErrConsoleUseless, "--detach"},
		{specconv.ErrNoConfig, "ocirun spec"},
		{&fs.PathError{Op: "open", Path: "/dev/tty", Err: unix.ENXIO}, "process.terminal"},
		{&fs.PathError{Op: "mkdir", Path: "/run/ocirun", Err: unix.EROFS}, "ocirun doctor"},
	} {
		got := Hint(test.err)
		if (test.part == "") != (got == "") || !strings.Contains(got, test.part) {
			t.Errorf("%v: %q, want %q", test.err, got, test.part)
		}
		if strings.Contains(got, "\n") || strings.HasSuffix(got, ".") {
			t.Errorf("%v: %q is not half a sentence", test.err, got)
		}
	}
	told := &plan.StepError{Step: plan.Exec{}, Err: unix.ENOENT, Hint: "already said"}
	if got := Hint(told); got != "" {
		t.Errorf("a second hint: %q", got)
	}
}
