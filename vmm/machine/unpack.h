/* SPDX-License-Identifier: MIT */
/*
 * Compressed streams, unpacked piece by piece, from memory to memory. What they unpack to may be
 * anything, and is bounded by the room that the caller has for it; what is needed meanwhile by
 * UNPACK_MEMORY_MAX.
 */
#ifndef VMM_MACHINE_UNPACK_H
#define VMM_MACHINE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/*
 * Bytes. Linux packs itself with windows of up to 128 MiB (zstd -22 --ultra, scripts/Makefile.lib);
 * what the libraries have beside that is little.
 */
#define UNPACK_MEMORY_MAX   (UINT64_C(144) << 20)
#define UNPACK_MEMORY_WORDS "144 MiB of memory"

/* The longest magic of a format, bytes. */
#define UNPACK_MAGIC_MAX 6u

struct unpack_format;
struct unpack;

/* Both move on as bytes are taken and given; neither is NULL, also where its length is 0. */
struct unpack_io {
	const uint8_t *in;
	size_t in_len;
	bool is_last; /* nothing follows what is in */
	uint8_t *out;
	size_t out_len;
};

/* By the first bytes of a file, UNPACK_MAGIC_MAX at least. NULL: it is none that is known. */
const struct unpack_format *unpack_format_of(const uint8_t *head);
/* By the name that an EFI zboot header has for it (Makefile.zboot). NULL: not known. */
const struct unpack_format *unpack_format_named(const char *name);
/* As people call it. */
const char *unpack_format_name(const struct unpack_format *format);

/* NULL: no memory. */
struct unpack *unpack_create(const struct unpack_format *format);
void unpack_destroy(struct unpack *u);

static inline void unpack_destroyp(struct unpack **u)
{
	unpack_destroy(*u);
}

/*
 * Go on for as long as there is something to take and room to give. 1: the stream has ended, and
 * what it has of checksums is right; 0: it has not. -EBADMSG: it is damaged. -ENODATA: it was cut
 * off. -E2BIG: it wants more than UNPACK_MEMORY_MAX. -ENOMEM. After 1 or an error it is over.
 */
int unpack_run(struct unpack *u, struct unpack_io *io) _must_check_;

#endif
