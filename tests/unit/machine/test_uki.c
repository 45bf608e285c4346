// SPDX-License-Identifier: MIT
/*
 * Unified kernel images: what is in them, where, and what comes before it.
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
#include "tests/unit/machine/pack.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

#define PE	 0x80u
#define SECTIONS (PE + 24 + 0xf0)
#define PART_AT	 0x1000u /* of the first part; each begins at a multiple of it */

struct part {
	const char *name;
	const void *bytes;
	size_t len;
};

static void put32(uint8_t *at, size_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static size_t padded(size_t len)
{
	return (len + PART_AT - 1) / PART_AT * PART_AT;
}

/* What ukify makes: sections are padded in the file. The caller's to free(). */
static uint8_t *make_uki(const struct part *parts, size_t nr, size_t *ret_len)
{
	size_t at = PART_AT, len = PART_AT;
	uint8_t *bytes;

	for (size_t i = 0; i < nr; i++)
		len += padded(parts[i].len);
	bytes = calloc(1, len);
	assert_non_null(bytes);
	memcpy(bytes, "MZ", 2);
	put32(bytes + 60, PE);
	memcpy(bytes + PE, "PE\0\0", 4);
	bytes[PE + 6] = (uint8_t)nr;
	bytes[PE + 20] = 0xf0;
	for (size_t i = 0; i < nr; i++) {
		uint8_t *section = bytes + SECTIONS + 40 * i;

		memcpy(section, parts[i].name, strlen(parts[i].name));
		put32(section + 8, parts[i].len);
		put32(section + 16, padded(parts[i].len));
		put32(section + 20, at);
		memcpy(bytes + at, parts[i].bytes, parts[i].len);
		at += padded(parts[i].len);
	}
	*ret_len = len;
	return bytes;
}

static void write_uki(struct boot_world *w, const struct part *parts, size_t nr)
{
	size_t len;
	uint8_t *bytes = make_uki(parts, nr, &len);

	boot_write(w->kernel, bytes, len);
	free(bytes);
}

static void expect_initrd(struct boot_world *w, const char *text)
{
	assert_int_equal(w->loaded.initrd_end - w->loaded.initrd, strlen(text));
	boot_expect_bytes(w, w->loaded.initrd, (const uint8_t *)text, strlen(text));
}

static void test_its_parts_are_found_wherever_they_lie(void **state)
{
	static const char initrd[] = "070701 and so on";
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(70000, 0, 100000, 0);
	const struct part parts[] = {
		{ ".text", "code", 4 },
		{ ".osrel", "ID=x", 4 },
		{ ".cmdline", "root=/dev/vda quiet\n", 20 },
		{ ".initrd", initrd, sizeof(initrd) - 1 },
		{ ".linux", kernel, 70000 },
		{ ".linux", "another", 7 },
	};

	write_uki(w, parts, ARRAY_SIZE(parts));
	assert_int_equal(boot_load(w, false), 0);
	boot_expect_sound(w);
	boot_expect_bytes(w, w->loaded.kernel, kernel, 70000);
	expect_initrd(w, initrd);
	assert_string_equal(w->loaded.cmdline, "root=/dev/vda quiet");
	assert_int_equal(w->loaded.nr_doubts, 0);

	/* A kernel alone is enough. */
	write_uki(w, &parts[4], 1);
	assert_int_equal(boot_load(w, false), 0);
	boot_expect_bytes(w, w->loaded.kernel, kernel, 70000);
	assert_int_equal(w->loaded.initrd, w->loaded.initrd_end);
	assert_string_equal(w->loaded.cmdline, "");
	free(kernel);
}

/* As Fedora has it: the kernel inside is an EFI zboot Image. */
static void test_the_kernel_inside_may_be_packed(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(70000, 0, 100000, 0);

	for (size_t k = 0; k < pack_nr_kinds; k++) {
		size_t len;
		uint8_t *packed = pack_kinds[k].pack(kernel, 70000, &len), *whole;

		write_uki(w, (struct part[]){ { ".linux", packed, len } }, 1);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_bytes(w, w->loaded.kernel, kernel, 70000);
		if (pack_kinds[k].zboot) {
			whole = boot_zboot(pack_kinds[k].zboot, 1024, (uint32_t)len, packed, len,
					   &len);
			write_uki(w, (struct part[]){ { ".linux", whole, len } }, 1);
			assert_int_equal(boot_load(w, false), 0);
			boot_expect_bytes(w, w->loaded.kernel, kernel, 70000);
			free(whole);
		}
		free(packed);
	}
	free(kernel);
}

static void test_the_configuration_comes_before_what_is_inside(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0);
	const struct part parts[] = { { ".linux", kernel, 5000 }, { ".initrd", "070701 in", 9 } };

	write_uki(w, parts, 2);
	boot_write(w->initrd, "070701 of the file", 18);
	assert_int_equal(boot_load(w, true), 0);
	expect_initrd(w, "070701 of the file");
	assert_int_equal(boot_load(w, false), 0);
	expect_initrd(w, "070701 in");
	free(kernel);
}

static void test_what_is_cut_off_is_named(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0), *bytes;
	const struct part parts[] = { { ".linux", kernel, 5000 },
				      { ".cmdline", "quiet", 5 },
				      { ".initrd", "070701 in", 9 } };
	static const struct {
		size_t len;
		const char *part;
	} cases[] = {
		{ PART_AT + 4999, ".linux" },
		{ PART_AT + 8192 + 4, ".cmdline" },
		{ PART_AT + 8192 + 4096 + 8, ".initrd" },
	};
	size_t len;

	bytes = make_uki(parts, ARRAY_SIZE(parts), &len);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		boot_write(w->kernel, bytes, cases[i].len);
		boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, cases[i].part);
		assert_true(w->failure.cure[0]);
	}
	/* What is missing behind it is padding. */
	boot_write(w->kernel, bytes, PART_AT + 8192 + 4096 + 9);
	assert_int_equal(boot_load(w, false), 0);
	/* A sum that wraps at 32 bits. */
	put32(bytes + SECTIONS + 20, UINT32_MAX);
	boot_write(w->kernel, bytes, len);
	boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, ".linux");
	free(bytes);
	free(kernel);
}

static void test_what_is_no_such_image_is_left_alone(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0), *bytes;
	const struct part parts[] = { { ".linux", kernel, 5000 }, { ".initrd", "070701 in", 9 } };
	static const struct {
		const char *why;
		size_t at;
		uint32_t value;
	} cases[] = {
		{ "another section", SECTIONS, 0x6e696c2e + 1 },
		{ "a longer name", SECTIONS + 4, 0x00007875 + 0x610000 },
		{ "no sections", PE + 4, 0 },
		{ "no PE", PE, 0 },
		{ "the header behind the file", 60, 0x7fffffff },
		{ "the table behind the file", PE + 20, 0xffff },
		{ "a kernel of no size", SECTIONS + 16, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;

		print_message("%s\n", cases[i].why);
		bytes = make_uki(parts, ARRAY_SIZE(parts), &len);
		put32(bytes + cases[i].at, cases[i].value);
		boot_write(w->kernel, bytes, len);
		boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, "EFI program");
		free(bytes);
	}
	/* What is inside is named by what it is. */
	write_uki(w,
		  (struct part[]){ { ".linux",
				     "\x7f"
				     "ELF",
				     4 } },
		  1);
	boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, "ELF");
	free(kernel);
}

/* Whatever is damaged: no part is read outside of the file (AddressSanitizer), or hangs. */
static void test_random_damage_is_harmless(void **state)
{
	struct boot_world *w = *state;
	uint64_t seed = 88172645463325252;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0), *bytes;
	const struct part parts[] = { { ".linux", kernel, 5000 }, { ".initrd", "070701 in", 9 } };
	size_t len;

	for (int i = 0; i < 1000; i++) {
		bytes = make_uki(parts, ARRAY_SIZE(parts), &len);
		for (int n = 0; n < 4; n++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[seed % (SECTIONS + 80)] = (uint8_t)(seed >> 32);
		}
		boot_write(w->kernel, bytes, len);
		if (boot_load(w, false) == 0)
			boot_expect_sound(w);
		else
			assert_true(w->failure.cause[0]);
		free(bytes);
	}
	free(kernel);
}

static void test_a_command_line_is_one_line_of_text(void **state)
{
	struct boot_world *w = *state;
	uint8_t *kernel = boot_image(5000, 0, 5000, 0);
	char text[2049];

	memset(text, 'a', sizeof(text));
	write_uki(w,
		  (struct part[]){ { ".linux", kernel, 5000 }, { ".cmdline", "a\tb\nc \n\0d", 9 } },
		  2);
	assert_int_equal(boot_load(w, false), 0);
	assert_string_equal(w->loaded.cmdline, "a b c");
	write_uki(w, (struct part[]){ { ".linux", kernel, 5000 }, { ".cmdline", text, 2047 } }, 2);
	assert_int_equal(boot_load(w, false), 0);
	assert_int_equal(strlen(w->loaded.cmdline), 2047);
	write_uki(w, (struct part[]){ { ".linux", kernel, 5000 }, { ".cmdline", text, 2048 } }, 2);
	boot_expect_failure(w, boot_load(w, false), E2BIG, w->kernel, "2047");
	free(kernel);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boot_make, boot_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_its_parts_are_found_wherever_they_lie),
		TEST(test_the_kernel_inside_may_be_packed),
		TEST(test_the_configuration_comes_before_what_is_inside),
		TEST(test_what_is_cut_off_is_named),
		TEST(test_what_is_no_such_image_is_left_alone),
		TEST(test_random_damage_is_harmless),
		TEST(test_a_command_line_is_one_line_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
