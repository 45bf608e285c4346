// SPDX-License-Identifier: MIT
/*
 * The commands, one by one: each of their errors, and the boundaries that the
 * errors sit on. IHI 0069 5.3.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include "vitsmod/cmd.h"

static void test_reserved_bits_of_commands_are_ignored(void **state)
{
	struct world *w = world_create_ready();
	struct words cmd = mapti(DEV_A, 0, LPI(0), 1);

	(void)state;
	cmd.w[0] |= ~(GITS_CMD0_OPCODE | GITS_CMD0_DEVID);
	cmd.w[2] |= ~GITS_CMD2_ICID;
	cmd.w[3] = UINT64_MAX;
	run_ok(w, cmd);
	expect_msi(w, 0, 0, LPI(0), 1);
	cmd = mapd_off(DEV_A);
	cmd.w[1] = UINT64_MAX; /* Size counts only if V is 1 */
	cmd.w[2] = ~GITS_CMD2_VALID;
	run_ok(w, cmd);
	cmd = mapc_off(1);
	cmd.w[2] |= FIELD_PREP(GITS_CMD2_RDBASE, 0xffff); /* so does RDbase */
	run_ok(w, cmd);
	world_destroy(w);
}

/*
 * Errors. Each case is a command sent to world_create_ready(), with event 0 of all
 * three devices on LPI 0, 1 and 2, in collection 0.
 */

struct error_case {
	const char *why;
	struct words cmd;
	uint32_t code; /* 0: the last value that is right */
};

static void run_error_cases(const struct error_case *cases, size_t nr_cases)
{
	for (size_t i = 0; i < nr_cases; i++) {
		struct world *w = world_create_ready();
		uint32_t code;

		run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
		run_ok(w, mapti(DEV_B, 0, LPI(1), 0));
		run_ok(w, mapti(DEV_X, 0, LPI(2), 0));
		forget_updates(w);
		code = run(w, cases[i].cmd);
		if (code != cases[i].code || (code != 0) != (w->result == VITS_SKIP))
			fail_msg("%s: got %06x, result %d", cases[i].why, code, (int)w->result);
		if (code) {
			struct vits_stats stats = world_stats(w);
			unsigned op = cmd_opcode(cases[i].cmd.w);

			expect_no_more_updates(w);
			assert_non_null(vits_error_name(code));
			assert_int_equal(stats.cmd[op].skipped, 1);
			assert_int_equal(stats.nr_last, 1);
			assert_int_equal(stats.last[0].code, code);
			assert_memory_equal(stats.last[0].cmd, cases[i].cmd.w, 32);
			expect_msi(w, 0, 0, LPI(0), 0);
			expect_msi(w, 1, 0, LPI(1), 0);
			run_ok(w, intr(DEV_X, 0));
		}
		world_destroy(w);
	}
}

#define NO_ICID 0xffffu /* world_create_ready()'s table ends at 65536 */

static void test_mapd_errors(void **state)
{
	const struct error_case cases[] = {
		{ "last DeviceID", mapd(0xffff, ITT_X, 1), 0 },
		{ "DeviceID beyond Devbits", mapd(0x10000, ITT_X, 1), 0x010801 },
		{ "all DeviceID bits", mapd(0xffffffff, ITT_X, 1), 0x010801 },
		{ "unmap beyond Devbits", mapd_off(0x10000), 0x010801 },
		{ "smallest Size", mapd(DEV_X, ITT_X, 1), 0 },
		{ "Size of ID_bits", mapd(DEV_X, ITT_X, 16), 0 },
		{ "Size beyond ID_bits", mapd(DEV_X, ITT_X, 17), 0x010802 },
		{ "largest Size", mapd(DEV_A, ITT_A, 32), 0x010802 },
		{ "ITT at the top of RAM", mapd(DEV_X, RAM_END - 256, 5), 0 },
		{ "ITT outside RAM", mapd(DEV_X, 0, 5), 0 },
		{ "ITT over the queue", mapd(DEV_X, QUEUE, 5), 0 },
		{ "unmap of an unmapped device", mapd_off(0x77), 0 },
	};

	(void)state;
	run_error_cases(cases, ARRAY_SIZE(cases));
}

static void test_mapc_errors(void **state)
{
	const struct error_case cases[] = {
		{ "last ICID", mapc(0xffff, 0), 0 },
		{ "last vCPU", mapc(2, NR_VCPUS - 1), 0 },
		{ "no such vCPU", mapc(2, NR_VCPUS), 0x010902 },
		{ "an address for a vCPU", mapc(0, 0x0808), 0x010902 },
		{ "all RDbase bits", mapc(0, 0x7ffffffff), 0x010902 },
		{ "unmap, never mapped", mapc_off(9), 0 },
	};

	(void)state;
	run_error_cases(cases, ARRAY_SIZE(cases));
}

static void test_mapti_errors(void **state)
{
	const struct error_case cases[] = {
		{ "DeviceID beyond Devbits", mapti(0x10000, 1, LPI(3), 0), 0x010a01 },
		{ "unmapped device", mapti(0x77, 1, LPI(3), 0), 0x010a04 },
		{ "last EventID", mapti(DEV_B, 31, LPI(3), 0), 0 },
		{ "EventID beyond the ITT", mapti(DEV_B, 32, LPI(3), 0), 0x010a05 },
		{ "all EventID bits", mapti(DEV_B, 0xffffffff, LPI(3), 0), 0x010a05 },
		{ "INTID 0", mapti(DEV_B, 1, 0, 0), 0x010a06 },
		{ "last INTID that is no LPI", mapti(DEV_B, 1, 8191, 0), 0x010a06 },
		{ "last LPI", mapti(DEV_B, 1, LAST_LPI, 0), 0 },
		{ "beyond the last LPI", mapti(DEV_B, 1, LAST_LPI + 1, 0), 0x010a06 },
		{ "all INTID bits", mapti(DEV_B, 1, 0xffffffff, 0), 0x010a06 },
		{ "another event's LPI", mapti(DEV_B, 1, LPI(0), 0), 0x010a06 },
		{ "another event's LPI, a stranger", mapti(DEV_X, 1, LPI(0), 0), 0x010a06 },
		{ "unmapped collection", mapti(DEV_B, 1, LPI(3), 9), 0 },
	};

	(void)state;
	run_error_cases(cases, ARRAY_SIZE(cases));
}

static void test_event_command_errors(void **state)
{
	static const struct {
		enum gits_opcode op;
		uint32_t number;
		bool unmapped_device;
	} commands[] = {
		{ GITS_CMD_MOVI, 0x010100, true }, { GITS_CMD_DISCARD, 0x010f00, false },
		{ GITS_CMD_INT, 0x010300, true },  { GITS_CMD_CLEAR, 0x010500, true },
		{ GITS_CMD_INV, 0x010c00, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		enum gits_opcode op = commands[i].op;
		uint32_t n = commands[i].number;
		uint32_t no_device = n | (commands[i].unmapped_device ? 0x04 : 0x07);
/* With a collection, for MOVI. */
#define EVENT(id, event) \
	encoded((struct gits_cmd){ .opcode = op, .devid = id, .eventid = event, .icid = 1 })
		const struct error_case cases[] = {
			{ "assigned event", EVENT(DEV_A, 0), 0 },
			{ "a stranger's event", EVENT(DEV_X, 0), 0 },
			{ "DeviceID beyond Devbits", EVENT(0x10000, 0), n | 0x01 },
			{ "unmapped device", EVENT(0x77, 0), no_device },
			{ "last EventID, unmapped", EVENT(DEV_B, 31), n | 0x07 },
			{ "EventID beyond the ITT", EVENT(DEV_B, 32), n | 0x05 },
			{ "beyond a stranger's ITT", EVENT(DEV_X, 32), n | 0x05 },
			{ "all EventID bits", EVENT(DEV_B, 0xffffffff), n | 0x05 },
			{ "unmapped event", EVENT(DEV_B, 1), n | 0x07 },
			{ "a stranger's unmapped event", EVENT(DEV_X, 1), n | 0x07 },
			{ "unmapped, beyond the shadow", EVENT(DEV_A, 5), n | 0x07 },
		};
#undef EVENT
		run_error_cases(cases, ARRAY_SIZE(cases));
	}
}

static void test_movi_invall_movall_errors(void **state)
{
	const struct error_case cases[] = {
		{ "MOVI to an unmapped collection", movi(DEV_A, 0, 9), 0x010109 },
		{ "MOVI of a stranger's event to one", movi(DEV_X, 0, 9), 0x010109 },
		{ "INVALL", invall(1), 0 },
		{ "INVALL of an unmapped collection", invall(9), 0x010d09 },
		{ "MOVALL to the last vCPU", movall(0, NR_VCPUS - 1), 0 },
		{ "MOVALL to itself", movall(1, 1), 0 },
		{ "MOVALL from no vCPU", movall(NR_VCPUS, 0), 0x010e01 },
		{ "MOVALL to no vCPU", movall(0, NR_VCPUS), 0x010e01 },
		{ "MOVALL to itself, which is none", movall(NR_VCPUS, NR_VCPUS), 0x010e01 },
		{ "MOVALL with all bits", movall(0x7ffffffff, 0), 0x010e01 },
		{ "SYNC of no vCPU", sync_cmd(0x7ffffffff), 0 },
	};

	(void)state;
	run_error_cases(cases, ARRAY_SIZE(cases));
}

/* ICIDs: a collection table of one 4K page has 512. */
static void test_collection_out_of_range(void **state)
{
	struct world *w = world_create_ready();
	static const unsigned last = 511;

	(void)state;
	wr32(w, GITS_CTLR, 0);
	wr64(w, GITS_BASER(1), VALID | SPARE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_ok(w, mapc(last, 0));
	run_skip(w, mapc(last + 1, 0), 0x010903);
	run_skip(w, mapc_off(last + 1), 0x010903);
	run_ok(w, mapti(DEV_A, 0, LPI(0), last));
	run_skip(w, mapti(DEV_A, 1, LPI(1), last + 1), 0x010a03);
	run_skip(w, mapi(DEV_A, 1, last + 1), 0x010b03);
	run_ok(w, movi(DEV_A, 0, last));
	run_skip(w, movi(DEV_A, 0, last + 1), 0x010103);
	run_ok(w, invall(last));
	run_skip(w, invall(last + 1), 0x010d03);
	world_destroy(w);
}

static void test_mapi_maps_the_eventid_and_has_its_errors(void **state)
{
	struct vits_function function = { DEV_A, 8192 + 32 };
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = &function;
	config.nr_functions = 1;
	w = world_create_on(&config);
	run_skip(w, mapi(0x10000, 8192, 0), 0x010b01);
	run_skip(w, mapi(DEV_A, 8192, 0), 0x010b04);
	run_ok(w, mapd(DEV_A, ITT_A, 14));
	run_ok(w, mapd(DEV_X, SPARE, 14));
	run_ok(w, mapc(0, 2));
	run_skip(w, mapi(DEV_A, 8191, 0), 0x010b05);
	run_skip(w, mapi(DEV_A, 8192 + NR_LPIS, 0), 0x010b05);
	run_skip(w, mapi(DEV_A, 1 << 14, 0), 0x010b05);
	expect_no_more_updates(w);
	run_ok(w, mapi(DEV_A, 8192, 0));
	expect_update(w, VITS_LPI_MAP, true, 8192, 2);
	expect_msi(w, 0, 8192, 8192, 2);
	run_skip(w, mapi(DEV_X, 8192, 0), 0x010b05); /* the function's */
	run_skip(w, mapi(DEV_A, 8192, 0), 0);	     /* mapped already */
	run_ok(w, mapi(DEV_X, 8192 + 40, 0));	     /* beyond the shadow */
	expect_no_more_updates(w);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_where_several_errors_apply_the_first_of_the_table_is_reported(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	wr32(w, GITS_CTLR, 0);
	wr64(w, GITS_BASER(1), VALID | SPARE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	run_skip(w, mapti(0x10000, 99, 0, 600), 0x010a01);
	run_skip(w, mapti(0x77, 99, 0, 600), 0x010a03);
	run_skip(w, mapti(0x77, 99, 0, 1), 0x010a04);
	run_skip(w, mapti(DEV_A, 99, 0, 1), 0x010a05);
	run_skip(w, mapti(DEV_A, 1, 0, 1), 0x010a06);
	run_skip(w, movi(0x77, 99, 600), 0x010103);
	run_skip(w, movi(0x77, 99, 9), 0x010104);
	run_skip(w, movi(DEV_A, 99, 9), 0x010105);
	run_skip(w, movi(DEV_A, 3, 9), 0x010107);
	run_skip(w, mapd(0x10000, ITT_X, 17), 0x010801);
	run_skip(w, mapc(600, 99), 0x010903);
	world_destroy(w);
}

/* Choice in cmd.c */
static void test_an_opcode_that_is_no_command_is_ignored_and_never_stalls(void **state)
{
	static const char *const names[256] = {
		[GITS_CMD_MOVI] = "MOVI",     [GITS_CMD_INT] = "INT",
		[GITS_CMD_CLEAR] = "CLEAR",   [GITS_CMD_SYNC] = "SYNC",
		[GITS_CMD_MAPD] = "MAPD",     [GITS_CMD_MAPC] = "MAPC",
		[GITS_CMD_MAPTI] = "MAPTI",   [GITS_CMD_MAPI] = "MAPI",
		[GITS_CMD_INV] = "INV",	      [GITS_CMD_INVALL] = "INVALL",
		[GITS_CMD_MOVALL] = "MOVALL", [GITS_CMD_DISCARD] = "DISCARD",
	};
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.on_error = VITS_ON_ERROR_STALL;
	w = world_create_on(&config);
	for (unsigned op = 0; op < 256; op++) {
		if (names[op]) {
			assert_string_equal(vits_command_name((uint8_t)op), names[op]);
			continue;
		}
		assert_null(vits_command_name((uint8_t)op));
		run_skip(w, opcode(op), 0);
		assert_int_equal(world_stats(w).cmd[op].skipped, 1);
	}
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_every_opcode_with_all_other_bits_set_does_no_harm(void **state)
{
	struct world *w = world_create_ready();

	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		struct words cmd = { { ~UINT64_C(0xff) | op, UINT64_MAX, UINT64_MAX, UINT64_MAX } };

		run(w, cmd);
	}
	expect_no_more_updates(w);
	world_destroy(w);
}

static void test_error_names(void **state)
{
	(void)state;
	assert_string_equal(vits_error_name(0x010a05), "MAPTI_ID_OOR");
	assert_string_equal(vits_error_name(0x010507), "CLEAR_UNMAPPED_INTERRUPT");
	assert_string_equal(vits_error_name(0x010e01), "MOVALL_PROCNUM_OOR");
	assert_null(vits_error_name(0));
	assert_null(vits_error_name(0x010401));
	assert_null(vits_error_name(0x010f04));
	assert_null(vits_error_name(UINT32_MAX));
}

static void test_the_last_failures_are_kept_newest_first(void **state)
{
	struct world *w = world_create_ready();
	struct vits_stats stats;

	(void)state;
	for (unsigned i = 0; i < VITS_KEPT_FAILURES + 3; i++)
		run_skip(w, opcode(0xff - i), 0);
	stats = world_stats(w);
	assert_int_equal(stats.nr_last, VITS_KEPT_FAILURES);
	for (unsigned i = 0; i < VITS_KEPT_FAILURES; i++) {
		assert_int_equal(stats.last[i].serial, VITS_KEPT_FAILURES + 3 - i);
		assert_int_equal(stats.last[i].cmd[0], 0xff - (VITS_KEPT_FAILURES + 2 - i));
		assert_int_equal(stats.last[i].result, VITS_SKIP);
	}
	assert_int_equal(stats.last[0].creadr, w->tail - 32);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_bits_of_commands_are_ignored),
		cmocka_unit_test(test_mapd_errors),
		cmocka_unit_test(test_mapc_errors),
		cmocka_unit_test(test_mapti_errors),
		cmocka_unit_test(test_event_command_errors),
		cmocka_unit_test(test_movi_invall_movall_errors),
		cmocka_unit_test(test_collection_out_of_range),
		cmocka_unit_test(test_mapi_maps_the_eventid_and_has_its_errors),
		cmocka_unit_test(
			test_where_several_errors_apply_the_first_of_the_table_is_reported),
		cmocka_unit_test(test_an_opcode_that_is_no_command_is_ignored_and_never_stalls),
		cmocka_unit_test(test_every_opcode_with_all_other_bits_set_does_no_harm),
		cmocka_unit_test(test_error_names),
		cmocka_unit_test(test_the_last_failures_are_kept_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
