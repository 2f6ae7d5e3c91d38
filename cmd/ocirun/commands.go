package main

import "github.com/ocirun/ocirun/cmd/ocirun/internal/cli"

// entry is a row of the table of commands. The rest of what is known of a
// command is only made for the one that is called.
type entry struct {
	name, alias string
	command     func(*app) *cli.Command
}

// table lists the commands in the order of the help text. A new command is one
// file and one row.
func table() []entry {
	return []entry{
		{"create", "", createCommand},
		{"start", "", startCommand},
		{"run", "", runCommand},
		{"state", "", stateCommand},
		{"list", "", listCommand},
		{"exec", "", execCommand},
		{"kill", "", killCommand},
		{"delete", "", deleteCommand},
		{"pause", "", pauseCommand},
		{"resume", "", resumeCommand},
		{"ps", "", psCommand},
		{"events", "", eventsCommand},
		{"stats", "", statsCommand},
		{"update", "", updateCommand},
		{"checkpoint", "", checkpointCommand},
		{"restore", "", restoreCommand},
		{"spec", "", specCommand},
		{"explain", "", explainCommand},
		{"trace", "", traceCommand},
		{"validate", "", validateCommand},
		{"doctor", "", doctorCommand},
		{"features", "", featuresCommand},
		{"help", "h", helpCommand},
	}
}

// lookup makes the command of that name, or gives nil.
func lookup(a *app, word string) *cli.Command {
	for _, e := range table() {
		if e.name == word || e.alias != "" && e.alias == word {
			return e.command(a)
		}
	}
	return nil
}

// program describes the whole command line.
func program(a *app) *cli.Program {
	p := &cli.Program{
		Name: name, Summary: "run containers from OCI bundles", Doc: programDoc,
		Flags: a.global.flags(), Sections: programSections,
	}
	for _, e := range table() {
		p.Commands = append(p.Commands, e.command(a))
	}
	return p
}

const programDoc = `
ocirun runs containers that are described by the runtime specification of the
Open Container Initiative. It is called by container engines, or by hand.

A container is made from a bundle: a directory with a file "config.json", which
says how the container is set up, and usually with its root file system. Try it
in a directory that has a root file system in "rootfs":

    ocirun spec
    ocirun run my-container

Global options stand before the command. An option may have one dash or two, and
its value may follow after a space or "=".
`

var programSections = []cli.Section{
	{Title: "EXIT STATUS", Doc: `
"ocirun run" in the foreground exits with the status of the container's program,
or with 128 plus the number of the signal that ended it. Otherwise the status is
0 on success, 1 on failure, and 3 if there is no command of that name.

A failure is logged as one record at level "error", on standard error or where
--log says. In the second case the message alone is also printed on standard
error.
`},
	{Title: "ENVIRONMENT", Doc: `
XDG_RUNTIME_DIR is where the state of containers is kept for users other than
root, and for root of a user namespace unless USER is "root".

LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES hand sockets and their names on to the
container, as described in sd_listen_fds(3), if LISTEN_PID is the process id of
ocirun.

NOTIFY_SOCKET is where a service manager waits for sd_notify(3). A container that
was created with it finds a socket of its own in its environment. When its program
says that it is ready, the service manager learns that, and its process id; "start"
and "run --detach" return only then, or when the program has ended.
`},
	{Title: "FILES", Doc: `
/run/ocirun has one directory for each container. It does not outlive a reboot,
and neither do containers.
`},
}
