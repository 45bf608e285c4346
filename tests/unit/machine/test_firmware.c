// SPDX-License-Identifier: MIT
/*
 * Firmware: what is taken for one, where it lies, and what is refused with which words.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/machine/boot_world.h"
#include "vmm/base/cleanup.h"
#include "vmm/config/config.h"
#include "vmm/kvm/layout.h"

#define FIRMWARE_SZ 10000u

/* As start.S begins: a branch, a NOP, where it is linked to, how long it is. */
static uint8_t *firmware_bytes(uint64_t base, uint64_t len)
{
	static const uint8_t code[] = { 0x0a, 0, 0, 0x14, 0x1f, 0x20, 0x03, 0xd5 };
	uint8_t *bytes = boot_pattern(FIRMWARE_SZ, 7);

	memcpy(bytes, code, sizeof(code));
	boot_put64(bytes + 8, base);
	boot_put64(bytes + 16, len);
	return bytes;
}

static int load(struct boot_world *w, const char *path)
{
	w->failure = (struct failure){ 0 };
	return loader_load(&w->mem, &(struct loader_wish){ .firmware = path }, &w->loaded,
			   &w->failure);
}

static void test_it_is_entered_at_0_and_finds_the_device_tree_at_the_start_of_memory(void **state)
{
	struct boot_world *w = *state;
	_cleanup_free_ uint8_t *bytes = firmware_bytes(0, FIRMWARE_SZ);
	const struct loader_wish wish = { .firmware = w->kernel };
	struct loader_files files;

	boot_write(w->kernel, bytes, FIRMWARE_SZ);
	assert_int_equal(loader_open(&files, &wish, &w->failure), 0);
	/* For several boots, and after the first one nothing has to be read. */
	for (int boot = 0; boot < 2; boot++) {
		assert_int_equal(loader_load_open(&w->mem, &files, &w->loaded, &w->failure), 0);
		assert_int_equal(w->loaded.entry, 0);
		assert_int_equal(w->loaded.kernel_end, FIRMWARE_SZ);
		assert_int_equal(w->loaded.initrd, w->loaded.initrd_end);
		assert_int_equal(w->loaded.fdt, LAYOUT_RAM);
		assert_int_equal(w->loaded.nr_doubts, 0);
		assert_int_equal(remove(w->kernel), boot ? -1 : 0);
	}
	assert_memory_equal(files.firmware.memory, bytes, FIRMWARE_SZ);
	/* Behind it are zeros, in which it finds no variables. */
	for (size_t i = FIRMWARE_SZ; i < LAYOUT_FIRMWARE_SZ; i += 4093)
		assert_int_equal(files.firmware.memory[i], 0);
	loader_close(&files);
	assert_null(files.firmware.memory);
	loader_close(&files);
}

static void test_what_is_no_firmware_is_refused(void **state)
{
	static const struct {
		uint64_t base, len;
		size_t at; /* a byte that is changed; 0: none */
		int error;
		const char *cause;
	} cases[] = {
		{ 0, FIRMWARE_SZ, 3, ENOEXEC, "the firmware is no U-Boot for arm64" },
		{ 0, FIRMWARE_SZ, 7, ENOEXEC, "the firmware is no U-Boot for arm64" },
		{ 0x80000000, FIRMWARE_SZ, 0, ENOEXEC,
		  "for another machine: it is to lie at 0x80000000" },
		{ 0, FIRMWARE_SZ + 1, 0, ENODATA,
		  "cut off: of the 10001 bytes that it tells of, it has 10000" },
		{ 0, UINT64_MAX, 0, ENODATA, "cut off" },
	};
	struct boot_world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ uint8_t *bytes = firmware_bytes(cases[i].base, cases[i].len);

		if (cases[i].at)
			bytes[cases[i].at] ^= 0xff;
		boot_write(w->kernel, bytes, FIRMWARE_SZ);
		boot_expect_failure(w, load(w, w->kernel), cases[i].error, w->kernel,
				    cases[i].cause);
		assert_true(w->failure.cure[0]);
	}
	boot_write(w->kernel, "", 0);
	boot_expect_failure(w, load(w, w->kernel), EINVAL, w->kernel, "the firmware is empty");
	boot_write(w->kernel, "\x0a\0\0\x14", 4);
	boot_expect_failure(w, load(w, w->kernel), ENOEXEC, w->kernel, "no U-Boot");
}

static void test_more_than_there_is_room_for_is_refused(void **state)
{
	struct boot_world *w = *state;
	_cleanup_free_ uint8_t *bytes = firmware_bytes(0, FIRMWARE_SZ);
	FILE *f;

	boot_write_hole(w->kernel, LAYOUT_FIRMWARE_MAX);
	f = fopen(w->kernel, "r+e");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, FIRMWARE_SZ, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(load(w, w->kernel), 0);
	f = fopen(w->kernel, "ae");
	assert_non_null(f);
	assert_int_equal(fputc(0, f), 0);
	assert_int_equal(fclose(f), 0);
	boot_expect_failure(w, load(w, w->kernel), EFBIG, w->kernel, "larger than 64 MiB");
}

/* The path is nobody's mistake then. */
static void test_that_debians_is_not_there_is_told_with_its_package(void **state)
{
	struct boot_world *w = *state;
	struct config config = { .boot = BOOT_WISH_DISK };
	const struct loader_wish wish = loader_wish_of(&config);
	FILE *f = fopen(CONFIG_FIRMWARE, "re");

	assert_string_equal(wish.firmware, CONFIG_FIRMWARE);
	assert_null(wish.kernel);
	boot_expect_failure(w, load(w, "/nowhere/u-boot.bin"), ENOENT, "/nowhere/u-boot.bin",
			    "the firmware cannot be opened");
	assert_non_null(strstr(w->failure.cure, "correct the path"));
	if (f) {
		(void)fclose(f);
		assert_int_equal(load(w, wish.firmware), 0); /* and it is taken */
		return;
	}
	boot_expect_failure(w, load(w, wish.firmware), ENOENT, CONFIG_FIRMWARE, "is not there");
	assert_non_null(strstr(w->failure.cure, "install Debian's package u-boot-qemu"));
}

static void test_memory_that_is_elsewhere_or_too_little_is_told(void **state)
{
	static const struct gmem_range places[][2] = {
		{ { 2 * GiB, 128 * MiB } },
		{ { LAYOUT_RAM, 32 * MiB }, { 2 * GiB, 128 * MiB } },
	};
	struct boot_world *w = *state;
	_cleanup_free_ uint8_t *bytes = firmware_bytes(0, FIRMWARE_SZ);

	boot_write(w->kernel, bytes, FIRMWARE_SZ);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		gmem_fini(&w->mem);
		assert_int_equal(gmem_init_banks(&w->mem, places[i], 1 + i, 0), 0);
		boot_expect_failure(w, load(w, w->kernel), ENOSPC, w->kernel,
				    "needs 64 MiB of memory at 1 GiB");
		assert_non_null(strstr(w->failure.cure, "--print-memory-map"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, boot_make, boot_unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_entered_at_0_and_finds_the_device_tree_at_the_start_of_memory),
		TEST(test_what_is_no_firmware_is_refused),
		TEST(test_more_than_there_is_room_for_is_refused),
		TEST(test_that_debians_is_not_there_is_told_with_its_package),
		TEST(test_memory_that_is_elsewhere_or_too_little_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
