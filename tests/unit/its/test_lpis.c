// SPDX-License-Identifier: MIT
/*
 * The number of LPIs that a guest gets by default.
 */
#include "vmm/its/lpis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/vits.h"

static void test_the_default_is_the_sum_of_what_linux_takes_and_room_for_holes(void **state)
{
	static const struct {
		const char *why;
		uint32_t vectors[4];
		size_t nr;
		uint32_t lpis;
	} cases[] = {
		{ "no device", { 0 }, 0, 32 },
		{ "one with a vector: Linux takes 32 for DeviceID 0", { 1 }, 1, 32 },
		{ "one with 32", { 32 }, 1, 32 },
		{ "one with 33: a power of two", { 33 }, 1, 64 },
		{ "one with all of MSI-X", { 2048 }, 1, 2048 },
		{ "two small ones, and a hole", { 1, 9 }, 2, 32 + 32 + 32 },
		{ "a large one leaves holes for the others", { 64, 5, 5 }, 3, 64 + 64 + 2 * 64 },
		{ "just so many as there are", { 16384, 16384, 1 }, 3, 57344 },
		{ "more than there are", { 65536, 65536 }, 2, 57344 },
		{ "nonsense", { UINT32_MAX, UINT32_MAX, UINT32_MAX }, 3, 57344 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		assert_int_equal(lpis_for(cases[i].vectors, cases[i].nr), cases[i].lpis);
	}
	assert_int_equal(LPIS_MAX, VITS_MAX_LPIS);
}

/*
 * An allocator as Linux's: blocks of powers of two, the first hole that fits.
 */

#define NR_DEVICES 6u
#define SPACE	   4096u

struct space {
	bool taken[SPACE];
	uint32_t at[NR_DEVICES], block[NR_DEVICES]; /* 0: none */
	uint32_t end;				    /* highest ever taken, and 1 */
};

static uint32_t first_fit(const struct space *s, uint32_t block)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < SPACE; i++) {
		room = s->taken[i] ? 0 : room + 1;
		if (room == block)
			return i + 1 - block;
	}
	fail();
	return 0;
}

static void release(struct space *s, size_t device)
{
	memset(s->taken + s->at[device], 0, s->block[device]);
	s->block[device] = 0;
}

static void take(struct space *s, size_t device, uint32_t block)
{
	s->at[device] = first_fit(s, block);
	s->block[device] = block;
	memset(s->taken + s->at[device], 1, block);
	if (s->at[device] + block > s->end)
		s->end = s->at[device] + block;
}

static void test_drivers_that_come_and_go_never_need_more(void **state)
{
	static const uint32_t machines[][NR_DEVICES] = {
		{ 32, 32, 32, 32, 32, 32 },
		{ 64, 1, 1, 1, 1, 1 },
		{ 256, 128, 64, 32, 32, 32 },
		{ 128, 100, 65, 33, 17, 2 },
	};
	uint64_t s = 1;

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(machines); m++) {
		struct space space = { .end = 0 };
		uint32_t sum = 0;

		for (unsigned i = 0; i < 100000; i++) {
			size_t device;
			uint32_t most = LPIS_MIN;

			s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			device = (s >> 33) % NR_DEVICES;
			while (most < machines[m][device])
				most *= 2;
			if (space.block[device])
				release(&space, device);
			else
				take(&space, device, most >> (s >> 48) % 6);
		}
		for (size_t i = 0; i < NR_DEVICES; i++)
			sum += machines[m][i] > LPIS_MIN ? machines[m][i] : LPIS_MIN;
		assert_true(space.end <= lpis_for(machines[m], NR_DEVICES));
		/* The sum alone is too little where there are holes. */
		print_message("%u LPIs taken, vectors %u, default %u\n", space.end, sum,
			      lpis_for(machines[m], NR_DEVICES));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_the_default_is_the_sum_of_what_linux_takes_and_room_for_holes),
		cmocka_unit_test(test_drivers_that_come_and_go_never_need_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
