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

// image is built in one buffer: operations go to ops, everything they point to
// goes to blob. finish puts them together behind the header.
type image struct {
	ops    []op
	blob   []byte
	relocs []uint32
	traced bool
	step   uint16
}

// newImage begins an image. The blob's first byte is an empty string.
func newImage() *image {
	im := &image{
		ops:  make([]op, 0, 256),
		blob: make([]byte, 0, 16<<10),
		step: noStep,
	}
	im.blob = append(im.blob, 0)
	return im
}

// str puts a string into the blob.
func (im *image) str(s string) arg {
	if s == "" {
		return arg{argBlob, 0}
	}
	off := len(im.blob)
	im.blob = append(im.blob, s...)
	im.blob = append(im.blob, 0)
	return arg{argBlob, uint64(off)}
}

// bytes puts data into the blob, aligned for any structure.
func (im *image) bytes(data []byte) arg {
	im.align()
	off := len(im.blob)
	im.blob = append(im.blob, data...)
	return arg{argBlob, uint64(off)}
}

func (im *image) align() {
	for len(im.blob)%8 != 0 {
		im.blob = append(im.blob, 0)
	}
}

// words puts 64-bit numbers into the blob.
func (im *image) words(list ...uint64) arg {
	im.align()
	off := len(im.blob)
	for _, w := range list {
		im.blob = binary.LittleEndian.AppendUint64(im.blob, w)
	}
	return arg{argBlob, uint64(off)}
}

// pointers puts an array of addresses into the blob; the init turns the offsets
// into addresses. A last null pointer is added.
func (im *image) pointers(targets []arg) arg {
	im.align()
	off := len(im.blob)
	for _, t := range targets {
		im.relocs = append(im.relocs, uint32(len(im.blob)))
		im.blob = binary.LittleEndian.AppendUint64(im.blob, t.value)
	}
	im.blob = binary.LittleEndian.AppendUint64(im.blob, 0)
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

// add appends an operation for the current step; the options refine it.
func (im *image) add(code Opcode, nr uintptr, args ...arg) *op {
	im.ops = append(im.ops, op{code: code, nr: uint32(nr), step: im.step, result: noSlot, result2: noSlot})
	o := &im.ops[len(im.ops)-1]
	for i, a := range args {
		o.kinds[i], o.args[i] = a.kind, a.value
	}
	return o
}

// sys appends a system call.
func (im *image) sys(nr uintptr, args ...arg) *op { return im.add(OpSys, nr, args...) }

// to keeps the result in a slot.
func (o *op) to(slot uint8) *op { o.result = slot; return o }

// tolerate lets the operation end in one of these errors.
func (o *op) tolerate(errnos ...errno) *op {
	for _, e := range errnos {
		for i := range o.tolerated {
			if o.tolerated[i] == 0 {
				o.tolerated[i] = uint16(e)
				break
			}
		}
	}
	return o
}

// ifOK skips the operation where the slot holds an error or nothing.
func (o *op) ifOK(slot uint8) *op { o.guard, o.guardSlot = guardOK, slot; return o }

// ifErr skips the operation unless the slot holds an error.
func (o *op) ifErr(slot uint8) *op { o.guard, o.guardSlot = guardErr, slot; return o }

// ifErrno skips the operation unless the slot holds exactly this error.
func (o *op) ifErrno(slot uint8, e errno) *op {
	o.guard, o.guardSlot, o.guardValue = guardEquals, slot, uint16(e)
	return o
}

// log says that the operation's first argument is a file system context.
func (o *op) log() *op { o.flags |= flagLog; return o }

func align8(n int) int { return (n + 7) &^ 7 }

// finish lays the image out: header, operations, blob, relocations, a last NUL.
func (im *image) finish(pageSize int) []byte {
	opsOff := headerSize
	blobOff := opsOff + len(im.ops)*opSize
	relocsOff := align8(blobOff + len(im.blob))
	size := relocsOff + 4*len(im.relocs) + 1
	buf := make([]byte, size)
	le := binary.LittleEndian
	flags := uint32(0)
	if im.traced {
		flags = imageTraced
	}
	for i, v := range [...]uint32{
		imageMagic, imageABI, uint32(size), flags, uint32(len(im.ops)), uint32(opsOff),
		uint32(len(im.relocs)), uint32(relocsOff), uint32(pageSize),
	} {
		le.PutUint32(buf[4*i:], v)
	}
	for i := range im.ops {
		im.ops[i].encode(buf[opsOff+i*opSize:], uint64(blobOff))
	}
	copy(buf[blobOff:], im.blob)
	for i, r := range im.relocs {
		at := uint32(blobOff) + r
		le.PutUint32(buf[relocsOff+4*i:], at)
		le.PutUint64(buf[at:], le.Uint64(buf[at:])+uint64(blobOff))
	}
	return buf
}

func (o *op) encode(buf []byte, blobOff uint64) {
	le := binary.LittleEndian
	buf[0], buf[1], buf[2], buf[3] = uint8(o.code), o.flags, uint8(o.guard), o.guardSlot
	le.PutUint16(buf[4:], o.guardValue)
	le.PutUint16(buf[6:], o.step)
	buf[8], buf[9] = o.result, o.result2
	for i, kind := range o.kinds {
		buf[10+i] = uint8(kind)
		value := o.args[i]
		if kind == argBlob {
			value += blobOff
		}
		le.PutUint64(buf[32+8*i:], value)
	}
	for i, e := range o.tolerated {
		le.PutUint16(buf[16+2*i:], e)
	}
	le.PutUint32(buf[24:], o.nr)
}
