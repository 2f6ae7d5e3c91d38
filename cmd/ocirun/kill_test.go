package main

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/libcontainer"
)

// The names of signal(7) for x86 and ARM.
var signalNames = strings.Fields(`HUP=1 INT=2 QUIT=3 ILL=4 TRAP=5 ABRT=6 IOT=6 BUS=7 FPE=8 KILL=9 USR1=10 SEGV=11
	USR2=12 PIPE=13 ALRM=14 TERM=15 STKFLT=16 CHLD=17 CLD=17 CONT=18 STOP=19 TSTP=20 TTIN=21 TTOU=22 URG=23
	XCPU=24 XFSZ=25 VTALRM=26 PROF=27 WINCH=28 IO=29 POLL=29 PWR=30 SYS=31
	RTMIN=34 RTMIN+0=34 RTMIN+1=35 RTMIN+15=49 RTMIN+30=64 RTMAX=64 RTMAX-0=64 RTMAX-14=50 RTMAX-30=34`)

func TestParseSignal(t *testing.T) {
	for _, pair := range signalNames {
		short, number, _ := strings.Cut(pair, "=")
		want, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		mixed := "Sig" + short[:1] + strings.ToLower(short[1:])
		for _, form := range []string{short, "SIG" + short, strings.ToLower(short), "sig" + strings.ToLower(short), mixed, number, "0" + number} {
			if got, err := parseSignal(form); err != nil || int(got) != want {
				t.Errorf("%s: %d, %v, want %d", form, got, err, want)
			}
		}
	}
	for form, want := range map[string]unix.Signal{"0": 0, "-9": -9, "99": 99, "+15": 15} {
		if got, err := parseSignal(form); err != nil || got != want {
			t.Errorf("%s: %d, %v", form, got, err)
		}
	}
}

func TestParseSignalErrors(t *testing.T) {
	for _, form := range []string{
		"", "XYZ", "SIG", "SIGSIGTERM", "TERM ", " 9", "9.5", "0x9", "SIG9", "RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMAX-31", "RTMIN+", "RTMIN+x", "RTMIN++1", "RTMIN5", "RTMINI", "é",
	} {
		if got, err := parseSignal(form); err == nil || err.Error() != "unknown signal "+strconv.Quote(form) {
			t.Errorf("%q: %d, %v", form, got, err)
		}
	}
}

func TestKill(t *testing.T) {
	for _, c := range []struct {
		argv string
		does error
		code int
		want unix.Signal
	}{
		{"kill x", nil, 0, unix.SIGTERM},
		{"kill x KILL", nil, 0, unix.SIGKILL},
		{"kill x 10", nil, 0, unix.SIGUSR1},
		{"kill --all x 9", nil, 0, unix.SIGKILL},
		{"kill -a x HUP", nil, 0, unix.SIGHUP},
		{"kill x HUP", libcontainer.ErrNotRunning, 1, unix.SIGHUP},
		{"kill --all x HUP", libcontainer.ErrNotRunning, 0, unix.SIGHUP},
		{"kill x --all=false HUP", libcontainer.ErrNotRunning, 1, unix.SIGHUP},
		{"kill -a x HUP", unix.EPERM, 1, unix.SIGHUP},
		{"kill x XYZ", nil, 1, 0},
	} {
		call := newCall(t)
		call.fake.does = c.does
		if code := call.run(strings.Fields(c.argv)...); code != c.code || call.fake.killed != c.want {
			t.Errorf("%s: exit %d, signal %d\n%s", c.argv, code, call.fake.killed, call.err.String())
		}
	}
}

// FuzzParseSignal: whatever is accepted has a name or a number, with or without SIG.
func FuzzParseSignal(f *testing.F) {
	for _, seed := range []string{"9", "KILL", "sigrtmin+3", "RTMAX-", "SIGSIG", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := parseSignal(text)
		if err != nil {
			if sig != 0 || err.Error() != "unknown signal "+strconv.Quote(text) {
				t.Errorf("%q: %d, %v", text, sig, err)
			}
			return
		}
		if n, err := strconv.Atoi(text); err == nil {
			if int(sig) != n {
				t.Errorf("%q: %d", text, sig)
			}
			return
		}
		if sig < 1 || sig > signalRTMax {
			t.Errorf("%q: %d", text, sig)
		}
		if upper := strings.ToUpper(text); !strings.HasPrefix(upper, "SIG") {
			if again, err := parseSignal("sig" + text); err != nil || again != sig {
				t.Errorf("%q: %d, with SIG %d, %v", text, sig, again, err)
			}
		}
	})
}
