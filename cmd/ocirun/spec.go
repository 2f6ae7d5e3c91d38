package main

import (
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/specconv"
)

func specCommand(a *app) *cli.Command {
	var bundle string
	var rootless bool
	return &cli.Command{
		Name:    "spec",
		Summary: "write a config.json to start from",
		Doc: `
The file describes a container that runs a shell in a terminal, with a read-only
root file system that is expected in the directory "rootfs" beside it. A file
that is there is left alone.
`,
		Flags: []cli.Flag{
			bundleFlag(&bundle),
			{
				Name: "rootless", Into: cli.Bool(&rootless),
				Help: "for a user other than root: with a user namespace in which the caller is root",
			},
		},
		Run: func([]string) error {
			if bundle == "" {
				bundle = "."
			}
			h := a.host
			return specconv.WriteNew(bundle, specconv.Default(rootless, uint32(h.euid), uint32(h.egid), h.hasUnifiedCgroup()))
		},
	}
}

// hasUnifiedCgroup reports whether the machine has cgroup version 2 only.
func hasUnifiedCgroup() bool {
	var stat unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &stat) == nil && stat.Type == unix.CGROUP2_SUPER_MAGIC
}
