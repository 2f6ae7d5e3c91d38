package specconv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Validate finds everything that is wrong with a configuration as far as it can
// be told without effects and without a look at the host beyond the options. The
// first problem that is no warning is what creation fails with.
//
// It is on the path of every creation, so it does next to nothing while all is
// well: pointers and texts are put together only for what is wrong.
func Validate(b *Bundle, o Options) []Problem {
	v := &validator{spec: b.Spec, o: &o}
	if v.spec == nil {
		v.fail("", "config.md", errNullConfig)
		return v.problems
	}
	if v.linux = v.spec.Linux; v.linux == nil {
		v.linux = &specs.Linux{}
	}
	v.readNamespaces()
	v.document(b)
	v.root()
	v.mounts()
	v.process()
	v.hooks()
	v.userNamespace()
	v.hostnames()
	v.devices()
	v.netDevices()
	v.resctrl()
	v.resources()
	v.seccomp()
	v.sysctls()
	v.paths()
	v.execution()
	return v.problems
}

// FirstError gives the first of the problems that is no warning, or nil.
func FirstError(problems []Problem) error {
	for _, p := range problems {
		if !p.Warning {
			return p
		}
	}
	return nil
}

// validator is one validation.
type validator struct {
	spec     *specs.Spec
	linux    *specs.Linux
	o        *Options
	owned    plan.Namespace // new or joined
	problems []Problem
}

func (v *validator) fail(where plan.Cause, ref string, err error) {
	v.problems = append(v.problems, Problem{Pointer: where, Err: err, Ref: ref})
}

func (v *validator) failf(where plan.Cause, ref, format string, args ...any) {
	v.fail(where, ref, fmt.Errorf(format, args...))
}

func (v *validator) warnf(where plan.Cause, ref, format string, args ...any) {
	v.failf(where, ref, format, args...)
	v.problems[len(v.problems)-1].Warning = true
}

// has reports whether the container has a namespace of its own, new or joined.
func (v *validator) has(n plan.Namespace) bool { return v.owned&n != 0 }

// hasNUL reports whether a text has a NUL byte, which ends a text for the kernel.
func hasNUL(text string) bool { return strings.IndexByte(text, 0) >= 0 }

var errNUL = errors.New(`contains nul byte (\x00)`)

// document checks what belongs to the document as a whole.
func (v *validator) document(b *Bundle) {
	if b.end > 0 {
		if rest := strings.TrimLeft(string(b.Raw[b.end:]), " \t\r\n"); rest != "" {
			line, column := lineColumn(b.Raw, len(b.Raw)-len(rest))
			v.warnf("", "config.md", "ignoring what follows the configuration in line %d, column %d", line, column)
		}
	}
	if v.spec.Version == "" {
		v.warnf("/ociVersion", "config.md#specification-version", "ociVersion is missing")
	}
	if _, ok := v.spec.Annotations[""]; ok {
		v.warnf("/annotations/", "config.md#annotations", "an annotation has an empty key")
	}
}

func (v *validator) root() {
	const ref = "config.md#root"
	switch root := v.spec.Root; {
	case root == nil:
		v.failf("/root", ref, "root must be specified")
	case root.Path == "":
		v.failf("/root/path", ref, "root.path must not be empty")
	case hasNUL(root.Path):
		v.fail("/root/path", ref, errNUL)
	}
}
