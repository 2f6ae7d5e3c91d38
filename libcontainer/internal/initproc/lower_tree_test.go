package initproc

import (
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ocirun/ocirun/specconv/plan"
)

// Before the host's tree is unmounted, no mount of it may be shared with the
// host: the unmounting would go on to there. What is not recursive leaves mounts
// below the root as they were.
func TestOldRootIsMadeSlave(t *testing.T) {
	for option, fresh := range map[plan.Propagation]bool{
		plan.Slave | plan.Recursive: true, plan.Private | plan.Recursive: true, plan.Unbindable | plan.Recursive: true,
		plan.Shared | plan.Recursive: false, plan.Shared: false,
		plan.Slave: false, plan.Private: false, plan.Unbindable: false,
	} {
		for _, chroot := range []bool{false, true} {
			p := &plan.Plan{}
			p.Add(plan.Rootfs, "", plan.TreePropagation{Propagation: option})
			p.Add(plan.Rootfs, "", plan.Root{Path: "/root"})
			p.Add(plan.Rootfs, "", plan.PivotRoot{Chroot: chroot})
			program, err := Lower(p, &Layout{})
			if err != nil {
				t.Fatal(err)
			}
			slaves := 0
			for i := range program.Ops() {
				o := program.code[i*opSize:]
				isMount := binary.LittleEndian.Uint32(o[offNr:]) == unix.SYS_MOUNT
				flags := binary.LittleEndian.Uint64(o[offArgs+8*3:])
				if program.Step(i) == 2 && isMount && flags == unix.MS_SLAVE|unix.MS_REC {
					slaves++
				}
			}
			if (slaves == 0) != fresh {
				t.Errorf("%s, chroot=%v: %d trees are made slave before they are unmounted", option, chroot, slaves)
			}
		}
	}
}

// The user may lack the right to enter a directory that root has entered.
func TestChdirTwice(t *testing.T) {
	root := busyboxRoot(t)
	if err := os.Mkdir(root+"/closed", 0o700); err != nil {
		t.Fatal(err)
	}
	steps := append(rootSteps(root), plan.Chdir{Path: "/closed", Tolerant: true},
		plan.SetIDs{UID: 1000, GID: 1000}, plan.Chdir{Path: "/closed", Retry: true})
	out := runPlan(t, mountNamespaces, append(steps, shell("true")...)...)
	if err := out.failed(); err != nil {
		t.Errorf("a working directory that only root may enter: %v", err)
	}
}
