package criu

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

// fakeEnv makes the test binary a CRIU that behaves as its value says.
const fakeEnv = "OCIRUN_TEST_FAKE_CRIU"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeEnv); mode != "" && len(os.Args) > 1 && os.Args[1] == "swrk" {
		fake(mode)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake answers requests on descriptor 3 until there are no more.
func fake(mode string) {
	buf := make([]byte, replyMax)
	for {
		n, _, err := sys.RecvFDs(3, buf, 1)
		if err != nil || n == 0 || mode == "dies" {
			return
		}
		kind, opts := int64(0), ""
		_ = fields(buf[:n], func(field int, num int64, part []byte) error {
			switch field {
			case 1:
				kind = num
			case 2:
				opts = describe(part)
			}
			return nil
		})
		answer(mode, kind, opts, buf)
	}
}

func describe(part []byte) string {
	var text []string
	_ = fields(part, func(field int, num int64, part []byte) error {
		text = append(text, fmt.Sprintf("%d=%d%s", field, num, part))
		return nil
	})
	return strings.Join(text, " ")
}

func answer(mode string, requested int64, opts string, buf []byte) {
	var m message
	m.required(1, requested)
	if mode == "refuses" {
		m.required(2, 0)
		m.required(7, int64(unix.EBADRQC))
		m.text(9, "no: "+opts)
		_ = sys.SendFDs(3, m)
		return
	}
	m.required(2, 1)
	var part message
	switch kind(requested) {
	case kindVersion:
		part.required(1, 3)
		part.required(2, 17)
		part.text(3, "v3.17")
		m.part(10, part)
	case kindFeatures:
		part.required(1, 0)
		part.required(2, 1)
		m.part(8, part)
	case kindRestore:
		part.required(1, 4711)
		m.part(4, part)
		if !notifies(buf) {
			m[3] = 0 // success
		}
	}
	_ = sys.SendFDs(3, m)
}

// notifies tells of two points; the second comes with a descriptor. It reports whether both
// were answered by a yes.
func notifies(buf []byte) bool {
	for _, script := range []string{"setup-namespaces", "orphan-pts-master"} {
		var m, part message
		part.text(1, script)
		part.required(2, 42)
		m.required(1, int64(kindNotify))
		m.required(2, 1)
		m.part(5, part)
		var fds []int
		if script == "orphan-pts-master" {
			fds = []int{0}
		}
		if sys.SendFDs(3, m, fds...) != nil {
			return false
		}
		n, _, err := sys.RecvFDs(3, buf, 1)
		if err != nil || describe(buf[:n]) != "1=6 3=1" {
			return false
		}
	}
	return true
}

func startFake(t *testing.T, mode string) *Worker {
	t.Helper()
	t.Setenv(fakeEnv, mode)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	w, err := Start(&Spawn{Path: exe, Stdio: [3]int{fd, fd, 2}, Cgroup: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestWorker(t *testing.T) {
	w := startFake(t, "works")
	v, err := w.Version()
	if err != nil || v != (Version{3, 17}) || v.Before(3, 17) || !v.Before(3, 18) || !v.Before(4, 0) {
		t.Errorf("version %v, %v", v, err)
	}
	if f, err := w.Features(); err != nil || f != (Features{LazyPages: true}) {
		t.Errorf("features %+v, %v", f, err)
	}
	if err := w.Dump(&Options{}, true); err != nil {
		t.Error(err)
	}
	var seen []string
	w.Notify = func(script string, pid, fd int) error {
		seen = append(seen, fmt.Sprint(script, " ", pid, " ", fd >= 0))
		return nil
	}
	pid, err := w.Restore(&Options{})
	if err != nil || pid != 4711 {
		t.Errorf("restored %d, %v", pid, err)
	}
	if want := []string{"setup-namespaces 42 false", "orphan-pts-master 42 true"}; !slices.Equal(seen, want) {
		t.Errorf("notifications %q", seen)
	}
}

// TestWorkerNotification: an error of a notification is that of the request.
func TestWorkerNotification(t *testing.T) {
	w := startFake(t, "works")
	broken := errors.New("broken")
	w.Notify = func(string, int, int) error { return broken }
	if _, err := w.Restore(&Options{}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestWorkerRefusal(t *testing.T) {
	w := startFake(t, "refuses")
	o := Options{
		ImagesDir: 7, WorkDir: 8, LogFile: "l", Pid: 9, CgroupMode: CgroupsSoft, TCPClose: true,
		Mounts: []Pair{{"/a", "b"}}, Inherit: []Inherited{{"k", 4}}, External: []string{"net[1]:x"},
		PageServer: PageServer{"h", 80}, EmptyNamespaces: 1 << 30,
	}
	err := w.Dump(&o, false)
	var said *Error
	if !errors.As(err, &said) || said.Errno != unix.EBADRQC {
		t.Fatal(err)
	}
	const want = "no: 1=7 2=9 9=4 10=0l 17=8 38=1073741824 11=0\n\x01h\x10P 52=1 24=1 34=3 23=0\n\x02/a\x12\x01b 27=0\n\x01k\x10\x04 37=0net[1]:x"
	if said.Error() != want {
		t.Errorf("\n got %q\nwant %q", said.Error(), want)
	}
}

func TestWorkerDies(t *testing.T) {
	w := startFake(t, "dies")
	if _, err := w.Version(); !errors.Is(err, errEnded) {
		t.Error(err)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		err  Error
		want string
	}{
		{Error{Errno: unix.EPERM, Message: "words"}, "words"},
		{Error{Errno: unix.EPERM}, "operation not permitted"},
		{Error{}, "request failed"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%+v: %q", c.err, got)
		}
	}
}

// FuzzReply: whatever comes is read or refused.
func FuzzReply(f *testing.F) {
	f.Add([]byte{8, 1, 16, 1})
	f.Add([]byte{8, 6, 16, 1, 42, 4, 10, 2, 'a', 'b'})
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseReply(data)
		if err == nil && len(r.message) > len(data) {
			t.Errorf("%d bytes gave %q", len(data), r.message)
		}
	})
}
