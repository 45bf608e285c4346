/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory, and where things lie in it.
 *
 * One large bank and two small ones with holes between them. A table that is to
 * run over the end of RAM begins shortly before the end of a bank: the device
 * table in the large one, an interrupt translation table and the collection
 * table in a small one each.
 */
#ifndef TESTS_ORACLE_RAM_H
#define TESTS_ORACLE_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_KIB	     UINT64_C(1024)
#define RAM_MIB	     (1024 * RAM_KIB)
#define RAM_BASE     UINT64_C(0x40000000)
#define RAM_SZ	     (40 * RAM_MIB)
#define RAM_END	     (RAM_BASE + RAM_SZ)
#define RAM_SMALL_SZ (64 * RAM_KIB)
#define RAM_SMALL1   UINT64_C(0x48000000)
#define RAM_SMALL2   UINT64_C(0x49000000)
#define RAM_NOWHERE  UINT64_C(0x60000000) /* no RAM here, nor for a long way */

/* Areas. 64 KiB aligned, none overlaps another. */
#define RAM_DEVICES(area)     (RAM_BASE + (area)*8 * RAM_MIB)
#define RAM_COLLECTIONS(area) (RAM_BASE + 16 * RAM_MIB + (area)*RAM_MIB)
#define RAM_L2_DEVICES	      (RAM_BASE + 18 * RAM_MIB)
#define RAM_L2_COLLECTIONS    (RAM_BASE + 20 * RAM_MIB)
#define RAM_QUEUE(area)	      (RAM_BASE + 22 * RAM_MIB + (area)*RAM_MIB)
#define RAM_PROPERTIES	      (RAM_BASE + 24 * RAM_MIB)
#define RAM_PENDING(vcpu)     (RAM_BASE + 25 * RAM_MIB + (vcpu)*64 * RAM_KIB)
#define RAM_ITT(area)	      (RAM_BASE + 32 * RAM_MIB + (area)*512 * RAM_KIB)
/* Tables that begin here have 64 KiB in RAM, and go on outside. */
#define RAM_SHORT_DEVICES     (RAM_END - 64 * RAM_KIB)
#define RAM_SHORT_COLLECTIONS RAM_SMALL2
/* An ITT may end here. */
#define RAM_SHORT_ITT_END (RAM_SMALL1 + RAM_SMALL_SZ)

enum { BANK_MAIN, BANK_SMALL1, BANK_SMALL2, NR_BANKS };

struct ram_bank {
	uint64_t base;
	uint64_t sz;
	uint8_t *bytes;
};

struct ram {
	struct ram_bank banks[NR_BANKS];
	/* 4 KiB pages of the large bank that may not be zero. */
	uint64_t touched[RAM_SZ / (4 * RAM_KIB) / 64];
	bool small_touched;
};

/* All zero. 0 or -ENOMEM. */
int ram_init(struct ram *ram) __attribute__((warn_unused_result));
void ram_fini(struct ram *ram);

/* 0, or -EFAULT where not all of [gpa, gpa + len) is in one bank. */
int ram_read(const struct ram *ram, uint64_t gpa, void *buf, size_t len);
int ram_write(struct ram *ram, uint64_t gpa, const void *buf, size_t len);

/* Somebody else wrote there. */
void ram_touch(struct ram *ram, uint64_t gpa, size_t len);
/* Zero [from, to), of the large bank, in whole pages. */
void ram_zero(struct ram *ram, uint64_t from, uint64_t to);
/* Zero the small bank that begins there. */
void ram_zero_small(struct ram *ram, uint64_t base);
/* Zero everything. */
void ram_clear(struct ram *ram);

/* A little-endian word; what is not in RAM reads as zero, and keeps nothing. */
uint64_t ram_get64(const struct ram *ram, uint64_t gpa);
void ram_set64(struct ram *ram, uint64_t gpa, uint64_t value);

#endif
