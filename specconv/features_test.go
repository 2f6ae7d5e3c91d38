package specconv

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestN54Features(t *testing.T) {
	f := Features("0.1.0")
	if f.OCIVersionMin != "1.0.0" || f.OCIVersionMax != "1.3.0" {
		t.Errorf("versions %s to %s", f.OCIVersionMin, f.OCIVersionMax)
	}
	want := "prestart createRuntime createContainer startContainer poststart poststop"
	if have := strings.Join(f.Hooks, " "); have != want {
		t.Errorf("hooks %s", have)
	}
	if len(f.Linux.Capabilities) != 41 || f.Linux.Capabilities[0] != "CAP_CHOWN" || f.Linux.Capabilities[40] != "CAP_CHECKPOINT_RESTORE" {
		t.Errorf("capabilities %v", f.Linux.Capabilities)
	}
	if f.Annotations["io.github.ocirun.version"] != "0.1.0" || f.Annotations["org.opencontainers.runc.commit"] != "" {
		t.Errorf("annotations %v", f.Annotations)
	}
	for name, list := range map[string][]string{
		"mountOptions": f.MountOptions, "namespaces": f.Linux.Namespaces, "actions": f.Linux.Seccomp.Actions,
		"operators": f.Linux.Seccomp.Operators, "archs": f.Linux.Seccomp.Archs,
	} {
		if len(list) < 5 || !slices.IsSorted(list) {
			t.Errorf("%s: %v", name, list)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

// Engines decide by these whether they may ask for read-only trees.
func TestFeaturesListRecursiveOptions(t *testing.T) {
	options := Features("").MountOptions
	for _, name := range []string{"rro", "rw", "rslave", "symfollow"} {
		if !slices.Contains(options, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}

// What is listed is accepted by Validate, and what Validate refuses is not
// listed.
func TestN54FeaturesDoNotLie(t *testing.T) {
	f := Features("")
	refused := func(patch string) bool {
		spec, err := Decode(change(t, good, patch))
		if err != nil {
			t.Fatal(err)
		}
		host := validHost()
		host.AppArmor, host.SELinux, host.Resctrl.Mounted = true, true, true
		return FirstError(Validate(&Bundle{Dir: "/b", Spec: spec}, Options{Host: host})) != nil
	}
	for i := range mountOptions {
		name := mountOptions[i].name
		listed := slices.Contains(f.MountOptions, name)
		extra := ""
		switch name {
		case "copy-symlink", "dest-nofollow", "src-nofollow":
			extra = `, "bind"`
		}
		patch := `{"mounts": [{"destination": "/a", "type": "tmpfs", "source": "x", "options": ["` + name + `"` + extra + `]`
		if strings.Contains(name, "idmap") {
			patch += `, "uidMappings": [{"size": 1}], "gidMappings": [{"size": 1}]`
		}
		patch += `}]}`
		if listed == refused(patch) {
			t.Errorf("mount option %s: listed %v", name, listed)
		}
	}
	for _, kind := range []string{"pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time"} {
		listed := slices.Contains(f.Linux.Namespaces, kind)
		maps := ""
		if kind == "user" {
			maps = `,"uidMappings": [{"size": 1}], "gidMappings": [{"size": 1}]`
		}
		if listed == refused(withNamespaces(strings.Replace("mount "+kind, "mount mount", "mount", 1), maps)) {
			t.Errorf("namespace %s: listed %v", kind, listed)
		}
	}
	for action := range strings.FieldsSeq(seccompActions) {
		listed := slices.Contains(f.Linux.Seccomp.Actions, action)
		if listed == refused(`{"linux": {"seccomp": {"listenerPath": "/x", "defaultAction": "`+action+`"}}}`) {
			t.Errorf("action %s: listed %v", action, listed)
		}
	}
	for patch, listed := range map[string]*bool{
		`{"process": {"apparmorProfile": "x"}}`:   f.Linux.Apparmor.Enabled,
		`{"process": {"selinuxLabel": "x"}}`:      f.Linux.Selinux.Enabled,
		`{"linux": {"intelRdt": {}}}`:             f.Linux.IntelRdt.Enabled,
		`{"linux": {"netDevices": {"eth0": {}}}}`: f.Linux.NetDevices.Enabled,
		`{"mounts": [{"destination": "/a", "source": "/x", "options": ["bind"], "uidMappings": [{"size": 1}], "gidMappings": [{"size": 1}]}]}`: f.Linux.MountExtensions.IDMap.Enabled,
	} {
		if *listed == refused(patch) {
			t.Errorf("%s: listed %v", patch, *listed)
		}
	}
}
