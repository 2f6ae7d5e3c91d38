/*
 * Prints images as the init would read them. A test compares
 * the text with what the Go side prints of the same image, so that the two
 * cannot drift.
 */
#include <stdio.h>
#include <stdlib.h>
#include "image.h"

static const char *const names[] = OCIRUN_OP_NAMES;

static void dump_op(const struct op *o, FILE *out)
{
	fprintf(out, "%s step=%u nr=%u flags=%u guard=%u:%u:%u result=%u,%u tolerated=%u,%u,%u,%u", names[o->code],
		o->step, o->nr, o->flags, o->guard, o->guard_slot, o->guard_value, o->result, o->result2,
		o->tolerated[0], o->tolerated[1], o->tolerated[2], o->tolerated[3]);
	for (int i = 0; i < 6; i++)
		fprintf(out, " %u:%lu", o->kinds[i], o->args[i]);
	fputc('\n', out);
}

int dump_image(const void *data, u64 len, FILE *out)
{
	const struct image_header *h = data;
	int valid = image_check(h, len);

	if (valid != 1) {
		fprintf(out, valid ? "other version\n" : "bad image\n");
		return 1;
	}
	fprintf(out, "size=%u flags=%u nops=%u nrelocs=%u page=%u\n", h->size, h->flags, h->nops,
		h->nrelocs, h->page_size);
	for (u32 i = 0; i < h->nops; i++)
		dump_op(image_ops(h) + i, out);
	const u32 *relocs = (const u32 *)((const u8 *)h + h->relocs_off);
	for (u32 i = 0; i < h->nrelocs; i++)
		fprintf(out, "reloc %u -> %lu\n", relocs[i], *(const u64 *)((const u8 *)h + relocs[i]));
	return 0;
}

#ifdef FUZZ
int LLVMFuzzerTestOneInput(const u8 *data, unsigned long len)
{
	static FILE *sink;
	if (!sink)
		sink = fopen("/dev/null", "w");
	/* aligned as a mapping is */
	void *copy = aligned_alloc(4096, (len + 4096) / 4096 * 4096);
	__builtin_memcpy(copy, data, len);
	dump_image(copy, len, sink);
	free(copy);
	return 0;
}
#else
/* Takes images from standard input, each behind its length as 8 bytes. */
int main(void)
{
	u64 len;

	while (fread(&len, sizeof len, 1, stdin) == 1) {
		u8 *data = aligned_alloc(4096, (len + 4096) / 4096 * 4096);
		if (!data || fread(data, 1, len, stdin) != len)
			return 2;
		dump_image(data, len, stdout);
		free(data);
	}
	return 0;
}
#endif
