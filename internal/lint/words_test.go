package lint

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// procFiles may name paths of procfs: the one helper that opens the host's procfs, and the places
// where the path is a container's own (templates, checks of mount targets) or text for people.
var procFiles = map[string]string{
	"libcontainer/internal/sys/...": "the procfs helper",
	"specconv/...":                  "paths inside the container",
	"cgroups/...":                   "reads the caller's own cgroup; imports nothing of ours",
	"libcontainer/hostcheck/...":    "looks at the host's own settings",
	"tests/...":                     "look at containers from outside",
	"internal/...":                  "build tools",
}

// procUses are single files with a reason of their own.
var procUses = map[string]string{
	"libcontainer/internal/initproc/lower_system.go": "the init writes its own files before there is a container, and verifies that they are of procfs",
	"libcontainer/internal/initproc/source.go":       "executes the init by its descriptor",
	"libcontainer/host.go":                           "asks whether the kernel has time namespaces",
	"libcontainer/rlimit.go":                         "reads a sysctl to explain an error",
	"libcontainer/netns.go":                          "opens the network namespace of its own thread",
	"libcontainer/userns.go":                         "compares its own user namespace with the first one",
	"libcontainer/idmaps.go":                         "writes the id maps of its own child",
	"libcontainer/internal/initproc/lower_userns.go": "as lower_system.go",
	"libcontainer/internal/initproc/lower_labels.go": "as lower_system.go",
}

// TestNoProcStrings finds "/proc/..." in string literals: every access to procfs must go through one helper.
func TestNoProcStrings(t *testing.T) {
	for _, src := range sources(t) {
		if src.isTest() || anyKey(procFiles, src.dir()) || procUses[src.path] != "" {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(text, "/proc/") {
				t.Errorf("%s: %s: procfs is opened by libcontainer/internal/sys only", src.line(lit), lit.Value)
			}
			return true
		})
	}
}

func anyKey(m map[string]string, folder string) bool {
	for pattern := range m {
		if match(pattern, folder) {
			return true
		}
	}
	return false
}

// TestNoUnfinishedMarks: work that is left belongs in an issue.
func TestNoUnfinishedMarks(t *testing.T) {
	mark := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	files(t, func(rel string, data []byte) {
		for i, line := range strings.Split(string(data), "\n") {
			if mark.MatchString(line) {
				t.Errorf("%s:%d: %s", rel, i+1, strings.TrimSpace(line))
			}
		}
	}, ".go", ".c", ".h", ".sh", "Makefile", ".md")
}

// TestPackageComments: every package says in one place what it is.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, src := range sources(t) {
		if src.isTest() {
			continue
		}
		documented[src.dir()] = documented[src.dir()] || src.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// TestMarkdownLinks: a relative link in a page leads to a file that is there.
func TestMarkdownLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	top := root(t)
	files(t, func(rel string, data []byte) {
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			target := m[1]
			if strings.Contains(target, ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(rel), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", rel, target)
			}
		}
	}, ".md")
}
