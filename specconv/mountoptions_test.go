package specconv

import (
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

// The options that runtime-spec requires and recommends (config.md, "Linux mount
// options").
const specMountOptions = `async atime bind defaults dev diratime dirsync exec iversion
	lazytime loud noatime nodev nodiratime noexec noiversion nolazytime norelatime
	nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave
	runbindable rw shared silent slave strictatime suid sync unbindable nosymfollow
	symfollow ratime rdev rdiratime rexec rnoatime rnodiratime rnodev rnoexec
	rnorelatime rnostrictatime rnosuid rnosymfollow rrelatime rro rrw rstrictatime
	rsuid rsymfollow idmap ridmap mand nomand tmpcopyup`

func TestN20MountOptionTable(t *testing.T) {
	for i := 1; i < len(mountOptions); i++ {
		if mountOptions[i-1].name >= mountOptions[i].name {
			t.Errorf("%s is out of order", mountOptions[i].name)
		}
	}
	names := strings.Fields(specMountOptions)
	for _, name := range names {
		if row, ok := lookupOption(name); !ok || row.name != name {
			t.Errorf("option %s is not found", name)
		}
	}
	names = append(names, "copy-symlink", "dest-nofollow", "src-nofollow") // of crun
	if len(names) != len(mountOptions) {
		t.Errorf("the table has %d options, want %d", len(mountOptions), len(names))
	}
	for _, name := range []string{"", "a", "mode=755", "zz", "RO"} {
		if _, ok := lookupOption(name); ok {
			t.Errorf("option %q is found", name)
		}
	}
}

func TestMountOptionEffects(t *testing.T) {
	for _, test := range []struct {
		options    string
		set, clear plan.Attr
	}{
		{"ro", plan.ReadOnly, 0},
		{"ro,rw", 0, plan.ReadOnly},
		{"rw,ro", plan.ReadOnly, 0},
		{"nosuid,nodev,noexec,suid", plan.NoDev | plan.NoExec, plan.NoSuid},
		{"noatime", plan.NoAtime, plan.AtimeMask},
		{"noatime,norelatime", plan.NoAtime, plan.AtimeMask},
		{"noatime,relatime", 0, plan.AtimeMask},
		{"noatime,strictatime", plan.StrictAtime, plan.AtimeMask},
		{"strictatime,atime", plan.StrictAtime, plan.AtimeMask},
		{"strictatime,nostrictatime", 0, plan.AtimeMask},
		{"atime", 0, plan.AtimeMask},
		{"norelatime", 0, 0},
		{"nosymfollow,nodiratime,symfollow", plan.NoDirAtime, plan.NoSymfollow},
	} {
		var change plan.AttrChange
		for name := range strings.SplitSeq(test.options, ",") {
			row, ok := lookupOption(name)
			if !ok || row.kind != optionAttr {
				t.Fatalf("%s is not an attribute", name)
			}
			change = row.apply(change)
		}
		if change.Set != test.set || change.Clear != test.clear {
			t.Errorf("%s: set %#x clear %#x, want %#x %#x",
				test.options, change.Set, change.Clear, test.set, test.clear)
		}
	}
}

// Each recursive form does to the tree what its plain form does to the mount.
func TestRecursiveFormsMatch(t *testing.T) {
	for _, row := range mountOptions {
		if !row.recursive && row.set&recursiveProp == 0 {
			continue
		}
		plain, ok := lookupOption(row.name[1:])
		if !ok {
			t.Errorf("%s has no plain form", row.name)
			continue
		}
		same := plain.kind == row.kind && plain.set == row.set&^recursiveProp && plain.clear == row.clear
		if !same || plain.recursive {
			t.Errorf("%s is not the recursive form of %s", row.name, plain.name)
		}
	}
}

func TestPropagationNamesAgreeWithPlan(t *testing.T) {
	for _, row := range mountOptions {
		if row.kind == optionPropagation && row.propagation().String() != row.name {
			t.Errorf("%s prints as %s", row.name, row.propagation())
		}
	}
}

func TestSuperFlags(t *testing.T) {
	for name, want := range map[string]string{
		"sync": "+sync", "async": "-sync", "dirsync": "+dirsync", "mand": "+mand", "nomand": "-mand",
		"lazytime": "+lazytime", "nolazytime": "-lazytime", "silent": "+silent", "loud": "-silent",
		"iversion": "+iversion", "noiversion": "-iversion",
	} {
		row, _ := lookupOption(name)
		flag, on := row.superFlag()
		got := "-" + flag
		if on {
			got = "+" + flag
		}
		if got != want || row.kind != optionSuper {
			t.Errorf("%s means %s, want %s", name, got, want)
		}
	}
}
