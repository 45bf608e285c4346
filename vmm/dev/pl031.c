// SPDX-License-Identifier: MIT
/*
 * A PL031's registers: one table says what they are. "TRM" is DDI 0224C.
 *
 * Deliberately not here: the registers for integration tests (TRM chapter 4).
 *
 * No locks: rtc.c has one.
 */
#include "vmm/dev/pl031.h"

#include <string.h>

#include "vmm/base/bits.h"

#define BIT0	   1u
#define HALF_A_LAP UINT32_C(0x80000000)

/* Rows that others ask for. */
enum { DR, MR, LR, CR, IMSC };

static uint32_t count(const struct pl031 *p)
{
	return p->now + p->offset;
}

/* A match is noted when it begins: who has cleared it has it once, and not all the second long. */
static void compare(struct pl031 *p)
{
	p->matched |= count(p) == p->cell.value[MR];
}

static uint32_t dr_read(const void *chip, unsigned n)
{
	(void)n;
	return count(chip);
}

static void mr_wrote(void *chip, unsigned n, uint32_t value)
{
	(void)n;
	(void)value;
	compare(chip);
}

static void lr_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl031 *p = chip;

	(void)n;
	p->offset = value - p->now;
	compare(p);
}

/* TRM 3.3.6, 3.3.7 */
static uint32_t ris_read(const void *chip, unsigned n)
{
	const struct pl031 *p = chip;

	(void)n;
	return p->matched;
}

static uint32_t mis_read(const void *chip, unsigned n)
{
	(void)n;
	return pl031_interrupts(chip);
}

static void icr_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl031 *p = chip;

	(void)n;
	p->matched &= !(value & BIT0);
}

/*
 * Choice: it runs, as one does that has a battery, and RTCCR reads as 1. Once it is 1, writes have
 * no effect (TRM 3.3.4).
 */
/* clang-format off */
static const struct primecell_register registers[] = {
	/*         name       offset n  reset rw          read      wrote */
	[DR]   = { "RTCDR",   0x000, 1, 0,    0,          dr_read,  NULL },
	[MR]   = { "RTCMR",   0x004, 1, 0,    UINT32_MAX, NULL,     mr_wrote },
	[LR]   = { "RTCLR",   0x008, 1, 0,    UINT32_MAX, NULL,     lr_wrote },
	[CR]   = { "RTCCR",   0x00c, 1, BIT0, 0,          NULL,     NULL },
	[IMSC] = { "RTCIMSC", 0x010, 1, 0,    BIT0,       NULL,     NULL },
	         { "RTCRIS",  0x014, 1, 0,    0,          ris_read, NULL },
	         { "RTCMIS",  0x018, 1, 0,    0,          mis_read, NULL },
	         { "RTCICR",  0x01c, 1, 0,    0,          NULL,     icr_wrote },
};
/* clang-format on */

const struct primecell_kind pl031_kind = {
	.registers = registers,
	.nr_registers = ARRAY_SIZE(registers),
	.periph_id = 0x00141031, /* part 0x031, designer 0x41, revision 1 */
};

void pl031_reset(struct pl031 *p, uint32_t now)
{
	memset(p, 0, sizeof(*p));
	p->now = now;
	primecell_reset(&p->cell, &pl031_kind);
}

void pl031_tick(struct pl031 *p, uint32_t now)
{
	const uint32_t passed = now - p->now, ahead = p->cell.value[MR] - count(p);

	p->now = now;
	/* The other half is the past: somebody has put the clock outside back. */
	if (passed < HALF_A_LAP)
		p->matched |= ahead && ahead <= passed;
	else
		compare(p);
}

uint32_t pl031_read(const struct pl031 *p, uint64_t offset)
{
	return primecell_read(&p->cell, p, offset);
}

void pl031_write(struct pl031 *p, uint64_t offset, uint32_t value)
{
	primecell_write(&p->cell, p, offset, value);
}

bool pl031_interrupts(const struct pl031 *p)
{
	return p->matched && p->cell.value[IMSC];
}

uint32_t pl031_due(const struct pl031 *p)
{
	const uint32_t ahead = p->cell.value[MR] - count(p);

	return p->cell.value[IMSC] && !p->matched && ahead < HALF_A_LAP ? ahead : 0;
}
