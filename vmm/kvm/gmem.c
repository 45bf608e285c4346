// SPDX-License-Identifier: MIT
/*
 * Guest memory: one contiguous range of RAM, and the one checked accessor.
 *
 * The range never moves or shrinks while a guest exists, so the accessor needs
 * no lock. What it reads may change under it: callers copy once, then look.
 */
#include "vmm/kvm/gmem.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

/* Stage 2 block mappings and IOMMU superpages want 2 MiB alignment. */
#define GMEM_ALIGN (UINT64_C(2) << 20)

int gmem_init(struct gmem *mem, uint64_t base, uint64_t size)
{
	uint64_t reserved, head;
	uint8_t *p;

	assert(mem);

	*mem = (struct gmem){ 0 };
	if (!size || size % 4096 || base % GMEM_ALIGN || base + size < base)
		return -EINVAL;

	reserved = size + GMEM_ALIGN;
	if (reserved < size)
		return -ENOMEM;
	p = mmap(NULL, reserved, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;

	head = (GMEM_ALIGN - (uintptr_t)p % GMEM_ALIGN) % GMEM_ALIGN;
	if (head)
		(void)munmap(p, head);
	(void)munmap(p + head + size, reserved - head - size);
	/* Advice only: a host without huge pages runs just as well. */
	(void)madvise(p + head, size, MADV_HUGEPAGE);
	/* A child that is forked for a helper program must not copy a guest. */
	(void)madvise(p + head, size, MADV_DONTFORK);

	*mem = (struct gmem){ .base = base, .size = size, .va = p + head };
	return 0;
}

void gmem_fini(struct gmem *mem)
{
	if (!mem || !mem->va)
		return;
	(void)munmap(mem->va, mem->size);
	*mem = (struct gmem){ 0 };
}

void *gmem_host(const struct gmem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t offset;

	assert(mem);

	if (gpa < mem->base)
		return NULL;
	offset = gpa - mem->base;
	if (offset > mem->size || len > mem->size - offset)
		return NULL;
	return mem->va + offset;
}

/*
 * A table entry must not be torn between two writes of another vCPU's (IHI
 * 0069 6.3: ITS accesses to its tables are 64-bit single-copy atomic).
 */
static bool is_single_access(const void *p, size_t len)
{
	return len == sizeof(uint64_t) && (uintptr_t)p % sizeof(uint64_t) == 0;
}

int gmem_read(const struct gmem *mem, uint64_t gpa, void *buf, size_t len)
{
	const void *p = gmem_host(mem, gpa, len);

	assert(buf);

	if (!p)
		return -EFAULT;
	if (is_single_access(p, len)) {
		uint64_t v = __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);

		memcpy(buf, &v, sizeof(v));
	} else {
		memcpy(buf, p, len);
	}
	return 0;
}

int gmem_write(const struct gmem *mem, uint64_t gpa, const void *buf, size_t len)
{
	void *p = gmem_host(mem, gpa, len);

	assert(buf);

	if (!p)
		return -EFAULT;
	if (is_single_access(p, len)) {
		uint64_t v;

		memcpy(&v, buf, sizeof(v));
		__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELAXED);
	} else {
		memcpy(p, buf, len);
	}
	return 0;
}
