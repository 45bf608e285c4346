// SPDX-License-Identifier: MIT
/*
 * A guest's memory.
 */
#include "tests/oracle/ram.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_SZ (4 * RAM_KIB)

static uint8_t *map(size_t sz)
{
	void *va = mmap(NULL, sz, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return va == MAP_FAILED ? NULL : va;
}

int ram_init(struct ram *ram)
{
	*ram = (struct ram){ .banks = {
				     [BANK_MAIN] = { RAM_BASE, RAM_SZ, map(RAM_SZ) },
				     [BANK_SMALL1] = { RAM_SMALL1, RAM_SMALL_SZ,
						       map(RAM_SMALL_SZ) },
				     [BANK_SMALL2] = { RAM_SMALL2, RAM_SMALL_SZ,
						       map(RAM_SMALL_SZ) },
			     } };
	for (size_t i = 0; i < NR_BANKS; i++) {
		if (ram->banks[i].bytes)
			continue;
		ram_fini(ram);
		return -ENOMEM;
	}
	return 0;
}

void ram_fini(struct ram *ram)
{
	for (size_t i = 0; i < NR_BANKS; i++) {
		if (ram->banks[i].bytes)
			(void)munmap(ram->banks[i].bytes, ram->banks[i].sz);
	}
	*ram = (struct ram){ 0 };
}

static uint8_t *at(const struct ram *ram, uint64_t gpa, size_t len)
{
	for (size_t i = 0; i < NR_BANKS; i++) {
		const struct ram_bank *bank = &ram->banks[i];

		if (gpa >= bank->base && gpa - bank->base < bank->sz &&
		    len <= bank->sz - (gpa - bank->base))
			return bank->bytes + (gpa - bank->base);
	}
	return NULL;
}

void ram_touch(struct ram *ram, uint64_t gpa, size_t len)
{
	if (gpa < RAM_BASE || gpa >= RAM_END || len > RAM_END - gpa) {
		ram->small_touched = true;
		return;
	}
	for (uint64_t page = (gpa - RAM_BASE) / PAGE_SZ;
	     page <= (gpa + len - 1 - RAM_BASE) / PAGE_SZ; page++)
		ram->touched[page / 64] |= UINT64_C(1) << page % 64;
}

int ram_read(const struct ram *ram, uint64_t gpa, void *buf, size_t len)
{
	const uint8_t *from = at(ram, gpa, len);

	if (!from)
		return -EFAULT;
	memcpy(buf, from, len);
	return 0;
}

int ram_write(struct ram *ram, uint64_t gpa, const void *buf, size_t len)
{
	uint8_t *to = at(ram, gpa, len);

	if (!to)
		return -EFAULT;
	memcpy(to, buf, len);
	ram_touch(ram, gpa, len);
	return 0;
}

void ram_zero(struct ram *ram, uint64_t from, uint64_t to)
{
	uint64_t page = (from - RAM_BASE) / PAGE_SZ;
	uint64_t end = (to - RAM_BASE) / PAGE_SZ;

	while (page < end) {
		uint64_t bits = ram->touched[page / 64] >> page % 64;

		if (!bits) {
			page = (page / 64 + 1) * 64;
			continue;
		}
		page += (unsigned)__builtin_ctzll(bits);
		if (page >= end)
			return;
		memset(ram->banks[BANK_MAIN].bytes + page * PAGE_SZ, 0, PAGE_SZ);
		ram->touched[page / 64] &= ~(UINT64_C(1) << page % 64);
		page++;
	}
}

void ram_zero_small(struct ram *ram, uint64_t base)
{
	uint8_t *bytes = at(ram, base, RAM_SMALL_SZ);

	if (bytes && ram->small_touched)
		memset(bytes, 0, RAM_SMALL_SZ);
}

void ram_clear(struct ram *ram)
{
	ram_zero(ram, RAM_BASE, RAM_END);
	for (size_t i = BANK_SMALL1; ram->small_touched && i < NR_BANKS; i++)
		memset(ram->banks[i].bytes, 0, ram->banks[i].sz);
	ram->small_touched = false;
}

uint64_t ram_get64(const struct ram *ram, uint64_t gpa)
{
	uint64_t le = 0;

	(void)ram_read(ram, gpa, &le, sizeof(le));
	return le64toh(le);
}

void ram_set64(struct ram *ram, uint64_t gpa, uint64_t value)
{
	uint64_t le = htole64(value);

	(void)ram_write(ram, gpa, &le, sizeof(le));
}
