// SPDX-License-Identifier: MIT
/*
 * Commands taken apart and put together (IHI 0069 5.3), and the registers to show (12.18).
 *
 * All other tests write commands with cmd_encode(); so the words of each command
 * stand here in full, as the document's figures have them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vitsmod/vits.h"

#define DEVID	0x89abcdefu
#define EVENTID 0x00005432u
#define PINTID	0x0000fedcu
#define ICID	0x0000a987u
#define RDBASE	UINT64_C(0x123456789)
#define ITT	UINT64_C(0x000fedcba9876500)

/* clang-format off */
static const struct {
	struct gits_cmd cmd;
	uint64_t words[GITS_CMD_NR_WORDS];
	uint64_t fields[GITS_CMD_NR_WORDS]; /* bits of the command's own fields: not RES0 */
} commands[] = {
	{ { .opcode = GITS_CMD_MOVI, .devid = DEVID, .eventid = EVENTID, .icid = ICID },
	  { 0x89abcdef00000001, 0x5432, 0xa987, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0xffff, 0 } },
	{ { .opcode = GITS_CMD_INT, .devid = DEVID, .eventid = EVENTID },
	  { 0x89abcdef00000003, 0x5432, 0, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0, 0 } },
	{ { .opcode = GITS_CMD_CLEAR, .devid = DEVID, .eventid = EVENTID },
	  { 0x89abcdef00000004, 0x5432, 0, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0, 0 } },
	{ { .opcode = GITS_CMD_SYNC, .rdbase = RDBASE },
	  { 0x05, 0, 0x0001234567890000, 0 },
	  { 0xff, 0, 0x0007ffffffff0000, 0 } },
	{ { .opcode = GITS_CMD_MAPD, .devid = DEVID, .size = 15, .itt = ITT, .valid = true },
	  { 0x89abcdef00000008, 15, 0x800fedcba9876500, 0 },
	  { 0xffffffff000000ff, 0x1f, 0x800fffffffffff00, 0 } },
	{ { .opcode = GITS_CMD_MAPC, .icid = ICID, .rdbase = RDBASE, .valid = true },
	  { 0x09, 0, 0x800123456789a987, 0 },
	  { 0xff, 0, 0x8007ffffffffffff, 0 } },
	{ { .opcode = GITS_CMD_MAPTI, .devid = DEVID, .eventid = EVENTID, .pintid = PINTID,
	    .icid = ICID },
	  { 0x89abcdef0000000a, 0x0000fedc00005432, 0xa987, 0 },
	  { 0xffffffff000000ff, UINT64_MAX, 0xffff, 0 } },
	{ { .opcode = GITS_CMD_MAPI, .devid = DEVID, .eventid = EVENTID, .icid = ICID },
	  { 0x89abcdef0000000b, 0x5432, 0xa987, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0xffff, 0 } },
	{ { .opcode = GITS_CMD_INV, .devid = DEVID, .eventid = EVENTID },
	  { 0x89abcdef0000000c, 0x5432, 0, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0, 0 } },
	{ { .opcode = GITS_CMD_INVALL, .icid = ICID },
	  { 0x0d, 0, 0xa987, 0 },
	  { 0xff, 0, 0xffff, 0 } },
	{ { .opcode = GITS_CMD_MOVALL, .rdbase = RDBASE, .rdbase2 = RDBASE + 1 },
	  { 0x0e, 0, 0x0001234567890000, 0x00012345678a0000 },
	  { 0xff, 0, 0x0007ffffffff0000, 0x0007ffffffff0000 } },
	{ { .opcode = GITS_CMD_DISCARD, .devid = DEVID, .eventid = EVENTID },
	  { 0x89abcdef0000000f, 0x5432, 0, 0 },
	  { 0xffffffff000000ff, 0xffffffff, 0, 0 } },
};
/* clang-format on */

static void test_each_command_is_put_together_as_the_architecture_has_it(void **state)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	(void)state;
	assert_int_equal(ARRAY_SIZE(commands), 12);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		cmd_encode(&commands[i].cmd, words);
		assert_memory_equal(words, commands[i].words, sizeof(words));
	}
}

/* Take apart, put together: the same words, whatever value the command's fields have. */
static void test_each_command_survives_decode_and_encode_over_all_its_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		for (unsigned bit = 0; bit < 64 * GITS_CMD_NR_WORDS; bit++) {
			uint64_t words[GITS_CMD_NR_WORDS], again[GITS_CMD_NR_WORDS];
			struct gits_cmd cmd;

			memcpy(words, commands[i].words, sizeof(words));
			words[bit / 64] ^= BIT64(bit % 64) & commands[i].fields[bit / 64];
			cmd_decode(words, &cmd);
			cmd_encode(&cmd, again);
			assert_memory_equal(again, words, sizeof(words));
			assert_int_equal(cmd.opcode, cmd_opcode(words));
		}
	}
}

/* Put together, take apart: the fields that the command has come back. */
static void test_each_field_comes_back_from_encode_and_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct gits_cmd *want = &commands[i].cmd;
		uint64_t words[GITS_CMD_NR_WORDS];
		struct gits_cmd got;

		cmd_encode(want, words);
		cmd_decode(words, &got);
		assert_int_equal(got.opcode, want->opcode);
		assert_int_equal(got.devid, want->devid);
		assert_int_equal(got.pintid, want->pintid);
		assert_int_equal(got.rdbase2, want->rdbase2);
		assert_int_equal(got.valid, want->valid);
		if (want->eventid)
			assert_int_equal(got.eventid, want->eventid);
		if (want->size)
			assert_int_equal(got.size, want->size);
		if (want->itt)
			assert_int_equal(got.itt, want->itt);
		if (want->icid)
			assert_int_equal(got.icid, want->icid);
		if (want->rdbase)
			assert_int_equal(got.rdbase, want->rdbase);
	}
}

static void test_bits_that_no_field_has_are_neither_read_nor_written(void **state)
{
	const struct gits_cmd wide = {
		.opcode = 0xff,
		.size = UINT32_MAX,
		.itt = UINT64_MAX,
		.icid = UINT32_MAX,
		.rdbase = UINT64_MAX,
		.rdbase2 = UINT64_MAX,
	};
	static const uint64_t cut[GITS_CMD_NR_WORDS] = { 0xff, 0x1f, 0x000fffffffffffff,
							 0x0007ffffffff0000 };
	uint64_t words[GITS_CMD_NR_WORDS];
	struct gits_cmd cmd;

	(void)state;
	cmd_encode(&wide, words);
	assert_memory_equal(words, cut, sizeof(words));

	/* MAPTI, with all bits that are no command's. */
	memcpy(words, commands[6].words, sizeof(words));
	words[0] |= MASK64(31, 8);
	words[2] |= MASK64(62, 52);
	words[3] |= ~GITS_CMD3_RDBASE2;
	cmd_decode(words, &cmd);
	cmd_encode(&cmd, words);
	assert_memory_equal(words, commands[6].words, sizeof(words));
}

static void test_decode_takes_each_field_from_its_place(void **state)
{
	static const uint64_t words[4] = {
		0x89abcdef000000ff,
		0x1234567887654321,
		0xffffffffffffffff,
		0xffffffffffffffff,
	};
	struct gits_cmd cmd;

	(void)state;
	cmd_decode(words, &cmd);
	assert_int_equal(cmd.opcode, 0xff);
	assert_int_equal(cmd.devid, 0x89abcdef);
	assert_int_equal(cmd.eventid, 0x87654321);
	assert_int_equal(cmd.pintid, 0x12345678);
	assert_int_equal(cmd.size, 1);
	assert_int_equal(cmd.itt, 0x000fffffffffff00);
	assert_int_equal(cmd.icid, 0xffff);
	assert_int_equal(cmd.rdbase, 0x7ffffffff);
	assert_int_equal(cmd.rdbase2, 0x7ffffffff);
	assert_true(cmd.valid);
}

static void test_registers_that_tell_something_are_listed_in_order(void **state)
{
	static const struct vits_register want[] = {
		{ "GITS_CTLR", GITS_CTLR, 4 },	     { "GITS_TYPER", GITS_TYPER, 8 },
		{ "GITS_CBASER", GITS_CBASER, 8 },   { "GITS_CWRITER", GITS_CWRITER, 8 },
		{ "GITS_CREADR", GITS_CREADR, 8 },   { "GITS_BASER0", GITS_BASER(0), 8 },
		{ "GITS_BASER1", GITS_BASER(1), 8 },
	};
	struct vits_register got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_true(vits_register_get(i, &got));
		assert_string_equal(got.name, want[i].name);
		assert_int_equal(got.offset, want[i].offset);
		assert_int_equal(got.size, want[i].size);
	}
	assert_false(vits_register_get(ARRAY_SIZE(want), &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_command_is_put_together_as_the_architecture_has_it),
		cmocka_unit_test(test_each_command_survives_decode_and_encode_over_all_its_fields),
		cmocka_unit_test(test_each_field_comes_back_from_encode_and_decode),
		cmocka_unit_test(test_bits_that_no_field_has_are_neither_read_nor_written),
		cmocka_unit_test(test_decode_takes_each_field_from_its_place),
		cmocka_unit_test(test_registers_that_tell_something_are_listed_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
