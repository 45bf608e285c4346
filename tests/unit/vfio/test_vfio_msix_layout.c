// SPDX-License-Identifier: MIT
/*
 * Which registers are in one of the host's pages with an MSI-X table or PBA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vfio/msix_layout.h"

/* QEMU's nvme. */
#define NVME                              \
	{                                 \
		65, { 0, 0x2000, 0x410 }, \
		{                         \
			0, 0x3000, 16     \
		}                         \
	}

static const struct {
	const char *why;
	struct msix_layout layout;
	unsigned bar;
	uint64_t size, page;
	bool crowds;
} cases[] = {
	{ "as the specification has it", NVME, 0, 0x4000, 0x1000, false },
	{ "doorbells", NVME, 0, 0x4000, 0x4000, true },
	{ "another BAR", NVME, 1, 0x4000, 0x4000, false },
	{ "smaller than a page", NVME, 0, 0x4000, 0x10000, true },
	{ "all of such a one", { 2, { 1, 0, 0x20 }, { 1, 0x800, 8 } }, 1, 0x1000, 0x4000, false },
	{ "smaller than all", { 2, { 1, 0, 0x20 }, { 0 } }, 1, 0x800, 0x4000, false },
	{ "alone", { 65, { 0, 0x8000, 0x410 }, { 0, 0x9000, 16 } }, 0, 0x10000, 0x2000, false },
	{ "PBA", { 65, { 0, 0x4000, 0x4000 }, { 0, 0x8000, 16 } }, 0, 0x10000, 0x4000, true },
	{ "no BAR", { 65, { 0, 0, 0x4000 }, { 0, 0x80000, 16 } }, 0, 0x4000, 0x4000, false },
	{ "no PBA", { 65, { 0, 0, 0x4000 }, { 0 } }, 0, 0x4000, 0x4000, false },
	{ "end of the BAR", { 8, { 0, 0x4000, 0x80 }, { 0 } }, 0, 0x5000, 0x4000, false },
	{ "most", { 2048, { 2, 0, 0x8000 }, { 2, 0x8000, 256 } }, 2, 0x10000, 0x10000, true },
	{ "the next page", { 1, { 0, 0x1ff0, 16 }, { 0 } }, 0, 0x4000, 0x2000, true },
};

static void test_registers_keep_4_kib_away(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		assert_int_equal(msix_layout_crowds(&cases[i].layout, cases[i].bar, cases[i].size,
						    cases[i].page),
				 cases[i].crowds);
	}
}

static void test_a_capability_is_read_and_written(void **state)
{
	static const uint8_t nvme[MSIX_LAYOUT_CAP_SIZE] = { 0x11, 0x80, 0x40, 0,    0, 0x20,
							    0,	  0,	0,    0x30, 0, 0 };
	uint8_t cap[MSIX_LAYOUT_CAP_SIZE] = { 0 };
	struct msix_layout layout;

	(void)state;
	msix_layout_read(nvme, &layout);
	assert_int_equal(layout.nr, 65);
	assert_int_equal(layout.table.bar, 0);
	assert_int_equal(layout.table.offset, 0x2000);
	assert_int_equal(layout.table.size, 0x410);
	assert_int_equal(layout.pba.offset, 0x3000);
	assert_int_equal(layout.pba.size, 16);
	layout.pba.bar = 5;
	msix_layout_write(cap, &layout);
	assert_int_equal(cap[4] | cap[5] << 8, 0x2000);
	assert_int_equal(cap[8] | cap[9] << 8, 0x3005);
	assert_int_equal(cap[0] | cap[2], 0);
}

static void test_a_bar_of_their_own_has_room_for_both(void **state)
{
	static const struct {
		unsigned nr;
		uint64_t pba, size;
	} sizes[] = { { 1, 0x1000, 0x2000 },
		      { 65, 0x1000, 0x2000 },
		      { 257, 0x2000, 0x4000 },
		      { 2048, 0x8000, 0x10000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct msix_layout layout = { .nr = sizes[i].nr };
		struct msix_layout alone;
		uint64_t size;

		alone = msix_layout_alone(&layout, 4, &size);
		assert_int_equal(size, sizes[i].size);
		assert_int_equal(alone.pba.offset, sizes[i].pba);
		assert_int_equal(alone.table.bar, 4);
		assert_int_equal(alone.pba.bar, 4);
		assert_int_equal(alone.table.offset, 0);
		assert_int_equal(alone.table.size, 16 * sizes[i].nr);
		assert_true(alone.pba.size * 8 >= sizes[i].nr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_keep_4_kib_away),
		cmocka_unit_test(test_a_capability_is_read_and_written),
		cmocka_unit_test(test_a_bar_of_their_own_has_room_for_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
