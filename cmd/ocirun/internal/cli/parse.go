package cli

import (
	"errors"
	"strconv"
	"strings"
)

// ErrHelp is what Parse returns when the arguments are right and ask for help.
var ErrHelp = errors.New("help requested")

// Parse reads flags into their targets and gives the other arguments. A flag
// has one or two dashes, whatever the length of its name, and takes its value
// from behind "=" or from the next argument. Flags may stand behind other
// arguments, unless firstStops says that nothing behind the first of those is
// one. "--" ends the flags.
//
// Errors are worded as those of package flag.
func Parse(flags []Flag, firstStops bool, args []string) (rest []string, err error) {
	help := false
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			rest = append(rest, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			if firstStops {
				rest = append(rest, args...)
				break
			}
			continue
		}
		used, err := parseFlag(flags, &help, arg, args)
		if err != nil {
			return nil, err
		}
		args = args[used:]
	}
	if help {
		return rest, ErrHelp
	}
	return rest, nil
}

// parseFlag reads one flag and says how many of the arguments behind it were
// its value.
func parseFlag(flags []Flag, help *bool, arg string, behind []string) (used int, err error) {
	name := strings.TrimPrefix(arg[1:], "-")
	if name == "" || name[0] == '-' || name[0] == '=' {
		return 0, errors.New("bad flag syntax: " + arg)
	}
	name, value, hasValue := strings.Cut(name, "=")
	target := find(flags, name)
	if target == nil {
		if name != "help" && name != "h" {
			return 0, errors.New("flag provided but not defined: -" + name)
		}
		target = Bool(help)
	}
	if isBool(target) {
		if !hasValue {
			value = "true"
		}
		if err := target.Set(value); err != nil {
			return 0, badValue("boolean value "+strconv.Quote(value)+" for -"+name, err)
		}
		return 0, nil
	}
	if !hasValue {
		if len(behind) == 0 {
			return 0, errors.New("flag needs an argument: -" + name)
		}
		value, used = behind[0], 1
	}
	if err := target.Set(value); err != nil {
		return 0, badValue("value "+strconv.Quote(value)+" for flag -"+name, err)
	}
	return used, nil
}

func badValue(what string, why error) error {
	return errors.New("invalid " + what + ": " + why.Error())
}

func find(flags []Flag, name string) Target {
	for i := range flags {
		if f := &flags[i]; f.Name == name || f.Short != "" && f.Short == name {
			return f.Into
		}
	}
	return nil
}
