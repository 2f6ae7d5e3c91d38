package libcontainer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/libcontainer/internal/sys"
	"github.com/ocirun/ocirun/specconv/plan"
)

// shellHook is a hook that runs a script.
func shellHook(script string) hookCall {
	return hookCall{
		Hook:  plan.Hook{Kind: plan.CreateRuntime, Path: "/bin/sh", Args: []string{"hook", "-c", script}},
		State: []byte(`{"id":"web"}`), Watch: -1,
	}
}

func TestHookOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		hook hookCall
		want string
	}{
		"ok":           {shellHook("exit 0"), ""},
		"reads stdin":  {shellHook(`test "$(cat)" = '{"id":"web"}'`), ""},
		"ignores it":   {shellHook("exec 0<&-; exit 0"), ""},
		"status":       {shellHook("echo out; echo err >&2; exit 3"), "error running createRuntime hook #0: exit status 3, stdout: out\n, stderr: err\n"},
		"silent":       {shellHook("exit 3"), "error running createRuntime hook #0: exit status 3, stdout: , stderr: "},
		"signal":       {shellHook("kill -TERM $$"), "error running createRuntime hook #0: signal: terminated, stdout: , stderr: "},
		"missing":      {hookCall{Hook: plan.Hook{Kind: plan.Poststop, Index: 2, Path: "/nonexist"}, Watch: -1}, "error running poststop hook #2: fork/exec /nonexist: no such file or directory"},
		"missing dir":  {hookCall{Hook: plan.Hook{Kind: plan.Poststop, Path: "/bin/true"}, Dir: "/nonexist", Watch: -1}, "error running poststop hook #0: fork/exec /bin/true: no such file or directory"},
		"default args": {hookCall{Hook: plan.Hook{Kind: plan.Prestart, Path: "/bin/true"}, Watch: -1}, ""},
		"dir":          {hookCall{Hook: shellHook(`test "$(pwd)" = /usr`).Hook, Dir: "/usr", Watch: -1}, ""},
		"own group":    {shellHook(`test "$(ps -o pgid= -p $$ | tr -d ' ')" = $$`), ""},
	} {
		err := c.hook.run()
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: got  %v\nwant %s", name, err, c.want)
		}
	}
	if err := (hookCall{Hook: plan.Hook{Path: "/nonexist"}, Watch: -1}).run(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the errno is lost: %v", err)
	}
}

func TestHookEnvironment(t *testing.T) {
	t.Setenv("OCIRUN_TEST_OF_ENV", "inherited")
	inherit := shellHook(`test "$OCIRUN_TEST_OF_ENV" = inherited`)
	if err := inherit.run(); err != nil {
		t.Error(err)
	}
	given := shellHook(`test -z "$OCIRUN_TEST_OF_ENV" && test "$A" = "b c"`)
	given.Env = []string{"A=b c"}
	if err := given.run(); err != nil {
		t.Error(err)
	}
}

func TestHookTimeoutKillsTheGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	hook := shellHook(fmt.Sprintf("sleep 300 & echo $! >%s; wait", file))
	hook.Timeout = time.Second
	began := time.Now()
	err := hook.run()
	if err == nil || err.Error() != "error running createRuntime hook #0: hook ran past specified timeout of 1.0s" {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the hook's child to die", func() bool {
		_, state, err := sys.Identify(pid)
		return errors.Is(err, unix.ESRCH) || state == 'Z'
	})
}

func TestHookThatDaemonisesOrFloods(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	for name, script := range map[string]string{
		"daemon keeps the pipes": "setsid sleep 300 & echo $! >" + file,
		"daemon floods":          "setsid sh -c 'echo $$ >" + file + "; exec yes' & sleep 0.2",
	} {
		began := time.Now()
		if err := shellHook(script).run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		killFromFile(t, file)
	}
	flood := shellHook(`head -c 20000000 /dev/zero | tr '\0' x; printf END; exit 1`)
	err := flood.run()
	if err == nil || !strings.Contains(err.Error(), "xxxEND, stderr: ") || len(err.Error()) > hookOutputMax+200 {
		t.Errorf("flood: error of %d bytes", len(fmt.Sprint(err)))
	}
	endless := shellHook("exec yes")
	endless.Timeout = time.Second
	if err := endless.run(); err == nil || !strings.Contains(err.Error(), "past specified timeout") {
		t.Errorf("endless: %v", err)
	}
}

// killFromFile ends the process whose id a test's hook wrote down, unless it has ended by itself.
func killFromFile(t *testing.T, file string) {
	t.Helper()
	waitFor(t, "the daemon's pid", func() bool {
		text, _ := os.ReadFile(file)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || pid <= 1 {
			return false
		}
		err = unix.Kill(pid, unix.SIGKILL)
		return err == nil || errors.Is(err, unix.ESRCH)
	})
	os.Remove(file)
}

func TestHookWithMuchState(t *testing.T) {
	big := shellHook(`test "$(wc -c)" -eq 3000000`)
	big.State = make([]byte, 3_000_000)
	if err := big.run(); err != nil {
		t.Error(err)
	}
	deaf := shellHook("sleep 0.1")
	deaf.State = big.State
	if err := deaf.run(); err != nil {
		t.Error(err)
	}
}

func TestHookEndsWithItsContainer(t *testing.T) {
	cmd := exec.Command("sleep", "0.2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	hook := shellHook("sleep 300")
	var err error
	if hook.Watch, err = sys.PidfdOpen(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(hook.Watch)
	began := time.Now()
	if err := hook.run(); !errors.Is(err, errInitGone) || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestHookState(t *testing.T) {
	raw := hookState("web", Creating, 42, "/b \"x\"", map[string]string{"z": "1", "a": "\n"})
	want := `{"ociVersion":"1.3.0","id":"web","status":"creating","pid":42,"bundle":"/b \"x\"","annotations":{"a":"\u000a","z":"1"}}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	raw = hookState("web", Stopped, 0, "/b", nil)
	if string(raw) != `{"ociVersion":"1.3.0","id":"web","status":"stopped","bundle":"/b"}` {
		t.Errorf("stopped: %s", raw)
	}
	var state specs.State
	if err := json.Unmarshal(raw, &state); err != nil || state.ID != "web" {
		t.Errorf("%+v %v", state, err)
	}
}

func TestHooksOf(t *testing.T) {
	five := 5
	spec := &specs.Spec{Hooks: &specs.Hooks{
		Poststop:  []specs.Hook{{Path: "/a", Args: []string{"a", "b"}, Env: []string{"X=1"}, Timeout: &five}, {Path: "/b"}},
		Poststart: []specs.Hook{{Path: "/c"}},
	}}
	want := []plan.Hook{
		{Kind: plan.Poststop, Path: "/a", Args: []string{"a", "b"}, Env: []string{"X=1"}, Timeout: 5 * time.Second},
		{Kind: plan.Poststop, Index: 1, Path: "/b"},
	}
	if got := hooksOf(spec, plan.Poststop); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if got := hooksOf(spec, plan.Prestart); len(got) != 0 {
		t.Errorf("prestart: %+v", got)
	}
	if got := hooksOf(&specs.Spec{}, plan.Poststop); got != nil {
		t.Errorf("none: %+v", got)
	}
}
