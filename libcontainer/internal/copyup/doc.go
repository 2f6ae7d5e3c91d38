// Package copyup copies a directory of a container into a new file system before it is
// mounted there. It runs in the runtime, on the host, and trusts nothing of what it
// copies: every file is reached by descriptor, below the directory, without following
// links.
package copyup
