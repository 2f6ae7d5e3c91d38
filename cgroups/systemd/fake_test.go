package systemd

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/ocirun/ocirun/cgroups"
)

// fake is a manager of systemd as far as D-Bus shows one, on sockets in a directory of the test. It reads and writes
// messages by another implementation of the protocol.
type fake struct {
	t    *testing.T
	root string // its cgroup hierarchy
	// bus: it sits behind a bus, which wants a greeting and sends only the signals that were asked for.
	bus bool

	mu sync.Mutex
	// units has the properties of those that run.
	units map[string]map[string]dbus.Variant
	// failed are units that have failed and are not forgotten.
	failed []string
	calls  []string
	// result is that of the next job; "lost" means that the job never ends.
	result string
	// refuse answers calls of a method with an error.
	refuse  map[string]string
	matched bool
}

// startFake starts the manager and makes this test's idea of a machine lead to it.
func startFake(t *testing.T, user, bus bool) *fake {
	t.Helper()
	dir := t.TempDir()
	f := &fake{t: t, root: filepath.Join(dir, "cgroup"), bus: bus, units: map[string]map[string]dbus.Variant{}, result: "done", refuse: map[string]string{}}
	before := runDir
	runDir = dir
	t.Cleanup(func() { runDir = before })
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "xdg"))
	socket := "systemd/private"
	switch {
	case user && bus:
		socket = "xdg/bus"
	case user:
		socket = "xdg/systemd/private"
	case bus:
		socket = "dbus/system_bus_socket"
	}
	for _, name := range []string{"systemd/system", filepath.Dir(socket), "cgroup"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn)
		}
	}()
	return f
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if first, err := in.ReadByte(); err != nil || first != 0 {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(line, "AUTH EXTERNAL\r"):
			fmt.Fprint(conn, "DATA\r\n")
			continue
		case strings.HasPrefix(line, "DATA"):
			fmt.Fprint(conn, "OK 1234deadbeef\r\n")
			continue
		case strings.HasPrefix(line, "BEGIN"):
		default:
			fmt.Fprint(conn, "ERROR\r\n")
			continue
		}
		break
	}
	for {
		m, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		for _, reply := range f.answer(m) {
			if err := reply.EncodeTo(conn, binary.LittleEndian); err != nil {
				f.t.Error(err)
				return
			}
		}
	}
}

// answer gives the messages that follow a call. The serial of a message cannot be set from outside of that
// implementation, which does not matter: nobody replies to these.
func (f *fake) answer(m *dbus.Message) []*dbus.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	f.calls = append(f.calls, member)
	if name := f.refuse[member]; name != "" {
		return []*dbus.Message{f.fail(m, name)}
	}
	switch member {
	case "Get":
		return []*dbus.Message{f.property(m)}
	case "AddMatch":
		f.matched = true
	case "StartTransientUnit":
		return f.start(m)
	case "StopUnit":
		name := m.Body[0].(string)
		if _, ok := f.units[name]; !ok {
			return []*dbus.Message{f.fail(m, errNoSuchUnit)}
		}
		delete(f.units, name)
		os.RemoveAll(f.dir(name))
		return f.job(m, name)
	case "ResetFailedUnit":
		name := m.Body[0].(string)
		if !slices.Contains(f.failed, name) {
			return []*dbus.Message{f.fail(m, errNoSuchUnit)}
		}
		f.failed = slices.DeleteFunc(f.failed, func(n string) bool { return n == name })
	case "SetUnitProperties":
		for _, pair := range m.Body[2].([][]any) {
			f.units[m.Body[0].(string)][pair[0].(string)] = pair[1].(dbus.Variant)
		}
	}
	return []*dbus.Message{f.reply(m)}
}

func (f *fake) property(m *dbus.Message) *dbus.Message {
	name := m.Body[1].(string)
	switch name {
	case "ControlGroup":
		return f.reply(m, dbus.MakeVariant("/mine"))
	case "Version":
		return f.reply(m, dbus.MakeVariant("254.1-test"))
	}
	for _, properties := range f.units {
		if v, ok := properties[name]; ok {
			if pairs, isPairs := v.Value().([][]any); isPairs {
				// Read, they are lists of anything; to be written, they have to be structs again.
				list := make([]struct{ A, B string }, len(pairs))
				for i, pair := range pairs {
					list[i].A, list[i].B = pair[0].(string), pair[1].(string)
				}
				v = dbus.MakeVariant(list)
			}
			return f.reply(m, v)
		}
	}
	return f.fail(m, "org.freedesktop.DBus.Error.UnknownProperty")
}

func (f *fake) start(m *dbus.Message) []*dbus.Message {
	name := m.Body[0].(string)
	if _, ok := f.units[name]; ok || slices.Contains(f.failed, name) {
		return []*dbus.Message{f.fail(m, errUnitExists)}
	}
	properties := map[string]dbus.Variant{}
	for _, pair := range m.Body[2].([][]any) {
		properties[pair[0].(string)] = pair[1].(dbus.Variant)
	}
	f.units[name] = properties
	if err := os.MkdirAll(f.dir(name), 0o755); err != nil {
		f.t.Error(err)
	}
	for file, text := range map[string]string{
		"cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma misc\n", "cgroup.procs": "", "cgroup.freeze": "0\n", "memory.max": "max\n",
		"pids.max": "max\n", "cpu.max": "max 100000\n", "cgroup.events": "populated 0\nfrozen 0\n",
		"../cgroup.subtree_control": "cpuset cpu io memory hugetlb pids rdma misc\n",
	} {
		if err := os.WriteFile(filepath.Join(f.dir(name), file), []byte(text), 0o644); err != nil {
			f.t.Error(err)
		}
	}
	return f.job(m, name)
}

func (f *fake) dir(unit string) string { return filepath.Join(f.root, "mine/system.slice", unit) }

// job replies with a job and then says how it ended, between the ends of others.
func (f *fake) job(m *dbus.Message, unit string) []*dbus.Message {
	const path = "/org/freedesktop/systemd1/job/7"
	out := []*dbus.Message{f.removed("/org/freedesktop/systemd1/job/6", "other.service", "failed"), f.reply(m, dbus.ObjectPath(path))}
	if f.result != "lost" && (!f.bus || f.matched) {
		out = append(out, f.removed(path, unit, f.result))
	}
	return out
}

func (f *fake) removed(job, unit, result string) *dbus.Message {
	return f.message(dbus.TypeSignal, map[dbus.HeaderField]any{
		dbus.FieldPath: dbus.ObjectPath(managerPath), dbus.FieldInterface: managerInterface, dbus.FieldMember: "JobRemoved",
	}, uint32(7), dbus.ObjectPath(job), unit, result)
}

func (f *fake) reply(m *dbus.Message, body ...any) *dbus.Message {
	return f.message(dbus.TypeMethodReply, map[dbus.HeaderField]any{dbus.FieldReplySerial: m.Serial()}, body...)
}

func (f *fake) fail(m *dbus.Message, name string) *dbus.Message {
	return f.message(dbus.TypeError, map[dbus.HeaderField]any{dbus.FieldReplySerial: m.Serial(), dbus.FieldErrorName: name}, "it said "+name)
}

func (f *fake) message(kind dbus.Type, headers map[dbus.HeaderField]any, body ...any) *dbus.Message {
	m := &dbus.Message{Type: kind, Headers: map[dbus.HeaderField]dbus.Variant{}, Body: body}
	for field, v := range headers {
		m.Headers[field] = dbus.MakeVariant(v)
	}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	return m
}

func (f *fake) host() cgroups.Host {
	return cgroups.Host{Mode: cgroups.ModeV2, Root: f.root, Unified: f.root}
}

// called lists the calls since the last time, without the questions at the beginning.
func (f *fake) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := strings.Join(f.calls, " ")
	f.calls = nil
	return text
}

func (f *fake) has(unit, property string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.units[unit][property]
	if !ok {
		return "none"
	}
	return fmt.Sprint(v.Value())
}
