// SPDX-License-Identifier: MIT
/*
 * Guest memory: the banks of RAM, and the one checked accessor.
 *
 * Banks never move or shrink while a guest exists, so the accessor needs
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

/* Each in whole units, and behind the one before it. */
static bool are_ranges(const struct gmem_range ranges[], size_t nr, uint64_t unit)
{
	uint64_t end = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct gmem_range *range = &ranges[i];

		if (!range->size || (range->base | range->size) % unit || range->base < end ||
		    range->base + range->size < range->base)
			return false;
		end = range->base + range->size;
	}
	return nr >= 1 && nr <= GMEM_MAX_BANKS;
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

/* Ordinary memory, which is alike to base below the size of a block. */
static int reserve_alike(const struct gmem_range *range, uint8_t **ret)
{
	const uint64_t block = block_size(), size = range->size;
	uint64_t head;
	uint8_t *p = NULL;
	int r;

	if (size + block < size)
		return -ENOMEM;
	r = reserve(size + block, MAP_NORESERVE, &p);
	if (r < 0)
		return r;

	head = (range->base % block + block - (uintptr_t)p % block) % block;
	if (head)
		(void)munmap(p, head);
	if (block > head)
		(void)munmap(p + head + size, block - head);
	/* Advice only: a host without huge pages runs just as well. */
	(void)madvise(p + head, size, MADV_HUGEPAGE);
	*ret = p + head;
	return 0;
}

int gmem_init_banks(struct gmem *mem, const struct gmem_range ranges[], size_t nr,
		    uint64_t page_size)
{
	assert(mem);

	*mem = (struct gmem){ 0 };
	if ((page_size & (page_size - 1)) || !are_ranges(ranges, nr, page_size ? page_size : 4096))
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		uint8_t *va = NULL;
		/* Which of its sizes the host is to take: mmap(2), MAP_HUGE_SHIFT. */
		int r = page_size ? reserve(ranges[i].size,
					    MAP_HUGETLB | __builtin_ctzll(page_size)
								  << MAP_HUGE_SHIFT,
					    &va)
				  : reserve_alike(&ranges[i], &va);

		if (r < 0) {
			gmem_fini(mem);
			return r;
		}
		/* A child that is forked for a helper program must not copy a guest. */
		(void)madvise(va, ranges[i].size, MADV_DONTFORK);
		mem->banks[mem->nr++] = (struct gmem_bank){ ranges[i].base, ranges[i].size, va };
	}
	return 0;
}

int gmem_init(struct gmem *mem, uint64_t base, uint64_t size)
{
	const struct gmem_range range = { base, size };

	return gmem_init_banks(mem, &range, 1, 0);
}

void gmem_fini(struct gmem *mem)
{
	if (!mem)
		return;
	for (size_t i = 0; i < mem->nr; i++)
		(void)munmap(mem->banks[i].va, mem->banks[i].size);
	*mem = (struct gmem){ 0 };
}

uint64_t gmem_size(const struct gmem *mem)
{
	uint64_t size = 0;

	for (size_t i = 0; i < mem->nr; i++)
		size += mem->banks[i].size;
	return size;
}

void *gmem_host(const struct gmem *mem, uint64_t gpa, uint64_t len)
{
	assert(mem);

	for (size_t i = 0; i < mem->nr; i++) {
		const struct gmem_bank *bank = &mem->banks[i];
		const uint64_t offset = gpa - bank->base;

		if (gpa >= bank->base && offset < bank->size)
			return len <= bank->size - offset ? bank->va + offset : NULL;
	}
	return NULL;
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
