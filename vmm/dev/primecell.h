/* SPDX-License-Identifier: MIT */
/*
 * The registers of an Arm PrimeCell as a table: what each is after a reset, and what accesses do.
 * A chip (pl011.h, pl031.h, pl061.h) is its table, the functions that stand in it, and a state of
 * its own.
 *
 * PL011: DDI 0183G; PL031: DDI 0224C; PL061: DDI 0190B; chapter 3 of each. Registers lie in 4 KiB,
 * at multiples of 4, and the last eight say what it is: PeriphID, and PCellID, which all PrimeCells
 * have the same.
 */
#ifndef VMM_DEV_PRIMECELL_H
#define VMM_DEV_PRIMECELL_H

#include <stddef.h>
#include <stdint.h>

#define PRIMECELL_MAX_REGISTERS 12u
#define PRIMECELL_SZ		0x1000u

/* In chip is what primecell_read() and primecell_write() were given. n is the instance. */
struct primecell_register {
	const char *name;
	uint16_t offset;
	uint16_t count; /* consecutive instances, in a word each */
	uint32_t reset;
	uint32_t rw; /* a write changes these bits */
	/* NULL: it reads as what is kept. Else nothing is: reset and rw are 0. */
	uint32_t (*read)(const void *chip, unsigned n);
	/* NULL: there is no more to it. Else it gets all of what is written, once rw is kept. */
	void (*wrote)(void *chip, unsigned n, uint32_t value);
};

struct primecell_kind {
	const struct primecell_register *registers; /* ascending */
	size_t nr_registers;
	uint32_t periph_id; /* PeriphID3 to 0, a byte of each */
};

struct primecell {
	const struct primecell_kind *kind;
	uint32_t value[PRIMECELL_MAX_REGISTERS]; /* kept, of each row */
};

/* The state after a reset. */
void primecell_reset(struct primecell *p, const struct primecell_kind *kind);

/* What is not there reads as zero and ignores writes, as do offsets between registers. */
uint32_t primecell_read(const struct primecell *p, const void *chip, uint64_t offset);
void primecell_write(struct primecell *p, void *chip, uint64_t offset, uint32_t value);

#endif
