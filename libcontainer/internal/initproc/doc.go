// Package initproc starts the init, the small program that carries out a plan
// inside the new namespaces.
//
// It runs in the runtime's process, on the host: it lowers the typed steps of a
// plan to the init's few primitive operations (lower*.go), packs them into an
// image (image.go), starts the init from an object nobody can write (source.go,
// start.go), and reads its progress page (progress.go), which survives the init
// and names the step it was at, however it died. The init itself is in csrc.
package initproc
