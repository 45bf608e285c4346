/* SPDX-License-Identifier: MIT */
/*
 * A file that a guest starts from, or a part of it: its first bytes, and the rest on demand.
 */
#ifndef VMM_MACHINE_BOOT_FILE_H
#define VMM_MACHINE_BOOT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"

/* The head of a file: enough for each magic that is looked for. */
#define BOOT_HEAD_SZ 0x210u

/*
 * PE Format: where the header of an EFI program is, and offsets from its "PE\0\0" and in a row of
 * its table of sections.
 */
#define PE_AT		   60u
#define PE_SECTIONS	   6u
#define PE_OPTIONAL_SZ	   20u
#define PE_OPTIONAL	   24u
#define SECTION_SZ	   40u
#define SECTION_VIRTUAL_SZ 8u
#define SECTION_RAW_SZ	   16u
#define SECTION_RAW	   20u

struct boot_file {
	const char *path; /* borrowed */
	int fd;		  /* borrowed */
	uint64_t start;	  /* byte of the file that is its first one; 0 but for a part */
	uint64_t size;
	bool flat;		    /* nothing is looked for in it */
	uint8_t head[BOOT_HEAD_SZ]; /* zeros beyond the end */
};

/* Of a file, in bytes. size 0: it is not there. */
struct boot_part {
	uint64_t offset, size;
};

/* key: what the configuration calls it. All fail with ITSY_ENVIRONMENT. */
int boot_file_open(const char *path, const char *key, int *ret_fd,
		   struct failure *ret_failure) _must_check_;
int boot_file_look(struct boot_file *ret_file, const char *path, int fd, const char *key,
		   struct failure *ret_failure) _must_check_;
/* From now on it is this part of itself, which is all inside. */
int boot_file_narrow(struct boot_file *file, const struct boot_part *part,
		     struct failure *ret_failure) _must_check_;
/* Exactly len bytes at offset. */
int boot_file_read(const struct boot_file *file, void *buf, uint64_t len, uint64_t offset,
		   struct failure *ret_failure) _must_check_;
/* It cannot be read, by an errno. Returns -error. */
int boot_file_failed(const struct boot_file *file, int error, struct failure *ret_failure);

static inline uint32_t boot_le16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t boot_le32(const uint8_t *p)
{
	return boot_le16(p) | boot_le16(p + 2) << 16;
}

static inline uint64_t boot_le64(const uint8_t *p)
{
	return boot_le32(p) | (uint64_t)boot_le32(p + 4) << 32;
}

#endif
