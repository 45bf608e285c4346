/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: the RAM of the guest, and the one checked accessor to it.
 */
#ifndef VMM_KVM_GMEM_H
#define VMM_KVM_GMEM_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/* Ranges of the guest's addresses that its RAM has at most; it has several where some must be left
 * out. */
#define GMEM_MAX_BANKS 8u

struct gmem_range {
	uint64_t base, size; /* GPA of the first byte; bytes, more than 0 */
};

/* One range of RAM. */
struct gmem_bank {
	uint64_t base, size;
	uint8_t *va; /* owned */
};

struct gmem {
	struct gmem_bank banks[GMEM_MAX_BANKS]; /* ascending */
	size_t nr;				/* 0 before init */
};

/*
 * Reserve size bytes of RAM for [base, base + size), of the host's ordinary memory, in transparent
 * huge pages as far as the host has them. base and size are multiples of 4096. The host's memory
 * is taken as it is touched. 0, or -ENOMEM, -EINVAL.
 */
int gmem_init(struct gmem *mem, uint64_t base, uint64_t size) _must_check_;
/*
 * The same for 1 to GMEM_MAX_BANKS ranges, ascending and apart. With a page_size, in the host's
 * reserved huge pages of so many bytes (hugetlbfs), a power of two that divides each base and size;
 * 0: ordinary memory. Huge pages are set aside at once: -ENOMEM where too few
 * are free, -EINVAL where the host has none of this size. On failure there is no memory.
 */
int gmem_init_banks(struct gmem *mem, const struct gmem_range ranges[], size_t nr,
		    uint64_t page_size) _must_check_;
void gmem_fini(struct gmem *mem);

/* Bytes of all banks. */
uint64_t gmem_size(const struct gmem *mem);

/*
 * Copy from or to guest memory. 0, or -EFAULT where any byte of
 * [gpa, gpa + len) is outside of the bank that has the first; nothing is copied then. Any thread.
 * Naturally aligned 8-byte copies are single accesses.
 */
int gmem_read(const struct gmem *mem, uint64_t gpa, void *buf, size_t len) _must_check_;
int gmem_write(const struct gmem *mem, uint64_t gpa, const void *buf, size_t len) _must_check_;

/* Where [gpa, gpa + len) lies in this process, or NULL. For set-up, before the guest runs. */
void *gmem_host(const struct gmem *mem, uint64_t gpa, uint64_t len);

#endif
