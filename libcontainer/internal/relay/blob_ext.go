//go:build ocirun_extinit

package relay

// blob is empty in this build, for distributions that forbid prebuilt files: there is no
// relay, and the runtime stays by itself.
const blob = ""
