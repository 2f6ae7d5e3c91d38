package specconv

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	refProcess = "config.md#process"
	refPosix   = "config.md#posix-process"
	refLinux   = "config.md#linux-process"
	refUser    = "config.md#posix-platform-user"
	refHooks   = "config.md#posix-platform-hooks"
)

// noID is -1, which setuid(2) and chown(2) take for "leave it alone".
const noID = ^uint32(0)

func (v *validator) process() {
	process := v.spec.Process
	if process == nil {
		v.failf("/process", refProcess, "process property must not be empty")
		return
	}
	v.problems = append(v.problems, ValidateProcess(process, *v.o)...)
}

// ValidateProcess checks a process by itself, be it a container's first or one
// that joins it. Pointers begin with "/process".
func ValidateProcess(p *specs.Process, o Options) []Problem {
	v := &validator{o: &o}
	switch {
	case p.Cwd == "":
		v.failf("/process/cwd", refProcess, "Cwd property must not be empty")
	case p.Cwd[0] != '/':
		v.failf("/process/cwd", refProcess, "Cwd must be an absolute path")
	case hasNUL(p.Cwd):
		v.fail("/process/cwd", refProcess, errNUL)
	}
	v.arguments(p.Args)
	v.environment("/process/env", p.Env)
	v.user(&p.User)
	v.rlimits(p.Rlimits)
	v.capabilities(p.Capabilities)
	v.affinity(p.ExecCPUAffinity)
	v.processScheduling(p)
	v.labels(p)
	const limit = 0xffff
	if size := p.ConsoleSize; p.Terminal && size != nil && (size.Height > limit || size.Width > limit) {
		v.failf("/process/consoleSize", refProcess, "consoleSize %dx%d is out of range", size.Width, size.Height)
	}
	if score := p.OOMScoreAdj; score != nil && (*score < -1000 || *score > 1000) {
		v.failf("/process/oomScoreAdj", refLinux, "oomScoreAdj %d is out of range -1000...1000", *score)
	}
	return v.problems
}

func (v *validator) arguments(args []string) {
	switch {
	case len(args) == 0:
		v.failf("/process/args", refPosix, "args must not be empty")
	case args[0] == "":
		v.failf("/process/args/0", refPosix, `exec: "": executable file not found in $PATH`)
	}
	v.noNUL("/process/args", args)
}

func (v *validator) noNUL(pointer string, list []string) {
	for i, text := range list {
		if hasNUL(text) {
			v.fail(element(pointer, i), refPosix, errNUL)
		}
	}
}

func (v *validator) environment(pointer string, env []string) {
	for i, entry := range env {
		switch at := strings.IndexByte(entry, '='); {
		case at < 0:
			v.failf(element(pointer, i), refPosix, "invalid environment variable: missing '='")
		case at == 0:
			v.failf(element(pointer, i), refPosix, "invalid environment variable: name cannot be empty")
		case hasNUL(entry):
			v.failf(element(pointer, i), refPosix, "invalid environment variable %q: %w", entry[:at], errNUL)
		}
	}
}

// maxGroups is NGROUPS_MAX (getgroups(2)).
const maxGroups = 65536

func (v *validator) user(u *specs.User) {
	if u.UID == noID {
		v.failf("/process/user/uid", refUser, "uid %d stands for no user", u.UID)
	}
	if u.GID == noID {
		v.failf("/process/user/gid", refUser, "gid %d stands for no group", u.GID)
	}
	for i, gid := range u.AdditionalGids {
		if gid == noID {
			v.failf(element("/process/user/additionalGids", i), refUser, "gid %d stands for no group", gid)
		}
	}
	if len(u.AdditionalGids) > maxGroups {
		v.failf("/process/user/additionalGids", refUser, "%d groups are more than the %d that the kernel takes", len(u.AdditionalGids), maxGroups)
	}
	if v.o.Rootless && !v.o.Host.UserNS && len(u.AdditionalGids) > 0 {
		v.failf("/process/user/additionalGids", "", "cannot set any additional groups in a rootless container")
	}
	if u.Umask != nil && *u.Umask > 0o777 {
		v.failf("/process/user/umask", refUser, "umask 0%o is out of range 0...0777", *u.Umask)
	}
}

func (v *validator) rlimits(list []specs.POSIXRlimit) {
	seen := 0
	for i := range list {
		r := &list[i]
		number, ok := rlimitNumber(r.Type)
		switch {
		case !ok:
			v.failf(element("/process/rlimits", i)+"/type", refPosix, "wrong rlimit value: %s", r.Type)
			continue
		case seen&(1<<number) != 0:
			v.failf(element("/process/rlimits", i)+"/type", refPosix, "rlimit %s occurs more than once", r.Type)
		case r.Soft > r.Hard:
			v.failf(element("/process/rlimits", i), refPosix,
				"error setting rlimit %s: soft limit %d is above hard limit %d: invalid argument", r.Type, r.Soft, r.Hard)
		}
		seen |= 1 << number
	}
}

// capabilities leaves unknown and ambient ones to the compiler, which warns of
// what it drops.
func (v *validator) capabilities(given *specs.LinuxCapabilities) {
	if given == nil || sameList(given.Effective, given.Permitted) {
		return
	}
	reader := capabilityReader{last: v.o.Host.LastCap}
	effective, permitted := reader.read(given.Effective), reader.read(given.Permitted)
	if more := effective &^ permitted; more != 0 {
		v.failf("/process/capabilities/effective", refLinux,
			"can't apply capabilities: operation not permitted: %s effective but not permitted", more)
	}
}

// sameList compares two lists of one length that are likely to be equal.
func sameList(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (v *validator) hooks() {
	hooks := v.spec.Hooks
	if hooks == nil {
		return
	}
	//nolint:staticcheck // prestart is deprecated, and still what engines use.
	v.hookList("/hooks/prestart", hooks.Prestart)
	v.hookList("/hooks/createRuntime", hooks.CreateRuntime)
	v.hookList("/hooks/createContainer", hooks.CreateContainer)
	v.hookList("/hooks/startContainer", hooks.StartContainer)
	v.hookList("/hooks/poststart", hooks.Poststart)
	v.hookList("/hooks/poststop", hooks.Poststop)
}

func (v *validator) hookList(pointer string, list []specs.Hook) {
	for i := range list {
		h := &list[i]
		switch {
		case h.Path == "":
			v.failf(element(pointer, i)+"/path", refHooks, "hook path must not be empty")
		case h.Path[0] != '/':
			v.failf(element(pointer, i)+"/path", refHooks, "hook path %q must be absolute", h.Path)
		case hasNUL(h.Path):
			v.fail(element(pointer, i)+"/path", refHooks, errNUL)
		}
		if h.Timeout != nil && *h.Timeout <= 0 {
			v.failf(element(pointer, i)+"/timeout", refHooks, "hook timeout must be greater than zero, not %d", *h.Timeout)
		}
		v.noNUL(string(element(pointer, i))+"/args", h.Args)
		v.noNUL(string(element(pointer, i))+"/env", h.Env)
	}
}
