package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv"
)

// ociVersion is the version of runtime-spec that states are given in.
const ociVersion = "1.3.0"

// configLimit is more than any config.json has.
const configLimit = 64 << 20

// State tells what the container is doing now.
func (c *Container) State() (*State, error) {
	r, status, err := c.dir.status()
	if err != nil {
		return nil, err
	}
	spec, err := c.dir.config()
	if err != nil {
		return nil, err
	}
	var stat unix.Stat_t
	if err := sys.Retry(func() error { return unix.Fstat(c.dir.fd, &stat) }); err != nil {
		return nil, err
	}
	runtime.KeepAlive(c.dir)
	state := &State{
		OCIVersion: ociVersion, ID: r.ID, Status: status,
		Bundle: r.Bundle, Rootfs: r.Rootfs, Created: r.Created,
		Annotations: spec.Annotations, OwnerUID: int(stat.Uid),
	}
	if status != Stopped {
		state.Pid = r.Init.Pid
	}
	return state, nil
}

// status derives what the container is doing from its record and the kernel.
func (d *directory) status() (*record, Status, error) {
	r, err := d.load()
	if err != nil {
		return r, "", err
	}
	// A record that is not complete yet may be its maker's still.
	if !r.IsCreated {
		creating, err := d.isCreating()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "", ErrNotExist
		}
		if err != nil {
			return r, "", err
		}
		if creating {
			return r, Creating, nil
		}
		// It may have become complete between the two looks.
		if r, err = d.load(); err != nil || !r.IsCreated {
			return r, Stopped, err
		}
	}
	status, err := d.liveStatus(r)
	return r, status, err
}

// liveStatus tells the states of a container apart that has been created.
func (d *directory) liveStatus(r *record) (Status, error) {
	alive, err := r.Init.Alive()
	if err != nil {
		return "", fmt.Errorf("look at process %d: %w", r.Init.Pid, err)
	}
	if !alive {
		return Stopped, nil
	}
	frozen, err := r.Cgroup.frozen()
	if err != nil {
		return "", err
	}
	if frozen {
		return Paused, nil
	}
	if r.IsStarted {
		return Running, nil
	}
	released, err := d.released()
	if err != nil {
		return "", err
	}
	if !released {
		return Created, nil
	}
	return Running, nil
}

// released reports whether the init has passed its gate, which it says itself.
func (d *directory) released() (bool, error) {
	fd, err := sys.OpenAt(d.fd, progressName, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	runtime.KeepAlive(d)
	if err != nil {
		return false, fmt.Errorf("read progress of the container: %w", err)
	}
	defer unix.Close(fd)
	progress, err := initproc.ReadProgress(fd, 0)
	if err != nil {
		return false, fmt.Errorf("read progress of the container: %w", err)
	}
	return progress.State >= initproc.StateReleased, nil
}

// rawConfig reads the copy of config.json that was made when the container was.
func (d *directory) rawConfig() ([]byte, error) {
	raw, err := sys.ReadFileAt(d.fd, configName, configLimit)
	runtime.KeepAlive(d)
	if err != nil {
		return nil, fmt.Errorf("read the container's copy of its configuration: %w", err)
	}
	return raw, nil
}

// config is rawConfig decoded.
func (d *directory) config() (*specs.Spec, error) {
	if d.spec != nil {
		return d.spec, nil
	}
	raw, err := d.rawConfig()
	if err != nil {
		return nil, err
	}
	spec, err := specconv.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("the container's copy of its configuration: %w", err)
	}
	return spec, nil
}
