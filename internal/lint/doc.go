// Package lint holds the tests that look at the repository as a whole: which
// package may import which, where unsafe code and paths of procfs may stand,
// how long functions and files may get, and what go.mod may ask for.
//
// It has no code of its own. Each rule is a test, so it needs no tool but Go.
package lint
