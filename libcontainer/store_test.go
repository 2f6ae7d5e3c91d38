package libcontainer

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

func newTestStore(t *testing.T) *Store {
	t.Helper()
	s, err := NewStore(filepath.Join(t.TempDir(), "state", "root"))
	if err != nil {
		t.Fatal(err)
	}
	s.Warn = func(message string) { t.Log("warning:", message) }
	return s
}

const sampleConfig = `{"ociVersion":"1.3.0","annotations":{"a":"b","empty":""},"root":{"path":"rootfs"}}`

// begin makes a container without any effect outside of the store.
func begin(t *testing.T, s *Store, id string) *creation {
	t.Helper()
	r := sampleRecord(id)
	r.Cgroup = cgroupPlace{Mode: "none"}
	r.SharedPID = false
	c, err := s.begin(r, []byte(sampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.release)
	return c
}

// sleeper starts a process that stands for a container's first one.
func sleeper(t *testing.T) (*exec.Cmd, sys.Process) {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p, _, err := sys.Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, p
}

func writeProgress(t *testing.T, s *Store, id string, state uint32) {
	t.Helper()
	page := make([]byte, 4096)
	binary.LittleEndian.PutUint32(page, 0x52474f50)
	binary.LittleEndian.PutUint32(page[4:], state)
	if err := os.WriteFile(filepath.Join(s.root, id, progressName), page, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, s *Store, id string, want Status) *State {
	t.Helper()
	c, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	state, err := c.State()
	if err != nil {
		t.Fatal(err)
	}
	if state.Status != want {
		t.Fatalf("status is %s, want %s", state.Status, want)
	}
	if (want == Stopped) != (state.Pid == 0) && want != Creating {
		t.Fatalf("%s with pid %d", want, state.Pid)
	}
	return state
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]error{
		"a": nil, "A_z+0.9-": nil, ".hidden": nil, "...": nil, strings.Repeat("x", 255): nil, "-": nil,
		"": ErrEmptyID, ".": ErrInvalidID, "..": ErrInvalidID, "a/b": ErrInvalidID, "/": ErrInvalidID,
		"a b": ErrInvalidID, "é": ErrInvalidID, "a\x00": ErrInvalidID, "a\n": ErrInvalidID, "~0~a": ErrInvalidID,
		strings.Repeat("x", 256): ErrInvalidID,
	} {
		if err := checkID(id); !errors.Is(err, want) {
			t.Errorf("checkID(%.20q) = %v, want %v", id, err, want)
		}
	}
	s := newTestStore(t)
	if _, err := s.Load(""); !errors.Is(err, ErrEmptyID) {
		t.Errorf("Load of the empty id: %v", err)
	}
	if _, err := s.Load("nobody"); !errors.Is(err, ErrNotExist) {
		t.Errorf("Load from a store that does not exist: %v", err)
	}
}

func TestNewStore(t *testing.T) {
	if _, err := NewStore("/"); err == nil {
		t.Error("the root directory is accepted")
	}
	if _, err := NewStore("//./"); err == nil {
		t.Error("the root directory in another form is accepted")
	}
	s, err := NewStore("some/../where")
	if err != nil || !filepath.IsAbs(s.Root()) || !strings.HasSuffix(s.Root(), "/where") {
		t.Errorf("NewStore = %v, %v", s, err)
	}
}

func TestLifeAsTheRecordTellsIt(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	if info, err := os.Stat(s.root); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("root: %v %v", info, err)
	}
	wantStatus(t, s, "web", Creating)
	if _, err := s.begin(sampleRecord("web"), nil); !errors.Is(err, ErrExist) {
		t.Fatalf("second begin: %v", err)
	}
	cmd, p := sleeper(t)
	if err := c.recordInit(p); err != nil {
		t.Fatal(err)
	}
	if state := wantStatus(t, s, "web", Creating); state.Pid != p.Pid {
		t.Errorf("pid is %d while creating", state.Pid)
	}
	writeProgress(t, s, "web", 2)
	if err := c.commit(false); err != nil {
		t.Fatal(err)
	}
	state := wantStatus(t, s, "web", Created)
	if state.Pid != p.Pid || state.Annotations["a"] != "b" || len(state.Annotations) != 2 || state.OwnerUID != os.Getuid() ||
		state.OCIVersion != "1.3.0" || state.ID != "web" || state.Rootfs != "/bundles/rootfs" || state.Created.Nanosecond() != 678901234 {
		t.Errorf("state: %+v", state)
	}
	writeProgress(t, s, "web", 3)
	wantStatus(t, s, "web", Running)
	cmd.Process.Kill()
	waitFor(t, "a zombie", func() bool { _, state, err := sys.Identify(p.Pid); return err == nil && state == 'Z' })
	wantStatus(t, s, "web", Stopped)
	cmd.Wait()
	wantStatus(t, s, "web", Stopped)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

func TestRecycledPidIsStopped(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	_, p := sleeper(t)
	p.Start--
	if err := errors.Join(c.recordInit(p), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s, "web", Stopped)
}

func TestMakerThatDied(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	_, p := sleeper(t)
	if err := c.recordInit(p); err != nil {
		t.Fatal(err)
	}
	c.release() // as the kernel does when the maker ends
	wantStatus(t, s, "web", Stopped)
}

func TestStartedWithoutGate(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	_, p := sleeper(t)
	if err := errors.Join(c.recordInit(p), c.commit(true)); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s, "web", Running)
}

func TestCommitSeesDeletion(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	if err := c.dir.note(c.record, newEntry(lineDeleting)); err != nil {
		t.Fatal(err)
	}
	if err := c.commit(false); !errors.Is(err, errDeletedMeanwhile) {
		t.Fatalf("commit: %v", err)
	}
}

func TestNoteAfterTornLine(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	path := filepath.Join(s.root, "web", recordName)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("12345678 init pi")
	f.Close()
	r, err := c.dir.load()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.dir.note(r, newEntry(lineStarted)); err != nil {
		t.Fatal(err)
	}
	if r, err = c.dir.load(); err != nil || !r.IsStarted {
		t.Fatalf("the line after a torn one is lost: %+v %v", r, err)
	}
}

func TestOneOfManyMakersWins(t *testing.T) {
	s := newTestStore(t)
	for range 10 {
		var won, lost atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Add(1)
			go func() {
				defer all.Done()
				r := sampleRecord("web")
				switch c, err := s.begin(r, []byte(sampleConfig)); {
				case err == nil:
					won.Add(1)
					defer c.release()
				case errors.Is(err, ErrExist):
					lost.Add(1)
				default:
					t.Error(err)
				}
			}()
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 15 {
			t.Fatalf("%d won, %d lost", won.Load(), lost.Load())
		}
		if err := os.RemoveAll(filepath.Join(s.root, "web")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListGoesOn(t *testing.T) {
	s := newTestStore(t)
	if _, err := s.List(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("list of a missing store: %v", err)
	}
	begin(t, s, "zz")
	begin(t, s, "aa")
	for name, content := range map[string]string{"b-null": "null", "b-empty": "", "b-object": "{}", "b-bin": "\x00\xff\n\x00"} {
		dir := filepath.Join(s.root, name)
		os.Mkdir(dir, 0o711)
		os.WriteFile(filepath.Join(dir, recordName), []byte(content), 0o600)
	}
	os.Mkdir(filepath.Join(s.root, "c-nothing"), 0o711)
	os.Mkdir(filepath.Join(s.root, "d-dir"), 0o711)
	os.Mkdir(filepath.Join(s.root, "d-dir", recordName), 0o711)
	os.Mkdir(filepath.Join(s.root, "~0~web"), 0o711)
	os.WriteFile(filepath.Join(s.root, "file"), nil, 0o600)
	os.Symlink("aa", filepath.Join(s.root, "link"))
	entries, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
		good := e.ID == "aa" || e.ID == "zz"
		if good != (e.Err == nil) || good != (e.State != nil) {
			t.Errorf("%s: state %v, error %v", e.ID, e.State, e.Err)
		}
	}
	want := []string{"aa", "b-bin", "b-empty", "b-null", "b-object", "c-nothing", "d-dir", "zz"}
	if !slices.Equal(ids, want) {
		t.Errorf("list has %v, want %v", ids, want)
	}
}

func TestLock(t *testing.T) {
	s := newTestStore(t)
	c := begin(t, s, "web")
	unlock, err := c.dir.lock(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Load("web")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := other.dir.lock(50 * time.Millisecond); !errors.Is(err, errBusy) {
		t.Fatalf("second lock: %v", err)
	}
	if waited := time.Since(began); waited < 40*time.Millisecond || waited > 2*time.Second {
		t.Errorf("waited %v", waited)
	}
	time.AfterFunc(30*time.Millisecond, unlock)
	unlock2, err := other.dir.lock(5 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	unlock2()
}

func TestBeginLeavesNothingWhenItFails(t *testing.T) {
	s := newTestStore(t)
	r := sampleRecord("web")
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		t.Fatal(err)
	}
	mountTmpfs(t, s.root, "size=4k,nr_inodes=8")
	if c, err := s.begin(r, make([]byte, 64<<10)); err == nil {
		c.release()
		t.Fatal("a full filesystem is no error")
	}
	left, err := os.ReadDir(s.root)
	if err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v %v", left, err)
	}
}
