package netdev

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// space is a network namespace.
type space struct {
	fd   int
	conn *Conn
}

// spaces makes two network namespaces and leaves the test in the first one, on a thread
// of its own that ends with it.
func spaces(t *testing.T) (host, container space) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("makes network namespaces: needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip(8)")
	}
	runtime.LockOSThread() // and never unlocked
	for _, s := range []*space{&container, &host} {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Fatal(err)
		}
		var err error
		if s.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
		if s.conn, err = Dial(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.conn.Close(); unix.Close(s.fd) })
	}
	return host, container
}

// in runs a command in a namespace.
func (s space) in(t *testing.T, command string) string {
	t.Helper()
	if err := unix.Setns(s.fd, unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-ec", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func (s space) has(name string) bool {
	_, err := s.conn.link(name)
	return err == nil
}

func TestMove(t *testing.T) {
	host, container := spaces(t)
	host.in(t, `ip link add v0 type veth peer name v1; ip link set v1 up
		ip addr add 10.9.8.7/24 brd 10.9.8.255 dev v0; ip addr add 10.9.8.8/24 dev v0; ip addr add 10.1.1.1/32 dev v0 valid_lft 100 preferred_lft 100
		ip addr add 169.254.1.1/16 scope link dev v0; ip -6 addr add fd00::7/64 dev v0 nodad; ip link set v0 up mtu 1400 address 02:00:00:00:00:07`)
	if err := Move(host.conn, container.conn, container.fd, "v0", "eth0"); err != nil {
		t.Fatal(err)
	}
	if host.has("v0") || !container.has("eth0") {
		t.Error("the device is not where it should be")
	}
	out := container.in(t, "ip -o addr show dev eth0; ip -o link show dev eth0")
	for _, want := range []string{"inet 10.9.8.7/24 brd 10.9.8.255 scope global", "inet 10.9.8.8/24", "inet6 fd00::7/64 scope global nodad", "mtu 1400", "02:00:00:00:00:07", ",UP"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, gone := range []string{"10.1.1.1", "169.254"} {
		if strings.Contains(out, gone) {
			t.Errorf("%q is neither permanent nor global:\n%s", gone, out)
		}
	}
}

func TestMoveNames(t *testing.T) {
	host, container := spaces(t)
	host.in(t, `for i in 0 1 2 3; do ip link add v$i type veth peer name w$i; done`)
	container.in(t, `ip link add v0 type veth peer name net0`)
	for _, c := range []struct {
		name, as string
		want     error
	}{
		{"none", "", ErrNotFound},
		{"v0", "", ErrTaken},
		{"v1", "net0", ErrTaken},
	} {
		if err := Move(host.conn, container.conn, container.fd, c.name, c.as); !errors.Is(err, c.want) {
			t.Errorf("%s as %q: %v", c.name, c.as, err)
		}
		if c.name != "none" && !host.has(c.name) {
			t.Errorf("%s is gone", c.name)
		}
	}
	// The name that it has may be taken, and the one that it gets is chosen.
	for _, name := range []string{"v0", "v2"} {
		if err := Move(host.conn, container.conn, container.fd, name, "net%d"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Move(host.conn, container.conn, container.fd, "v3", ""); err != nil {
		t.Error(err)
	}
	if !container.has("net1") || !container.has("net2") || !container.has("v3") {
		t.Errorf("in the container: %s", container.in(t, "ip -o link"))
	}
	// Its own name is taken there, the new one is not.
	host.in(t, "ip link add net0 type veth peer name y")
	if err := Move(host.conn, container.conn, container.fd, "net0", "fresh"); err != nil || !container.has("fresh") {
		t.Errorf("%v, in the container: %s", err, container.in(t, "ip -o link"))
	}
}

func TestMoveLoopback(t *testing.T) {
	host, container := spaces(t)
	if err := Move(host.conn, container.conn, container.fd, "lo", "other"); !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("got %v", err)
	}
	if !host.has("lo") || container.has("other") {
		t.Error("the loopback device has moved")
	}
}

// A dump of thousands of addresses comes in many pieces.
func TestManyAddresses(t *testing.T) {
	host, container := spaces(t)
	host.in(t, `ip link add v0 type veth peer name v1
		i=0; while [ $i -lt 1200 ]; do echo "addr add 10.$((i/250)).$((i%250)).1/32 dev v0"; i=$((i+1)); done | ip -batch -`)
	if err := Move(host.conn, container.conn, container.fd, "v0", ""); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(container.in(t, "ip -o -4 addr show dev v0"), "inet "); got != 1200 {
		t.Errorf("%d addresses", got)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add([]byte(message{}.attribute(3, []byte("eth0\x00"))))
	f.Add([]byte{8, 0, 1, 0, 1, 2, 3, 4, 4, 0, 0, 0, 255, 255, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		message(data).attributes(0, func(_ uint16, value []byte) { total += len(value) })
		if total > len(data) {
			t.Errorf("%d bytes of values in %d", total, len(data))
		}
		for device := range int32(2) {
			if a, ok := readAddress(data, device); ok {
				_ = a.String()
			}
		}
		conn := Conn{seq: 1}
		var answers []message
		_, _ = conn.take(data, &answers)
	})
}

func TestAddressText(t *testing.T) {
	at := func(ip net.IP) []attribute { return []attribute{{unix.IFA_ADDRESS, ip}} }
	for _, c := range []struct {
		a    address
		want string
	}{
		{address{family: unix.AF_INET, prefix: 8, attributes: at(net.IPv4(1, 2, 3, 4).To4())}, "1.2.3.4/8"},
		{address{family: unix.AF_INET6, prefix: 64, attributes: at(net.ParseIP("fd00::1:2"))}, "fd00:0:0:0:0:0:1:2/64"},
		{address{family: 77}, "of family 77"},
	} {
		if got := c.a.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
