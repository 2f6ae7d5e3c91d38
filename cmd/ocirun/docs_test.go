package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/cmd/ocirun/internal/docgen"
)

var update = flag.Bool("update", false, "write the generated files instead of comparing them")

const repository = "../.."

// TestDocumentation: the manual pages, the completions, the page of all commands and the help texts are those of the table.
func TestDocumentation(t *testing.T) {
	a := newApp()
	p := program(a)
	files := docgen.Files(p)
	help := "cmd/ocirun/testdata/help/"
	files = append(files, docgen.File{Name: help + name + ".txt", Text: p.Help()})
	for _, c := range p.Commands {
		files = append(files, docgen.File{Name: help + c.Name + ".txt", Text: c.Help(name)})
	}
	made := map[string]bool{}
	for _, f := range files {
		made[f.Name] = true
		path := filepath.Join(repository, f.Name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != f.Text {
			t.Errorf("%s is stale (%v): go generate ./cmd/ocirun", f.Name, err)
		}
	}
	for _, dir := range []string{"docs/man", "contrib/completions", strings.TrimSuffix(help, "/")} {
		entries, err := os.ReadDir(filepath.Join(repository, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !made[dir+"/"+e.Name()] {
				t.Errorf("%s/%s belongs to no command", dir, e.Name())
			}
		}
	}
}
