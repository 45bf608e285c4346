// SPDX-License-Identifier: MIT
/*
 * Fuzzes whole sessions of a guest with the ITS: its registers, its queue, and the
 * memory that holds its tables, which may overlap, move, be rewritten at any time,
 * or not be RAM (IHI 0069 5.2, 5.3, 12.18).
 *
 * Input: the machine (its_world.h), then steps: u8 which (ops[] below), then what
 * it takes. Op "inside" lets the step behind it happen in the middle of a command
 * of the next call: in the callback whose number it gives.
 *
 * A page is one byte: 0x00 to 0x7f pages of the first island and beyond its end,
 * 0x80 to 0x8f the second island, then wild addresses.
 */
#include "tests/fuzz/its_world.h"

/* In GITS_CBASER, in GITS_BASER<n>, and in entries of tables. */
#define VALID GITS_BASER_VALID

struct session {
	struct its_world *w;
	struct input in;
	uint32_t tail; /* offset of the next command in the queue */
	bool audited;
	unsigned nr_saves;
};

static uint64_t take_page(struct input *in)
{
	static const uint64_t wild[] = {
		0,
		ITS_RAM - 0x1000,
		ITS_HIGH + ITS_HIGH_SZ,
		ITS_HIGH - 0x1000,
		MASK64(51, 12),
		MASK64(47, 16),
		UINT64_C(0xfffffffffffff000),
	};
	uint8_t page = input_u8(in);

	if (page < 0x80)
		return ITS_RAM + page * UINT64_C(0x1000);
	if (page < 0x90)
		return ITS_HIGH + (page & 0xf) * UINT64_C(0x1000);
	return wild[page % ARRAY_SIZE(wild)];
}

/* Mostly small; 0xf8 and above are as large as they get. */
static uint32_t take_small(struct input *in)
{
	uint8_t b = input_u8(in);

	return b < 0xf8 ? b : UINT32_MAX >> 4 * (b & 7);
}

/* A function's DeviceID, that of a device that is none, or one out of range. */
static uint32_t take_devid(struct session *s)
{
	static const uint32_t strangers[] = { 0x20, 0x21, 0x7fff, 0x10000, UINT32_MAX };
	uint8_t b = input_u8(&s->in);

	if (b < 0x80 && s->w->config.nr_functions)
		return s->w->functions[b % s->w->config.nr_functions].devid;
	return strangers[b % ARRAY_SIZE(strangers)];
}

static void take_command(struct session *s, uint64_t ret_cmd[GITS_CMD_NR_WORDS])
{
	static const uint8_t opcodes[] = {
		GITS_CMD_MAPD,
		GITS_CMD_MAPC,
		GITS_CMD_MAPTI,
		GITS_CMD_MAPI,
		GITS_CMD_MOVI,
		GITS_CMD_DISCARD,
		GITS_CMD_INT,
		GITS_CMD_CLEAR,
		GITS_CMD_INV,
		GITS_CMD_INVALL,
		GITS_CMD_MOVALL,
		GITS_CMD_SYNC,
		0x2a /* VMAPTI, of GICv4 */,
		0x00 /* none */,
	};
	uint8_t opcode = opcodes[input_below(&s->in, ARRAY_SIZE(opcodes))];
	uint8_t bits = input_u8(&s->in);
	struct gits_cmd cmd = { .opcode = opcode, .valid = bits & 1 };

	cmd.devid = take_devid(s);
	if (opcode == GITS_CMD_MAPD) {
		(void)take_small(&s->in);
		cmd.size = bits >> 1 & 0x1f;
		cmd.itt = take_page(&s->in) | (uint64_t)(bits >> 4) << 8;
	} else {
		cmd.eventid = take_small(&s->in);
		cmd.icid = bits >> 1 & 7;
		cmd.rdbase = bits >> 4 & 7;
	}
	cmd.rdbase2 = bits >> 7;
	if (opcode == GITS_CMD_MAPTI)
		cmd.pintid = VITS_LPI_BASE - 1 + take_small(&s->in);
	cmd_encode(&cmd, ret_cmd);
}

/* Where commands go from now on, as the ITS has it. */
static void sync_tail(struct session *s)
{
	s->tail = (uint32_t)its_read(s->w, GITS_CWRITER, 8);
}

static void push(struct session *s, const uint64_t cmd[GITS_CMD_NR_WORDS])
{
	uint64_t sz = (FIELD_GET(GITS_CBASER_SIZE, its_read(s->w, GITS_CBASER, 8)) + 1) *
		      GITS_CBASER_PAGE_SZ;

	(void)its_put_command(s->w, s->tail % sz, cmd);
	s->tail = (uint32_t)((s->tail + GITS_CMD_SZ) % sz);
}

static void push_fields(struct session *s, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	push(s, words);
}

static void op_command(struct session *s)
{
	uint64_t cmd[GITS_CMD_NR_WORDS];

	take_command(s, cmd);
	push(s, cmd);
	its_write(s->w, GITS_CWRITER, 8, s->tail);
}

/* Commands that wait for a kick. */
static void op_push(struct session *s)
{
	unsigned nr = 1 + input_u8(&s->in) * 4u;
	uint64_t cmd[GITS_CMD_NR_WORDS];

	take_command(s, cmd);
	while (nr--)
		push(s, cmd);
}

static void op_raw_command(struct session *s)
{
	uint64_t cmd[GITS_CMD_NR_WORDS];

	for (unsigned i = 0; i < 4; i++)
		cmd[i] = input_u64(&s->in);
	push(s, cmd);
}

static void op_kick(struct session *s)
{
	uint8_t retry = input_u8(&s->in) & 1;

	its_write(s->w, GITS_CWRITER, 8, s->tail | retry);
}

static void op_cwriter(struct session *s)
{
	its_write(s->w, GITS_CWRITER, 4, (uint64_t)input_u16(&s->in) << 4);
	sync_tail(s);
}

static void op_ctlr(struct session *s)
{
	its_write(s->w, GITS_CTLR, 4, input_u8(&s->in) & 1);
}

static void op_cbaser(struct session *s)
{
	uint64_t gpa = take_page(&s->in);
	uint8_t pages = input_u8(&s->in), flags = input_u8(&s->in);

	its_write(s->w, GITS_CBASER, 8, (flags & 1 ? 0 : VALID) | gpa | pages);
	sync_tail(s);
}

static void op_baser(struct session *s)
{
	uint64_t gpa = take_page(&s->in), flags = input_u8(&s->in);
	uint8_t pages = input_u8(&s->in);

	/* Bits 51:48 of a table of 64K pages stand in bits 15:12. */
	gpa = (gpa & MASK64(47, 12)) | (gpa >> 48 & 0xf) << 12;
	its_write(s->w, flags & 1 ? GITS_BASER(0) : GITS_BASER(1), 8,
		  (flags & 2 ? 0 : VALID) | (flags >> 2 & 1) << 62 | (flags >> 3 & 3) << 8 | gpa |
			  pages);
}

static void op_memory(struct session *s)
{
	uint64_t gpa = take_page(&s->in) + input_u16(&s->in) % 0x1000, value;

	value = input_u64(&s->in);
	(void)its_mem_write(s->w, gpa, &value, 1u + (gpa & 7));
}

/* An entry such as the ITS itself, or a guest with a two-level table, would write. */
static void op_entry(struct session *s)
{
	uint64_t gpa = take_page(&s->in) + input_u8(&s->in) * 8u, value = 0;
	uint8_t kind = input_u8(&s->in);
	uint64_t page = take_page(&s->in), small = take_small(&s->in);

	switch (kind & 3) {
	case 0: /* of the first level */
		value = VALID | page;
		break;
	case 1: /* DTE: next, ITT, size */
		value = VALID | BIT64(49) | page >> 8 << 5 | (kind >> 2 & 0x1f);
		break;
	case 2: /* CTE: RDbase, ICID */
		value = VALID | (small & 0xff) << 16 | kind >> 2;
		break;
	default: /* ITE: next, INTID, ICID */
		value = BIT64(48) | (VITS_LPI_BASE - 1 + small) << 16 | (kind >> 2 & 7);
		break;
	}
	(void)its_mem_write(s->w, gpa, &value, sizeof(value));
}

static void op_write(struct session *s)
{
	uint64_t offset = input_uint(&s->in, 3) % GITS_FRAME_SZ;
	unsigned width = input_width(&s->in);

	its_write(s->w, offset, width, input_uint(&s->in, width));
}

static void op_read(struct session *s)
{
	uint64_t offset = input_uint(&s->in, 3) % GITS_FRAME_SZ;

	(void)its_read(s->w, offset, input_width(&s->in));
}

static void op_signal(struct session *s)
{
	uint8_t function = input_u8(&s->in);

	its_signal(s->w, function, take_small(&s->in));
}

static void op_run(struct session *s)
{
	its_run(s->w);
}

static void op_reset(struct session *s)
{
	if (s->w->inside)
		return;
	its_reset(s->w);
	sync_tail(s);
}

/* Some of the RAM is gone, or back. */
static void op_bad(struct session *s)
{
	s->w->bad = take_page(&s->in);
	s->w->bad_end = s->w->bad + input_u8(&s->in) * UINT64_C(0x800);
	if (s->w->bad_end < s->w->bad)
		s->w->bad_end = UINT64_MAX;
}

/* Dear, for it looks at all collections that there can be: seldom, and once. */
static void op_audit(struct session *s)
{
	if (!s->w->inside) {
		if (s->audited || input_below(&s->in, 8) != 7)
			return;
		s->audited = true;
	}
	its_audit(s->w);
}

static bool no_damage(struct its_world *w, struct vits_state *state)
{
	(void)w;
	(void)state;
	return false;
}

/* Changes some of the state, or of memory. */
static bool damage(struct its_world *w, struct vits_state *state)
{
	struct session *s = w->hook_arg;
	uint32_t *const words[] = { &state->ctlr, &state->iidr, &state->nr_devices,
				    &state->nr_events, &state->nr_delivering };
	uint64_t *const longs[] = { &state->typer,  &state->cbaser,   &state->cwriter,
				    &state->creadr, &state->baser[0], &state->baser[1] };
	unsigned what = input_below(&s->in, 4);

	if (what == 0) {
		*words[input_below(&s->in, ARRAY_SIZE(words))] ^= input_u32(&s->in);
	} else if (what == 1) {
		*longs[input_below(&s->in, ARRAY_SIZE(longs))] ^= input_u64(&s->in);
	} else if (what == 2 && state->nr_places) {
		struct vits_place *place = &state->places[input_u8(&s->in) % state->nr_places];

		place->function ^= input_u8(&s->in);
		place->eventid ^= input_u8(&s->in);
		place->vcpu ^= input_u16(&s->in);
	} else {
		op_entry(s);
	}
	return true;
}

/* Dear, too: it looks at all collections. */
static void op_save_restore(struct session *s)
{
	uint8_t what = input_u8(&s->in);

	if (!s->w->inside && s->nr_saves++ >= 4)
		return;
	its_save_restore(s->w, what & 1 ? damage : no_damage);
	sync_tail(s);
}

static void op_stats(struct session *s)
{
	its_check_stats(s->w);
}

static void op_inside(struct session *s)
{
	unsigned countdown = input_u8(&s->in);

	if (!s->w->inside)
		s->w->countdown = countdown;
}

/* What a driver does at its start. */
static void op_driver(struct session *s)
{
	uint8_t shape = input_u8(&s->in);
	uint64_t attr = FIELD_PREP(GITS_BASER_INDIRECT, shape & 1) |
			FIELD_PREP(GITS_BASER_PAGE_SIZE, shape >> 1 & 3);
	const uint64_t devices = VALID | (ITS_RAM + 0x30000), colls = VALID | (ITS_RAM + 0x40000);

	its_write(s->w, GITS_CTLR, 4, 0);
	if (shape & 1) {
		(void)its_mem_write(s->w, ITS_RAM, &devices, sizeof(devices));
		(void)its_mem_write(s->w, ITS_RAM + 0x10000, &colls, sizeof(colls));
	}
	its_write(s->w, GITS_CBASER, 8, VALID | (ITS_RAM + 0x20000) | (shape >> 3 & 0xf));
	its_write(s->w, GITS_BASER(0), 8, VALID | attr | ITS_RAM);
	its_write(s->w, GITS_BASER(1), 8, VALID | attr | (ITS_RAM + 0x10000));
	its_write(s->w, GITS_CTLR, 4, GITS_CTLR_ENABLED);
	sync_tail(s);
	for (uint32_t icid = 0; icid < 2; icid++)
		push_fields(s, &(struct gits_cmd){
				       .opcode = GITS_CMD_MAPC,
				       .icid = icid,
				       .rdbase = icid % s->w->config.nr_vcpus,
				       .valid = true,
			       });
	for (uint64_t i = 0; i < s->w->config.nr_functions; i++)
		push_fields(s, &(struct gits_cmd){
				       .opcode = GITS_CMD_MAPD,
				       .devid = s->w->functions[i].devid,
				       .size = s->w->config.eventid_bits - 1,
				       .itt = ITS_RAM + 0x50000 + i * 0x800,
				       .valid = true,
			       });
	its_write(s->w, GITS_CWRITER, 8, s->tail);
}

static void (*const ops[])(struct session *s) = {
	op_command, op_driver, op_ctlr,	  op_cbaser, op_baser,	 op_memory,	 op_entry,
	op_write,   op_read,   op_kick,	  op_signal, op_run,	 op_reset,	 op_bad,
	op_audit,   op_stats,  op_inside, op_push,   op_cwriter, op_raw_command, op_save_restore,
};

static void step(struct session *s)
{
	ops[input_below(&s->in, ARRAY_SIZE(ops))](s);
}

static void inside(struct its_world *w)
{
	step(w->hook_arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s = { .in = { data, data + size } };

	s.w = its_world_create(&s.in);
	s.w->hook = inside;
	s.w->hook_arg = &s;
	while (input_left(&s.in))
		step(&s);
	s.w->countdown = 0;
	its_write(s.w, GITS_CTLR, 4, 0);
	assert(!(its_read(s.w, GITS_CTLR, 4) & GITS_CTLR_ENABLED));
	its_world_destroy(s.w);
	return 0;
}
