/*
 * Decoding of the image: the bytes come from our own runtime in memory that
 * nobody can write, yet nothing in here trusts them. image_check is the one
 * place that looks at offsets; after it the interpreter may follow them. It is
 * shared with dump.c and fuzz.c, and so uses nothing but this header.
 */
#ifndef OCIRUN_IMAGE_H
#define OCIRUN_IMAGE_H

#include "kernel.h"
#include "ops.h"

static int image_inside(const struct image_header *h, u64 off, u64 len)
{
	return off <= h->size && len <= h->size - off;
}

static const struct op *image_ops(const struct image_header *h)
{
	return (const struct op *)((const u8 *)h + h->ops_off);
}

/* A string argument must end inside of the image: its last byte is a NUL. */
static int image_check_op(const struct image_header *h, const struct op *o)
{
	if (o->code >= OCIRUN_NUM_OPS || o->guard >= OCIRUN_NUM_GUARDS || (o->flags & ~OCIRUN_OP_FLAGS))
		return 0;
	if (o->guard != GUARD_NONE && o->guard_slot >= OCIRUN_SLOTS)
		return 0;
	if (o->result != OCIRUN_NO_SLOT && o->result >= OCIRUN_SLOTS)
		return 0;
	if (o->result2 != OCIRUN_NO_SLOT && o->result2 >= OCIRUN_SLOTS)
		return 0;
	for (int i = 0; i < 6; i++) {
		if (o->kinds[i] == ARG_SLOT && o->args[i] >= OCIRUN_SLOTS)
			return 0;
		if (o->kinds[i] == ARG_BLOB && o->args[i] >= h->size)
			return 0;
		if (o->kinds[i] >= OCIRUN_NUM_ARG_KINDS)
			return 0;
	}
	/* six octal digits are written there */
	if (o->code == OP_COPYMODE && (o->kinds[1] != ARG_BLOB || !image_inside(h, o->args[1], 6)))
		return 0;
	if (o->code == OP_MATCH && (o->kinds[0] != ARG_BLOB || o->kinds[1] != ARG_BLOB || o->kinds[2] != ARG_IMMEDIATE ||
	    !image_inside(h, o->args[0], o->args[2] + 1) || !image_inside(h, o->args[1], o->args[2])))
		return 0;
	return 1;
}

/*
 * image_check reports whether the image of len bytes at h is whole: every offset
 * in range, every table aligned, the last byte a NUL so that no string runs out
 * of it. It returns 1, or 0 for a bad image, or -1 for one of another version.
 */
static int image_check(const struct image_header *h, u64 len)
{
	const u8 *base = (const u8 *)h;

	if (len < sizeof *h || h->magic != OCIRUN_IMAGE_MAGIC)
		return 0;
	if (h->abi != OCIRUN_ABI)
		return -1;
	if (h->size != len || h->ops_off % 8 || h->relocs_off % 4)
		return 0;
	if (!image_inside(h, h->ops_off, (u64)h->nops * sizeof(struct op)) ||
	    !image_inside(h, h->relocs_off, (u64)h->nrelocs * 4) || base[len - 1] != 0)
		return 0;
	const u32 *relocs = (const u32 *)(base + h->relocs_off);
	for (u32 i = 0; i < h->nrelocs; i++) {
		if (relocs[i] % 8 || relocs[i] < sizeof *h || !image_inside(h, relocs[i], 8))
			return 0;
		if (*(const u64 *)(base + relocs[i]) >= h->size)
			return 0;
		/* a pointer may not be planted in the tables that were just checked */
		if (relocs[i] + 8ul > h->ops_off && relocs[i] < h->ops_off + (u64)h->nops * sizeof(struct op))
			return 0;
		if (relocs[i] + 8ul > h->relocs_off && relocs[i] < h->relocs_off + (u64)h->nrelocs * 4)
			return 0;
	}
	for (u32 i = 0; i < h->nops; i++)
		if (!image_check_op(h, image_ops(h) + i))
			return 0;
	return 1;
}

#endif
