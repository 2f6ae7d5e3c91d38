// Command testsum reads the output of one or more `go test -json` runs on
// standard input and prints what a person wants to know: a line per package,
// the output of what failed, the reasons of what was skipped, the slowest
// tests, and as its last line "N passed, N failed, N skipped".
//
// It exits 1 when a test failed, when a package did not build or crashed, and
// when no test ran at all.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	sum := newSummary(os.Stdout)
	if err := sum.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !sum.finish() {
		os.Exit(1)
	}
}

// read feeds every line to the summary. Lines that are not events (a build
// tool's own words) are passed on as they are.
func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			s.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
