package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/ocirun/ocirun"

// source is one parsed Go file; path is relative to the repository.
type source struct {
	path  string
	fset  *token.FileSet
	file  *ast.File
	lines int
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// dir is the package folder, "." for the root.
func (s source) dir() string { return filepath.Dir(s.path) }

func (s source) generated() bool { return ast.IsGenerated(s.file) }

// line gives the position of a node as PATH:LINE.
func (s source) line(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	return s.path + ":" + itoa(p.Line)
}

// root finds the repository: the folder of go.mod above the package.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == "/" {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// files calls visit with every file of the repository that has one of the suffixes.
func files(t *testing.T, visit func(rel string, data []byte), suffixes ...string) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			hidden := strings.HasPrefix(name, ".") && name != ".ci" && path != top
			if hidden || name == "testdata" || name == "bin" || name == "tmp" {
				return filepath.SkipDir
			}
			return nil
		}
		for _, suffix := range suffixes {
			if strings.HasSuffix(name, suffix) {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				rel, err := filepath.Rel(top, path)
				if err != nil {
					return err
				}
				visit(rel, data)
				return nil
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	files(t, func(rel string, data []byte) {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, rel, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			return
		}
		all = append(all, source{rel, fset, f, strings.Count(string(data), "\n")})
	}, ".go")
	if len(all) < 3 {
		t.Fatalf("found only %d Go files: the walk is broken", len(all))
	}
	return all
}
