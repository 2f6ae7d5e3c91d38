//go:build !ocirun_extinit

package initproc

import _ "embed"

// initBlob is the init for this architecture, built by csrc/build.sh.
//
//go:embed blob/init_amd64
var initBlob string
