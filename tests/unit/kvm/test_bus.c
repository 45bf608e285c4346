// SPDX-License-Identifier: MIT
/*
 * The bus: which region answers, and what happens where none does.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/kvm/bus.h"

struct seen {
	uint64_t offset, value;
	unsigned len, reads, writes;
};

static uint64_t on_read(void *ctx, uint64_t offset, unsigned len)
{
	struct seen *seen = ctx;

	seen->offset = offset;
	seen->len = len;
	seen->reads++;
	return 0x1122334455667788;
}

static void on_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct seen *seen = ctx;

	seen->offset = offset;
	seen->len = len;
	seen->value = value;
	seen->writes++;
}

static struct bus_region region(uint64_t base, uint64_t size, struct seen *seen)
{
	return (struct bus_region){ "test", base, size, on_read, on_write, seen };
}

static void test_access_reaches_its_region_with_its_offset(void **state)
{
	struct seen low = { 0 }, high = { 0 };
	struct bus bus = { 0 };
	/* Added out of order: the bus sorts. */
	const struct bus_region b = region(0x9000, 0x1000, &high), a = region(0x1000, 0x100, &low);

	(void)state;
	assert_int_equal(bus_add(&bus, &b), 0);
	assert_int_equal(bus_add(&bus, &a), 0);

	assert_int_equal(bus_read(&bus, 0x10fc, 4), 0x1122334455667788);
	assert_int_equal(low.offset, 0xfc);
	assert_int_equal(low.len, 4);
	bus_write(&bus, 0x9ff8, 8, 77);
	assert_int_equal(high.offset, 0xff8);
	assert_int_equal(high.value, 77);
	assert_int_equal(low.writes, 0);
	assert_int_equal(high.reads, 0);
	assert_int_equal(bus.unclaimed, 0);
}

static void test_unclaimed_access_reads_as_zero_and_is_counted(void **state)
{
	static const struct {
		const char *why;
		uint64_t gpa;
		unsigned len;
	} cases[] = {
		{ "below", 0xfff, 1 },
		{ "beyond", 0x1100, 1 },
		{ "straddles the end", 0x10fe, 4 },
		{ "nowhere near", 0x4000000000, 8 },
	};
	struct seen seen = { 0 };
	struct bus bus = { 0 };
	const struct bus_region a = region(0x1000, 0x100, &seen);

	(void)state;
	assert_int_equal(bus_add(&bus, &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		assert_int_equal(bus_read(&bus, cases[i].gpa, cases[i].len), 0);
		bus_write(&bus, cases[i].gpa, cases[i].len, 1);
		assert_int_equal(bus.unclaimed, 2 * (i + 1));
	}
	assert_int_equal(seen.reads + seen.writes, 0);
}

static void test_add_refuses_overlap_wrap_and_a_full_bus(void **state)
{
	struct seen seen;
	struct bus bus = { 0 };
	const struct bus_region first = region(0x1000, 0x1000, &seen);
	const struct {
		struct bus_region region;
		int want;
	} cases[] = {
		{ region(0x1fff, 1, &seen), -EEXIST },
		{ region(0x0, 0x1001, &seen), -EEXIST },
		{ region(0x0, 0x10000, &seen), -EEXIST },
		{ region(0x2000, 0, &seen), -EINVAL },
		{ region(UINT64_MAX, 2, &seen), -EINVAL },
		{ region(0x2000, 1, &seen), 0 },
		{ region(0xfff, 1, &seen), 0 },
	};

	(void)state;
	assert_int_equal(bus_add(&bus, &first), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(bus_add(&bus, &cases[i].region), cases[i].want);
	for (size_t i = bus.nr_regions; i < BUS_MAX_REGIONS; i++) {
		const struct bus_region more = region(0x100000 + i, 1, &seen);

		assert_int_equal(bus_add(&bus, &more), 0);
	}
	assert_int_equal(
		bus_add(&bus, &(struct bus_region){ "x", 0x900000, 1, on_read, on_write, &seen }),
		-ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_access_reaches_its_region_with_its_offset),
		cmocka_unit_test(test_unclaimed_access_reads_as_zero_and_is_counted),
		cmocka_unit_test(test_add_refuses_overlap_wrap_and_a_full_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
