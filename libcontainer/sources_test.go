package libcontainer

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// TestSourcesInASmallQueue: what does not fit follows as fast as it is taken.
func TestSourcesInASmallQueue(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("clones mounts: needs root")
	}
	const many = 60
	b := &builder{o: &CreateOptions{}}
	b.plan = &plan.Plan{}
	for range many {
		b.plan.Add(plan.Rootfs, "", plan.Bind{Source: t.TempDir(), Handed: true})
		b.countSource(true)
	}
	b.plan.Add(plan.Rootfs, "", plan.Bind{Source: "/nonexistent"})
	pair, err := sys.SocketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(pair[0], pair[1])
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil {
		t.Fatal(err)
	}
	_ = unix.SetNonblock(pair[0], true)
	sent, err := b.sendSources(pair[0], 0, sourcesAhead)
	if err != nil || sent == 0 || sent >= many {
		t.Fatalf("%d of %d fit, %v", sent, many, err)
	}
	_ = unix.SetNonblock(pair[0], false)
	done := make(chan error, 1)
	go func() {
		_, err := b.sendSources(pair[0], sent, len(b.plan.Entries))
		done <- err
	}()
	for i := range many {
		var byte1 [1]byte
		n, fds, err := sys.RecvFDs(pair[1], byte1[:], 1)
		if err != nil || n != 1 || len(fds) != 1 {
			t.Fatalf("source %d: %d bytes, %d descriptors, %v", i, n, len(fds), err)
		}
		closeAll(fds...)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSourceThatCannotBeOpened(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("clones mounts: needs root")
	}
	b := &builder{o: &CreateOptions{}}
	b.plan = &plan.Plan{}
	b.plan.Add(plan.Rootfs, "/mounts/0", plan.Bind{Source: "/nonexistent", Dest: "/x", Handed: true})
	b.countSource(true)
	queue, err := b.handSources()
	closeAll(queue)
	if !errors.Is(err, unix.ENOENT) || err.Error() != "/mounts/0: bind /nonexistent on /x: no such file or directory" {
		t.Errorf("got %v", err)
	}
}
