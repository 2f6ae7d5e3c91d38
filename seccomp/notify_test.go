package seccomp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestNotify goes the whole way: a process loads a filter with a listener, its
// parent takes the descriptor and sends it to an agent, which answers the calls.
func TestNotify(t *testing.T) {
	p := compile(t, &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow, ListenerPath: "/agent",
		Syscalls: []specs.LinuxSyscall{{Names: []string{"getppid", "getpgid", "getsid"}, Action: specs.ActNotify}},
	}, "")
	info := &archs[p.native]
	j := &job{Program: p.Bytes(), Flags: p.Flags}
	for _, name := range []string{"getppid", "getpgid", "getsid"} {
		id, _ := findName(name)
		nr, _ := info.numberOf(id)
		j.Calls = append(j.Calls, Data{Number: nr, Args: [maxArgs]uint64{0, 7}})
	}
	l, path := agent(t)
	answered := make(chan []string, 1)
	go func() {
		conn, err := l.AcceptUnix()
		if err != nil {
			answered <- []string{err.Error()}
			return
		}
		defer conn.Close()
		_, fds := receive(t, conn)
		answered <- answer(fds[0], info)
	}()
	if got, want := j.notified(t, path), "[122 0 0]"; got != want {
		t.Errorf("errnos %s, want %s", got, want)
	}
	if got, want := strings.Join(<-answered, " "), "getppid getpgid getsid EOF"; got != want {
		t.Errorf("the agent saw %s, want %s", got, want)
	}
}

// answer is the agent: it fails one call, makes up the result of another and lets
// the kernel do the third.
func answer(listener int, info *archInfo) (seen []string) {
	defer unix.Close(listener)
	responses := []Response{{Errno: unix.EDQUOT}, {Value: 1234}, {Continue: true}}
	for {
		n, err := Receive(listener)
		if errors.Is(err, io.EOF) {
			return append(seen, "EOF")
		}
		if err != nil || len(responses) == 0 {
			return append(seen, "too much", errorText(err))
		}
		name, _ := info.nameOf(n.Data.Number)
		seen = append(seen, name)
		if n.Data.Args[1] != 7 || n.PID == 0 {
			seen = append(seen, "wrong notification")
		}
		if err := n.Respond(listener, responses[0]); err != nil {
			return append(seen, err.Error())
		}
		responses = responses[1:]
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// notified runs a job whose filter has a listener, and gives what it prints.
func (j *job) notified(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), loadEnv+"=1")
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fd := takeFD(t, cmd.Process.Pid, strings.TrimSpace(line))
	defer unix.Close(fd)
	state, err := ListenerState(specs.State{ID: "x"}, cmd.Process.Pid, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := SendListener(path, state, fd, time.Now().Add(5*time.Second)); err != nil {
		t.Fatal(err)
	}
	errnos, _ := io.ReadAll(lines)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	var numbers []int
	if err := json.Unmarshal(errnos, &numbers); err != nil {
		t.Fatalf("%v: %q", err, errnos)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(errnos)), ",", " ")
}

// takeFD duplicates a descriptor of another process (pidfd_getfd(2)).
func takeFD(t *testing.T, pid int, number string) int {
	t.Helper()
	target, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, target, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
