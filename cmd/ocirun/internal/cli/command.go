package cli

import (
	"errors"
	"strconv"
)

// Unlimited as the Max of a command allows any number of arguments.
const Unlimited = -1

// Command is one command with all that is known of it.
type Command struct {
	Name string
	// Alias is a second name, or empty.
	Alias string
	// Args names the arguments, such as "<container-id> [signal]".
	Args string
	// Min and Max are the bounds of the number of arguments.
	Min, Max int
	// Summary says in half a sentence what the command does.
	Summary string
	// Doc is the description. Paragraphs are separated by empty lines; a
	// paragraph that is indented by four spaces is an example and printed as it
	// stands.
	Doc   string
	Flags []Flag
	// FirstStops says that everything behind the first argument is an argument.
	FirstStops bool
	// Completes says what shells offer as the argument.
	Completes Arguments
	// Run does the work.
	Run func(args []string) error
}

// Arguments is what a shell can offer as an argument of a command.
type Arguments uint8

// The kinds of arguments.
const (
	Nothing Arguments = iota
	Containers
	CommandNames
	Files
)

// CheckCount checks the number of arguments. The error lacks the name of the
// program and the command before it.
func (c *Command) CheckCount(args []string) error {
	n := len(args)
	switch {
	case c.Min == c.Max && n != c.Min:
		return errors.New("requires exactly " + strconv.Itoa(c.Min) + " argument(s)")
	case n < c.Min:
		return errors.New("requires a minimum of " + strconv.Itoa(c.Min) + " argument(s)")
	case c.Max != Unlimited && n > c.Max:
		return errors.New("requires a maximum of " + strconv.Itoa(c.Max) + " argument(s)")
	}
	return nil
}

// Program is the whole command line.
type Program struct {
	Name    string
	Summary string
	// Doc is written as that of a command.
	Doc      string
	Flags    []Flag
	Commands []*Command
	// Sections follow in the manual page.
	Sections []Section
}

// Section is a part of a manual page.
type Section struct {
	Title string
	// Doc is written as that of a command.
	Doc string
}
