package main

import (
	"path/filepath"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func restoreCommand(a *app) *cli.Command {
	var f restoreFlags
	return &cli.Command{
		Name: "restore", Args: "<container-id>", Min: 1, Max: 1,
		Summary: "bring a container back from what checkpoint has saved",
		Doc: `
A container is made from the bundle as "ocirun run" does, but its processes are
those that "ocirun checkpoint" has saved, where they were. The id may be another
one. The root file system has to hold what it held then.

Like "run", the command waits for the end of the container unless --detach is
given, and exits with the status of its program.

    ocirun restore --image-path /srv/saved --bundle /srv/web --detach web

The work is done by criu(8), which has to be on PATH; its log is "restore.log".
`,
		Flags: append(f.criuFlags.flags(), f.flags()...),
		Run: func(args []string) error {
			status, err := f.restore(a, args[0])
			if err != nil {
				return prefix("restore", err)
			}
			if status != 0 {
				return statusError(status)
			}
			return nil
		},
	}
}

// restoreFlags are the options of the command.
type restoreFlags struct {
	criuFlags
	o libcontainer.RestoreOptions
	// ignored is what callers of other runtimes may say.
	ignored string
}

func (f *restoreFlags) flags() []cli.Flag {
	return []cli.Flag{
		bundleFlag(&f.o.Bundle),
		{
			Name: "console-socket", Arg: "PATH", Values: cli.Values{Files: true}, Into: cli.String(&f.o.ConsoleSocket),
			Help: "send the master end of the container's terminal to this unix socket",
		},
		{
			Name: "pid-file", Arg: "FILE", Values: cli.Values{Files: true}, Into: cli.String(&f.o.PidFile),
			Help: "write the process id of the container's first process to a file",
		},
		{Name: "detach", Short: "d", Into: cli.Bool(&f.o.Detach), Help: "return when the container runs"},
		{Name: "no-subreaper", Into: cli.Bool(&f.o.NoSubreaper), Help: "leave orphaned processes of the container to the reaper of the caller"},
		{Name: "no-pivot", Into: cli.Bool(&f.o.NoPivot), Help: "accepted and kept in the container's record; CRIU moves the root by itself"},
		{Name: "tcp-close", Into: cli.Bool(&f.o.TCPClose), Help: "bring TCP connections back as closed ones"},
		{
			Name: "lsm-profile", Arg: "TYPE:NAME", Into: cli.String(&f.o.LSMProfile),
			Help: "the label of the processes, of type apparmor or selinux, in place of the one that was saved",
		},
		{
			Name: "lsm-mount-context", Arg: "CONTEXT", Into: cli.String(&f.o.LSMMountContext),
			Help: "the SELinux context of mounts, in place of the one that was saved",
		},
		{Name: "parent-path", Arg: "DIR", Hidden: true, Into: cli.String(&f.ignored)},
	}
}

// restore is the work of the command.
func (f *restoreFlags) restore(a *app, id string) (status int, err error) {
	o := f.o
	if o.CgroupManager, err = a.global.manager(); err != nil {
		return 0, err
	}
	if o.CRIUOptions, err = f.criuFlags.options(a); err != nil {
		return 0, err
	}
	if o.Rootless, err = a.global.isRootless(a.host); err != nil {
		return 0, err
	}
	if o.Bundle == "" {
		o.Bundle = "."
	}
	for _, p := range []*string{&o.Bundle, &o.ConsoleSocket, &o.PidFile} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return 0, err
		}
	}
	e, err := a.engineForNew()
	if err != nil {
		return 0, err
	}
	return e.Restore(id, o)
}
