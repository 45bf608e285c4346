// SPDX-License-Identifier: MIT
/*
 * Guest memory: the accessor's bounds, and what it leaves alone.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/gmem.h"

#define BASE UINT64_C(0x40000000)
#define SIZE (UINT64_C(4) << 20)

static int make(void **state)
{
	static struct gmem mem;

	*state = &mem;
	return gmem_init(&mem, BASE, SIZE);
}

static int unmake(void **state)
{
	gmem_fini(*state);
	return 0;
}

static void test_init_refuses_sizes_that_are_no_memory(void **state)
{
	static const struct {
		const char *why;
		uint64_t base, size;
	} cases[] = {
		{ "nothing", BASE, 0 },
		{ "not a multiple of a page", BASE, 4095 },
		{ "base not a multiple of a page", BASE + 512, SIZE },
		{ "wraps", UINT64_C(0xffffffffffe00000), SIZE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gmem mem;

		print_message("%s\n", cases[i].why);
		assert_int_equal(gmem_init(&mem, cases[i].base, cases[i].size), -EINVAL);
		gmem_fini(&mem);
	}
}

static void test_access_outside_ram_fails_and_copies_nothing(void **state)
{
	static const struct {
		const char *why;
		uint64_t gpa;
		size_t len;
	} cases[] = {
		{ "one byte below", BASE - 1, 1 },     { "straddles the start", BASE - 4, 8 },
		{ "one byte beyond", BASE + SIZE, 1 }, { "straddles the end", BASE + SIZE - 4, 8 },
		{ "wraps around", UINT64_MAX - 3, 8 }, { "zero", 0, 8 },
	};
	const struct gmem *mem = *state;

	memset(mem->banks[0].va, 0x5a, SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t buf[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, same[8];

		memcpy(same, buf, sizeof(buf));
		print_message("%s\n", cases[i].why);
		assert_int_equal(gmem_read(mem, cases[i].gpa, buf, cases[i].len), -EFAULT);
		assert_memory_equal(buf, same, sizeof(buf));
		assert_int_equal(gmem_write(mem, cases[i].gpa, buf, cases[i].len), -EFAULT);
		assert_null(gmem_host(mem, cases[i].gpa, cases[i].len));
	}
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(mem->banks[0].va[i], 0x5a);
}

static void test_first_and_last_bytes_are_ram(void **state)
{
	const struct gmem *mem = *state;
	const uint64_t ends[] = { BASE, BASE + SIZE - 8 };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		uint64_t in = 0x0123456789abcdef ^ i, out = 0;

		assert_int_equal(gmem_write(mem, ends[i], &in, sizeof(in)), 0);
		assert_int_equal(gmem_read(mem, ends[i], &out, sizeof(out)), 0);
		assert_int_equal(in, out);
	}
}

static void test_unaligned_and_odd_lengths_copy_exactly(void **state)
{
	const struct gmem *mem = *state;

	for (size_t len = 1; len <= 33; len++) {
		uint8_t in[33], out[34];

		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)(len * 7 + i);
		memset(out, 0xee, sizeof(out));
		assert_int_equal(gmem_write(mem, BASE + 13 + len, in, len), 0);
		assert_int_equal(gmem_read(mem, BASE + 13 + len, out, len), 0);
		assert_memory_equal(in, out, len);
		assert_int_equal(out[len], 0xee);
	}
}

/* So that blocks of the host's page tables map it: 2 MiB where pages have 4 KiB. */
static void test_ram_is_aligned_to_blocks_on_both_sides(void **state)
{
	static const struct gmem_range ranges[] = { { BASE, SIZE },
						    { BASE + 3 * SIZE + 4096, SIZE },
						    { BASE + 9 * SIZE - 4096, 4096 } };
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), block = page * page / 8;
	struct gmem mem;

	(void)state;
	assert_int_equal(gmem_init_banks(&mem, ranges, ARRAY_SIZE(ranges), 0), 0);
	for (size_t i = 0; i < mem.nr; i++)
		assert_int_equal((uintptr_t)mem.banks[i].va % block, mem.banks[i].base % block);
	gmem_fini(&mem);
}

static void test_ranges_that_are_no_banks_are_refused(void **state)
{
	static const struct {
		const char *why;
		size_t nr;
		struct gmem_range ranges[GMEM_MAX_BANKS + 1];
	} cases[] = {
		{ "none", 0, { { 0 } } },
		{ "too many",
		  GMEM_MAX_BANKS + 1,
		  { { 0x1000, 0x1000 },
		    { 0x2000, 0x1000 },
		    { 0x3000, 0x1000 },
		    { 0x4000, 0x1000 },
		    { 0x5000, 0x1000 },
		    { 0x6000, 0x1000 },
		    { 0x7000, 0x1000 },
		    { 0x8000, 0x1000 },
		    { 0x9000, 0x1000 } } },
		{ "descending", 2, { { BASE + SIZE, SIZE }, { BASE, SIZE } } },
		{ "overlapping", 2, { { BASE, SIZE }, { BASE + SIZE - 4096, SIZE } } },
		{ "the second is empty", 2, { { BASE, SIZE }, { BASE + SIZE, 0 } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gmem mem;

		print_message("%s\n", cases[i].why);
		assert_int_equal(gmem_init_banks(&mem, cases[i].ranges, cases[i].nr, 0), -EINVAL);
		assert_int_equal(mem.nr, 0);
	}
}

/* Memory that lies behind a hole is that memory, and the hole is none. */
static void test_each_bank_is_memory_and_what_is_between_is_not(void **state)
{
	static const struct gmem_range ranges[] = { { BASE, SIZE }, { BASE + 2 * SIZE, SIZE } };
	static const struct {
		const char *why;
		uint64_t gpa;
		size_t len;
	} none[] = {
		{ "first of the hole", BASE + SIZE, 1 },
		{ "last of the hole", BASE + 2 * SIZE - 1, 1 },
		{ "into the hole", BASE + SIZE - 4, 8 },
		{ "out of the hole", BASE + 2 * SIZE - 4, 8 },
		{ "over the hole", BASE + SIZE - 4, SIZE + 8 },
		{ "beyond", BASE + 3 * SIZE, 1 },
	};
	uint64_t first = 1, last = 2, read = 0;
	struct gmem mem;

	(void)state;
	assert_int_equal(gmem_init_banks(&mem, ranges, 2, 0), 0);
	assert_int_equal(gmem_size(&mem), 2 * SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		print_message("%s\n", none[i].why);
		assert_null(gmem_host(&mem, none[i].gpa, none[i].len));
		assert_int_equal(gmem_write(&mem, none[i].gpa, &first, 1 + (none[i].len > 1) * 7),
				 -EFAULT);
	}
	assert_int_equal(gmem_write(&mem, BASE + SIZE - 8, &first, 8), 0);
	assert_int_equal(gmem_write(&mem, BASE + 2 * SIZE, &last, 8), 0);
	assert_int_equal(gmem_read(&mem, BASE + SIZE - 8, &read, 8), 0);
	assert_int_equal(read, 1);
	assert_int_equal(gmem_read(&mem, BASE + 2 * SIZE, &read, 8), 0);
	assert_int_equal(read, 2);
	gmem_fini(&mem);
}

static int init_huge(struct gmem *mem, uint64_t base, uint64_t size, uint64_t page_size)
{
	const struct gmem_range range = { base, size };

	return gmem_init_banks(mem, &range, 1, page_size);
}

static void test_huge_pages_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		const char *why;
		uint64_t base, size, page_size;
	} cases[] = {
		{ "not a power of two", BASE, 3 * SIZE, 3 * SIZE },
		{ "half a page", BASE, SIZE, 2 * SIZE },
		{ "base within a page", UINT64_C(0x60000000), UINT64_C(1) << 30,
		  UINT64_C(1) << 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gmem mem;

		print_message("%s\n", cases[i].why);
		assert_int_equal(init_huge(&mem, cases[i].base, cases[i].size, cases[i].page_size),
				 -EINVAL);
		assert_int_equal(mem.nr, 0);
	}
}

/* Whatever this host has of them: it is whole memory, or an error that says which. */
static void test_huge_pages_are_had_or_refused(void **state)
{
	struct gmem mem;
	uint64_t value = 7;
	int r = init_huge(&mem, BASE, SIZE, UINT64_C(2) << 20);

	(void)state;
	if (r < 0) {
		assert_true(r == -ENOMEM || r == -EINVAL);
		assert_int_equal(mem.nr, 0);
		return;
	}
	assert_int_equal(gmem_write(&mem, BASE + SIZE - 8, &value, 8), 0);
	gmem_fini(&mem);
}

static void test_without_a_page_size_memory_is_ordinary(void **state)
{
	struct gmem mem;

	(void)state;
	assert_int_equal(init_huge(&mem, BASE, SIZE, 0), 0);
	assert_int_equal(gmem_size(&mem), SIZE);
	gmem_fini(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_refuses_sizes_that_are_no_memory),
		cmocka_unit_test(test_access_outside_ram_fails_and_copies_nothing),
		cmocka_unit_test(test_first_and_last_bytes_are_ram),
		cmocka_unit_test(test_unaligned_and_odd_lengths_copy_exactly),
		cmocka_unit_test(test_ram_is_aligned_to_blocks_on_both_sides),
		cmocka_unit_test(test_ranges_that_are_no_banks_are_refused),
		cmocka_unit_test(test_each_bank_is_memory_and_what_is_between_is_not),
		cmocka_unit_test(test_huge_pages_that_do_not_fit_are_refused),
		cmocka_unit_test(test_huge_pages_are_had_or_refused),
		cmocka_unit_test(test_without_a_page_size_memory_is_ordinary),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
