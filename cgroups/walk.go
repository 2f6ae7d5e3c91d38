package cgroups

import (
	"os"

	"golang.org/x/sys/unix"
)

// walk goes through a cgroup and all below it, which a container may have made deeper than a path name can be long and
// wider than there are descriptors. So it holds two descriptors at a time: down by name, up by "..". (Cgroups have no
// links, and a directory moves to no other parent.) What vanishes meanwhile is left out.
//
// enter sees each directory before those below it; leave, unless nil, sees each one but the first after them.
func walk(dir string, enter func(fd int) error, leave func(parent int, name string) error) error {
	fd, err := open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		if gone(err) {
			return nil
		}
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer func() { unix.Close(fd) }()
	type level struct {
		name     string
		children []string
	}
	names, err := visit(fd, enter)
	if err != nil {
		return err
	}
	stack := []level{{children: names}}
	for {
		top := &stack[len(stack)-1]
		if n := len(top.children); n > 0 {
			name := top.children[n-1]
			top.children = top.children[:n-1]
			child, err := openAt(fd, name, unix.O_RDONLY|unix.O_DIRECTORY)
			if gone(err) {
				continue
			}
			if err != nil {
				return &os.PathError{Op: "open", Path: dir + "/.../" + name, Err: err}
			}
			unix.Close(fd)
			fd = child
			if names, err = visit(fd, enter); err != nil {
				return err
			}
			stack = append(stack, level{name, names})
			continue
		}
		if len(stack) == 1 {
			return nil
		}
		parent, err := openAt(fd, "..", unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return &os.PathError{Op: "open", Path: dir + "/.../" + top.name + "/..", Err: err}
		}
		unix.Close(fd)
		fd = parent
		if leave != nil {
			if err := leave(fd, top.name); err != nil {
				return err
			}
		}
		stack = stack[:len(stack)-1]
	}
}

// visit enters one directory and lists the directories in it.
func visit(fd int, enter func(fd int) error) ([]string, error) {
	if enter != nil {
		if err := enter(fd); err != nil {
			return nil, err
		}
	}
	own, err := openAt(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		if gone(err) {
			return nil, nil
		}
		return nil, err
	}
	f := os.NewFile(uintptr(own), ".")
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil && !gone(err) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
