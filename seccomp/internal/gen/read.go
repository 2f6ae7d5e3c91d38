package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// unified is the first number from which all architectures number new system
// calls alike (Linux 5.1, asm-generic/unistd.h).
const unified = 403

// armPrivate is where arm's private calls are in its table: beyond all others,
// to be moved to 0xf0000 by the reader of the table.
const armPrivate = 1000

// table is the system calls of one architecture.
type table struct {
	name    string // suffix of the Go identifier
	source  string // file of x/sys or of headers/
	base    int    // subtracted from the numbers of x/sys
	headers bool
	numbers map[string]int
}

// tables lists the sources in the order of the constants of package seccomp.
func tables() []*table {
	return []*table{
		{name: "x86_64", source: "amd64"},
		{name: "x86", source: "386"},
		{name: "x32", source: "x32", headers: true},
		{name: "aarch64", source: "arm64"},
		{name: "arm", source: "arm"},
		{name: "riscv64", source: "riscv64"},
		{name: "loongarch64", source: "loong64"},
		{name: "mips", source: "mips", base: 4000},
		{name: "mips64", source: "mips64", base: 5000},
		{name: "mips64n32", source: "mips64n32", headers: true},
		{name: "ppc", source: "ppc"},
		{name: "ppc64", source: "ppc64"},
		{name: "s390", source: "s390", headers: true},
		{name: "s390x", source: "s390x"},
		{name: "parisc", source: "parisc", headers: true},
		{name: "parisc64", source: "parisc64", headers: true},
		{name: "m68k", source: "m68k", headers: true},
		{name: "sh", source: "sh", headers: true},
	}
}

// readAll fills all tables.
func readAll(xsys, headers string) ([]*table, error) {
	all := tables()
	for _, t := range all {
		var err error
		if t.headers {
			t.numbers, err = readList(filepath.Join(headers, t.source+".txt"))
		} else {
			t.numbers, err = readGo(filepath.Join(xsys, "zsysnum_linux_"+t.source+".go"), t.base)
		}
		if err != nil {
			return nil, err
		}
	}
	common := newCommon(all)
	for _, t := range all {
		maps.DeleteFunc(t.numbers, func(name string, _ int) bool { return holes.MatchString(name) })
		if t.headers {
			extend(t.numbers, common)
		}
		if t.name == "x32" {
			delete(t.numbers, "map_shadow_stack") // of 64-bit programs only
		}
	}
	private, err := readList(filepath.Join(headers, "arm-private.txt"))
	if err != nil {
		return nil, err
	}
	for name, nr := range private {
		byName(all, "arm").numbers[name] = armPrivate + nr
	}
	return all, nil
}

func byName(all []*table, name string) *table {
	for _, t := range all {
		if t.name == name {
			return t
		}
	}
	panic("no table " + name)
}

var (
	goLine = regexp.MustCompile(`^\s+SYS_([A-Z0-9_]+)\s*=\s*(\d+)`)
	// holes are what the headers have a number for without there being a call.
	holes = regexp.MustCompile(`^(reserved\d+|unused\d+|arch_specific_syscall|syscall_mask)$`)
)

// readGo reads a file of x/sys.
func readGo(path string, base int) (map[string]int, error) {
	numbers := map[string]int{}
	err := lines(path, func(line string) error {
		m := goLine.FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		nr, err := strconv.Atoi(m[2])
		if err != nil || nr < base {
			return fmt.Errorf("unexpected line %q", line)
		}
		numbers[strings.ToLower(m[1])] = nr - base
		return nil
	})
	return numbers, err
}

// readList reads a file of names and numbers.
func readList(path string) (map[string]int, error) {
	numbers := map[string]int{}
	err := lines(path, func(line string) error {
		name, text, ok := strings.Cut(line, " ")
		nr, err := strconv.Atoi(text)
		if !ok || err != nil {
			return fmt.Errorf("unexpected line %q", line)
		}
		numbers[name] = nr
		return nil
	})
	return numbers, err
}

func lines(path string, each func(string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		if err := each(scanner.Text()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return scanner.Err()
}

// newCommon gives the calls of the unified range that x86_64, aarch64, riscv64
// and s390x have under the same number: newer kernels than the headers' have
// them on all architectures.
func newCommon(all []*table) map[string]int {
	common := maps.Clone(byName(all, "x86_64").numbers)
	for _, other := range []string{"aarch64", "riscv64", "s390x"} {
		numbers := byName(all, other).numbers
		maps.DeleteFunc(common, func(name string, nr int) bool {
			theirs, ok := numbers[name]
			return !ok || theirs != nr || nr < unified
		})
	}
	return common
}

// extend adds the common calls that are newer than all of a table's.
func extend(numbers, common map[string]int) {
	newest := 0
	for _, nr := range numbers {
		newest = max(newest, nr)
	}
	if newest >= 512 { // x32 has a second range for calls of its own
		newest = 0
		for _, nr := range numbers {
			if nr < 512 {
				newest = max(newest, nr)
			}
		}
	}
	for name, nr := range common {
		if nr > newest {
			numbers[name] = nr
		}
	}
}
