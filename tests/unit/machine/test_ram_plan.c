// SPDX-License-Identifier: MIT
/*
 * Where RAM lies, whatever is in the way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/ram_plan.h"

#define MAX_HOLES 12u
#define RAM	  LAYOUT_RAM
#define END	  LAYOUT_PCI64

static const struct plan_case {
	const char *what;
	uint64_t size, align;
	struct ram_hole holes[MAX_HOLES]; /* up to the first {0, 0} */
	struct gmem_range want[GMEM_MAX_BANKS];
	size_t nr;
} cases[] = {
	{ "nothing is in the way", 512 * MiB, 2 * MiB, { { 0 } }, { { RAM, 512 * MiB } }, 1 },
	{ "what is below and above is not",
	  512 * MiB,
	  2 * MiB,
	  { { 0x08000000, 0x080fffff }, { 0x10000000, RAM - 1 }, { END, UINT64_MAX } },
	  { { RAM, 512 * MiB } },
	  1 },
	{ "a hole in the middle",
	  512 * MiB,
	  2 * MiB,
	  { { RAM + 256 * MiB, RAM + 384 * MiB - 1 } },
	  { { RAM, 256 * MiB }, { RAM + 384 * MiB, 256 * MiB } },
	  2 },
	{ "a hole just behind the end is not in the way",
	  256 * MiB,
	  2 * MiB,
	  { { RAM + 256 * MiB, RAM + 384 * MiB - 1 } },
	  { { RAM, 256 * MiB } },
	  1 },
	{ "a hole of one byte at the last one is",
	  256 * MiB,
	  2 * MiB,
	  { { RAM + 256 * MiB - 1, RAM + 256 * MiB - 1 } },
	  { { RAM, 254 * MiB }, { RAM + 256 * MiB, 2 * MiB } },
	  2 },
	{ "a hole of one byte at the first one is",
	  256 * MiB,
	  2 * MiB,
	  { { RAM, RAM } },
	  { { RAM + 2 * MiB, 256 * MiB } },
	  1 },
	{ "the whole first GiB, as Layerscape's host bridges have it",
	  4 * GiB,
	  2 * MiB,
	  { { 0x40000000, 0x7fffffff } },
	  { { 2 * GiB, 4 * GiB } },
	  1 },
	{ "all that devices of 32 bits reach",
	  4 * GiB,
	  2 * MiB,
	  { { 0x40000000, 0xffffffff } },
	  { { 4 * GiB, 4 * GiB } },
	  1 },
	{ "holes that overlap, are inside each other, and touch, in any order",
	  GiB,
	  2 * MiB,
	  { { 0x70000000, 0x7fffffff },
	    { 0x50000000, 0x5fffffff },
	    { 0x58000000, 0x6fffffff },
	    { 0x51000000, 0x51000fff } },
	  { { RAM, 256 * MiB }, { 2 * GiB, 768 * MiB } },
	  2 },
	{ "banks begin and end at whole blocks",
	  GiB,
	  32 * MiB,
	  { { RAM + 100 * MiB, RAM + 129 * MiB } },
	  { { RAM, 96 * MiB }, { RAM + 160 * MiB, 928 * MiB } },
	  2 },
	{ "and at whole huge pages",
	  4 * GiB,
	  GiB,
	  { { 0x90000000, 0x90000fff } },
	  { { RAM, GiB }, { 3 * GiB, 3 * GiB } },
	  2 },
	{ "what is too small between two holes stays empty",
	  64 * MiB,
	  2 * MiB,
	  { { RAM + 32 * MiB, RAM + 40 * MiB - 1 }, { RAM + 55 * MiB, RAM + 60 * MiB - 1 } },
	  { { RAM, 32 * MiB }, { RAM + 60 * MiB, 32 * MiB } },
	  2 },
	{ "the rest of the last one may be as small as it likes",
	  256 * MiB + 64 * KiB,
	  2 * MiB,
	  { { RAM + 256 * MiB, RAM + 384 * MiB - 1 } },
	  { { RAM, 256 * MiB }, { RAM + 384 * MiB, 64 * KiB } },
	  2 },
	{ "of more banks than there may be the smallest is left out",
	  3 * GiB,
	  2 * MiB,
	  { { RAM + 64 * MiB, RAM + 68 * MiB - 1 },
	    { RAM + 132 * MiB, RAM + 136 * MiB - 1 },
	    { RAM + 168 * MiB, RAM + 172 * MiB - 1 },
	    { RAM + 236 * MiB, RAM + 240 * MiB - 1 },
	    { RAM + 304 * MiB, RAM + 308 * MiB - 1 },
	    { RAM + 372 * MiB, RAM + 376 * MiB - 1 },
	    { RAM + 440 * MiB, RAM + 444 * MiB - 1 },
	    { RAM + 508 * MiB, RAM + 512 * MiB - 1 } },
	  { { RAM, 64 * MiB },
	    { RAM + 68 * MiB, 64 * MiB },
	    { RAM + 172 * MiB, 64 * MiB },
	    { RAM + 240 * MiB, 64 * MiB },
	    { RAM + 308 * MiB, 64 * MiB },
	    { RAM + 376 * MiB, 64 * MiB },
	    { RAM + 444 * MiB, 64 * MiB },
	    { RAM + 512 * MiB, 3 * GiB - 7 * 64 * MiB } },
	  8 },
};

static size_t nr_of(const struct ram_hole holes[])
{
	size_t nr = 0;

	while (nr < MAX_HOLES && holes[nr].last)
		nr++;
	return nr;
}

static void test_ram_lies_around_what_is_in_the_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct plan_case *c = &cases[i];
		const struct ram_question q = { RAM,	  END,	    c->size,
						c->align, c->holes, nr_of(c->holes) };
		struct ram_plan plan;

		print_message("%s\n", c->what);
		assert_int_equal(ram_plan_make(&q, &plan), 0);
		assert_int_equal(plan.nr, c->nr);
		for (size_t n = 0; n < plan.nr; n++) {
			assert_int_equal(plan.banks[n].base, c->want[n].base);
			assert_int_equal(plan.banks[n].size, c->want[n].size);
		}
	}
}

static void test_what_does_not_fit_is_told_with_the_room_there_is(void **state)
{
	static const struct {
		const char *what;
		uint64_t size;
		struct ram_hole holes[MAX_HOLES];
		uint64_t room;
	} too_much[] = {
		{ "all of it and more", END - RAM + 2 * MiB, { { 0 } }, END - RAM },
		{ "a hole up to the end", 2 * GiB, { { 2 * GiB, UINT64_MAX } }, GiB },
		{ "nothing is left", 64 * MiB, { { 0, UINT64_MAX } }, 0 },
		{ "too small for a bank", 64 * MiB, { { RAM + 15 * MiB, UINT64_MAX } }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(too_much); i++) {
		const struct ram_question q = { RAM,
						END,
						too_much[i].size,
						2 * MiB,
						too_much[i].holes,
						nr_of(too_much[i].holes) };
		struct ram_plan plan;

		print_message("%s\n", too_much[i].what);
		assert_int_equal(ram_plan_make(&q, &plan), -ENOSPC);
		assert_int_equal(plan.room, too_much[i].room);
	}
}

/* Of 64 bits, of all magnitudes. */
static uint64_t draw(unsigned short seed[3])
{
	const uint64_t high = (uint64_t)(uint32_t)jrand48(seed) << 32;
	const unsigned shift = (unsigned)(uint32_t)jrand48(seed) % 64;

	return (high | (uint32_t)jrand48(seed)) >> shift;
}

static void is_sound(const struct ram_question *q, const struct ram_plan *plan)
{
	uint64_t sum = 0, end = q->from;

	assert_in_range(plan->nr, 1, GMEM_MAX_BANKS);
	for (size_t i = 0; i < plan->nr; i++) {
		const struct gmem_range *bank = &plan->banks[i];

		assert_true(bank->size > 0);
		assert_int_equal(bank->base % q->align, 0);
		assert_true(i == plan->nr - 1 || bank->size % q->align == 0);
		assert_true(bank->base >= end);
		end = bank->base + bank->size;
		assert_true(end > bank->base);
		assert_true(end <= q->to);
		sum += bank->size;
		for (size_t n = 0; n < q->nr_holes; n++)
			assert_true(q->holes[n].first >= end || q->holes[n].last < bank->base);
	}
	assert_int_equal(sum, q->size);
}

static void test_no_bank_meets_a_hole_whatever_holes_there_are(void **state)
{
	unsigned short seed[3] = { 1, 2, 3 };
	unsigned nr_planned = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct ram_hole holes[MAX_HOLES];
		struct ram_question q = { .from = RAM, .to = END, .holes = holes };
		struct ram_plan plan;

		q.size = 64 * MiB + draw(seed) % (8 * GiB) / (64 * KiB) * (64 * KiB);
		q.align = UINT64_C(1) << (21 + draw(seed) % 10);
		q.nr_holes = draw(seed) % (MAX_HOLES + 1);
		for (size_t i = 0; i < q.nr_holes; i++) {
			const uint64_t first = draw(seed), size = draw(seed) % (4 * GiB);

			holes[i].first = first;
			holes[i].last = first + size < first ? UINT64_MAX : first + size;
		}
		if (ram_plan_make(&q, &plan) < 0) {
			assert_true(plan.room < q.size);
			continue;
		}
		is_sound(&q, &plan);
		nr_planned++;
	}
	assert_in_range(nr_planned, 10000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ram_lies_around_what_is_in_the_way),
		cmocka_unit_test(test_what_does_not_fit_is_told_with_the_room_there_is),
		cmocka_unit_test(test_no_bank_meets_a_hole_whatever_holes_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
