package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// object is a JSON object whose fields this program does not all know.
type object map[string]any

func readConfig(path string) (object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config object
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// section returns the object of that name, made if it is missing; changes to it change o.
func (o object) section(name string) object {
	inner, ok := o[name].(map[string]any)
	if !ok {
		if inner, ok = o[name].(object); !ok {
			inner = object{}
		}
	}
	o[name] = inner
	return inner
}

// dropNamespace removes a namespace type from a "linux" section.
func (o object) dropNamespace(kind string) {
	namespaces, _ := o["namespaces"].([]any)
	o["namespaces"] = slices.DeleteFunc(namespaces, func(n any) bool {
		namespace, _ := n.(map[string]any)
		return namespace["type"] == kind
	})
}

// bundleMaker writes bundles into a folder that is Outside on the host and Inside in the private root.
type bundleMaker struct {
	configs         string // folder of the configurations to start from
	busybox         string
	outside, inside string
	prefix          string // names the run's cgroup parent
}

// makeAll writes every bundle of a run.
func (b bundleMaker) makeAll() error {
	base, err := b.defaultConfig()
	if err != nil {
		return err
	}
	for _, name := range []string{bundleDefault, bundleProbe, bundleExec, bundleMemory} {
		config := base
		switch name {
		case bundleProbe:
			config = withArgs(base, "/bin/sh", "-c", probeScript)
		case bundleExec:
			config = withArgs(base, sleepPayload...)
		}
		if err := b.make(name, config); err != nil {
			return err
		}
	}
	docker, err := b.dockerConfig()
	if err != nil {
		return err
	}
	if err := b.make(bundleDocker, docker); err != nil {
		return err
	}
	return b.make(bundleDockerProbe, withArgs(docker, "/bin/sh", "-c", probeScript))
}

// defaultConfig is the `spec` default that runs true without a terminal.
func (b bundleMaker) defaultConfig() (object, error) {
	config, err := readConfig(filepath.Join(b.configs, "spec-default.json"))
	if err != nil {
		return nil, err
	}
	process := config.section("process")
	process["terminal"] = false
	process["args"] = truePayload
	return config, nil
}

// dockerConfig is what Docker wrote on a cgroup v2 host, less what needs the
// daemon (its hook, files and storage) and less its empty settings for
// controllers, since crun refuses to run where those are missing.
func (b bundleMaker) dockerConfig() (object, error) {
	config, err := readConfig(filepath.Join(b.configs, "docker-default-v2.json"))
	if err != nil {
		return nil, err
	}
	delete(config, "hooks")
	config.section("root")["path"] = "rootfs"
	config.section("process")["args"] = truePayload
	linux := config.section("linux")
	linux["cgroupsPath"] = "/" + b.prefix + "/docker"
	linux["resources"] = object{"devices": linux.section("resources")["devices"]}
	files := filepath.Join(b.inside, "files")
	mounts, _ := config["mounts"].([]any)
	for _, m := range mounts {
		mount, _ := m.(map[string]any)
		if mount["type"] == "bind" {
			source, _ := mount["source"].(string)
			mount["source"] = filepath.Join(files, filepath.Base(source))
		}
	}
	return config, nil
}

// withArgs is a copy of config, as deep as needed, with other arguments.
func withArgs(config object, args ...string) object {
	changed, process := maps.Clone(config), maps.Clone(config.section("process"))
	process["args"] = args
	changed["process"] = process
	return changed
}

func (b bundleMaker) make(name string, config object) error {
	dir := filepath.Join(b.outside, name)
	if err := b.makeRootfs(filepath.Join(dir, "rootfs")); err != nil {
		return err
	}
	data, err := json.MarshalIndent(config, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644)
}

// makeRootfs makes a busybox root with every mount point in it, so that nobody has to make one.
func (b bundleMaker) makeRootfs(dir string) error {
	for _, d := range []string{"bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Link(b.busybox, filepath.Join(dir, "bin/busybox")); err != nil {
		return err
	}
	for _, applet := range []string{"awk", "cat", "grep", "hostname", "ls", "sh", "sort", "tr", "true"} {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", applet)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\n",
		"resolv.conf": "", "hostname": "", "hosts": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
