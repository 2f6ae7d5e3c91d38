package lint

import (
	"go/ast"
	"strings"
	"testing"
)

// TestForks finds programs that are not started by sys.ForkExec, and so may have the timer
// slack of the Go runtime's monitor. Tools that end at once may.
func TestForks(t *testing.T) {
	const exempt = "libcontainer/internal/sys"
	for _, src := range sources(t) {
		if src.isTest() || src.dir() == exempt || !strings.HasPrefix(src.dir(), "libcontainer") {
			continue
		}
		ast.Inspect(src.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch name := pkg.Name + "." + sel.Sel.Name; name {
			case "syscall.ForkExec", "syscall.StartProcess", "exec.Command", "exec.CommandContext":
				t.Errorf("%s: %s instead of sys.ForkExec", src.line(sel), name)
			}
			return true
		})
	}
}
