/* SPDX-License-Identifier: MIT */
/*
 * Compresses as the tools do that kernels are packed with.
 */
#ifndef TESTS_UNIT_MACHINE_PACK_H
#define TESTS_UNIT_MACHINE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pack_kind {
	const char *name;
	const char *zboot; /* in zboot headers; NULL: not there */
	bool has_checksum; /* of what was packed */
	bool has_end;	   /* of its own, and not only that of the file */
	/* *ret_len bytes; the caller's to free(). */
	uint8_t *(*pack)(const uint8_t *bytes, size_t len, size_t *ret_len);
};

/* gzip is the first. */
extern const struct pack_kind pack_kinds[];
extern const size_t pack_nr_kinds;

#endif
