// Package netdev moves network devices from one network namespace to another. It talks
// to the kernel by routing messages (rtnetlink(7)) over sockets that stay in the
// namespace in which they were made.
package netdev
