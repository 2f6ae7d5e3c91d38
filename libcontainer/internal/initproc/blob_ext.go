//go:build ocirun_extinit

package initproc

// initBlob is empty in this build, for distributions that forbid prebuilt
// files: the init is the installed one, or there is none.
const initBlob = ""
