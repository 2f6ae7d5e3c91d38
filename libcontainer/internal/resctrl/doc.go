// Package resctrl gives processes shares of caches and memory bandwidth by the file
// system of that name (Linux: Documentation/filesystems/resctrl.rst). A class of service
// is a directory with a file of schemata and one of tasks; a monitoring group is a
// directory below it. All of it happens in the runtime, on the host.
package resctrl
