package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func checkpointCommand(a *app) *cli.Command {
	var f checkpointFlags
	return &cli.Command{
		Name: "checkpoint", Args: "<container-id>", Min: 1, Max: 1, Completes: cli.Containers,
		Summary: "save the processes of a container to files",
		Doc: `
The processes stand still, their memory and all that they have of the kernel is
written to files, and the container is deleted, unless it is to go on. Later
"ocirun restore" brings them back, perhaps on another machine:

    ocirun checkpoint --image-path /srv/saved web
    ocirun restore --image-path /srv/saved --bundle /srv/web --detach web

Files of the root file system are not saved, nor are the devices of the
container's network namespace: those that hooks made before are theirs to make again. The work is done by criu(8), which
has to be on PATH; its log is "dump.log".
`,
		Flags: append(f.criuFlags.flags(), f.flags()...),
		Run: func(args []string) error {
			o, err := f.options(a)
			if err != nil {
				return err
			}
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			return c.Checkpoint(o)
		},
	}
}

// criuFlags are the options that checkpoint and restore share.
type criuFlags struct {
	o           libcontainer.CRIUOptions
	cgroupsMode string
	emptyNS     []string
}

func (f *criuFlags) flags() []cli.Flag {
	return []cli.Flag{
		{
			Name: "image-path", Arg: "DIR", Default: "checkpoint", Values: cli.Values{Dirs: true}, Into: cli.String(&f.o.ImagePath),
			Help: "the directory of the saved files",
		},
		{
			Name: "work-path", Arg: "DIR", Default: "that of the saved files", Values: cli.Values{Dirs: true}, Into: cli.String(&f.o.WorkPath),
			Help: "the directory of the log and of statistics",
		},
		{Name: "tcp-established", Into: cli.Bool(&f.o.TCPEstablished), Help: "keep open TCP connections"},
		{Name: "ext-unix-sk", Into: cli.Bool(&f.o.ExtUnixSockets), Help: "allow unix sockets that are connected to the outside"},
		{Name: "shell-job", Into: cli.Bool(&f.o.ShellJob), Help: "allow a terminal that comes from the outside"},
		{Name: "lazy-pages", Into: cli.Bool(&f.o.LazyPages), Help: "transfer memory when it is used, by userfaultfd(2)"},
		{Name: "file-locks", Into: cli.Bool(&f.o.FileLocks), Help: "keep file locks"},
		{
			Name: "manage-cgroups-mode", Arg: "MODE", Default: "soft", Into: cli.String(&f.cgroupsMode),
			Values: cli.Values{Words: []string{"soft", "full", "strict", "ignore"}},
			Help:   "what is kept of cgroups",
		},
		{
			Name: "empty-ns", Arg: "NAMESPACE", Values: cli.Values{Words: []string{"network"}}, Into: cli.List(&f.emptyNS),
			Help: "leave out what a namespace holds; only network can be, and always is: hooks and engines make its devices anew",
		},
		{Name: "auto-dedup", Into: cli.Bool(&f.o.AutoDedup), Help: "remove from earlier files what later ones hold"},
	}
}

// options turns the shared flags into those of the library.
func (f *criuFlags) options(a *app) (libcontainer.CRIUOptions, error) {
	o := f.o
	o.Warn = a.log.warn
	switch f.cgroupsMode {
	case "", "soft":
	case "full":
		o.Cgroups = libcontainer.CgroupsFull
	case "strict":
		o.Cgroups = libcontainer.CgroupsStrict
	case "ignore":
		o.Cgroups = libcontainer.CgroupsIgnore
	default:
		return o, errors.New("invalid manage-cgroups-mode value: " + f.cgroupsMode)
	}
	for _, ns := range f.emptyNS {
		if ns != "network" {
			return o, fmt.Errorf("namespace %q is not supported", ns)
		}
	}
	if o.ImagePath == "" {
		o.ImagePath = "checkpoint"
	}
	for _, p := range []*string{&o.ImagePath, &o.WorkPath} {
		if *p == "" {
			continue
		}
		var err error
		if *p, err = filepath.Abs(*p); err != nil {
			return o, err
		}
	}
	rootless, err := a.global.isRootless(a.host)
	if err != nil {
		return o, err
	}
	if rootless {
		o.Warn("checkpoint and restore are not tested without the rights of the host's root")
	}
	return o, nil
}

// checkpointFlags are the options of the command.
type checkpointFlags struct {
	criuFlags
	o          libcontainer.CheckpointOptions
	pageServer string
	statusFD   string
}

func (f *checkpointFlags) flags() []cli.Flag {
	return []cli.Flag{
		{
			Name: "parent-path", Arg: "DIR", Into: cli.String(&f.o.ParentPath),
			Help: "the directory of earlier files, relative to --image-path: only what has changed is saved",
		},
		{Name: "leave-running", Into: cli.Bool(&f.o.LeaveRunning), Help: "let the container go on afterwards"},
		{Name: "tcp-skip-in-flight", Into: cli.Bool(&f.o.TCPSkipInFlight), Help: "leave TCP connections out that are not established yet"},
		{Name: "link-remap", Into: cli.Bool(&f.criuFlags.o.LinkRemap), Help: "keep files that were removed while they were open and have another name"},
		{
			Name: "status-fd", Arg: "FD", Into: cli.String(&f.statusFD),
			Help: "write a zero byte to this file descriptor when lazy pages can be asked for",
		},
		{Name: "page-server", Arg: "ADDRESS:PORT", Into: cli.String(&f.pageServer), Help: "send the memory to a page server of CRIU"},
		{Name: "pre-dump", Into: cli.Bool(&f.o.PreDump), Help: "save only the memory, ahead of a checkpoint; the container goes on"},
	}
}

// options turns the flags into those of the library.
func (f *checkpointFlags) options(a *app) (o libcontainer.CheckpointOptions, err error) {
	o = f.o
	if o.CRIUOptions, err = f.criuFlags.options(a); err != nil {
		return o, err
	}
	if f.statusFD != "" {
		if o.StatusFD, err = strconv.Atoi(f.statusFD); err != nil || !a.host.isInherited(o.StatusFD) && o.StatusFD > 2 || o.StatusFD < 0 {
			return o, fmt.Errorf("invalid --status-fd argument %s: it is not an open file descriptor", f.statusFD)
		}
	}
	if f.pageServer == "" {
		return o, nil
	}
	// The package net would cost every command its initialisation.
	colon := strings.LastIndexByte(f.pageServer, ':')
	host, port := f.pageServer[:max(colon, 0)], f.pageServer[colon+1:]
	if inside, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inside, "]")
	} else if strings.Contains(host, ":") {
		host = ""
	}
	if host == "" || port == "" {
		return o, errors.New("Use --page-server ADDRESS:PORT to specify page server") //nolint:staticcheck // callers know the text
	}
	const highest = 65535
	o.PageServer = host
	if o.PageServerPort, err = strconv.Atoi(port); err != nil || o.PageServerPort <= 0 || o.PageServerPort > highest {
		return o, errors.New("Invalid port number") //nolint:staticcheck // callers know the text
	}
	return o, nil
}
