package main

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/cli"
	"github.com/ocirun/ocirun/libcontainer"
)

func killCommand(a *app) *cli.Command {
	var all bool
	return &cli.Command{
		Name: "kill", Args: "<container-id> [signal]", Min: 1, Max: 2, Completes: cli.Containers,
		Summary: "send a signal to the first process of a container",
		Doc: `
The signal is a number or a name, with or without SIG; without one it is
SIGTERM. Signal 0 only looks whether the container is alive.

    ocirun kill web KILL
    ocirun kill web SIGRTMIN+3

If the container shares the pid namespace of the host, SIGKILL goes to all its
processes.
`,
		Flags: []cli.Flag{{Name: "all", Short: "a", Hidden: true, Into: cli.Bool(&all)}},
		Run: func(args []string) error {
			c, err := a.load(args[0])
			if err != nil {
				return err
			}
			text := "SIGTERM"
			if len(args) > 1 {
				text = args[1]
			}
			sig, err := parseSignal(text)
			if err != nil {
				return err
			}
			err = c.Kill(sig)
			if all && errors.Is(err, libcontainer.ErrNotRunning) {
				return nil
			}
			return err
		},
	}
}

// The real-time signals as the C library numbers them (signal(7)): the kernel's
// first two are its own.
const (
	signalRTMin = 34
	signalRTMax = 64
)

// parseSignal reads the number or the name of a signal. Whether there is a
// signal of that number is the kernel's to say.
func parseSignal(text string) (unix.Signal, error) {
	if n, err := strconv.Atoi(text); err == nil {
		return unix.Signal(n), nil
	}
	short := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if sig, ok := realTimeSignal(short); ok {
		return sig, nil
	}
	switch short {
	case "IOT":
		return unix.SIGIOT, nil
	case "CLD":
		return unix.SIGCLD, nil
	case "POLL":
		return unix.SIGPOLL, nil
	}
	if sig := unix.SignalNum("SIG" + short); sig != 0 {
		return sig, nil
	}
	return 0, errors.New("unknown signal " + strconv.Quote(text))
}

// realTimeSignal knows RTMIN, RTMIN+n, RTMAX and RTMAX-n.
func realTimeSignal(short string) (unix.Signal, bool) {
	base, sign := signalRTMin, "+"
	rest, ok := strings.CutPrefix(short, "RTMIN")
	if !ok {
		base, sign = signalRTMax, "-"
		if rest, ok = strings.CutPrefix(short, "RTMAX"); !ok {
			return 0, false
		}
	}
	if rest == "" {
		return unix.Signal(base), true
	}
	digits, ok := strings.CutPrefix(rest, sign)
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n > signalRTMax-signalRTMin {
		return 0, false
	}
	if sign == "-" {
		return unix.Signal(base - int(n)), true
	}
	return unix.Signal(base + int(n)), true
}
