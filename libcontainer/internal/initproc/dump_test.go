package initproc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ocirun/ocirun/specconv/plan"
)

// dump prints an image as Go wrote it, in the words of csrc/dump.c.
func (im *image) dump(pageSize int) string {
	var b strings.Builder
	le := binary.LittleEndian
	data := bytes.Join(im.finish(pageSize), nil)
	flags := 0
	if im.traced {
		flags = imageTraced
	}
	fmt.Fprintf(&b, "size=%d flags=%d nops=%d nrelocs=%d page=%d\n", len(data), flags, im.ops(), len(im.relocs), pageSize)
	for at := 0; at < len(im.code); at += opSize {
		o := im.code[at:]
		fmt.Fprintf(&b, "%s step=%d nr=%d flags=%d guard=%d:%d:%d result=%d,%d tolerated=%d,%d,%d,%d",
			opTable[o[offCode]].name, le.Uint16(o[offStep:]), le.Uint32(o[offNr:]), o[offFlags], o[offGuard], o[offGuardSlot],
			le.Uint16(o[offGuardValue:]), o[offResult], o[offResult2], le.Uint16(o[offTolerated:]),
			le.Uint16(o[offTolerated+2:]), le.Uint16(o[offTolerated+4:]), le.Uint16(o[offTolerated+6:]))
		for i := range 6 {
			fmt.Fprintf(&b, " %d:%d", o[offKinds+i], le.Uint64(o[offArgs+8*i:]))
		}
		b.WriteByte('\n')
	}
	for _, r := range im.relocs {
		fmt.Fprintf(&b, "reloc %d -> %d\n", r, le.Uint64(data[r:]))
	}
	return b.String()
}

// image gives a program's image in one piece.
func (p *Program) image1() []byte { return bytes.Join(p.Image(), nil) }

// everyStep is a plan with each kind of step that the init knows.
func everyStep() *plan.Plan {
	p := &plan.Plan{}
	steps := []plan.Step{
		plan.OOMScoreAdj{Value: -5},
		plan.Join{Namespace: plan.NamespaceNetwork, Path: "/proc/1/ns/net"},
		plan.Rendezvous{Point: plan.PointPlaced},
		plan.Unshare{Namespaces: plan.NamespaceCgroup},
		plan.Fork{Namespaces: plan.NamespacePID},
		plan.TimeOffset{Clock: "boottime", Secs: 3},
		plan.Keyring{KeyringName: "_ses.x"},
		plan.Loopback{},
		plan.Hostname{Value: "h"},
	}
	steps = append(steps, rootSteps("/rootfs", plan.Bind{
		Source: "/src", Dest: "/dst", Recursive: true, Attr: plan.AttrChange{Set: plan.ReadOnly | plan.NoAtime},
		RecursiveAttr: plan.AttrChange{Clear: plan.NoExec}, Propagation: plan.Slave | plan.Recursive,
	}, plan.Mount{Type: "tmpfs", Dest: "/t", CopyMode: true, Flags: []string{"sync"}, Propagation: plan.Shared},
		plan.Mount{Type: "tmpfs", Dest: "/u", CopyUp: true, IDMap: &plan.MountIDMap{}},
		plan.Mount{Type: "overlay", Dest: "/o", Data: []string{"lowerdir=" + strings.Repeat("/l:", 200) + "/l"}},
		plan.Bind{Source: "/src", Dest: "/link", SourceLink: true, DestLink: true},
		plan.Symlink{Target: "there", Path: "/link2", Exact: true},
		plan.Remount{Dest: "/t", Attr: plan.AttrChange{Set: plan.ReadOnly}},
		plan.Mknod{Path: "/dev/net/tun", Type: 'c', Mode: 0o666, Major: 10, Minor: 200, UID: 5},
		plan.Rendezvous{Point: plan.PointHooks}, plan.Hook{Kind: plan.CreateContainer, Path: "/bin/true"},
		plan.Console{Height: 24, Width: 80, UID: 7, Bind: true}, plan.Mkdir{Path: "/a/b", Mode: 0o755},
		plan.Sysctl{Key: "net/ipv4/ip_forward", Value: "1"}, plan.Protect{Path: "/proc/sys"}, plan.Mask{Path: "/proc/kcore", Label: "u:r:t:s0"},
		plan.RootAttr{ReadOnly: true, Propagation: plan.Slave | plan.Recursive})...)
	steps = append(steps,
		plan.Scheduler{Policy: "SCHED_RR", Number: 2, Priority: 3}, plan.IOPriority{Class: "IOPRIO_CLASS_BE", Number: 2},
		plan.Label{Module: "apparmor", Value: "p"}, plan.Label{Module: "selinux", Keys: true, Value: "u:r:t:s0"},
		plan.Mount{Type: "mqueue", Dest: "/dev/mqueue", Label: "u:r:t:s0"},
		plan.Personality{Domain: "LINUX32", Number: 8}, plan.MemoryPolicy{Mode: "MPOL_BIND", Number: 2, Mask: make([]byte, 8)},
		plan.Rlimit{Type: "RLIMIT_NOFILE", Resource: 7, Soft: 10, Hard: 20}, plan.NoNewPrivileges{},
		plan.BoundingSet{Keep: 1, Last: 40}, plan.Chdir{Path: "/", Tolerant: true},
		plan.SetIDs{UID: 1, GID: 2, Groups: []uint32{3, 4}, KeepCaps: true},
		plan.Capabilities{Effective: 1, Permitted: 1, Inheritable: 1, Ambient: 1}, plan.Umask{Mask: 0o22},
		plan.Lookup{Program: "true", Candidates: []string{"/bin/true", "/usr/bin/true"}},
		plan.Seccomp{Filter: make([]byte, 16)}, plan.Rendezvous{Point: plan.PointReady}, plan.Gate{},
		plan.Hook{Kind: plan.StartContainer, Path: "/bin/true", Args: []string{"true", "x"}},
		plan.Exec{Args: []string{"true"}, Env: []string{"A=b"}})
	for _, s := range steps {
		p.Add(plan.Start, "/x", s)
	}
	return p
}

func everyProgram(t testing.TB) *Program {
	t.Helper()
	program, err := Lower(everyStep(), &Layout{
		PreserveFDs: 2, Namespaces: 1, Gate: true, Traced: true, NullStdio: [3]bool{true}, OwnStdio: [3]bool{false, true},
		HookState: func(plan.HookKind) []byte { return []byte(`{"id":"x"}`) }, Environ: func() []string { return []string{"E=f"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// buildDump compiles the C decoder with sanitizers.
func buildDump(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "dump")
	for _, cc := range []string{"gcc", "clang-14", "clang"} {
		if _, err := exec.LookPath(cc); err != nil {
			continue
		}
		cmd := exec.Command(cc, "-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
			"-Wall", "-Wextra", "-Werror", "-o", bin, "csrc/dump.c")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cc, err, out)
		}
		return bin
	}
	t.Skip("the C side is compared only where there is a C compiler")
	return ""
}

// runDump gives what the C decoder prints of each image.
func runDump(t *testing.T, bin string, images ...[]byte) string {
	t.Helper()
	var input bytes.Buffer
	for _, data := range images {
		_ = binary.Write(&input, binary.LittleEndian, uint64(len(data)))
		input.Write(data)
	}
	cmd := exec.Command(bin)
	cmd.Stdin = &input
	// the images of a leak check are small and many
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return string(out)
}

// TestDumpEqual proves that C reads what Go wrote.
func TestDumpEqual(t *testing.T) {
	program := everyProgram(t)
	got := runDump(t, buildDump(t), program.image1())
	if want := program.dump(program.pageSize); got != want {
		t.Errorf("C reads:\n%s\nGo wrote:\n%s", got, want)
	}
}

// TestDecoderHostile gives the decoder broken images; the sanitizers would end it
// at the first step out of line.
func TestDecoderHostile(t *testing.T) {
	bin := buildDump(t)
	whole := everyProgram(t).image1()
	random := rand.New(rand.NewPCG(1, 2))
	images := [][]byte{nil, whole[:8], whole[:headerSize], whole[:len(whole)-1], append(bytes.Clone(whole), 0)}
	for range 4000 {
		data := bytes.Clone(whole)
		for range 1 + random.IntN(4) {
			// half of the changes go to the header and the tables
			at := random.IntN(len(data))
			if random.IntN(2) == 0 {
				at = random.IntN(headerSize + 20*opSize)
			}
			data[at] = byte(random.Uint32())
		}
		images = append(images, data)
	}
	out := runDump(t, bin, images...)
	if bad := strings.Count(out, "bad image") + strings.Count(out, "other version"); bad < 500 {
		t.Errorf("only %d of %d broken images were refused", bad, len(images))
	}
}

// TestStaleInit: an init of another table refuses the image by its exit status.
func TestStaleInit(t *testing.T) {
	program := everyProgram(t)
	data := program.image1()
	data[4]++
	if got := runDump(t, buildDump(t), data); got != "other version\n" {
		t.Errorf("got %q", got)
	}
}
