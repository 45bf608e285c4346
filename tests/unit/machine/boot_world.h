/* SPDX-License-Identifier: MIT */
/*
 * Kernels and initrds as files, made for a test, and a guest's memory that they are loaded into.
 */
#ifndef TESTS_UNIT_MACHINE_BOOT_WORLD_H
#define TESTS_UNIT_MACHINE_BOOT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vitsmod/bits.h"
#include "vmm/machine/loader.h"

#define BOOT_RAM_SZ   (64 * MiB)
#define BOOT_FDT_ROOM (2 * MiB)

struct boot_world {
	char dir[128], kernel[160], initrd[160];
	bool flat; /* what boot_load() says of the kernel */
	struct gmem mem;
	struct loaded loaded;
	struct failure failure;
};

/* A test's set-up and its end; *state is a struct boot_world. */
int boot_make(void **state);
int boot_unmake(void **state);

void boot_write(const char *path, const void *bytes, size_t len);
/* A file of that length without its blocks. */
void boot_write_hole(const char *path, uint64_t len);
/* Little-endian. */
void boot_put64(uint8_t *at, uint64_t v);
/* Not all alike, so that a part in the wrong place shows. The caller's to free(), as all below. */
uint8_t *boot_pattern(size_t len, uint8_t salt);
/* An Image without an EFI header: booting.rst 3. */
uint8_t *boot_image(size_t len, uint64_t text_offset, uint64_t image_size, uint64_t flags);
uint8_t *boot_gzip(const uint8_t *bytes, size_t len, size_t *ret_len);
/* An EFI zboot Image: zboot-header.S. It says offset and size; the payload is at byte 1024. */
uint8_t *boot_zboot(const char *type, uint32_t offset, uint32_t size, const uint8_t *payload,
		    size_t payload_len, size_t *ret_len);

/* As loader_load(). */
int boot_load(struct boot_world *w, bool with_initrd);
void boot_expect_failure(struct boot_world *w, int r, int error, const char *object,
			 const char *cause);
void boot_expect_bytes(const struct boot_world *w, uint64_t gpa, const uint8_t *bytes, size_t len);
/* What is handed over lies in RAM, in order, apart, and aligned as booting.rst 2 to 4 say. */
void boot_expect_sound(const struct boot_world *w);

#endif
