// Command gen writes the system call tables of package seccomp.
//
// The numbers come from the zsysnum files of golang.org/x/sys and, for the
// architectures that it has none for, from Debian's kernel headers, kept as
// lists of names and numbers in headers/ (fetch-headers.sh refreshes them).
//
//	go generate ./seccomp
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	log.SetFlags(0)
	out := flag.String("o", "ztables.go", "file to write, - for standard output")
	flag.Parse()
	text, err := generate()
	if err != nil {
		log.Fatalf("gen: %v", err)
	}
	if *out == "-" {
		_, err = os.Stdout.Write(text)
	} else {
		err = os.WriteFile(*out, text, 0o644)
	}
	if err != nil {
		log.Fatalf("gen: %v", err)
	}
}

// generate reads the sources and renders the Go file.
func generate() ([]byte, error) {
	xsys, err := moduleDir("golang.org/x/sys")
	if err != nil {
		return nil, err
	}
	_, self, _, _ := runtime.Caller(0)
	tables, err := readAll(filepath.Join(xsys, "unix"), filepath.Join(filepath.Dir(self), "headers"))
	if err != nil {
		return nil, err
	}
	return render(tables)
}

func moduleDir(module string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("go list -m %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}
