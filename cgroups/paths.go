package cgroups

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is the container's cgroup in one hierarchy.
type tree struct {
	mount string
	// rel is the path below mount, "/a/b"; never the root of the hierarchy.
	rel string
	// controllers are those of a v1 hierarchy; none: this is v2.
	controllers []string
	// made counts the directories that Create made, from the leaf upwards.
	made int
	// absent says why a rootless container has no cgroup here.
	absent error
}

func (t *tree) v2() bool    { return t.controllers == nil }
func (t *tree) dir() string { return t.mount + t.rel }

// file gives the path of a file of the cgroup.
func (t *tree) file(name string) string { return t.mount + t.rel + "/" + name }

// layout places a container in every hierarchy of the host.
func layout(c *Config) ([]tree, error) {
	rel, own, err := placement(c.ID, c.Path)
	if err != nil {
		return nil, err
	}
	var self membership
	if own {
		if self, err = ownMembership(c.Host.Mode); err != nil {
			return nil, err
		}
	}
	trees := make([]tree, 0, len(c.Host.V1)+1)
	for _, h := range c.Host.V1 {
		base, _ := self.path(h.Controllers[0])
		trees = append(trees, tree{mount: h.Mount, rel: below(h.Mount, base, rel), controllers: h.Controllers})
	}
	if c.Host.Unified != "" {
		base, ok := self.path("")
		if ok && c.Host.Mode == ModeV2 {
			base = path.Dir(base)
		}
		trees = append(trees, tree{mount: c.Host.Unified, rel: below(c.Host.Unified, base, rel)})
	}
	return trees, nil
}

// placement gives the cleaned path of a container's cgroup, and whether it is relative to the caller's own cgroup.
func placement(id, cgroupsPath string) (rel string, own bool, err error) {
	if strings.ContainsRune(cgroupsPath, 0) || strings.ContainsRune(cgroupsPath, '\n') {
		return "", false, errors.New("cgroupsPath contains a NUL byte or a newline")
	}
	own = !strings.HasPrefix(cgroupsPath, "/")
	if cgroupsPath == "" {
		cgroupsPath = id
	}
	// Cleaned as an absolute path: no number of ".." leads out of the hierarchy.
	rel = path.Clean("/" + cgroupsPath)
	if rel == "/" {
		return "", false, fmt.Errorf("cgroupsPath %q is the root of the hierarchy, it must name a cgroup below it", cgroupsPath)
	}
	return rel, own, nil
}

// below joins the caller's own cgroup and a placement. In a container without a cgroup namespace of its own,
// /proc/self/cgroup speaks of directories that the mount does not show: there the mount's root is the caller's cgroup.
func below(mount, base, rel string) string {
	if base == "" || base == "/" || strings.HasPrefix(base, "/..") {
		return rel
	}
	if err := unix.Access(mount+base, unix.F_OK); err != nil {
		return rel
	}
	return base + rel
}

// pathsOf gives the map that a runtime records.
func pathsOf(trees []tree) map[string]string {
	paths := make(map[string]string, len(trees)+2)
	for i := range trees {
		t := &trees[i]
		if t.absent != nil {
			continue
		}
		if t.v2() {
			paths[""] = t.dir()
		}
		for _, c := range t.controllers {
			paths[c] = t.dir()
		}
	}
	return paths
}

// treesOf is the inverse of pathsOf. The map may come from a damaged record: nothing outside of root, and no root of a
// hierarchy, is accepted.
func treesOf(root string, paths map[string]string) ([]tree, error) {
	var trees []tree
	for controller, dir := range paths {
		mount := root
		if controller != "" || len(paths) > 1 {
			name, _, _ := strings.Cut(strings.TrimPrefix(dir, root+"/"), "/")
			mount = root + "/" + name
		}
		rel := strings.TrimPrefix(dir, mount)
		if !strings.HasPrefix(dir, mount+"/") || path.Clean(dir) != dir || strings.ContainsRune(dir, 0) {
			return nil, fmt.Errorf("recorded cgroup path %q of %q is not below %s", dir, controller, mount)
		}
		t := tree{mount: mount, rel: rel}
		if controller != "" {
			t.controllers = []string{controller}
		}
		trees = append(trees, t)
	}
	if len(trees) < 2 { // version 2, and nothing to be brought into memory for
		return trees, nil
	}
	slices.SortFunc(trees, func(a, b tree) int {
		return strings.Compare(a.mount+" "+strings.Join(a.controllers, ""), b.mount+" "+strings.Join(b.controllers, ""))
	})
	// Controllers that share a hierarchy share its directory.
	return slices.CompactFunc(trees, func(a, b tree) bool { return a.dir() == b.dir() }), nil
}
