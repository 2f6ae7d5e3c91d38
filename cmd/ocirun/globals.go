package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

const defaultRoot = "/run/" + name

// globals are the options that stand before the command.
type globals struct {
	debug         bool
	log           string
	logFormat     string
	logLevel      string
	rootFlag      *string
	systemdCgroup bool
	cgroupManager string
	rootless      string
	criu          string
	version       bool

	// root is the state root; runtimeDir says that it is below XDG_RUNTIME_DIR,
	// and explicit that the caller chose it.
	root                 string
	runtimeDir, explicit bool
	// foreign says that it is the host's root's, and the caller somebody else.
	foreign bool
}

func newGlobals() globals { return globals{logFormat: "text", rootless: "auto"} }

func (g *globals) flags() []cli.Flag {
	return []cli.Flag{
		{Name: "debug", Help: "log at debug level", Into: cli.Bool(&g.debug)},
		{
			Name: "log", Arg: "TARGET", Default: "standard error", Values: cli.Values{Files: true}, Into: cli.String(&g.log),
			Help: "append the log to a file (FILE or file:FILE), or send it to journald:NAME or syslog:NAME; an error is then also " +
				"printed on standard error as plain text",
		},
		{
			Name: "log-format", Arg: "FORMAT", Default: "text", Values: cli.Values{Words: []string{"text", "json"}}, Into: cli.String(&g.logFormat),
			Help: "write log records as text or json",
		},
		{
			Name: "log-level", Arg: "LEVEL", Default: "info", Into: cli.String(&g.logLevel),
			Values: cli.Values{Words: []string{"debug", "info", "warning", "error"}},
			Help:   "leave out what matters less; debug is the same as --debug",
		},
		{
			Name: "root", Arg: "DIR", Values: cli.Values{Dirs: true}, Into: cli.Maybe(&g.rootFlag),
			Default: defaultRoot + ", or $XDG_RUNTIME_DIR/" + name + " for users other than root",
			Help:    "keep the state of containers below this directory, which should be on a tmpfs",
		},
		{
			Name: "systemd-cgroup", Into: cli.Bool(&g.systemdCgroup),
			Help: "let systemd make the cgroup of a new container: the same as --cgroup-manager systemd",
		},
		{
			Name: "cgroup-manager", Arg: "NAME", Default: "cgroupfs", Into: cli.String(&g.cgroupManager),
			Values: cli.Values{Words: []string{"cgroupfs", "systemd", "disabled"}},
			Help:   "who makes the cgroup of a new container; disabled: it has none, and so no limits and no device rules",
		},
		{
			Name: "rootless", Arg: "BOOL", Default: "auto", Values: cli.Values{Words: []string{"auto", "true", "false"}}, Into: cli.String(&g.rootless),
			Help: "do without cgroups where permission is missing; auto: unless it is the host's root who runs this",
		},
		{Name: "criu", Arg: "PATH", Hidden: true, Into: cli.String(&g.criu)},
		{Name: "version", Short: "v", Help: "print the version", Into: cli.Bool(&g.version)},
	}
}

// host is what the command line depends on beside its arguments.
type host struct {
	getenv           func(string) string
	euid, egid, pid  int
	inUserNamespace  func() bool
	hasUnifiedCgroup func() bool
	isInherited      func(fd int) bool
}

func newHost() host {
	return host{
		getenv: os.Getenv, euid: os.Geteuid(), egid: os.Getegid(), pid: os.Getpid(),
		inUserNamespace: libcontainer.InUserNamespace, hasUnifiedCgroup: hasUnifiedCgroup, isInherited: claimInherited(),
	}
}

// resolveRoot settles the state root.
func (g *globals) resolveRoot(h host) error {
	switch runtimeDir := h.getenv("XDG_RUNTIME_DIR"); {
	case g.rootFlag != nil:
		g.root, g.explicit = *g.rootFlag, true
	case runtimeDir != "" && h.ownsRuntimeDir():
		g.root, g.runtimeDir = filepath.Join(runtimeDir, name), true
	default:
		g.root, g.foreign = defaultRoot, h.euid != 0
	}
	root, err := filepath.Abs(g.root)
	if err != nil {
		return err
	}
	if root == "/" {
		return errors.New("Option --root argument should not be set to /") //nolint:staticcheck // callers know the text
	}
	g.root = root
	return nil
}

// ownsRuntimeDir reports whether XDG_RUNTIME_DIR is to be believed: the host's
// root may have that of another user in the environment, after su(1) or sudo(8).
func (h host) ownsRuntimeDir() bool {
	if h.euid != 0 {
		return true
	}
	return h.getenv("USER") != "root" && h.inUserNamespace()
}

// isRootless reads --rootless.
func (g *globals) isRootless(h host) (bool, error) {
	if g.rootless != "auto" {
		return strconv.ParseBool(g.rootless)
	}
	return h.euid != 0 || h.inUserNamespace(), nil
}

// manager tells who makes the cgroup of a new container. Engines may pass
// --systemd-cgroup always, and turn cgroups off for a single container.
func (g *globals) manager() (libcontainer.CgroupManager, error) {
	m := libcontainer.CgroupManager(g.cgroupManager)
	switch m {
	case libcontainer.NoCgroup:
		return m, nil
	case "", libcontainer.Cgroupfs, libcontainer.Systemd:
		if g.systemdCgroup {
			return libcontainer.Systemd, nil
		}
		return m, nil
	}
	return "", errors.New("invalid --cgroup-manager: " + g.cgroupManager)
}

// makeRuntimeDir makes the state root below XDG_RUNTIME_DIR. Its sticky bit
// keeps it from being cleaned up while containers run (XDG Base Directory
// Specification, "XDG_RUNTIME_DIR").
func (g *globals) makeRuntimeDir() error {
	if g.foreign {
		err := unix.Access(g.root, unix.W_OK)
		if errors.Is(err, unix.ENOENT) {
			err = unix.Access(filepath.Dir(g.root), unix.W_OK)
		}
		if err != nil {
			return &os.PathError{Op: "write to", Path: g.root, Err: fmt.Errorf("%w; set XDG_RUNTIME_DIR or use --root", err)}
		}
	}
	if !g.runtimeDir {
		return nil
	}
	if err := os.MkdirAll(g.root, 0o700); err != nil {
		return err
	}
	return os.Chmod(g.root, 0o700|os.ModeSticky)
}

// announce warns of options without effect.
func (a *app) announce() {
	if a.global.criu != "" {
		a.log.warn("--criu has no effect: criu is looked up on PATH")
	}
}
