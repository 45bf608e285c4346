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

#include "vitsmod/bits.h"
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
		{ "base not aligned for huge pages", BASE + 4096, SIZE },
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

	memset(mem->va, 0x5a, SIZE);
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
		assert_int_equal(mem->va[i], 0x5a);
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
	const struct gmem *mem = *state;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), block = page * page / 8;

	assert_int_equal((uintptr_t)mem->va % block, mem->base % block);
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
		assert_int_equal(
			gmem_init_huge(&mem, cases[i].base, cases[i].size, cases[i].page_size),
			-EINVAL);
		assert_null(mem.va);
	}
}

/* Whatever this host has of them: it is whole memory, or an error that says which. */
static void test_huge_pages_are_had_or_refused(void **state)
{
	struct gmem mem;
	uint64_t value = 7;
	int r = gmem_init_huge(&mem, BASE, SIZE, UINT64_C(2) << 20);

	(void)state;
	if (r < 0) {
		assert_true(r == -ENOMEM || r == -EINVAL);
		assert_null(mem.va);
		return;
	}
	assert_int_equal(gmem_write(&mem, BASE + SIZE - 8, &value, 8), 0);
	gmem_fini(&mem);
}

static void test_without_a_page_size_memory_is_ordinary(void **state)
{
	struct gmem mem;

	(void)state;
	assert_int_equal(gmem_init_huge(&mem, BASE, SIZE, 0), 0);
	assert_int_equal(mem.size, SIZE);
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
		cmocka_unit_test(test_huge_pages_that_do_not_fit_are_refused),
		cmocka_unit_test(test_huge_pages_are_had_or_refused),
		cmocka_unit_test(test_without_a_page_size_memory_is_ordinary),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
