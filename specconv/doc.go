// Package specconv turns an OCI bundle into a plan. It runs in the runtime, on
// the host, before any process of the container exists.
//
// The way of a bundle is Load (read and decode config.json), Validate (what can
// be said without looking at the host), Inspect (what only the host can tell)
// and Compile (a pure function that makes the plan). Default writes the
// configuration of the "spec" command, Features lists what the package
// understands, from the same tables that it works with.
package specconv
