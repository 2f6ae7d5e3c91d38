package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tmux is a terminal with a person at it.
type tmux struct {
	s      *scenario
	socket string
}

// session starts a shell line in a terminal of 80 columns and 24 lines.
func (s *scenario) session(line string) *tmux {
	s.t.Helper()
	term := &tmux{s: s, socket: filepath.Join(s.dir, "tmux")}
	server := exec.Command("tmux", "-S", term.socket, "-f", os.DevNull, "-D")
	server.Env = append(os.Environ(), "TERM=xterm", "LC_ALL=C.UTF-8")
	s.help(server) // in the foreground, so that it ends with the scenario
	s.eventually("tmux listens", func() bool {
		_, err := os.Stat(term.socket)
		return err == nil
	})
	term.do("new-session", "-d", "-x", "80", "-y", "24", line)
	return term
}

func (t *tmux) do(args ...string) string {
	t.s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", t.socket}, args...)...).CombinedOutput()
	if err != nil {
		t.s.fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// types gives keys in tmux's spelling, C-c for one.
func (t *tmux) types(keys ...string) { t.do(append([]string{"send-keys"}, keys...)...) }

// shows waits for a line on the screen.
func (t *tmux) shows(line string) {
	t.s.t.Helper()
	screen, found := "", false
	defer func() {
		if !found {
			t.s.t.Logf("the screen:\n%s", screen)
		}
	}()
	t.s.eventually("the screen shows "+line, func() bool {
		screen = t.do("capture-pane", "-p")
		found = strings.Contains("\n"+screen, "\n"+line+"\n")
		return found
	})
}

// TestTmux: a person runs a shell in a container: they type, enlarge the window,
// interrupt a program, leave, and have their own terminal back as it was.
func TestTmux(t *testing.T) {
	s := begin(t)
	s.needsPs()
	s.differs("crun", "1.21 leaves the container's terminal without a size under tmux")
	b := s.bundle(terminal, args("sh"), env("PS1=box> ", "PATH=/bin"))
	id := s.id()
	run := fmt.Sprintf("%s --root %s run -b %s %s", suite.runtime, s.root, b.dir, id)
	settings := func(name string) string { return "stty -g >" + filepath.Join(s.dir, name) }
	term := s.session(settings("before") + "; " + run + "; echo code $?; " + settings("after") + "; echo over; exec sleep 1000")
	term.shows("box>")
	term.types("echo $((6 * 7)) $(stty size)", "Enter")
	term.shows("42 24 80")
	term.do("resize-window", "-x", "100", "-y", "30")
	term.types("clear; stty size", "Enter")
	term.shows("30 100")
	term.types("sleep 1000", "Enter")
	s.eventually("the program runs", func() bool { return strings.Contains(s.run("ps", id).out, "sleep 1000") })
	term.types("C-c")
	s.eventually("the program is interrupted", func() bool { return !strings.Contains(s.run("ps", id).out, "sleep 1000") })
	term.types("echo still $((40 + 2))", "Enter")
	term.shows("still 42")
	term.types("exit 3", "Enter")
	term.shows("code 3")
	term.shows("over")
	equal(s, "settings of the terminal", s.read(filepath.Join(s.dir, "after")), s.read(filepath.Join(s.dir, "before")))
	term.do("kill-server")
}
