package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func (s *scenario) mountSmall(path, options string) {
	s.t.Helper()
	s.must(os.MkdirAll(path, 0o700))
	s.must(unix.Mount("tmpfs", path, "tmpfs", 0, options))
	s.t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
}

func (s *scenario) unmount(path string) {
	s.t.Helper()
	s.must(unix.Unmount(path, 0))
}

// damages are contents that a state file never has when all is well.
var damages = []struct {
	name string
	do   func(whole string) string
}{
	{"empty", func(string) string { return "" }},
	{"null", func(string) string { return "null" }},
	{"empty object", func(string) string { return "{}" }},
	{"array", func(string) string { return "[1,2]" }},
	{"half", func(whole string) string { return whole[:len(whole)/2] }},
	{"one byte missing", func(whole string) string { return whole[:max(len(whole)-1, 0)] }},
	{"garbage", func(string) string { return strings.Repeat("\x00\xff\x7fELF", 500) }},
	{"huge pid", func(string) string {
		return `{"id": "x", "pid": 9223372036854775808, "init_process_pid": 9223372036854775808, "initPid": 9223372036854775808}`
	}},
	{"pid of somebody else", func(string) string { return `{"id": "x", "pid": 1, "init_process_pid": 1, "initPid": 1}` }},
	{"other types", func(string) string { return `{"id": 5, "pid": "x", "bundle": [], "cgroup_paths": "no", "created": {}}` }},
	{"deep", func(string) string { return strings.Repeat("[", 100000) }},
}

// stateFiles are the regular files that a runtime keeps for a container.
func (s *scenario) stateFiles(id string) []string {
	s.t.Helper()
	var files []string
	for _, name := range readNames(filepath.Join(s.root, id)) {
		path := filepath.Join(s.root, id, name)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		s.fatalf("no state files of %s", id)
	}
	return files
}

// useless gives every command to a container whose state is damaged: none may
// crash or hang, list must go on, and delete --force must still clean up.
func (s *scenario) useless(id, other string) {
	s.t.Helper()
	s.run("state", id)
	s.run("start", id)
	s.run("kill", id, "0")
	s.contains("list", s.run("list", "--quiet").ok().out, other+"\n")
	s.run("list", "--format", "json").ok()
	s.run("delete", "--force", id).ok()
	if exists(filepath.Join(s.root, id)) {
		s.errorf("delete --force left the state directory")
	}
}

func TestStateDamaged(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "panics, or leaves the container behind")
			b := s.bundle(sh("sleep 100"))
			other := s.create(b)
			for i := 0; ; i++ {
				id := s.create(b)
				pid := s.state(id).Pid
				files := s.stateFiles(id)
				if i == len(files) {
					break
				}
				data, err := os.ReadFile(files[i])
				s.must(err)
				s.must(os.WriteFile(files[i], []byte(d.do(string(data))), 0o600))
				t.Logf("%s is damaged", filepath.Base(files[i]))
				s.useless(id, other)
				equal(s, "the init is gone", gone(pid), true)
			}
			s.status(other, "created")
		})
	}
}

// With every file damaged at once only the id is known; the default cgroup is named after it.
func TestStateDamagedAltogether(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			s := begin(t)
			s.differs("runc", "panics, or leaves the container behind")
			b := s.bundle(sh("sleep 100"))
			other, id := s.create(b), s.create(b)
			pid := s.state(id).Pid
			for _, path := range s.stateFiles(id) {
				data, err := os.ReadFile(path)
				s.must(err)
				s.must(os.WriteFile(path, []byte(d.do(string(data))), 0o600))
			}
			s.useless(id, other)
			equal(s, "the init is gone", gone(pid), true)
		})
	}
}

func TestStateFilesRemoved(t *testing.T) {
	s := begin(t)
	s.differs("runc", "removes the directory and leaves the container behind")
	b := s.bundle(sh("sleep 100"))
	other, id := s.create(b), s.create(b)
	pid := s.state(id).Pid
	for _, path := range s.stateFiles(id) {
		rm(s, path)
	}
	s.useless(id, other)
	equal(s, "the init is gone", gone(pid), true)
}

// A record that names a process of the host must not get it killed.
func TestStateOfARecycledPid(t *testing.T) {
	s := begin(t)
	s.differs("runc", "has no second record")
	bystander := s.sleeper()
	id := s.create(s.bundle())
	pid := itoa(s.state(id).Pid)
	for _, path := range s.stateFiles(id) {
		data, err := os.ReadFile(path)
		s.must(err)
		s.must(os.WriteFile(path, []byte(strings.ReplaceAll(string(data), pid, itoa(bystander))), 0o600))
	}
	s.run("kill", id, "KILL")
	s.run("delete", "--force", id)
	if processState(bystander) != "S" {
		s.errorf("the process that got the pid was killed")
	}
}

func TestStateRootIsPrivate(t *testing.T) {
	s := begin(t)
	id := s.create(s.bundle())
	for path, most := range map[string]os.FileMode{s.root: 0o700, filepath.Join(s.root, id): 0o711} {
		info, err := os.Stat(path)
		s.must(err)
		if info.Mode().Perm()&^most != 0 {
			s.errorf("%s has mode %o, at most %o", path, info.Mode().Perm(), most)
		}
	}
	for _, path := range s.stateFiles(id) {
		info, err := os.Stat(path)
		s.must(err)
		if info.Mode().Perm()&0o077 != 0 {
			s.errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
}
