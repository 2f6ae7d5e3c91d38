package initproc

import (
	"encoding/binary"
)

// arg is one argument of an operation.
type arg struct {
	kind  argKind
	value uint64
}

func imm[T ~int | ~int64 | ~uint32 | ~uint64 | ~uintptr](n T) arg {
	return arg{argImmediate, uint64(n)}
}

func slot(n uint8) arg { return arg{argSlot, uint64(n)} }

// image is laid out while it is built: behind the header comes the blob, which is
// everything that operations point to, then the operations, then the relocations.
// Nothing is copied to put them together but by the kernel.
type image struct {
	// head is the header and the blob.
	head   []byte
	code   []byte
	relocs []uint32
	traced bool
	step   uint16
}

// op is an operation in the code. It is valid until the next one is added.
type op []byte

// newImage begins an image. The blob's first byte is an empty string.
func newImage() *image {
	im := &image{head: make([]byte, headerSize+8, 8<<10), code: make([]byte, 0, 380*opSize), step: noStep}
	return im
}

// emptyString is where the blob has one.
const emptyString = headerSize

// str puts a string into the blob.
func (im *image) str(s string) arg {
	if s == "" {
		return arg{argBlob, emptyString}
	}
	off := len(im.head)
	im.head = append(im.head, s...)
	im.head = append(im.head, 0)
	return arg{argBlob, uint64(off)}
}

// bytes puts data into the blob, aligned for any structure.
func (im *image) bytes(data []byte) arg {
	im.align()
	off := len(im.head)
	im.head = append(im.head, data...)
	return arg{argBlob, uint64(off)}
}

func (im *image) align() {
	for len(im.head)%8 != 0 {
		im.head = append(im.head, 0)
	}
}

// words puts 64-bit numbers into the blob.
func (im *image) words(list ...uint64) arg {
	im.align()
	off := len(im.head)
	for _, w := range list {
		im.head = binary.LittleEndian.AppendUint64(im.head, w)
	}
	return arg{argBlob, uint64(off)}
}

// pointers puts an array of addresses into the blob; the init turns the offsets
// into addresses. A last null pointer is added.
func (im *image) pointers(targets []arg) arg {
	im.align()
	off := len(im.head)
	for _, t := range targets {
		im.relocs = append(im.relocs, uint32(len(im.head)))
		im.head = binary.LittleEndian.AppendUint64(im.head, t.value)
	}
	im.head = binary.LittleEndian.AppendUint64(im.head, 0)
	return arg{argBlob, uint64(off)}
}

// strings puts an array of strings into the blob, as execve(2) takes it.
func (im *image) strings(list []string) arg {
	targets := make([]arg, len(list))
	for i, s := range list {
		targets[i] = im.str(s)
	}
	return im.pointers(targets)
}

// add appends an operation for the current step; its methods refine it.
func (im *image) add(code Opcode, nr uintptr, args ...arg) op {
	at := len(im.code)
	im.code = append(im.code, make([]byte, opSize)...)
	o := op(im.code[at:])
	o[offCode], o[offResult], o[offResult2] = uint8(code), noSlot, noSlot
	binary.LittleEndian.PutUint16(o[offStep:], im.step)
	binary.LittleEndian.PutUint32(o[offNr:], uint32(nr))
	for i, a := range args {
		o[offKinds+i] = uint8(a.kind)
		binary.LittleEndian.PutUint64(o[offArgs+8*i:], a.value)
	}
	return o
}

// Offsets in an operation; see struct op of csrc/ops.h.
const (
	offCode       = 0
	offFlags      = 1
	offGuard      = 2
	offGuardSlot  = 3
	offGuardValue = 4
	offStep       = 6
	offResult     = 8
	offResult2    = 9
	offKinds      = 10
	offTolerated  = 16
	offNr         = 24
	offArgs       = 32
)

// sys appends a system call.
func (im *image) sys(nr uintptr, args ...arg) op { return im.add(OpSys, nr, args...) }

// to keeps the result in a slot.
func (o op) to(slot uint8) op { o[offResult] = slot; return o }

// to2 keeps the second result in a slot.
func (o op) to2(slot uint8) op { o[offResult2] = slot; return o }

// tolerate lets the operation end in one of these errors, maxTolerated at most.
func (o op) tolerate(errnos ...errno) op {
	for i, e := range errnos {
		binary.LittleEndian.PutUint16(o[offTolerated+2*i:], uint16(e))
	}
	return o
}

func (o op) when(kind guardKind, slot uint8, value errno) op {
	o[offGuard], o[offGuardSlot] = uint8(kind), slot
	binary.LittleEndian.PutUint16(o[offGuardValue:], uint16(value))
	return o
}

// ifOK skips the operation where the slot holds an error or nothing.
func (o op) ifOK(slot uint8) op { return o.when(guardOK, slot, 0) }

// ifErr skips the operation unless the slot holds an error.
func (o op) ifErr(slot uint8) { o.when(guardErr, slot, 0) }

// ifErrno skips the operation unless the slot holds exactly this error.
func (o op) ifErrno(slot uint8, e errno) op { return o.when(guardEquals, slot, e) }

// log says that the operation's first argument is a file system context.
func (o op) log() { o[offFlags] |= flagLog }

// once keeps the operation from being repeated after EINTR.
func (o op) once() op { o[offFlags] |= flagOnce; return o }

func (im *image) ops() int { return len(im.code) / opSize }

// finish fills in the header and gives the image in three parts.
func (im *image) finish(pageSize int) [][]byte {
	im.align()
	tail := make([]byte, 0, 4*len(im.relocs)+1)
	for _, r := range im.relocs {
		tail = binary.LittleEndian.AppendUint32(tail, r)
	}
	tail = append(tail, 0) // ends whatever string may come before it
	opsOff := len(im.head)
	relocsOff := opsOff + len(im.code)
	flags := uint32(0)
	if im.traced {
		flags = imageTraced
	}
	for i, v := range [...]uint32{
		imageMagic, imageABI, uint32(relocsOff + len(tail)), flags, uint32(im.ops()), uint32(opsOff),
		uint32(len(im.relocs)), uint32(relocsOff), uint32(pageSize),
	} {
		binary.LittleEndian.PutUint32(im.head[4*i:], v)
	}
	return [][]byte{im.head, im.code, tail}
}
