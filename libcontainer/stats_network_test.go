package libcontainer

import (
	"errors"
	"os"
	"reflect"
	"testing"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
)

func TestParseNetwork(t *testing.T) {
	const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 12345678901      7    2    3    0     0          0         0      11     5    4    6    0     0       0          0
short: 1 2
`
	want := []NetworkInterface{{
		Name: "eth0", RxBytes: 12345678901, RxPackets: 7, RxErrors: 2, RxDropped: 3, TxBytes: 11, TxPackets: 5, TxErrors: 4, TxDropped: 6,
	}}
	if got := parseNetwork(table); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// The host's own devices are no container's.
func TestNetworkOfOwnNamespace(t *testing.T) {
	self, _, err := sys.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if list, err := networkInterfaces(self); list != nil || err != nil {
		t.Errorf("got %+v, %v", list, err)
	}
	if list, err := networkInterfaces(sys.Process{Pid: 1 << 30}); list != nil || !errors.Is(err, ErrNotRunning) {
		t.Errorf("of nobody: %+v, %v", list, err)
	}
}
