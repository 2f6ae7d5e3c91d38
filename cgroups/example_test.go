package cgroups_test

import (
	"fmt"
	"log"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/ocirun/ocirun/cgroups"
)

// A cgroup with a limit, for a process that exists already.
func Example() {
	host, err := cgroups.Probe()
	if err != nil {
		log.Fatal(err)
	}
	limit := int64(100)
	resources := &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}
	m, err := cgroups.New(cgroups.Config{ID: "web", Path: "/web", Resources: resources, Host: host})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Paths()) // record this, then:
	if err := m.Create(); err != nil {
		log.Fatal(err)
	}
	defer m.Remove()
	if err := m.Set(resources); err != nil {
		log.Fatal(err)
	}
	if err := m.Place(1234); err != nil {
		log.Print(err)
	}
}

func ExampleValidate() {
	quota := int64(10)
	resources := &specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: &quota}}
	host := cgroups.Host{Mode: cgroups.ModeV2, Root: cgroups.DefaultRoot, Unified: cgroups.DefaultRoot}
	for _, err := range cgroups.Validate(resources, &host) {
		fmt.Println("/linux/resources" + err.Pointer + ": " + err.Error())
	}
	// Output: /linux/resources/cpu/quota: invalid cpu quota 10: it must be at least 1000 microseconds, or -1 for unlimited
}
