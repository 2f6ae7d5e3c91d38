package libcontainer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ocirun/ocirun/libcontainer/internal/initproc"
	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// benchStore is on a memory file system, where a store belongs.
func benchStore(b *testing.B) *Store {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ocirun-bench-") //nolint:usetesting // not on the disk
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	s, err := NewStore(filepath.Join(dir, "root"))
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkRecordLife is what the record adds to the life of a container.
func BenchmarkRecordLife(b *testing.B) {
	s := benchStore(b)
	p, _, err := sys.Identify(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	config := make([]byte, 6000)
	for b.Loop() {
		c, err := s.begin(sampleRecordWithoutCgroup("web"), config)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(c.recordInit(p), c.commit(false), s.removeEnded(c.Container, c.record)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkState(b *testing.B) {
	s := benchStore(b)
	c, err := s.begin(sampleRecordWithoutCgroup("web"), []byte(sampleConfig))
	if err != nil {
		b.Fatal(err)
	}
	p, _, err := sys.Identify(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	page, err := initproc.CreateProgress(c.dir.fd, progressName, 4096)
	if err := errors.Join(err, c.recordInit(p), c.commit(false)); err != nil {
		b.Fatal(err)
	}
	defer sys.CloseAll([]int{page})
	for b.Loop() {
		web, err := s.Load("web")
		if err != nil {
			b.Fatal(err)
		}
		if state, err := web.State(); err != nil || state.Status != Created {
			b.Fatal(state, err)
		}
	}
}
