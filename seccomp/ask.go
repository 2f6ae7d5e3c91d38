package seccomp

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Query is a system call that a program is asked about.
type Query struct {
	// Name is the call's name or its number.
	Name string
	Args [maxArgs]uint64
	// Arch is an architecture of the spec, by default the program's native one.
	Arch string
}

// ParseAsk reads a query: a name or number, up to six arguments, decimal,
// hexadecimal, octal or negative, and perhaps "@" and an architecture, as in
// "openat2 2", "clone 0x10000000" or "socket 40 @x86".
func ParseAsk(text string) (Query, error) {
	fields := strings.Fields(text)
	var q Query
	if n := len(fields); n > 0 && strings.HasPrefix(fields[n-1], "@") {
		short := fields[n-1][1:]
		a, ok := parseShortArch(short)
		if !ok {
			return Query{}, fmt.Errorf("unknown architecture %q", short)
		}
		q.Arch = string(archs[a].name)
		fields = fields[:n-1]
	}
	if len(fields) == 0 {
		return Query{}, fmt.Errorf("a query is the name of a system call and its arguments")
	}
	q.Name = fields[0]
	if len(fields)-1 > maxArgs {
		return Query{}, fmt.Errorf("%s: system calls have up to %d arguments", q.Name, maxArgs)
	}
	for i, field := range fields[1:] {
		value, err := parseNumber(field)
		if err != nil {
			return Query{}, fmt.Errorf("argument %d of %s: %q is not a number of 64 bits", i, q.Name, field)
		}
		q.Args[i] = value
	}
	return q, nil
}

// parseShortArch takes "SCMP_ARCH_X86_64", "x86_64" and GOARCH names.
func parseShortArch(text string) (arch, bool) {
	for i := range archs {
		if strings.EqualFold(text, string(archs[i].name)) || strings.EqualFold(text, shortArch(arch(i))) || text == archs[i].goarch && text != "" {
			return arch(i), true
		}
	}
	return 0, false
}

func parseNumber(text string) (uint64, error) {
	if strings.HasPrefix(text, "-") {
		v, err := strconv.ParseInt(text, 0, 64)
		return uint64(v), err
	}
	return strconv.ParseUint(text, 0, 64)
}

// Answer is what a program does with a system call.
type Answer struct {
	// Arch and Name are those of the call; Name is empty if there is none with
	// this number.
	Arch, Name string
	Data       Data
	Verdict    Verdict
	// Steps are the indices of the instructions that ran.
	Steps []int
}

// String is one line: "openat2(0x2) on x86_64: ALLOW".
func (a Answer) String() string {
	last := 0
	for i, arg := range a.Data.Args {
		if arg != 0 {
			last = i + 1
		}
	}
	args := make([]string, last)
	for i := range args {
		args[i] = fmt.Sprintf("%#x", a.Data.Args[i])
	}
	name := a.Name
	if name == "" {
		name = fmt.Sprintf("system call %d", a.Data.Number)
	}
	return fmt.Sprintf("%s(%s) on %s: %s", name, strings.Join(args, ", "), a.Arch, a.Verdict)
}

// Ask says what the program does with a call. Arguments that are not given are 0.
// The error says that the architecture has no such call, or wraps [ErrProgram].
func (p *Program) Ask(q Query) (Answer, error) {
	a := p.native
	if q.Arch != "" {
		var ok bool
		if a, ok = parseShortArch(q.Arch); !ok {
			return Answer{}, fmt.Errorf("unknown architecture %q", q.Arch)
		}
	}
	info := &archs[a]
	nr, err := info.parseCall(q.Name)
	if err != nil {
		return Answer{}, err
	}
	d := Data{Number: nr, Arch: info.token, Args: q.Args}
	v, err := p.Simulate(d)
	if err != nil {
		return Answer{}, err
	}
	steps, _ := p.trace(&d)
	name, _ := info.nameOf(nr)
	return Answer{Arch: shortArch(a), Name: name, Data: d, Verdict: v, Steps: steps}, nil
}

func (a *archInfo) parseCall(name string) (uint32, error) {
	if nr, err := strconv.ParseUint(name, 0, 32); err == nil {
		return uint32(nr), nil
	}
	id, ok := findName(name)
	if !ok {
		return 0, fmt.Errorf("unknown system call %q", name)
	}
	nr, ok := a.numberOf(id)
	if !ok {
		return 0, fmt.Errorf("%s has no system call %s", a.name, name)
	}
	return nr, nil
}

// Explain prints a program for people: a head line and the instructions. A nil
// program is a container without a filter.
func Explain(w io.Writer, p *Program) error {
	if p == nil {
		_, err := io.WriteString(w, "no seccomp filter\n")
		return err
	}
	_, err := fmt.Fprintf(w, "seccomp filter for %s: %d instructions of at most %d, flags %s\n%s",
		shortArch(p.native), p.Len(), maxInsns, flagNames(p.Flags), p)
	return err
}
