package main

import (
	"fmt"
	"path/filepath"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func createCommand(a *app) *cli.Command {
	var f createFlags
	return &cli.Command{
		Name: "create", Args: "<container-id>", Min: 1, Max: 1,
		Summary: "create a container and leave it waiting for its start",
		Doc: `
The container is set up completely: namespaces, mounts, devices, cgroup, limits.
Its program does not run yet; "ocirun start" lets it. What can go wrong with
the configuration goes wrong here, and then nothing is left of the container.

The container's standard streams are those of this command. Whoever reads them
until their end waits for the end of the container.

The id is chosen by the caller. It may have letters, digits and the characters
"_", "+", "-" and ".", and no other container of the state root may have it.
`,
		Flags: f.flags(),
		Run: func(args []string) error {
			return prefix("create", f.create(a, args[0]))
		},
	}
}

// createFlags are the options that create and run share.
type createFlags struct {
	bundle, consoleSocket, pidfdSocket, pidFile string
	noPivot, noNewKeyring                       bool
	preserveFDs                                 int
	trace                                       string
}

func bundleFlag(p *string) cli.Flag {
	return cli.Flag{
		Name: "bundle", Short: "b", Arg: "DIR", Default: "the working directory", Values: cli.Values{Dirs: true}, Into: cli.String(p),
		Help: "the directory of config.json",
	}
}

func (f *createFlags) flags() []cli.Flag {
	return []cli.Flag{
		bundleFlag(&f.bundle),
		{
			Name: "console-socket", Arg: "PATH", Values: cli.Values{Files: true}, Into: cli.String(&f.consoleSocket),
			Help: "send the master end of the container's terminal to this unix socket",
		},
		{
			Name: "pidfd-socket", Arg: "PATH", Values: cli.Values{Files: true}, Into: cli.String(&f.pidfdSocket),
			Help: "send a pidfd of the container's first process to this unix socket",
		},
		{
			Name: "pid-file", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(&f.pidFile),
			Help: "write the process id of the container's first process to a file",
		},
		{
			Name: "no-pivot", Into: cli.Bool(&f.noPivot),
			Help: "move the root file system instead of using pivot_root(2), which a ramdisk needs; less secure",
		},
		{
			Name: "no-new-keyring", Into: cli.Bool(&f.noNewKeyring),
			Help: "let the container share the session keyring of the caller",
		},
		{
			Name: "preserve-fds", Arg: "N", Default: "0", Into: cli.Int(&f.preserveFDs),
			Help: "hand on that many file descriptors, which follow the standard streams and the sockets of LISTEN_FDS",
		},
		traceFlag(&f.trace),
	}
}

// create is the work of the command.
func (f *createFlags) create(a *app, id string) error {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	e, err := a.engineForNew()
	if err != nil {
		return err
	}
	return a.endTrace(f.trace, o.Trace, e.Create(id, o))
}

// options turns the flags into those of the library and checks what only this
// process can know.
func (f *createFlags) options(a *app) (o libcontainer.CreateOptions, err error) {
	manager, err := a.global.manager()
	if err != nil {
		return o, err
	}
	rootless, err := a.global.isRootless(a.host)
	if err != nil {
		return o, err
	}
	listen := a.host.listenFDs()
	if err := a.host.checkDescriptors(listen, f.preserveFDs); err != nil {
		return o, err
	}
	// Relative paths are those of the caller, whatever the library does.
	if f.bundle == "" {
		f.bundle = "."
	}
	for _, p := range []*string{&f.bundle, &f.consoleSocket, &f.pidfdSocket, &f.pidFile, &f.trace} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return o, err
		}
	}
	trace, err := a.newTrace(f.trace)
	if err != nil {
		return o, err
	}
	listenNames := ""
	if listen > 0 {
		listenNames = a.host.getenv("LISTEN_FDNAMES")
	}
	return libcontainer.CreateOptions{
		ListenNames: listenNames,
		Bundle:      f.bundle, PidFile: f.pidFile, ConsoleSocket: f.consoleSocket, PidfdSocket: f.pidfdSocket,
		NotifySocket: a.host.getenv("NOTIFY_SOCKET"), PreserveFDs: f.preserveFDs, ListenFDs: listen, NoPivot: f.noPivot, NoNewKeyring: f.noNewKeyring,
		CgroupManager: manager, Rootless: rootless, Trace: trace, Warn: a.log.warn,
	}, nil
}

// prefix begins an error with the command that failed, in the words that callers
// look for.
func prefix(command string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s failed: %w", name, command, err)
}
