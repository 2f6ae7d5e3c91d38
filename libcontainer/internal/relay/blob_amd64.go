//go:build !ocirun_extinit

package relay

import _ "embed"

// blob is the relay for this architecture, built by csrc/build.sh of initproc.
//
//go:embed blob/relay_amd64
var blob string
