// SPDX-License-Identifier: MIT
/*
 * What is refused or doubted of kernels and initrds: files of another kind, and such as are cut
 * off.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/machine/boot_world.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

#define PE	 0x40u
#define SECTIONS (PE + 24 + 0xa0)

static void test_a_file_without_the_magic_is_refused(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(4096, 0, MiB, 0);

	/* Each byte of it counts, and it must be all there. */
	for (size_t at = 56; at < 60; at++) {
		bytes[at] ^= 1;
		boot_write(w->kernel, bytes, 4096);
		boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel,
				    "not an arm64 Image");
		assert_non_null(strstr(w->failure.cure, "kernel-format = \"flat\""));
		bytes[at] ^= 1;
	}
	for (size_t len = 1; len < 64; len++) {
		boot_write(w->kernel, bytes, len);
		boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel,
				    "not an arm64 Image");
	}
	boot_write(w->kernel, bytes, 4096);
	assert_int_equal(boot_load(w, false), 0);
	free(bytes);
}

static void test_text_is_refused_packed_and_plain(void **state)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
				   "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n";
	struct boot_world *w = *state;
	uint8_t *packed;
	size_t len;

	boot_write(w->kernel, text, sizeof(text) - 1);
	boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, "not an arm64 Image");
	packed = boot_gzip((const uint8_t *)text, sizeof(text) - 1, &len);
	boot_write(w->kernel, packed, len);
	boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, "not an arm64 Image");
	free(packed);
}

/* Whatever else: what is run has the magic. */
static void test_random_files_are_refused(void **state)
{
	struct boot_world *w = *state;
	uint64_t seed = 88172645463325252;
	uint8_t bytes[1024];

	for (int i = 0; i < 1000; i++) {
		for (size_t at = 0; at < sizeof(bytes); at++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[at] = (uint8_t)(seed >> 32);
		}
		boot_write(w->kernel, bytes, sizeof(bytes));
		assert_true(boot_load(w, false) < 0);
	}
}

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

/* An Image as Linux has it with CONFIG_EFI: .text from 4096 on, .data up to 100000, then a bss. */
static uint8_t *efi_image(size_t len)
{
	uint8_t *bytes = boot_image(len, 0, 4 * MiB, 10);

	memcpy(bytes, "MZ", 2);
	put32(bytes + 60, PE);
	memset(bytes + PE, 0, 512 - PE);
	memcpy(bytes + PE, "PE\0\0", 4);
	bytes[PE + 6] = 2;
	bytes[PE + 20] = 0xa0;
	put32(bytes + SECTIONS + 16, 60000 - 4096);
	put32(bytes + SECTIONS + 20, 4096);
	put32(bytes + SECTIONS + 40 + 16, 40000);
	put32(bytes + SECTIONS + 40 + 20, 60000);
	return bytes;
}

static void test_an_image_that_is_cut_off_is_refused_by_its_efi_header(void **state)
{
	/* A signature may come behind what the sections have. */
	static const size_t whole[] = { 100000, 100001, 101472 };
	static const size_t cut[] = { 512, 4096, 50000, 99999 };
	struct boot_world *w = *state;
	uint8_t *bytes = efi_image(101472), *packed;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		boot_write(w->kernel, bytes, whole[i]);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_sound(w);
		/* It is known to be whole, so that its large bss is nothing to wonder at. */
		assert_int_equal(w->loaded.nr_doubts, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++) {
		boot_write(w->kernel, bytes, cut[i]);
		boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel,
				    "of the 100000 bytes");
		assert_true(w->failure.cure[0]);
		packed = boot_gzip(bytes, cut[i], &len);
		boot_write(w->kernel, packed, len);
		boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, "cut off");
		free(packed);
	}
	free(bytes);
}

/* What cannot be followed says nothing: such an Image is loaded as one without. */
static void test_an_efi_header_that_is_none_says_nothing(void **state)
{
	static const struct {
		const char *why;
		unsigned at;
		uint32_t value;
	} cases[] = {
		{ "no MZ", 0, 0x14000000 },
		{ "over the Image's header", 60, 0x20 },
		{ "behind the head", 60, 0x1f9 },
		{ "far away", 60, UINT32_MAX },
		{ "no PE", PE, 0x4550 + 1 },
		{ "sections behind the head", PE + 20, 0xffff },
		{ "more sections than the head has", PE + 6, 0x00a0ffff },
		{ "no sections", PE + 6, 0 },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *bytes = efi_image(4096);

		print_message("%s\n", cases[i].why);
		put32(bytes + cases[i].at, cases[i].value);
		boot_write(w->kernel, bytes, 4096);
		assert_int_equal(boot_load(w, false), 0);
		assert_int_equal(w->loaded.nr_doubts, 1);
		free(bytes);
	}
}

static void test_an_image_of_less_than_half_its_size_in_memory_is_doubted(void **state)
{
	static const struct {
		uint64_t image_size;
		bool is_doubted;
	} cases[] = {
		{ 0, false },	   { 64, false },    { 100000, false },
		{ 200001, false }, { 200002, true }, { 4 * MiB, true },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *bytes = boot_image(100000, 0, cases[i].image_size, 0);

		boot_write(w->kernel, bytes, 100000);
		assert_int_equal(boot_load(w, false), 0);
		assert_int_equal(w->loaded.nr_doubts, cases[i].is_doubted);
		if (cases[i].is_doubted) {
			assert_string_equal(w->loaded.doubts[0].object, w->kernel);
			assert_non_null(strstr(w->loaded.doubts[0].cause, "may be cut off"));
			assert_true(w->loaded.doubts[0].cure[0]);
		}
		free(bytes);
	}
}

static void test_an_initrd_that_linux_does_not_know_is_doubted(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool is_known;
	} cases[] = {
		{ "070701", 6, true },
		{ "0707020000", 10, true },
		{ "070707", 6, false },
		{ "07070", 5, false },
		{ "\x1f\x8b\x08", 3, true },
		{ "\x1f\x9e", 2, true },
		{ "BZh9", 4, true },
		{ "\x5d\0\0\x80", 4, true },
		{ "\xfd"
		  "7zXZ",
		  5, true },
		{ "\x89LZO", 4, true },
		{ "\x02\x21\x4c\x18", 4, true },
		{ "\x28\xb5\x2f\xfd", 4, true },
		{ "\0\0\0\0"
		  "070701",
		  10, true },
		{ "\0\0\0", 3, false },
		{ "root:x:0", 8, false },
		{ "\x04\x22\x4d\x18", 4, false },
		{ "hsqs", 4, false },
		{ "\x1f", 1, false },
	};
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0);

	boot_write(w->kernel, kernel, 5000);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%zu\n", i);
		boot_write(w->initrd, cases[i].bytes, cases[i].len);
		assert_int_equal(boot_load(w, true), 0);
		boot_expect_bytes(w, w->loaded.initrd, (const uint8_t *)cases[i].bytes,
				  cases[i].len);
		assert_int_equal(w->loaded.nr_doubts, !cases[i].is_known);
		if (!cases[i].is_known)
			assert_string_equal(w->loaded.doubts[0].object, w->initrd);
	}
	free(kernel);
}

static void test_kernel_and_initrd_are_doubted_each(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 4 * MiB, 0);

	boot_write(w->kernel, kernel, 5000);
	boot_write(w->initrd, "root:x:0", 8);
	assert_int_equal(boot_load(w, true), 0);
	assert_int_equal(w->loaded.nr_doubts, 2);
	free(kernel);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boot_make, boot_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_file_without_the_magic_is_refused),
		TEST(test_text_is_refused_packed_and_plain),
		TEST(test_random_files_are_refused),
		TEST(test_an_image_that_is_cut_off_is_refused_by_its_efi_header),
		TEST(test_an_efi_header_that_is_none_says_nothing),
		TEST(test_an_efi_header_that_is_none_says_nothing),
		TEST(test_an_image_of_less_than_half_its_size_in_memory_is_doubted),
		TEST(test_an_initrd_that_linux_does_not_know_is_doubted),
		TEST(test_kernel_and_initrd_are_doubted_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
