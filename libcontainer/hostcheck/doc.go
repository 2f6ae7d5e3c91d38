// Package hostcheck looks at a machine before containers are run on it: what will work,
// what will not, and how that is mended.
//
// It runs in a program of the host, with or without privileges, and answers for the user
// that it runs as. What can be tried is tried: system calls are made, the init is executed,
// a cgroup is made and removed. Nothing is left behind, and no setting is changed.
package hostcheck
