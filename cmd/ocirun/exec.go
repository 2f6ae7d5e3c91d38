package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
	"github.com/ocirun/ocirun/specconv"
)

// exitExec is the exit code of an exec that did not come to execute its program. A
// program's own status is rarely that.
const exitExec = 255

func execCommand(a *app) *cli.Command {
	var f execFlags
	return &cli.Command{
		Name: "exec", Args: "<container-id> <command> [args]", Min: 1, Max: cli.Unlimited, FirstStops: true, Completes: cli.Containers,
		Summary: "run another process in a container",
		Doc: `
The process is as the container's first one is configured, but for what the
options change, or else as the file that --process names says: the object
"process" of a configuration. The container may be created or running.

    ocirun exec web ps
    ocirun exec --tty --user 1000:1000 --env TERM=$TERM web sh -l
    ocirun exec --process health.json web

Options stand before the container's id. The command exits with the status of
the program, or with 128 plus the number of the signal that ended it, and with 255
if the program could not be run.
`,
		Flags: append(f.processFlags(), f.flags()...),
		Run: func(args []string) error {
			status, err := f.exec(a, args[0], args[1:])
			if err != nil {
				return execError{fmt.Errorf("exec failed: %w", err)}
			}
			if status != 0 {
				return statusError(status)
			}
			return nil
		},
	}
}

// execError is an error with an exit code of its own.
type execError struct{ error }

func (e execError) Unwrap() error { return e.error }

type execFlags struct {
	o libcontainer.ExecOptions
	// process is the path of the file that describes the process.
	process, trace string
	user           *string
	noNewPrivs     *bool
	gids, cgroups  []string
	noSubreaper    bool
}

// processFlags are those that describe the process.
func (f *execFlags) processFlags() []cli.Flag {
	ch := &f.o.Changes
	return []cli.Flag{
		{
			Name: "process", Short: "p", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(&f.process),
			Help: "take the process from a file; the other options about the process are ignored",
		},
		{Name: "tty", Short: "t", Into: cli.Bool(&ch.Terminal), Help: "give the process a terminal"},
		{Name: "cwd", Arg: "DIR", Into: cli.String(&ch.Cwd), Help: "the working directory, which must exist"},
		{Name: "env", Short: "e", Arg: "NAME=VALUE", Into: cli.List(&ch.Env), Help: "add a variable to the environment (many times)"},
		{Name: "user", Short: "u", Arg: "UID[:GID]", Into: cli.Maybe(&f.user), Help: "the user, in numbers"},
		{
			Name: "additional-gids", Short: "g", Arg: "GID", Into: cli.List(&f.gids),
			Help: "add a supplementary group (many times)",
		},
		{
			Name: "cap", Short: "c", Arg: "CAP", Into: cli.List(&ch.Capabilities),
			Help: "add a capability to the bounding, effective and permitted set (many times)",
		},
		{Name: "no-new-privs", Into: cli.MaybeBool(&f.noNewPrivs), Help: "keep the process from gaining privileges"},
		{Name: "apparmor", Arg: "PROFILE", Into: cli.String(&ch.AppArmorProfile), Help: "the AppArmor profile"},
		{Name: "process-label", Arg: "LABEL", Into: cli.String(&ch.SELinuxLabel), Help: "the SELinux label"},
	}
}

// flags are those about how it is run.
func (f *execFlags) flags() []cli.Flag {
	return []cli.Flag{
		{Name: "detach", Short: "d", Into: cli.Bool(&f.o.Detach), Help: "return when the program runs"},
		{
			Name: "pid-file", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(&f.o.PidFile),
			Help: "write the process id to a file",
		},
		{
			Name: "console-socket", Arg: "PATH", Values: cli.Values{Files: true}, Into: cli.String(&f.o.ConsoleSocket),
			Help: "send the master end of the terminal to this unix socket",
		},
		{
			Name: "pidfd-socket", Arg: "PATH", Values: cli.Values{Files: true}, Into: cli.String(&f.o.PidfdSocket),
			Help: "send a pidfd of the process to this unix socket",
		},
		{
			Name: "preserve-fds", Arg: "N", Default: "0", Into: cli.Int(&f.o.PreserveFDs),
			Help: "hand on that many file descriptors, which follow the standard streams",
		},
		{
			Name: "cgroup", Arg: "[CONTROLLER[,...]:]PATH", Into: cli.List(&f.cgroups),
			Help: "run in an existing cgroup below that of the container (many times with controllers of version 1)",
		},
		{Name: "ignore-paused", Into: cli.Bool(&f.o.IgnorePaused), Help: "allow a paused container; wait until it is resumed"},
		{Name: "no-subreaper", Hidden: true, Into: cli.Bool(&f.noSubreaper)},
		traceFlag(&f.trace),
	}
}

// exec is the work of the command.
func (f *execFlags) exec(a *app, id string, args []string) (status int, err error) {
	c, err := a.load(id)
	if err != nil {
		return 0, err
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	f.o.Changes.Args, f.o.Exits = args, true
	if err := f.complete(a); err != nil {
		return 0, err
	}
	status, err = c.Exec(f.o)
	return status, a.endTrace(f.trace, f.o.Trace, err)
}

// complete turns the texts of the flags into what the library takes.
func (f *execFlags) complete(a *app) (err error) {
	if err := a.host.checkDescriptors(0, f.o.PreserveFDs); err != nil {
		return err
	}
	if f.process != "" {
		if f.o.Process, err = specconv.LoadProcess(f.process); err != nil {
			return err
		}
	} else if err := f.completeProcess(); err != nil {
		return err
	}
	if f.o.Cgroups, err = parseCgroups(f.cgroups); err != nil {
		return err
	}
	for _, p := range []*string{&f.o.ConsoleSocket, &f.o.PidfdSocket, &f.o.PidFile, &f.trace} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	f.o.Warn = a.log.warn
	f.o.Trace, err = a.newTrace(f.trace)
	return err
}

func (f *execFlags) completeProcess() (err error) {
	ch := &f.o.Changes
	ch.NoNewPrivileges = f.noNewPrivs
	if f.user != nil {
		if ch.UID, ch.GID, err = parseUser(*f.user); err != nil {
			return err
		}
	}
	ch.AdditionalGIDs, err = parseGroups(f.gids)
	return err
}

// parseUser reads UID[:GID]. Numbers are numbers: a text that is none is never
// looked up as a name, and never taken for 0.
func parseUser(text string) (uid, gid *uint32, err error) {
	user, group, hasGroup := strings.Cut(text, ":")
	if uid, err = parseID(user); err != nil {
		return nil, nil, fmt.Errorf("bad uid: %w", err)
	}
	if hasGroup {
		if gid, err = parseID(group); err != nil {
			return nil, nil, fmt.Errorf("bad gid: %w", err)
		}
	}
	return uid, gid, nil
}

// parseID reads a decimal number of 32 bits. The highest one stands for no user
// (setresuid(2)).
func parseID(text string) (*uint32, error) {
	const none = 1<<32 - 1
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, err
	}
	if n == none {
		return nil, errors.New(strconv.Quote(text) + " stands for nobody")
	}
	id := uint32(n)
	return &id, nil
}

func parseGroups(list []string) ([]uint32, error) {
	groups := make([]uint32, 0, len(list))
	for _, text := range list {
		id, err := parseID(text)
		if err != nil {
			return nil, fmt.Errorf("additional-gids must be a positive number %s", text)
		}
		groups = append(groups, *id)
	}
	return groups, nil
}

// parseCgroups reads PATH, which may only be given once, or the paths of
// controllers. The result is by controller, with an empty one for all.
func parseCgroups(list []string) (map[string]string, error) {
	if len(list) == 0 {
		return nil, nil
	}
	paths := make(map[string]string, len(list))
	for _, text := range list {
		controllers, path, ok := strings.Cut(text, ":")
		if !ok {
			if len(list) > 1 {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (missing <controller>: prefix)", text)
			}
			paths[""] = text
			continue
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			if controller == "" {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (empty <controller> prefix)", text)
			}
			if _, again := paths[controller]; again {
				return nil, fmt.Errorf("invalid --cgroup argument(s): controller %s specified multiple times", controller)
			}
			paths[controller] = path
		}
	}
	return paths, nil
}
