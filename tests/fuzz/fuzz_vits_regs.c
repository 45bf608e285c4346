// SPDX-License-Identifier: MIT
/*
 * Fuzzes the registers of the ITS: any access, in any order (IHI 0069 12.18).
 *
 * Input: the machine (its_world.h), then accesses:
 *	u8	bit 0: a write; bits 2:1: its width; bits 7:3: a register of the
 *		table below, or 31: an offset of 3 bytes follows
 *	bytes	of a write: the value, as many as its width
 *
 * Beyond what its_world.c judges: a write changes no register but those that it
 * may, reserved bits read as zero, halves agree with the whole.
 */
#include "tests/fuzz/its_world.h"

/* Registers that a guest can change, or that can change by themselves. */
enum { CTLR, CBASER, CWRITER, CREADR, BASER0, BASER1, NR_VARIABLE };

#define QUEUE (BIT64(CWRITER) | BIT64(CREADR))

static const struct variable {
	uint32_t offset;
	unsigned width;
	uint64_t bits;	  /* that can ever be set */
	unsigned changes; /* what a write to it may change */
} variables[NR_VARIABLE] = {
	[CTLR] = { GITS_CTLR, 4, GITS_CTLR_ENABLED | GITS_CTLR_QUIESCENT, BIT64(CTLR) | QUEUE },
	[CBASER] = { GITS_CBASER, 8, ~(BIT64(62) | BIT64(52) | MASK64(15, 12) | MASK64(9, 8)),
		     BIT64(CBASER) | QUEUE | BIT64(CTLR) },
	[CWRITER] = { GITS_CWRITER, 8, MASK64(19, 5), BIT64(CTLR) | QUEUE },
	[CREADR] = { GITS_CREADR, 8, GITS_QUEUE_OFFSET | GITS_CREADR_STALLED, 0 },
	[BASER0] = { GITS_BASER(0), 8, ~UINT64_C(0), BIT64(BASER0) | BIT64(CTLR) },
	[BASER1] = { GITS_BASER(1), 8, ~UINT64_C(0), BIT64(BASER1) | BIT64(CTLR) },
};

static const uint32_t offsets[] = {
	GITS_CTLR,     0x0004, GITS_TYPER,  0x000c, GITS_CBASER,   GITS_CBASER + 4,
	GITS_CWRITER,  0x008c, GITS_CREADR, 0x0094, GITS_BASER(0), 0x0104,
	GITS_BASER(1), 0x010c, 0x0110,	    0x0138, 0x013c,	   0x0010,
	0x0040,	       0x0048, 0xffd0,	    0xffe8, 0xfffc,	   0x10040,
	0x10044,       0x0140,
};

#define BASER_FIXED (GITS_BASER_TYPE | GITS_BASER_ENTRY_SIZE)

static void snapshot(struct its_world *w, uint64_t ret_values[NR_VARIABLE])
{
	for (unsigned i = 0; i < NR_VARIABLE; i++) {
		const struct variable *v = &variables[i];
		uint64_t low, high;

		ret_values[i] = its_read(w, v->offset, v->width);
		assert(!(ret_values[i] & ~v->bits));
		if (v->width == 4)
			continue;
		low = its_read(w, v->offset, 4);
		high = its_read(w, v->offset + 4, 4);
		assert(ret_values[i] == (low | high << 32));
	}
}

/* What a write at this offset may change. Any write may run commands that were left. */
static unsigned changes_at(uint64_t offset, const uint64_t before[NR_VARIABLE])
{
	unsigned always = before[CTLR] & GITS_CTLR_QUIESCENT ? 0 : BIT64(CTLR) | BIT64(CREADR);

	for (unsigned i = 0; i < NR_VARIABLE; i++) {
		if (offset >= variables[i].offset &&
		    offset < variables[i].offset + variables[i].width)
			return variables[i].changes | always;
	}
	return always;
}

static void check_changes(unsigned allowed, const uint64_t before[NR_VARIABLE],
			  const uint64_t after[NR_VARIABLE])
{
	for (unsigned i = 0; i < NR_VARIABLE; i++)
		assert(before[i] == after[i] || (allowed & BIT64(i)));
	for (unsigned i = BASER0; i <= BASER1; i++)
		assert(!((before[i] ^ after[i]) & BASER_FIXED));
}

/* Constant for the life of the machine. */
static void check_typer(struct its_world *w)
{
	uint64_t typer = its_read(w, GITS_TYPER, 8);

	assert((typer >> 8 & 0x1f) == w->config.eventid_bits - 1);
	assert((typer >> 13 & 0x1f) == w->config.devid_bits - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct its_world *w = its_world_create(&in);
	uint64_t before[NR_VARIABLE], after[NR_VARIABLE];

	snapshot(w, before);
	while (input_left(&in)) {
		uint8_t what = input_u8(&in);
		unsigned width = 1u << (what >> 1 & 3), place = what >> 3;
		uint64_t offset = place < ARRAY_SIZE(offsets) ? offsets[place]
							      : input_uint(&in, 3) % GITS_FRAME_SZ;

		if (what & 1)
			its_write(w, offset, width, input_uint(&in, width));
		else
			(void)its_read(w, offset, width);
		snapshot(w, after);
		check_changes(what & 1 ? changes_at(offset, before) : 0, before, after);
		memcpy(before, after, sizeof(before));
	}
	check_typer(w);
	its_world_destroy(w);
	return 0;
}
