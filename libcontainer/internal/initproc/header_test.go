package initproc

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files anew")

// TestHeaderFresh proves that the C side is built from the same table as the Go
// side: csrc/ops.h and abi.go are exactly what this table generates.
func TestHeaderFresh(t *testing.T) {
	body := headerBody()
	hash := fnv.New32a()
	hash.Write([]byte(body))
	header := fmt.Sprintf("/* Generated from ops.go by \"go generate\"; do not edit. */\n"+
		"#ifndef OCIRUN_OPS_H\n#define OCIRUN_OPS_H\n\n#define OCIRUN_ABI 0x%08xu\n\n%s\n#endif\n", hash.Sum32(), body)
	abi := fmt.Sprintf("// Code generated from ops.go by \"go generate\"; DO NOT EDIT.\n\npackage initproc\n\n"+
		"// imageABI is the hash of csrc/ops.h: an init that was built from another one\n"+
		"// refuses the image.\nconst imageABI = 0x%08x\n", hash.Sum32())
	for _, f := range []struct{ name, want string }{{"csrc/ops.h", header}, {"abi.go", abi}} {
		if *update {
			if err := os.WriteFile(f.name, []byte(f.want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != f.want {
			t.Errorf("%s is stale: run \"go generate\" and rebuild the init", f.name)
		}
	}
}

// headerBody is the header without its ABI number.
func headerBody() string {
	var b strings.Builder
	b.WriteString("enum {\n")
	for _, spec := range opTable {
		fmt.Fprintf(&b, "\tOP_%s = %d, /* %s */\n", strings.ToUpper(spec.name), spec.code, spec.doc)
	}
	b.WriteString("};\n\n#define OCIRUN_OP_NAMES {")
	for _, spec := range opTable {
		fmt.Fprintf(&b, " %q,", spec.name)
	}
	b.WriteString(" }\n\n")
	for _, c := range []struct {
		name  string
		value int64
	}{
		{"OCIRUN_NUM_OPS", int64(numOps)},
		{"ARG_IMMEDIATE", int64(argImmediate)},
		{"ARG_BLOB", int64(argBlob)},
		{"ARG_SLOT", int64(argSlot)},
		{"OCIRUN_NUM_ARG_KINDS", int64(numArgKinds)},
		{"GUARD_NONE", int64(guardNone)},
		{"GUARD_OK", int64(guardOK)},
		{"GUARD_ERR", int64(guardErr)},
		{"GUARD_EQUALS", int64(guardEquals)},
		{"OCIRUN_NUM_GUARDS", int64(numGuardKinds)},
		{"FLAG_LOG", flagLog},
		{"FLAG_ONCE", flagOnce},
		{"OCIRUN_OP_FLAGS", allOpFlags},
		{"OCIRUN_IMAGE_MAGIC", imageMagic},
		{"OCIRUN_IMAGE_TRACED", imageTraced},
		{"OCIRUN_MAX_TOLERATED", maxTolerated},
		{"OCIRUN_SLOTS", numSlots},
		{"OCIRUN_NO_SLOT", noSlot},
		{"OCIRUN_SKIPPED", skipped},
		{"OCIRUN_PROGRESS_MAGIC", progressMagic},
		{"OCIRUN_DETAIL_SIZE", detailSize},
		{"STATE_NEW", int64(StateNew)},
		{"STATE_SETUP", int64(StateSetup)},
		{"STATE_READY", int64(StateReady)},
		{"STATE_RELEASED", int64(StateReleased)},
		{"STATE_EXEC", int64(StateExec)},
		{"STATE_FAILED", int64(StateFailed)},
		{"OCIRUN_E_HOOK_FAILED", errHookFailed},
		{"OCIRUN_E_HOOK_TIMEOUT", errHookTimeout},
		{"OCIRUN_EXIT_IMAGE", exitImage},
		{"OCIRUN_EXIT_ABI", exitABI},
	} {
		fmt.Fprintf(&b, "#define %s (%d)\n", c.name, c.value)
	}
	fmt.Fprintf(&b, headerStructs, headerSize, opSize, progressDetail, progressStamps)
	return b.String()
}

// headerStructs are the structures of the image and the page. The Go side reads
// and writes them by offset (image.go, progress.go).
const headerStructs = `
struct image_header {
	u32 magic, abi, size, flags;
	u32 nops, ops_off, nrelocs, relocs_off;
	u32 page_size, reserved[7];
};

struct op {
	u8 code, flags, guard, guard_slot;
	u16 guard_value, step;
	u8 result, result2;
	u8 kinds[6];
	u16 tolerated[OCIRUN_MAX_TOLERATED];
	u32 nr, reserved;
	u64 args[6];
};

struct progress {
	u32 magic, state, op, step;
	s32 error, status, child;
	u32 detail_len;
	s32 listener;
	u32 taken;
	u32 reserved[6];
	u8 detail[OCIRUN_DETAIL_SIZE];
	u64 stamps[];
};

_Static_assert(sizeof(struct image_header) == %d, "image header");
_Static_assert(sizeof(struct op) == %d, "operation");
_Static_assert(__builtin_offsetof(struct progress, detail) == %d, "detail of the progress page");
_Static_assert(__builtin_offsetof(struct progress, stamps) == %d, "stamps of the progress page");
`
