package lint

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers says for each package folder which of our folders it may reach, also through others.
// A trailing "/..." takes the folders below along; the first entry that matches counts.
var layers = []struct {
	folder string
	may    []string
}{
	{"specconv/plan/...", []string{"specconv/plan/..."}},
	{"seccomp/...", []string{"seccomp/..."}},
	{"cgroups/...", []string{"cgroups/..."}},
	{"specconv/...", []string{"specconv/...", "seccomp/..."}},
	{"libcontainer/internal/sys/...", []string{"libcontainer/internal/sys/..."}},
	{"libcontainer/internal/initproc/...", []string{"libcontainer/internal/...", "specconv/plan/..."}},
	{"libcontainer/...", []string{"libcontainer/...", "specconv/...", "seccomp/...", "cgroups/..."}},
	{"cmd/...", []string{"cmd/...", "libcontainer/...", "specconv/...", "seccomp/...", "cgroups/..."}},
	{"contrib/...", []string{"contrib/...", "seccomp/..."}},
	{"tests/...", []string{"tests/..."}},
	{"internal/...", []string{"internal/..."}},
}

// standardOnly lists the folders that may use nothing but the standard library.
var standardOnly = []string{"specconv/plan"}

type listed struct {
	ImportPath string
	Standard   bool
	Deps       []string
}

// TestImportDirection walks the transitive imports of every package.
func TestImportDirection(t *testing.T) {
	packages := goList(t)
	checked := 0
	for path, p := range packages {
		folder, ours := ourFolder(path)
		if !ours {
			continue
		}
		checked++
		may := allowed(folder)
		if may == nil {
			t.Errorf("%s: no layer for this folder; add it to the table", folder)
			continue
		}
		for _, dep := range p.Deps {
			if depFolder, ours := ourFolder(dep); ours && !matchAny(may, depFolder) {
				t.Errorf("%s must not depend on %s", folder, depFolder)
			}
			if slices.Contains(standardOnly, folder) && !packages[dep].Standard {
				t.Errorf("%s must use the standard library only, not %s", folder, dep)
			}
		}
	}
	if checked == 0 {
		t.Fatal("go list found none of our packages")
	}
}

// TestUnsafeOnlyInSys keeps raw memory in one package; the leaf packages need it for bpf and seccomp calls.
func TestUnsafeOnlyInSys(t *testing.T) {
	may := []string{"libcontainer/internal/sys/...", "cgroups/...", "seccomp/..."}
	for _, src := range sources(t) {
		for _, imp := range src.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if path == "unsafe" && !src.isTest() && !matchAny(may, src.dir()) {
				t.Errorf("%s imports unsafe", src.line(imp))
			}
			if path == "C" && !strings.HasPrefix(src.path, "seccomp/") {
				t.Errorf("%s uses cgo", src.line(imp))
			}
		}
	}
}

// goList gives every package of the repository and what it depends on.
func goList(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Deps", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listed{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

func ourFolder(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func allowed(folder string) []string {
	for _, l := range layers {
		if match(l.folder, folder) {
			return l.may
		}
	}
	return nil
}

func matchAny(patterns []string, folder string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, folder) })
}

func match(pattern, folder string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return folder == base || deep && strings.HasPrefix(folder, base+"/")
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, folder string
		want            bool
	}{
		{"a/...", "a", true},
		{"a/...", "a/b", true},
		{"a/...", "ab", false},
		{"a", "a/b", false},
	} {
		if got := match(c.pattern, c.folder); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.folder, got)
		}
	}
}
