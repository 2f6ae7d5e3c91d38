// Package plan is the container's set-up as plain data: an ordered list of
// typed steps, each with the place in config.json that asked for it.
//
// A plan is made by specconv.Compile, printed by "ocirun explain", kept by the
// runtime for error messages, and lowered to the init's few primitive
// operations by libcontainer. It knows nothing of how it is carried to the init
// or executed, and imports only the standard library, so that any tool can read
// one.
package plan
