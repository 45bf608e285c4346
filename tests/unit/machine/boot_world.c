// SPDX-License-Identifier: MIT
/*
 * See boot_world.h.
 */
#include "tests/unit/machine/boot_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/machine/pack.h"
#include "vmm/kvm/layout.h"

int boot_make(void **state)
{
	struct boot_world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(w);
	(void)snprintf(w->dir, sizeof(w->dir), "%s/itsy-loader-XXXXXX",
		       tmp && strlen(tmp) < 100 ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->kernel, sizeof(w->kernel), "%s/kernel", w->dir);
	(void)snprintf(w->initrd, sizeof(w->initrd), "%s/initrd", w->dir);
	assert_int_equal(gmem_init(&w->mem, LAYOUT_RAM, BOOT_RAM_SZ), 0);
	*state = w;
	return 0;
}

int boot_unmake(void **state)
{
	struct boot_world *w = *state;

	gmem_fini(&w->mem);
	(void)unlink(w->kernel);
	(void)unlink(w->initrd);
	(void)rmdir(w->dir);
	free(w);
	return 0;
}

void boot_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

void boot_write_hole(const char *path, uint64_t len)
{
	boot_write(path, "", 0);
	assert_int_equal(truncate(path, (off_t)len), 0);
}

void boot_put64(uint8_t *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

uint8_t *boot_pattern(size_t len, uint8_t salt)
{
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)((i * 7 + (i >> 8) + salt) | 1);
	return bytes;
}

uint8_t *boot_image(size_t len, uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
	uint8_t *bytes = boot_pattern(len, 1);

	memset(bytes, 0, 64);
	boot_put64(bytes + 8, text_offset);
	boot_put64(bytes + 16, image_size);
	boot_put64(bytes + 24, flags);
	memcpy(bytes + 56, "ARM\x64", 4);
	return bytes;
}

uint8_t *boot_gzip(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	return pack_kinds[0].pack(bytes, len, ret_len);
}

int boot_load(struct boot_world *w, bool with_initrd)
{
	w->failure = (struct failure){ 0 };
	return loader_load(&w->mem,
			   &(struct loader_wish){ .kernel = w->kernel,
						  .initrd = with_initrd ? w->initrd : NULL,
						  .flat = w->flat },
			   &w->loaded, &w->failure);
}

void boot_expect_failure(struct boot_world *w, int r, int error, const char *object,
			 const char *cause)
{
	assert_int_equal(r, -error);
	assert_int_equal(w->failure.status, ITSY_ENVIRONMENT);
	assert_int_equal(strncmp(w->failure.object, object, sizeof(w->failure.object) - 1), 0);
	if (!strstr(w->failure.cause, cause))
		fail_msg("cause '%s' does not tell of '%s'", w->failure.cause, cause);
}

void boot_expect_bytes(const struct boot_world *w, uint64_t gpa, const uint8_t *bytes, size_t len)
{
	assert_memory_equal(gmem_host(&w->mem, gpa, len), bytes, len);
}

void boot_expect_sound(const struct boot_world *w)
{
	const struct loaded *l = &w->loaded;

	assert_int_equal(l->entry, l->kernel);
	assert_true(l->kernel >= LAYOUT_RAM);
	assert_true(l->kernel_end > l->kernel);
	assert_true(l->initrd >= l->kernel_end);
	assert_true(l->initrd_end >= l->initrd);
	if (l->initrd_end > l->initrd)
		assert_int_equal(l->initrd % (64 * KiB), 0);
	assert_true(l->fdt >= l->initrd_end);
	assert_int_equal(l->fdt % (2 * MiB), 0);
	assert_int_equal(l->fdt_max_sz, BOOT_FDT_ROOM);
	assert_true(l->fdt + l->fdt_max_sz <= LAYOUT_RAM + BOOT_RAM_SZ);
}

uint8_t *boot_zboot(const char *type, uint32_t offset, uint32_t size, const uint8_t *payload,
		    size_t payload_len, size_t *ret_len)
{
	uint8_t *bytes = calloc(1, 1024 + payload_len);

	assert_non_null(bytes);
	memcpy(bytes, "MZ\0\0zimg", 8);
	boot_put64(bytes + 8, offset | (uint64_t)size << 32);
	memcpy(bytes + 24, type, strlen(type));
	memcpy(bytes + 1024, payload, payload_len);
	*ret_len = 1024 + payload_len;
	return bytes;
}
