package libcontainer

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups"
	"github.com/ocirun/ocirun/cgroups/systemd"
)

// salvage makes the best of a record that is damaged or missing, for a removal by
// force: what is left of it, and for the cgroup, where a container of that id and
// configuration would have been put.
func (d *directory) salvage(r *record) *record {
	if r == nil {
		r = &record{}
	}
	r.ID, r.IsDeleting = d.id, true
	if len(r.Cgroup.Dirs) == 0 {
		r.Cgroup = d.searchCgroup()
	}
	return r
}

// searchCgroup looks in the default places. A directory counts only if it can be
// nothing but the container's.
func (d *directory) searchCgroup() cgroupPlace {
	host, err := cgroups.Probe()
	if err != nil {
		return cgroupPlace{}
	}
	candidates, configured := []string{"", "/" + d.id}, ""
	if spec, err := d.config(); err == nil && spec.Linux != nil && spec.Linux.CgroupsPath != "" {
		configured = spec.Linux.CgroupsPath
		candidates = []string{configured}
	}
	if place, found := d.searchUnit(host, configured); found {
		return place
	}
	for _, path := range candidates {
		m, err := cgroups.New(cgroups.Config{ID: d.id, Path: path, Host: host})
		if err != nil || !m.Exists() || !isContainerCgroup(d.id, m) {
			continue
		}
		place := cgroupPlace{Mode: host.Mode.String()}
		for controller, dir := range m.Paths() {
			place.Dirs = append(place.Dirs, cgroupDir{Controller: controller, Dir: dir})
		}
		return place
	}
	return cgroupPlace{}
}

// searchUnit looks where systemd would have put it. Where there is no systemd, or the
// path is not of that form, there is nothing to find.
func (d *directory) searchUnit(host cgroups.Host, path string) (place cgroupPlace, found bool) {
	u, err := systemd.New(systemd.Config{ID: d.id, Path: path, Prefix: unitPrefix, User: hostUID() != 0, Host: host})
	if err != nil {
		return place, false
	}
	defer u.Close()
	if !u.Exists() || strings.HasSuffix(u.Name(), ".slice") || !isContainerCgroup(d.id, u) {
		return place, false
	}
	place = cgroupPlace{Mode: host.Mode.String(), Unit: u.Name(), User: u.User()}
	for controller, dir := range u.Paths() {
		place.Dirs = append(place.Dirs, cgroupDir{Controller: controller, Dir: dir})
	}
	return place, true
}

// isContainerCgroup is careful: an id can be the name of a cgroup that has
// nothing to do with containers, such as system.slice.
func isContainerCgroup(id string, m cgroups.Manager) bool {
	if strings.HasSuffix(id, ".slice") || strings.HasSuffix(id, ".service") {
		return false
	}
	pids, err := m.Pids()
	if err != nil {
		return false
	}
	return !slices.Contains(pids, 1) && !slices.Contains(pids, unix.Getpid()) && !slices.Contains(pids, unix.Getppid())
}
