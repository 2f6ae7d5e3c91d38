// Package libcontainer runs OCI containers: it is what cmd/ocirun is a thin
// wrapper of, and needs neither a re-executed main program nor a C toolchain.
//
// A [Store] is a directory of containers. [Store.Create] makes one from a bundle
// and leaves it waiting; [Container.Start] lets it go. [Store.Run] does both and
// stays until the program ends. What a container is doing is derived from its
// record on disk and from the kernel each time it is asked for, so any number of
// processes may work with the same store.
package libcontainer
