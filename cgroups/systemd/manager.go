package systemd

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cgroups/internal/dbus"
)

// jobTimeout is how long a job of systemd may take; tests wait less.
var jobTimeout = 30 * time.Second

// ErrNotRunning means that systemd is not the machine's init.
var ErrNotRunning = errors.New("systemd not running on this host, cannot use systemd cgroups manager")

// manager is a connection to a manager of systemd.
type manager struct {
	conn *dbus.Conn
	// direct: no bus is between.
	direct bool
	// controlGroup is the manager's own cgroup, "" for the root.
	controlGroup string
	version      int
}

// The names of systemd on D-Bus (org.freedesktop.systemd1(5)).
const (
	busName          = "org.freedesktop.systemd1"
	managerPath      = "/org/freedesktop/systemd1"
	managerInterface = "org.freedesktop.systemd1.Manager"
	properties       = "org.freedesktop.DBus.Properties"
)

// The errors of systemd that are acted upon.
const (
	errUnitExists   = "org.freedesktop.systemd1.UnitExists"
	errNoSuchUnit   = "org.freedesktop.systemd1.NoSuchUnit"
	errUnitNotFound = "org.freedesktop.systemd1.UnitNotLoaded"
)

// runDir is where systemd and the bus have their sockets; tests have a place of their own.
var runDir = "/run"

// running says whether systemd manages the machine (sd_booted(3)).
func running() bool {
	var st unix.Stat_t
	return unix.Lstat(runDir+"/systemd/system", &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// sockets lists where a manager can be reached. Its own socket comes first: it takes no bus, and one way less for each
// message.
func sockets(user bool) (direct, bus string) {
	if !user {
		bus = dbus.SocketOf(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"))
		if bus == "" {
			bus = path.Join(runDir, "dbus/system_bus_socket")
		}
		return path.Join(runDir, "systemd/private"), bus
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = path.Join(runDir, "user", strconv.Itoa(unix.Geteuid()))
	}
	if bus = dbus.SocketOf(os.Getenv("DBUS_SESSION_BUS_ADDRESS")); bus == "" {
		bus = path.Join(dir, "bus")
	}
	return path.Join(dir, "systemd/private"), bus
}

// connect reaches the manager of the system or of the user, and asks it where its units are and how old it is.
func connect(user bool) (*manager, error) {
	if !running() {
		return nil, ErrNotRunning
	}
	deadline := time.Now().Add(jobTimeout)
	direct, bus := sockets(user)
	conn, err := dbus.Dial(direct, deadline)
	m := &manager{conn: conn, direct: err == nil}
	if err != nil {
		var busErr error
		if m.conn, busErr = dbus.Dial(bus, deadline); busErr != nil {
			return nil, explainConnect(user, err, busErr)
		}
		if err := m.conn.Hello(); err != nil {
			m.close()
			return nil, fmt.Errorf("connect to the bus at %s: %w", bus, err)
		}
	}
	if err := m.identify(); err != nil {
		m.close()
		return nil, fmt.Errorf("ask systemd for its version and cgroup: %w", err)
	}
	return m, nil
}

// explainConnect says whom neither way led to.
func explainConnect(user bool, err, busErr error) error {
	who, hint := "systemd", ""
	if user {
		who = "the user's systemd"
		hint = "; it runs while the user has a session, or always after \"loginctl enable-linger\", and is found by XDG_RUNTIME_DIR"
	}
	return fmt.Errorf("cannot reach %s: %w; %w%s", who, err, busErr, hint)
}

func (m *manager) close() {
	if m != nil {
		m.conn.Close()
	}
}

func (m *manager) get(object, iface, name string) *dbus.Call {
	return &dbus.Call{
		Destination: busName, Path: object, Interface: properties, Member: "Get", Sig: "ss", Args: []any{iface, name},
	}
}

// identify sends both questions before it waits for an answer.
func (m *manager) identify() error {
	var serials [2]uint32
	for i, name := range [...]string{"ControlGroup", "Version"} {
		var err error
		if serials[i], err = m.conn.Send(m.get(managerPath, managerInterface, name)); err != nil {
			return err
		}
	}
	group, err := m.property(serials[0])
	if err != nil {
		return err
	}
	version, err := m.property(serials[1])
	if err != nil {
		return err
	}
	m.controlGroup, _ = group.Value.(string)
	if m.controlGroup == "/" {
		m.controlGroup = ""
	}
	text, _ := version.Value.(string)
	m.version = majorVersion(text)
	return nil
}

// property waits for a property that was asked for.
func (m *manager) property(serial uint32) (dbus.Variant, error) {
	reply, err := m.conn.Await(serial)
	if err != nil {
		return dbus.Variant{}, err
	}
	if len(reply.Body) != 1 {
		return dbus.Variant{}, errors.New("unexpected reply")
	}
	v, ok := reply.Body[0].(dbus.Variant)
	if !ok {
		return v, errors.New("unexpected reply")
	}
	return v, nil
}

// majorVersion takes 252 out of "252.39-1~deb12u2" and of "v257~rc1".
func majorVersion(text string) int {
	text = strings.TrimPrefix(text, "v")
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(text[:end])
	return n
}

func (m *manager) call(member, sig string, args ...any) (*dbus.Message, error) {
	return m.conn.Do(&dbus.Call{
		Destination: busName, Path: managerPath, Interface: managerInterface, Member: member, Sig: sig, Args: args,
	})
}

// job makes a call that starts a job and waits for the job's end. The result is "done" if it went well
// (org.freedesktop.systemd1(5), "JobRemoved").
func (m *manager) job(member, sig string, args ...any) (result string, err error) {
	m.conn.SetDeadline(time.Now().Add(jobTimeout))
	if !m.direct {
		if err := m.subscribe(); err != nil {
			return "", err
		}
	}
	reply, err := m.call(member, sig, args...)
	if err != nil {
		return "", err
	}
	job := reply.Text(0)
	for {
		signal, err := m.conn.Signal(managerInterface, "JobRemoved")
		if err != nil {
			return "", err
		}
		const jobPath, jobResult = 1, 3
		if signal.Text(jobPath) == job {
			return signal.Text(jobResult), nil
		}
	}
}

// subscribe asks the bus, and systemd, for signals about jobs. Without a bus they come unasked.
func (m *manager) subscribe() error {
	rule := "type='signal',sender='" + busName + "',path='" + managerPath + "',interface='" + managerInterface + "',member='JobRemoved'"
	if err := m.conn.Match(rule); err != nil {
		return err
	}
	_, err := m.call("Subscribe", "")
	if isError(err, "org.freedesktop.systemd1.AlreadySubscribed") {
		return nil
	}
	return err
}

func isError(err error, names ...string) bool {
	var e *dbus.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, name := range names {
		if e.Name == name {
			return true
		}
	}
	return false
}

func pairs(list []Property) []any {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = []any{p.Name, p.value}
	}
	return out
}

// start makes a transient unit. One of that name that has failed, or whose processes have ended and which systemd has not
// removed yet, gives way.
func (m *manager) start(unit string, list []Property) error {
	const tries, pause = 5, 20 * time.Millisecond
	var result string
	var err error
	for try := range tries {
		result, err = m.job("StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", pairs(list), []any{})
		if !isError(err, errUnitExists) {
			break
		}
		if try > 0 {
			time.Sleep(pause << try)
		}
		if resetErr := m.resetFailed(unit); resetErr != nil {
			return fmt.Errorf("error creating systemd unit %q: %w", unit, resetErr)
		}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("Timeout waiting for systemd to create %s", unit) //nolint:staticcheck // callers know the text
	case err != nil:
		return fmt.Errorf("error creating systemd unit %q: %w", unit, err)
	case result != "done":
		return fmt.Errorf("error creating systemd unit %q: got %q", unit, result)
	}
	return nil
}

// stop ends a unit, and makes systemd forget that it may have failed. One that is gone is as good.
func (m *manager) stop(unit string) error {
	result, err := m.job("StopUnit", "ss", unit, "replace")
	switch {
	case isError(err, errNoSuchUnit, errUnitNotFound):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("Timeout waiting for systemd to remove %s", unit) //nolint:staticcheck // as that of start
	case err != nil:
		return fmt.Errorf("stop systemd unit %q: %w", unit, err)
	case result != "done" && result != "canceled":
		return fmt.Errorf("stop systemd unit %q: got %q", unit, result)
	}
	return m.resetFailed(unit)
}

func (m *manager) resetFailed(unit string) error {
	_, err := m.call("ResetFailedUnit", "s", unit)
	if isError(err, errNoSuchUnit, errUnitNotFound) {
		return nil
	}
	return err
}

// set changes properties until the next boot.
func (m *manager) set(unit string, list []Property) error {
	m.conn.SetDeadline(time.Now().Add(jobTimeout))
	_, err := m.call("SetUnitProperties", "sba(sv)", unit, true, pairs(list))
	if err != nil {
		return fmt.Errorf("set properties of systemd unit %q: %w", unit, err)
	}
	return nil
}

// current reads what properties of a unit are now.
func (m *manager) current(unit, iface string, list []Property) ([]Property, error) {
	m.conn.SetDeadline(time.Now().Add(jobTimeout))
	object := managerPath + "/unit/" + objectName(unit)
	serials := make([]uint32, len(list))
	for i, p := range list {
		var err error
		if serials[i], err = m.conn.Send(m.get(object, iface, p.Name)); err != nil {
			return nil, err
		}
	}
	before := make([]Property, len(list))
	for i, serial := range serials {
		v, err := m.property(serial)
		if err != nil {
			return nil, fmt.Errorf("read property %s of systemd unit %q: %w", list[i].Name, unit, err)
		}
		before[i] = Property{list[i].Name, v}
	}
	return before, nil
}

// attach moves a process into a unit's cgroup, also one that the caller may not move.
func (m *manager) attach(unit, below string, pid int) error {
	m.conn.SetDeadline(time.Now().Add(jobTimeout))
	_, err := m.call("AttachProcessesToUnit", "ssau", unit, below, []any{uint64(pid)})
	if err != nil {
		return fmt.Errorf("move process %d to systemd unit %q: %w", pid, unit, err)
	}
	return nil
}

// objectName writes a unit's name as a part of an object path (sd_bus_path_encode(3)).
func objectName(unit string) string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	for i := range len(unit) {
		c := unit[i]
		if isAlphanumeric(c) && (i > 0 || c < '0' || c > '9') {
			out.WriteByte(c)
			continue
		}
		out.WriteByte('_')
		out.WriteByte(hex[c>>4])
		out.WriteByte(hex[c&15])
	}
	return out.String()
}
