package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/libcontainer/internal/criu"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// The names by which external namespaces are known in images; those of runc.
const (
	externalNet = "extRootNetNS"
	externalPID = "extRootPidNS"
)

// checkpoint saves one container.
type checkpoint struct {
	*Container
	o      *CheckpointOptions
	record *record
	spec   *specs.Spec
	dirs   *imageDirs
	worker *criu.Worker
}

// Checkpoint saves a running or paused container to files, from which
// Store.Restore brings it back. Unless it is to go on, the container is deleted
// afterwards.
func (c *Container) Checkpoint(o CheckpointOptions) error {
	unlock, err := c.dir.lock(lockPatience)
	if err != nil {
		return err
	}
	defer unlock()
	r, status, err := c.dir.status()
	if err != nil {
		return err
	}
	if status != Running && status != Paused {
		return fmt.Errorf("Container cannot be checkpointed in %s state", status)
	}
	spec, err := c.dir.config()
	if err != nil {
		return err
	}
	k := &checkpoint{Container: c, o: &o, record: r, spec: spec}
	if err := k.run(); err != nil {
		return err
	}
	if o.LeaveRunning || o.PreDump {
		return nil
	}
	return c.store.removeLocked(c.dir, r)
}

func (k *checkpoint) run() error {
	path, err := findCRIU()
	if err != nil {
		return err
	}
	if err := k.checkParent(); err != nil {
		return err
	}
	if err := k.checkStatusFD(); err != nil {
		return err
	}
	if k.dirs, err = k.o.openImages(true); err != nil {
		return err
	}
	defer k.dirs.close()
	if err := k.start(path); err != nil {
		return err
	}
	defer k.worker.Close()
	if err := k.checkFeatures(); err != nil {
		return err
	}
	request, err := k.request()
	if err != nil {
		return err
	}
	if !k.o.PreDump {
		if err := k.saveDescriptors(); err != nil {
			return err
		}
	}
	if err := k.worker.Dump(request, k.o.PreDump); err != nil {
		return k.dirs.explain("dump", dumpLog, err)
	}
	return nil
}

// checkParent: CRIU follows the link to earlier images wherever the images are, so
// it has to be a relative one.
func (k *checkpoint) checkParent() error {
	parent := k.o.ParentPath
	if parent == "" {
		return nil
	}
	if filepath.IsAbs(parent) {
		return errors.New("--parent-path must be relative")
	}
	info, err := os.Stat(filepath.Join(k.o.ImagePath, parent))
	if err == nil && !info.IsDir() {
		err = unix.ENOTDIR
	}
	if err != nil {
		return fmt.Errorf("invalid --parent-path: %w", err)
	}
	return nil
}

func (k *checkpoint) checkStatusFD() error {
	if k.o.StatusFD == 0 {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(k.o.StatusFD), unix.F_GETFL, 0); err != nil {
		return fmt.Errorf("invalid --status-fd argument %d: %w", k.o.StatusFD, err)
	}
	return nil
}

func (k *checkpoint) start(path string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	fd := int(null.Fd())
	complaints := 2
	if k.o.PreDump {
		// After a pre-dump CRIU waits for another request, and complains that none comes.
		complaints = fd
	}
	k.worker, err = criu.Start(&criu.Spawn{Path: path, Stdio: [3]int{fd, fd, complaints}, Cgroup: -1})
	if err != nil {
		return err
	}
	if err := checkCRIU(k.worker, 3, 0, "checkpoint"); err != nil {
		k.worker.Close()
		return err
	}
	return nil
}

// checkFeatures asks for what not every kernel has, before anything stands still.
func (k *checkpoint) checkFeatures() error {
	if !k.o.PreDump && !k.o.LazyPages && k.o.ParentPath == "" {
		return nil
	}
	have, err := k.worker.Features()
	switch {
	case err != nil:
		return fmt.Errorf("ask criu for its features: %w", err)
	case k.o.LazyPages && !have.LazyPages:
		return errors.New("--lazy-pages: criu or the kernel lacks userfaultfd with the features that lazy pages need")
	case (k.o.PreDump || k.o.ParentPath != "") && !have.MemoryTracking:
		return errors.New("--pre-dump and --parent-path: the kernel does not track changes of memory (CONFIG_MEM_SOFT_DIRTY)")
	}
	return nil
}

// request is what CRIU is asked for.
func (k *checkpoint) request() (*criu.Options, error) {
	request := k.o.criu(k.dirs, dumpLog)
	request.Pid, request.Root = k.record.Init.Pid, k.record.Rootfs
	request.Parent = k.o.ParentPath
	request.ConfigFile = criuConfigFile(k.spec.Annotations)
	request.LeaveRunning = k.o.LeaveRunning || k.o.PreDump
	request.TCPSkipInFlight = k.o.TCPSkipInFlight
	request.TrackMemory = k.o.PreDump || k.o.ParentPath != ""
	request.StatusFD = k.o.StatusFD
	request.PageServer = criu.PageServer{Address: k.o.PageServer, Port: k.o.PageServerPort}
	request.FreezeCgroup = k.record.Cgroup.freezer()
	var err error
	if request.External, err = k.external(); err != nil {
		return nil, err
	}
	if request.Mounts, err = k.externalMounts(); err != nil {
		return nil, err
	}
	return &request, nil
}

// freezer is the directory of the cgroup that stops the container's processes.
func (p cgroupPlace) freezer() string {
	unified := ""
	for _, d := range p.Dirs {
		switch d.Controller {
		case "freezer":
			return d.Dir
		case "":
			unified = d.Dir
		}
	}
	return unified
}

// external names the namespaces that are not the container's own: it finds another
// one of its next life in their place.
func (k *checkpoint) external() ([]string, error) {
	var names []string
	for _, x := range [...]struct {
		kind specs.LinuxNamespaceType
		name string
		key  string
	}{
		{specs.NetworkNamespace, "net", externalNet},
		{specs.PIDNamespace, "pid", externalPID},
	} {
		if namespacePath(k.spec, x.kind) == "" {
			continue
		}
		ino, err := k.record.Init.Namespace(x.name)
		if err != nil {
			return nil, err
		}
		names = append(names, fmt.Sprintf("%s[%d]:%s", x.name, ino, x.key))
	}
	return names, nil
}

// namespacePath is where the configuration joins a namespace, or nothing.
func namespacePath(spec *specs.Spec, kind specs.LinuxNamespaceType) string {
	if spec.Linux != nil {
		for _, n := range spec.Linux.Namespaces {
			if n.Type == kind {
				return n.Path
			}
		}
	}
	return ""
}

// saveDescriptors writes down what the standard streams are, so that a restore can
// put others in the place of pipes.
func (k *checkpoint) saveDescriptors() error {
	var names [3]string
	for fd := range names {
		// A stream that is closed has no name.
		names[fd], _ = k.record.Init.Descriptor(fd)
	}
	text, err := json.Marshal(names[:])
	if err != nil {
		return err
	}
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC | unix.O_NOFOLLOW
	fd, err := sys.OpenAt(k.dirs.images, descriptorsName, flags, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return sys.WriteAll(fd, text)
}
