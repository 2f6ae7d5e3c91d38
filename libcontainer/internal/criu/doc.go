// Package criu talks to CRIU, which saves the processes of a container to files and
// brings them back. It starts "criu swrk" and exchanges the messages of CRIU's RPC
// with it over a socket: criu.org/RPC, images/rpc.proto of its sources.
package criu
