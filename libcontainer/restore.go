package libcontainer

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
	"github.com/ocirun/ocirun/specconv/plan"
)

// restoration brings a container back. It has the stages of a builder; in the place
// of the init is CRIU, which makes the namespaces, the mounts and the processes as
// the images have them:
//
//	prepare  reads the bundle and compiles the plan           no effects
//	record   takes the id and writes down what will be done   the store
//	place    makes the cgroup with its limits                 the cgroup
//	revive   lets CRIU bring the processes back               processes
//	publish  tells who asked of the process id                pid file
//	commit   makes the container what its record says
type restoration struct {
	builder
	ro     *RestoreOptions
	dirs   *imageDirs
	worker *criu.Worker
	// extra are descriptors for CRIU, closed when it has them.
	extra []int
}

// Restore brings a container back from what a checkpoint has saved, and unless it is
// detached stays until its program ends; then it removes the container. It gives the
// program's exit status as Run does. On an error nothing is left of the container.
func (s *Store) Restore(id string, o RestoreOptions) (status int, err error) {
	path, err := findCRIU()
	if err != nil {
		return 0, err
	}
	r := newRestoration(s, id, &o)
	defer r.builder.close()
	if err := r.prepare(); err != nil {
		return 0, err
	}
	// For a look at them before there is anything; CRIU's own come later.
	if r.dirs, err = o.openImages(false); err != nil {
		return 0, err
	}
	defer func() { r.dirs.close() }()
	f, err := r.openForeground(&RunOptions{Detach: o.Detach, NoSubreaper: o.NoSubreaper})
	if err != nil {
		return 0, err
	}
	if f != nil {
		defer func() { err = errors.Join(err, f.close()) }()
	}
	if err := r.make(path, f); err != nil {
		return 0, err
	}
	if f == nil {
		return 0, nil
	}
	return r.stay(f, false)
}

func newRestoration(s *Store, id string, o *RestoreOptions) *restoration {
	c := &CreateOptions{
		Bundle: o.Bundle, PidFile: o.PidFile, ConsoleSocket: o.ConsoleSocket, NoPivot: o.NoPivot,
		CgroupManager: o.CgroupManager, Rootless: o.Rootless, Stdio: o.Stdio, Warn: o.Warn,
	}
	return &restoration{
		builder: builder{store: s, id: id, o: c, detached: o.Detach, launch: newLaunch(), done: make(chan struct{})},
		ro:      o,
	}
}

// prepare is that of a builder without what is made ahead for an init.
func (r *restoration) prepare() error {
	if err := checkID(r.id); err != nil {
		return err
	}
	bundle, err := specconv.Load(r.o.Bundle)
	if err != nil {
		return err
	}
	r.bundle = bundle
	if err := r.compile(); err != nil {
		return err
	}
	return r.checkTerminal()
}

// make goes through the stages from record on.
func (r *restoration) make(path string, f *foreground) error {
	if err := r.record(); err != nil {
		return err
	}
	err := r.build(path)
	if err == nil && f != nil {
		f.closeChild()
	}
	if err == nil {
		err = r.poststart()
	}
	if err != nil {
		return r.undo(err)
	}
	return nil
}

func (r *restoration) build(path string) error {
	if err := r.place(); err != nil {
		return err
	}
	if err := r.revive(path); err != nil {
		return err
	}
	if r.lateLimits != nil {
		if err := r.cgroup.Set(r.lateLimits); err != nil {
			return cgroupError(err)
		}
	}
	if err := r.publish(); err != nil {
		return err
	}
	return r.creation.commit(true)
}

// revive lets CRIU work.
func (r *restoration) revive(path string) error {
	request, err := r.request()
	defer func() { closeAll(r.extra...) }()
	if err != nil {
		return err
	}
	if err := r.makeMountPoints(); err != nil {
		return err
	}
	if err := r.startWorker(path); err != nil {
		return err
	}
	defer r.worker.Close()
	if err := r.completeCgroup(); err != nil {
		return err
	}
	if err := r.checkVersion(); err != nil {
		return err
	}
	request.ImagesDir, request.WorkDir = r.dirs.images, r.dirs.work
	if request.CgroupRoots, err = r.cgroupRoots(); err != nil {
		return err
	}
	r.worker.Notify = r.notify
	pid, err := r.worker.Restore(request)
	if err != nil {
		return r.dirs.explain("restore", restoreLog, err)
	}
	return r.adoptRestored(pid)
}

// completeCgroup does what is left when there is a process in the cgroup: systemd
// makes one around a process, here CRIU.
func (r *restoration) completeCgroup() error {
	if r.unit != nil {
		r.unit.Pid = r.worker.Pid()
		if err := r.makeCgroup(); err != nil {
			return err
		}
	}
	err := <-r.setDevices()
	r.warnOfCgroup()
	return err
}

func (r *restoration) checkVersion() error {
	if r.ro.LSMProfile != "" || r.ro.LSMMountContext != "" {
		return checkCRIU(r.worker, 3, 16, "--lsm-profile or --lsm-mount-context")
	}
	return checkCRIU(r.worker, 3, 0, "restore")
}

// notify does what belongs between CRIU's steps.
func (r *restoration) notify(script string, pid, fd int) error {
	switch script {
	case "setup-namespaces":
		if err := r.adoptRestored(pid); err != nil {
			return err
		}
		if err := r.raiseRestoredLoopback(); err != nil {
			return err
		}
		return r.runRestoreHooks()
	case "orphan-pts-master":
		return r.giveConsole(fd)
	}
	return nil
}

// adoptRestored takes note of the container's first process. It stands still yet.
func (r *restoration) adoptRestored(pid int) error {
	if r.init != nil && r.init.Pid == pid {
		return nil
	}
	init, err := initproc.Adopt(pid)
	if err != nil {
		return fmt.Errorf("restored process %d: %w", pid, err)
	}
	r.launch.close()
	r.init = init
	return r.noteInit(pid)
}

// raiseRestoredLoopback brings up the one device that a network namespace always has,
// as a new container's init does.
func (r *restoration) raiseRestoredLoopback() error {
	if !r.plan.Spawn.IsNew(plan.NamespaceNetwork) {
		return nil
	}
	fd, err := (sys.Process{Pid: r.pid}).OpenNamespace("net")
	if err != nil {
		return err
	}
	defer closeAll(fd)
	if err := inNetNamespace(fd, r.done, raiseLoopback); err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	return nil
}

// runRestoreHooks runs the hooks that come when there are namespaces.
func (r *restoration) runRestoreHooks() error {
	for _, e := range r.plan.Entries {
		hook, ok := e.Step.(plan.Hook)
		if !ok || (hook.Kind != plan.Prestart && hook.Kind != plan.CreateRuntime) {
			continue
		}
		if err := r.runHook(e, hook, Creating); err != nil {
			return err
		}
	}
	return nil
}

// giveConsole hands the master end of the terminal on that CRIU has made anew.
func (r *restoration) giveConsole(fd int) error {
	if fd < 0 {
		return errors.New("criu sent no terminal")
	}
	if !r.bundle.Spec.Process.Terminal {
		return errors.New("the images have a terminal, but /process/terminal is false")
	}
	master, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstFree)
	if err != nil {
		return err
	}
	return r.handConsole(master, r.o.ConsoleSocket)
}

// firstFree is behind the standard streams.
const firstFree = 3

// request is what CRIU is asked for.
func (r *restoration) request() (*criu.Options, error) {
	request := r.ro.criu(r.dirs, restoreLog)
	request.Root = r.rootfs()
	request.EvasiveDevices, request.Sibling = true, true
	request.TCPClose = r.ro.TCPClose
	request.LSMProfile, request.LSMMountContext = r.ro.LSMProfile, r.ro.LSMMountContext
	request.ConfigFile = criuConfigFile(r.bundle.Spec.Annotations)
	var err error
	if request.Mounts, err = r.mountSources(); err != nil {
		return nil, err
	}
	if request.Inherit, err = r.inheritStreams(); err != nil {
		return nil, err
	}
	for _, x := range [...]struct {
		kind specs.LinuxNamespaceType
		key  string
	}{
		{specs.NetworkNamespace, externalNet},
		{specs.PIDNamespace, externalPID},
	} {
		inherited, err := r.inheritNamespace(x.kind, x.key)
		if err != nil {
			return nil, err
		}
		request.Inherit = append(request.Inherit, inherited...)
	}
	return &request, nil
}
