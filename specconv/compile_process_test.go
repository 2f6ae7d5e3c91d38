package specconv

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/specconv/plan"
)

func specsMode(bits uint32) os.FileMode { return os.FileMode(bits) }

func TestCompileProcess(t *testing.T) {
	runCases(t, []compileCase{
		{
			name: "root", change: func(s *specs.Spec, _ *Options) { s.Process.User = specs.User{} },
			want: []string{"chdir", "default:user change to user 0:0", "apply capabilities", "default:umask set umask 022"},
		},
		{name: "user", change: func(s *specs.Spec, _ *Options) {
			mask := uint32(0o1077)
			s.Process.User = specs.User{UID: 5, GID: 6, AdditionalGids: []uint32{7}, Umask: &mask}
		}, want: []string{
			"limit the capability", "chdir", "/process/user change to user 5:6 groups=7", "chdir", "apply capabilities",
			"/process/user/umask set umask 077", "exec:", "exec \"sh\"",
		}},
		{
			name: "no capabilities", change: func(s *specs.Spec, _ *Options) { s.Process.Capabilities = nil },
			want: []string{"default:capabilities limit the capability bounding set keep none", "effective=none"},
		},
		{
			name: "N24 unknown capabilities", change: func(s *specs.Spec, o *Options) {
				o.Host.LastCap = 39
				c := s.Process.Capabilities
				c.Bounding = []string{"CAP_CHECKPOINT_RESTORE", "CAP_BPF", "cap_kill", "KILL"}
				c.Effective, c.Permitted = []string{"CAP_BPF"}, []string{"CAP_BPF", "KILL"}
			}, want: []string{"keep BPF", "effective=BPF"},
			warning: "ignoring unknown or unavailable capabilities: [CAP_CHECKPOINT_RESTORE cap_kill KILL]",
		},
		{
			name: "N24 capabilities that the runtime lacks", change: func(_ *specs.Spec, o *Options) { o.Host.Caps = 1 << 5 },
			want: []string{"keep KILL", "effective=KILL"}, warning: "[CAP_AUDIT_WRITE CAP_NET_BIND_SERVICE]",
		},
		{name: "all capabilities in a user namespace", change: func(s *specs.Spec, o *Options) {
			o.Host.Caps = 1 << 5
			s.Linux.Namespaces = namespaceList("user=/u", "mount")
		}, want: []string{"keep KILL,NET_BIND_SERVICE,AUDIT_WRITE"}},
		{name: "ambient without inheritable", change: func(s *specs.Spec, _ *Options) {
			s.Process.Capabilities.Ambient = []string{"CAP_KILL"}
		}, absent: []string{"ambient"}, warning: "can't raise ambient capability CAP_KILL: operation not permitted"},
		{name: "several ambient without inheritable", change: func(s *specs.Spec, _ *Options) {
			s.Process.Capabilities.Ambient = []string{"CAP_KILL", "CAP_NET_BIND_SERVICE"}
		}, absent: []string{"ambient"}, warning: "can't raise ambient capabilities CAP_KILL CAP_NET_BIND_SERVICE: operation not permitted"},
		{
			name: "N25 oom score", change: func(s *specs.Spec, _ *Options) { score := 0; s.Process.OOMScoreAdj = &score },
			want: []string{"/process/oomScoreAdj set oom_score_adj 0", "keyring"},
		},
		{name: "N25 no oom score", change: func(*specs.Spec, *Options) {}, absent: []string{"oom_score_adj"}},
		{
			name: "terminal", change: func(s *specs.Spec, _ *Options) { s.Process.ConsoleSize = &specs.Box{Height: 24, Width: 80} },
			want: []string{"make node", "/process/terminal open the terminal 80x24", "mask", "pivot root"},
		},
		{name: "N22 no terminal", change: func(s *specs.Spec, _ *Options) {
			s.Process.Terminal, s.Process.ConsoleSize = false, &specs.Box{Height: 24, Width: 80}
		}, absent: []string{"terminal"}},
		{
			name: "create", change: func(_ *specs.Spec, o *Options) { o.Create = true },
			want: []string{"exec:", "report that the container is created", "wait for start", "exec \"sh\""},
		},
		{name: "run", change: func(*specs.Spec, *Options) {}, absent: []string{"wait for start", "report"}},
		{
			name: "descriptors", change: func(_ *specs.Spec, o *Options) { o.ListenFDs, o.PreserveFDs = 2, 3 },
			want: []string{"exec \"sh\" env=5 preserve-fds=5"},
		},
	})
}

func TestKeepCaps(t *testing.T) {
	for _, test := range []struct {
		uid  uint32
		caps *specs.LinuxCapabilities
		want bool
	}{
		{0, &specs.LinuxCapabilities{Permitted: []string{"CAP_KILL"}}, false},
		{1, &specs.LinuxCapabilities{Permitted: []string{"CAP_KILL"}}, true},
		{1, &specs.LinuxCapabilities{Inheritable: []string{"CAP_KILL"}}, true},
		{1, &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}}, false},
		{1, nil, false},
	} {
		b := loadConfig(t, "spec-default")
		b.Spec.Process.User.UID, b.Spec.Process.Capabilities = test.uid, test.caps
		p, _, err := Compile(b, testOptions(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			if ids, ok := e.Step.(plan.SetIDs); ok && ids.KeepCaps != test.want {
				t.Errorf("uid %d, %+v: keeps capabilities: %v", test.uid, test.caps, ids.KeepCaps)
			}
		}
	}
}

// Only a user who is not root is given a second try, after the first was refused.
func TestChdirTwice(t *testing.T) {
	for uid, want := range map[uint32][]plan.Chdir{
		0: {{Path: "/"}},
		9: {{Path: "/", Tolerant: true}, {Path: "/", Retry: true}},
	} {
		b := loadConfig(t, "spec-default")
		b.Spec.Process.User.UID = uid
		p, _, err := Compile(b, testOptions(b))
		if err != nil {
			t.Fatal(err)
		}
		var got []plan.Chdir
		for _, e := range p.Entries {
			if chdir, ok := e.Step.(plan.Chdir); ok {
				got = append(got, chdir)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("uid %d: %+v, want %+v", uid, got, want)
		}
	}
}

func TestCompileEnvironment(t *testing.T) {
	many := make([]string, 0, 200)
	for i := range 100 {
		many = append(many, fmt.Sprintf("V%d=1", i%50))
	}
	for _, test := range []struct {
		name   string
		env    []string
		listen int
		want   string
		home   bool
	}{
		{"none", nil, 0, "", false},
		{"empty", []string{}, 0, "HOME=/root", true},
		{"the last counts", []string{"A=1", "B=2", "A=3"}, 0, "B=2 A=3 HOME=/root", true},
		{"HOME is given", []string{"HOME=/h", "A=1"}, 0, "HOME=/h A=1", false},
		{"HOME is empty", []string{"HOME=", "A=1"}, 0, "A=1 HOME=/root", true},
		{"HOME is emptied", []string{"HOME=/x", "HOME="}, 0, "HOME=/root", true},
		{"prefix", []string{"AB=1", "A=2"}, 0, "AB=1 A=2 HOME=/root", true},
		{"sockets", []string{"LISTEN_FDS=9", "HOME=/"}, 2, "HOME=/ LISTEN_FDS=2 LISTEN_PID=1", false},
		{"names of sockets", []string{"LISTEN_FDNAMES=x", "HOME=/"}, 3, "HOME=/ LISTEN_FDS=3 LISTEN_PID=1 LISTEN_FDNAMES=a:b:c", false},
		{"sockets without environment", nil, 1, "LISTEN_FDS=1 LISTEN_PID=1", false},
		{"many", append(slices.Clone(many), "HOME=/"), 0, strings.Join(append(many[50:100:100], "HOME=/"), " "), false},
	} {
		b := loadConfig(t, "spec-default")
		b.Spec.Process.Env = test.env
		before := slices.Clone(test.env)
		o := testOptions(b)
		if o.ListenFDs = test.listen; test.listen == len("abc") {
			o.ListenNames = "a:b:c"
		}
		p, _, err := Compile(b, o)
		if err != nil {
			t.Fatal(err)
		}
		home := false
		for _, e := range p.Entries {
			switch step := e.Step.(type) {
			case plan.Exec:
				if got := strings.Join(step.Env, " "); got != test.want {
					t.Errorf("%s: %s, want %s", test.name, got, test.want)
				}
			case plan.Home:
				home = true
			}
		}
		if home != test.home {
			t.Errorf("%s: looks for HOME: %v", test.name, home)
		}
		if !slices.Equal(before, b.Spec.Process.Env) {
			t.Errorf("%s: the configuration was changed", test.name)
		}
	}
}

func TestHomeIsRootWithoutAnswer(t *testing.T) {
	b := loadConfig(t, "spec-default")
	o := testOptions(b)
	o.Facts.Home = ""
	p, _, err := Compile(b, o)
	if err != nil {
		t.Fatal(err)
	}
	env := p.Entries[len(p.Entries)-1].Step.(plan.Exec).Env
	if env[len(env)-1] != "HOME=/" {
		t.Errorf("environment %v", env)
	}
}

func TestCandidates(t *testing.T) {
	for _, test := range []struct{ program, path, want string }{
		{"sh", "PATH=/bin:/usr/bin", "/bin/sh /usr/bin/sh"},
		{"sh", "PATH=/bin/:bin::.", "/bin/sh"},
		{"sh", "PATH=", ""},
		{"sh", "OTHER=/bin", ""},
		{"", "PATH=/bin", ""},
		{"/sh", "PATH=/bin", "/sh"},
		{"./sh", "PATH=/bin", "./sh"},
		{"a/sh", "", "a/sh"},
		{"sh", "PATH=/", "/sh"},
	} {
		if got := strings.Join(candidates(test.program, []string{test.path}), " "); got != test.want {
			t.Errorf("%q with %s: %q, want %q", test.program, test.path, got, test.want)
		}
	}
}

func TestHookEnvironment(t *testing.T) {
	p, _, _ := goldenCase{name: "hooks", config: "everything"}.compile(t)
	env := p.Entries[len(p.Entries)-3].Step.(plan.Exec).Env
	for _, e := range p.Entries {
		hook, ok := e.Step.(plan.Hook)
		switch {
		case !ok:
		case hook.Path == "/usr/bin/second":
			if !slices.Equal(hook.Env, []string{"A=b"}) {
				t.Errorf("%s has environment %v", hook.Path, hook.Env)
			}
		case hook.Lane() == plan.Host && hook.Env != nil:
			t.Errorf("the %s hook does not get the runtime's environment", hook.Kind)
		case hook.Lane() == plan.Init && !slices.Equal(hook.Env, env):
			t.Errorf("the %s hook does not get the program's environment", hook.Kind)
		}
	}
}

func TestRlimitNumbers(t *testing.T) {
	names := "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME"
	for i, name := range strings.Fields(names) {
		if n, ok := rlimitNumber("RLIMIT_" + name); !ok || n != i {
			t.Errorf("RLIMIT_%s is %d, want %d", name, n, i)
		}
	}
}
