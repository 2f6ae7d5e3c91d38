// Code generated from ops.go by "go generate"; DO NOT EDIT.

package initproc

// imageABI is the hash of csrc/ops.h: an init that was built from another one
// refuses the image.
const imageABI = 0x18707145
