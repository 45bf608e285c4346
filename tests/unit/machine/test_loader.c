// SPDX-License-Identifier: MIT
/*
 * Kernels and initrds of each kind, whole and damaged, and where they come to lie.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/machine/boot_world.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/loader.h"

static void test_image_lies_at_its_text_offset_and_keeps_its_bss(void **state)
{
	static const struct {
		uint64_t text_offset, image_size;
		size_t len;
		uint64_t want_at, want_end;
	} cases[] = {
		{ 0, 4 * MiB, 100000, 0, 4 * MiB },
		{ 0x80000, 4 * MiB, 100000, 0x80000, 4 * MiB + 0x80000 },
		{ 2 * MiB, 100000, 100000, 2 * MiB, 2 * MiB + 100000 },
		/* a signature behind the image */
		{ 0, 100000, 100512, 0, 100512 },
		{ 0, 64, 64, 0, 64 },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *bytes =
			boot_image(cases[i].len, cases[i].text_offset, cases[i].image_size, 10);

		boot_write(w->kernel, bytes, cases[i].len);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_sound(w);
		assert_int_equal(w->loaded.entry, LAYOUT_RAM + cases[i].want_at);
		assert_int_equal(w->loaded.kernel_end, LAYOUT_RAM + cases[i].want_end);
		boot_expect_bytes(w, w->loaded.kernel, bytes, cases[i].len);
		free(bytes);
	}
}

static void test_image_without_image_size_lies_at_0x80000_and_keeps_room(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(100000, 0x1234567800000000, 0, 0);

	boot_write(w->kernel, bytes, 100000);
	assert_int_equal(boot_load(w, false), 0);
	boot_expect_sound(w);
	assert_int_equal(w->loaded.entry, LAYOUT_RAM + 0x80000);
	assert_true(w->loaded.kernel_end >= w->loaded.entry + 100000 + 30 * MiB);
	free(bytes);
}

/* A hole has made several of it: neither kernel, initrd nor device tree reaches over one. */
static void test_all_lies_in_the_largest_bank(void **state)
{
	static const struct gmem_range ranges[] = { { LAYOUT_RAM, 16 * MiB },
						    { 2 * GiB, 32 * MiB },
						    { 5 * GiB, 32 * MiB } };
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(100000, 0x80000, 12 * MiB, 10), *rd = boot_pattern(10 * MiB, 5);

	gmem_fini(&w->mem);
	assert_int_equal(gmem_init_banks(&w->mem, ranges, ARRAY_SIZE(ranges), 0), 0);
	boot_write(w->kernel, bytes, 100000);
	boot_write(w->initrd, rd, 10 * MiB);
	assert_int_equal(boot_load(w, true), 0);
	assert_int_equal(w->loaded.kernel, 2 * GiB + 0x80000);
	boot_expect_bytes(w, w->loaded.kernel, bytes, 100000);
	boot_expect_bytes(w, w->loaded.initrd, rd, 10 * MiB);
	assert_true(w->loaded.fdt + w->loaded.fdt_max_sz <= 2 * GiB + 32 * MiB);
	/* Together they would have room; one behind the other they have not. */
	boot_write_hole(w->initrd, 20 * MiB);
	boot_expect_failure(w, boot_load(w, true), ENOSPC, w->initrd, "32 MiB of memory");
	free(bytes);
	free(rd);
}

static void test_a_flat_binary_lies_at_0x80000_whatever_it_is(void **state)
{
	static const char heads[][8] = { "\1", "\x1f\x8b", "MZ\0\0zimg", "\x7f\x45LF" };
	struct boot_world *w = *state;
	uint8_t *bytes = boot_pattern(5000, 3);

	w->flat = true;
	for (size_t len = 1; len <= 5000; len += 833) {
		boot_write(w->kernel, bytes, len);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_sound(w);
		assert_int_equal(w->loaded.entry, LAYOUT_RAM + 0x80000);
		boot_expect_bytes(w, w->loaded.entry, bytes, len);
		assert_int_equal(w->loaded.nr_doubts, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		memcpy(bytes, heads[i], sizeof(heads[i]));
		boot_write(w->kernel, bytes, 5000);
		assert_int_equal(boot_load(w, false), 0);
		assert_int_equal(w->loaded.entry, LAYOUT_RAM + 0x80000);
		boot_expect_bytes(w, w->loaded.entry, bytes, 5000);
	}
	free(bytes);
}

static void test_wrong_headers_are_refused(void **state)
{
	static const struct {
		const char *why;
		uint64_t text_offset, image_size, flags;
		int error;
		const char *cause;
	} cases[] = {
		{ "big-endian", 0, MiB, 1, ENOEXEC, "big-endian" },
		{ "text_offset not of an instruction", 2, MiB, 0, ENOEXEC, "damaged" },
		{ "larger than RAM", 0, BOOT_RAM_SZ + 1, 0, ENOSPC, "MiB" },
		{ "larger than RAM with its offset", 4096, BOOT_RAM_SZ, 0, ENOSPC, "MiB" },
		{ "behind RAM", BOOT_RAM_SZ, 64, 0, ENOSPC, "MiB" },
		{ "wraps by its offset", UINT64_MAX - 3, 64, 0, ENOSPC, "MiB" },
		{ "wraps by its size", 4096, UINT64_MAX, 0, ENOSPC, "MiB" },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *bytes = boot_image(4096, cases[i].text_offset, cases[i].image_size,
					    cases[i].flags),
			*packed;
		size_t len;

		print_message("%s\n", cases[i].why);
		boot_write(w->kernel, bytes, 4096);
		boot_expect_failure(w, boot_load(w, false), cases[i].error, w->kernel,
				    cases[i].cause);
		assert_true(w->failure.cure[0]);

		packed = boot_gzip(bytes, 4096, &len);
		boot_write(w->kernel, packed, len);
		boot_expect_failure(w, boot_load(w, false), cases[i].error, w->kernel,
				    cases[i].cause);
		free(packed);
		free(bytes);
	}
}

static void test_files_of_other_kinds_are_refused_by_name(void **state)
{
	static const struct {
		unsigned offset, len;
		const char *magic, *cause;
	} cases[] = {
		{ 0, 4,
		  "\x7f"
		  "ELF",
		  "ELF" },
		{ 0, 3, "BZh", "bzip2" },
		{ 0, 4, "\x27\x05\x19\x56", "U-Boot" },
		{ 0, 4, "\xd0\x0d\xfe\xed", "device tree" },
		{ 0x202, 4, "HdrS", "x86" },
		{ 0x24, 4, "\x18\x28\x6f\x01", "32-bit" },
		{ 0, 2, "MZ", "EFI program" },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t bytes[1024] = { 0 };

		print_message("%s\n", cases[i].cause);
		memcpy(bytes + cases[i].offset, cases[i].magic, cases[i].len);
		boot_write(w->kernel, bytes, sizeof(bytes));
		boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, cases[i].cause);
		assert_true(w->failure.cure[0]);
	}
}

static void test_gzip_that_is_cut_off_anywhere_is_refused(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(20000, 0, MiB, 0), *packed;
	size_t len;

	packed = boot_gzip(bytes, 20000, &len);
	for (size_t cut = 2; cut < len; cut += cut < 64 || cut > len - 16 ? 1 : 97) {
		boot_write(w->kernel, packed, cut);
		boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, "cut off");
	}
	free(packed);
	free(bytes);
}

static void test_gzip_with_a_wrong_bit_is_refused(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(20000, 0, MiB, 0), *packed;
	size_t len;

	packed = boot_gzip(bytes, 20000, &len);
	/* Behind the header of 10 bytes; the last 8 are checksum and length. */
	for (size_t at = 10; at<len; at += at> len - 10 ? 1 : 101) {
		int r;

		packed[at] ^= 0x10;
		boot_write(w->kernel, packed, len);
		r = boot_load(w, false);
		if (r != -EBADMSG && r != -ENODATA)
			fail_msg("byte %zu: %d", at, r);
		packed[at] ^= 0x10;
	}
	free(packed);
	free(bytes);
}

static void test_initrd_lies_behind_the_bss_on_a_page_of_its_own(void **state)
{
	static const struct {
		uint64_t image_size;
		size_t len;
	} cases[] = {
		{ 100000, 1 },
		{ 4 * MiB, 4097 },
		{ 4 * MiB + 1, 3 * MiB },
		{ 60 * MiB, 65536 },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *kernel = boot_image(5000, 0, cases[i].image_size, 0);
		uint8_t *initrd = boot_pattern(cases[i].len, 9);

		boot_write(w->kernel, kernel, 5000);
		boot_write(w->initrd, initrd, cases[i].len);
		assert_int_equal(boot_load(w, true), 0);
		boot_expect_sound(w);
		assert_int_equal(w->loaded.initrd_end - w->loaded.initrd, cases[i].len);
		boot_expect_bytes(w, w->loaded.initrd, initrd, cases[i].len);
		boot_expect_bytes(w, w->loaded.kernel, kernel, 5000);
		free(initrd);
		free(kernel);
	}
}

static void test_what_does_not_fit_is_named(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 16 * MiB, 0);

	boot_write(w->kernel, kernel, 5000);
	boot_write_hole(w->initrd, 48 * MiB + 1);
	boot_expect_failure(w, boot_load(w, true), ENOSPC, w->initrd, "49 MiB");
	boot_write_hole(w->initrd, UINT64_C(1) << 40);
	boot_expect_failure(w, boot_load(w, true), ENOSPC, w->initrd, "1048576 MiB");
	/* The initrd fits; the device tree behind it does not. */
	boot_write_hole(w->initrd, 47 * MiB);
	boot_expect_failure(w, boot_load(w, true), ENOSPC, w->initrd, "device tree");
	boot_write_hole(w->initrd, 46 * MiB);
	assert_int_equal(boot_load(w, true), 0);
	boot_expect_sound(w);

	w->flat = true;
	boot_write_hole(w->kernel, BOOT_RAM_SZ);
	boot_expect_failure(w, boot_load(w, false), ENOSPC, w->kernel, "64 MiB");
	free(kernel);
}

static void test_files_that_cannot_be_read_are_named(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, MiB, 0);

	boot_expect_failure(w, boot_load(w, false), ENOENT, w->kernel,
			    "the kernel cannot be opened");
	assert_true(w->failure.cure[0]);
	boot_write(w->kernel, "", 0);
	boot_expect_failure(w, boot_load(w, false), EINVAL, w->kernel, "the kernel is empty");

	boot_write(w->kernel, kernel, 5000);
	boot_expect_failure(w, boot_load(w, true), ENOENT, w->initrd,
			    "the initrd cannot be opened");
	boot_write(w->initrd, "", 0);
	boot_expect_failure(w, boot_load(w, true), EINVAL, w->initrd, "the initrd is empty");
	(void)unlink(w->initrd);
	assert_int_equal(mkdir(w->initrd, 0700), 0);
	boot_expect_failure(w, boot_load(w, true), EINVAL, w->initrd, "not a regular file");
	assert_int_equal(rmdir(w->initrd), 0);
	/* Nobody writes to it: it must not be waited for. */
	assert_int_equal(mkfifo(w->initrd, 0600), 0);
	boot_expect_failure(w, boot_load(w, true), EINVAL, w->initrd, "not a regular file");
	assert_int_equal(unlink(w->initrd), 0);
	strcpy(w->initrd, w->kernel);
	strcat(w->initrd, "/x");
	boot_expect_failure(w, boot_load(w, true), ENOTDIR, w->initrd, "Not a directory");
	assert_non_null(strstr(w->failure.cure, "correct the path"));
	free(kernel);
}

static void test_a_file_without_permission_says_who_may(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, MiB, 0);
	bool root = geteuid() == 0;
	int r;

	boot_write(w->kernel, kernel, 5000);
	free(kernel);
	assert_int_equal(chmod(w->kernel, 0), 0);
	assert_int_equal(chmod(w->dir, 0711), 0);
	/* root may read anything: be nobody for a moment. */
	if (root)
		assert_int_equal(seteuid(65534), 0);
	r = boot_load(w, false);
	if (root)
		assert_int_equal(seteuid(0), 0);
	boot_expect_failure(w, r, EACCES, w->kernel, "Permission denied");
	assert_non_null(strstr(w->failure.cure, "root"));
}

static void test_random_heads_never_lie_outside_of_ram(void **state)
{
	struct boot_world *w = *state;
	uint64_t seed = 88172645463325252;
	uint8_t *bytes = boot_pattern(2048, 0);
	unsigned loaded = 0;

	for (int i = 0; i < 3000; i++) {
		memcpy(bytes + 56, "ARM\x64", 4);
		for (int n = 0; n < 4; n++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[8 + seed % 24] = (uint8_t)(seed >> 32);
		}
		if (i % 2)
			memset(bytes + 11, 0, 5);
		if (i % 3)
			memset(bytes + 19, 0, 5);
		boot_write(w->kernel, bytes, 2048);
		if (boot_load(w, false) == 0) {
			boot_expect_sound(w);
			loaded++;
		} else {
			assert_true(w->failure.cause[0]);
		}
	}
	assert_in_range(loaded, 100, 2900);
	free(bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boot_make, boot_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_image_lies_at_its_text_offset_and_keeps_its_bss),
		TEST(test_image_without_image_size_lies_at_0x80000_and_keeps_room),
		TEST(test_all_lies_in_the_largest_bank),
		TEST(test_a_flat_binary_lies_at_0x80000_whatever_it_is),
		TEST(test_wrong_headers_are_refused),
		TEST(test_files_of_other_kinds_are_refused_by_name),
		TEST(test_gzip_that_is_cut_off_anywhere_is_refused),
		TEST(test_gzip_with_a_wrong_bit_is_refused),
		TEST(test_initrd_lies_behind_the_bss_on_a_page_of_its_own),
		TEST(test_what_does_not_fit_is_named),
		TEST(test_files_that_cannot_be_read_are_named),
		TEST(test_a_file_without_permission_says_who_may),
		TEST(test_random_heads_never_lie_outside_of_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
