/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: the RAM of the guest, and the one checked accessor to it.
 */
#ifndef VMM_KVM_GMEM_H
#define VMM_KVM_GMEM_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/* What a block of the host's page tables maps at most, below level 1, whatever its pages. */
#define GMEM_BASE_ALIGN (UINT64_C(512) << 20)

struct gmem {
	uint64_t base; /* GPA of the first byte */
	uint64_t size; /* bytes, a multiple of the page size */
	uint8_t *va;   /* owned; NULL before init */
};

/*
 * Reserve size bytes of RAM for [base, base + size), of the host's ordinary memory, in transparent
 * huge pages as far as the host has them. base is a multiple of GMEM_BASE_ALIGN. The host's memory
 * is taken as it is touched. 0, or -ENOMEM, -EINVAL.
 */
int gmem_init(struct gmem *mem, uint64_t base, uint64_t size) _must_check_;
/*
 * The same in the host's reserved huge pages of page_size bytes (hugetlbfs), a power of two that
 * divides base and size, or 0 for gmem_init(). They are set aside at once: -ENOMEM where too few
 * are free, -EINVAL where the host has none of this size.
 */
int gmem_init_huge(struct gmem *mem, uint64_t base, uint64_t size, uint64_t page_size) _must_check_;
void gmem_fini(struct gmem *mem);

/*
 * Copy from or to guest memory. 0, or -EFAULT where any byte of
 * [gpa, gpa + len) is outside RAM; nothing is copied then. Any thread.
 * Naturally aligned 8-byte copies are single accesses.
 */
int gmem_read(const struct gmem *mem, uint64_t gpa, void *buf, size_t len) _must_check_;
int gmem_write(const struct gmem *mem, uint64_t gpa, const void *buf, size_t len) _must_check_;

/* Where [gpa, gpa + len) lies in this process, or NULL. For set-up, before the guest runs. */
void *gmem_host(const struct gmem *mem, uint64_t gpa, uint64_t len);

#endif
