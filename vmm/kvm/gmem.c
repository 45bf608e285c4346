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
#include <linux/mman.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Stage 2 block mappings and IOMMU superpages want host and guest addresses that are alike below
 * the size of a block, which is a page of 8-byte descriptors that each map a page: 2, 32 or 512
 * MiB (Arm ARM D8.2).
 */
static uint64_t block_size(void)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return page * (page / sizeof(uint64_t));
}

static bool is_range(uint64_t base, uint64_t size, uint64_t unit)
{
	return size && size % unit == 0 && base % GMEM_BASE_ALIGN == 0 && base + size >= base;
}

/* 0, or a negative errno. */
static int reserve(uint64_t size, int flags, uint8_t **ret)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			  -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static void take(struct gmem *mem, uint64_t base, uint64_t size, uint8_t *va)
{
	/* A child that is forked for a helper program must not copy a guest. */
	(void)madvise(va, size, MADV_DONTFORK);
	*mem = (struct gmem){ .base = base, .size = size, .va = va };
}

int gmem_init(struct gmem *mem, uint64_t base, uint64_t size)
{
	uint64_t block = block_size(), head;
	uint8_t *p = NULL;
	int r;

	assert(mem);

	*mem = (struct gmem){ 0 };
	if (!is_range(base, size, 4096))
		return -EINVAL;
	if (size + block < size)
		return -ENOMEM;
	r = reserve(size + block, MAP_NORESERVE, &p);
	if (r < 0)
		return r;

	head = (block - (uintptr_t)p % block) % block;
	if (head)
		(void)munmap(p, head);
	if (block > head)
		(void)munmap(p + head + size, block - head);
	/* Advice only: a host without huge pages runs just as well. */
	(void)madvise(p + head, size, MADV_HUGEPAGE);
	take(mem, base, size, p + head);
	return 0;
}

int gmem_init_huge(struct gmem *mem, uint64_t base, uint64_t size, uint64_t page_size)
{
	uint8_t *p = NULL;
	int r;

	assert(mem);

	if (!page_size)
		return gmem_init(mem, base, size);
	*mem = (struct gmem){ 0 };
	if ((page_size & (page_size - 1)) || !is_range(base, size, page_size) || base % page_size)
		return -EINVAL;
	/* Which of its sizes the host is to take: mmap(2), MAP_HUGE_SHIFT. */
	r = reserve(size, MAP_HUGETLB | __builtin_ctzll(page_size) << MAP_HUGE_SHIFT, &p);
	if (r < 0)
		return r;
	take(mem, base, size, p);
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
