// SPDX-License-Identifier: MIT
/*
 * Compressed Images, as files and in EFI zboot containers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/machine/boot_world.h"
#include "tests/unit/machine/pack.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

static void test_an_image_in_each_format_is_unpacked_in_place(void **state)
{
	/* Around the head that is looked at, and around the buffer of the unpacking. */
	static const size_t lens[] = { 64, 527, 528, 529, 32768, 3 * MiB + 7 };
	struct boot_world *w = *state;

	for (size_t k = 0; k < pack_nr_kinds; k++)
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
			uint8_t *bytes = boot_image(lens[i], 0x10000, 5 * MiB, 0), *packed;
			size_t len;

			print_message("%s %zu\n", pack_kinds[k].name, lens[i]);
			packed = pack_kinds[k].pack(bytes, lens[i], &len);
			boot_write(w->kernel, packed, len);
			assert_int_equal(boot_load(w, false), 0);
			boot_expect_sound(w);
			assert_int_equal(w->loaded.entry, LAYOUT_RAM + 0x10000);
			assert_int_equal(w->loaded.kernel_end, LAYOUT_RAM + 0x10000 + 5 * MiB);
			boot_expect_bytes(w, w->loaded.entry, bytes, lens[i]);
			free(packed);
			free(bytes);
		}
}

/* "b" over 372 bytes is lzma's magic. */
static void test_an_image_is_one_however_it_begins(void **state)
{
	static const char *const heads[] = { "\x5d\0\0\x14", "\x1f\x8b\x08\0" };
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(5000, 0, 5000, 0);

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		memcpy(bytes, heads[i], 4);
		boot_write(w->kernel, bytes, 5000);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_bytes(w, w->loaded.kernel, bytes, 5000);
	}
	free(bytes);
}

static void test_an_image_with_something_behind_its_stream_is_unpacked(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(100000, 0, MiB / 8, 0);

	for (size_t k = 0; k < pack_nr_kinds; k++) {
		size_t len;
		uint8_t *packed = pack_kinds[k].pack(bytes, 100000, &len);

		packed = realloc(packed, len + 100);
		assert_non_null(packed);
		memset(packed + len, 0xaa, 100);
		boot_write(w->kernel, packed, len + 100);
		if (pack_kinds[k].has_end) {
			assert_int_equal(boot_load(w, false), 0);
			boot_expect_bytes(w, w->loaded.entry, bytes, 100000);
		} else {
			boot_expect_failure(w, boot_load(w, false), EBADMSG, w->kernel, "damaged");
		}
		free(packed);
	}
	free(bytes);
}

/* Makefile.zboot: behind the payload comes its unpacked size, which is not counted as part of it.
 */
static void test_a_zboot_image_in_each_format_is_unpacked(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(300000, 0, MiB / 2, 0);

	for (size_t k = 0; k < pack_nr_kinds; k++) {
		size_t len, whole_len;
		uint8_t *packed, *whole;

		if (!pack_kinds[k].zboot)
			continue;
		print_message("%s\n", pack_kinds[k].zboot);
		packed = pack_kinds[k].pack(bytes, 300000, &len);
		packed = realloc(packed, len + 4);
		assert_non_null(packed);
		memcpy(packed + len, "\xe0\x93\x04\0", 4);
		whole = boot_zboot(pack_kinds[k].zboot, 1024, (uint32_t)len, packed, len + 4,
				   &whole_len);
		boot_write(w->kernel, whole, whole_len);
		assert_int_equal(boot_load(w, false), 0);
		boot_expect_sound(w);
		assert_int_equal(w->loaded.nr_doubts, 0);
		boot_expect_bytes(w, w->loaded.entry, bytes, 300000);
		/* By the file's name alone nobody can tell that it was cut. */
		boot_write(w->kernel, whole, whole_len - 5);
		boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, "cut off");
		free(whole);
		free(packed);
	}
	free(bytes);
}

static void test_damaged_zboot_images_are_refused(void **state)
{
	static const struct {
		const char *why, *type;
		uint32_t offset, size;
		int error;
		const char *cause;
	} cases[] = {
		{ "another compression", "lzo", 1024, 100, ENOEXEC, "compressed with lzo" },
		{ "no end of the name", "gzipgzipgzipgzipgzipgzipgzipgzip", 1024, 100, ENOEXEC,
		  "does not unpack" },
		{ "payload behind the end", "gzip", 2000, 1, ENODATA, "cut off" },
		{ "payload over the end", "gzip", 1024, 101, ENODATA, "cut off" },
		{ "sum wraps at 32 bits", "gzip", 0xfffffff0, 0x20, ENODATA, "cut off" },
		{ "no payload", "gzip", 1024, 0, ENODATA, "cut off" },
		{ "payload that is no gzip", "gzip", 1024, 100, EBADMSG, "damaged" },
		{ "payload that is no zstd", "zstd22", 1024, 100, EBADMSG, "damaged" },
		{ "payload that is no xz", "xzkern", 1024, 100, EBADMSG, "damaged" },
		{ "payload that is no lz4", "lz4", 1024, 100, EBADMSG, "damaged" },
	};
	struct boot_world *w = *state;
	uint8_t payload[100] = "not a packed stream at all";

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *whole = boot_zboot(cases[i].type, cases[i].offset, cases[i].size, payload,
					    sizeof(payload), &len);

		print_message("%s\n", cases[i].why);
		boot_write(w->kernel, whole, len);
		boot_expect_failure(w, boot_load(w, false), cases[i].error, w->kernel,
				    cases[i].cause);
		assert_true(w->failure.cure[0]);
		free(whole);
	}
}

static void test_what_is_compressed_twice_is_refused(void **state)
{
	struct boot_world *w = *state;
	uint8_t *bytes = boot_image(4096, 0, 8192, 0);

	for (size_t k = 0; k < pack_nr_kinds; k++)
		for (size_t n = 0; n < pack_nr_kinds; n++) {
			size_t len;
			uint8_t *once = pack_kinds[k].pack(bytes, 4096, &len);
			uint8_t *twice = pack_kinds[n].pack(once, len, &len);

			boot_write(w->kernel, twice, len);
			boot_expect_failure(w, boot_load(w, false), ENOEXEC, w->kernel, "twice");
			free(twice);
			free(once);
		}
	free(bytes);
}

static void test_what_unpacks_to_more_than_ram_ends_there(void **state)
{
	const uint64_t ram = 8 * MiB;
	struct boot_world *w = *state;
	uint8_t *bytes = calloc(1, 64 * MiB);

	assert_non_null(bytes);
	memcpy(bytes + 56, "ARM\x64", 4);
	gmem_fini(&w->mem);
	assert_int_equal(gmem_init(&w->mem, LAYOUT_RAM, ram), 0);
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		/* To the last byte it fits, but the device tree does not. */
		const struct {
			size_t len;
			const char *cause;
		} cases[] = { { 64 * MiB, "MiB" },
			      { ram - 0x80000 + 1, "MiB" },
			      { ram - 0x80000, "device tree" } };

		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			size_t len;
			uint8_t *packed = pack_kinds[k].pack(bytes, cases[i].len, &len);

			print_message("%s %zu\n", pack_kinds[k].name, i);
			boot_write(w->kernel, packed, len);
			boot_expect_failure(w, boot_load(w, false), ENOSPC, w->kernel,
					    cases[i].cause);
			free(packed);
		}
	}
	free(bytes);
}

/* RFC 8878: a window of 256 MiB. */
static void test_what_takes_too_much_memory_is_refused(void **state)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 0x09, 0, 0, 'A' };
	struct boot_world *w = *state;

	boot_write(w->kernel, frame, sizeof(frame));
	boot_expect_failure(w, boot_load(w, false), E2BIG, w->kernel, "144 MiB");
	assert_true(w->failure.cure[0]);
}

/* A frame of empty blocks, 3 bytes each: only its file's size bounds the work. */
static void test_what_is_packed_into_more_than_ram_is_not_read(void **state)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 0 };
	struct boot_world *w = *state;

	boot_write(w->kernel, frame, sizeof(frame));
	assert_int_equal(truncate(w->kernel, BOOT_RAM_SZ), 0);
	boot_expect_failure(w, boot_load(w, false), ENODATA, w->kernel, "cut off");
	assert_int_equal(truncate(w->kernel, BOOT_RAM_SZ + 1), 0);
	boot_expect_failure(w, boot_load(w, false), ENOSPC, w->kernel, "65 MiB");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, boot_make, boot_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_image_in_each_format_is_unpacked_in_place),
		TEST(test_an_image_is_one_however_it_begins),
		TEST(test_an_image_with_something_behind_its_stream_is_unpacked),
		TEST(test_a_zboot_image_in_each_format_is_unpacked),
		TEST(test_damaged_zboot_images_are_refused),
		TEST(test_what_is_compressed_twice_is_refused),
		TEST(test_what_unpacks_to_more_than_ram_ends_there),
		TEST(test_what_takes_too_much_memory_is_refused),
		TEST(test_what_is_packed_into_more_than_ram_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
