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

static uint32_t read_dr(const struct pl031 *p)
{
	return p->now + p->offset;
}

/* TRM 3.3.6, 3.3.7 */
static uint32_t read_ris(const struct pl031 *p)
{
	return p->matched;
}

static uint32_t read_mis(const struct pl031 *p)
{
	return read_ris(p) & p->value[IMSC];
}

/* A match is noted when it begins: who has cleared it has it once, and not all the second long. */
static void compare(struct pl031 *p)
{
	p->matched |= read_dr(p) == p->value[MR];
}

static void wrote_mr(struct pl031 *p, uint32_t value)
{
	(void)value;
	compare(p);
}

static void wrote_lr(struct pl031 *p, uint32_t value)
{
	p->offset = value - p->now;
	compare(p);
}

static void wrote_icr(struct pl031 *p, uint32_t value)
{
	p->matched &= !(value & BIT0);
}

const struct pl031_register pl031_registers[] = {
	[DR] = { 0x000, .read = read_dr },
	[MR] = { 0x004, .rw = UINT32_MAX, .wrote = wrote_mr },
	[LR] = { 0x008, .rw = UINT32_MAX, .wrote = wrote_lr },
	/*
	 * Choice: it runs, as one does that has a battery, and RTCCR reads as 1. Once it is 1,
	 * writes have no effect (TRM 3.3.4).
	 */
	[CR] = { 0x00c, .reset = BIT0 },
	[IMSC] = { 0x010, .rw = BIT0 },
	{ 0x014, .read = read_ris },
	{ 0x018, .read = read_mis },
	{ 0x01c, .wrote = wrote_icr },
	/* RTCPeriphID: part 0x031, designer 0x41, revision 1; RTCPCellID */
	{ 0xfe0, .reset = 0x31 },
	{ 0xfe4, .reset = 0x10 },
	{ 0xfe8, .reset = 0x14 },
	{ 0xfec, .reset = 0x00 },
	{ 0xff0, .reset = 0x0d },
	{ 0xff4, .reset = 0xf0 },
	{ 0xff8, .reset = 0x05 },
	{ 0xffc, .reset = 0xb1 },
};
const size_t nr_pl031_registers = ARRAY_SIZE(pl031_registers);
_Static_assert(ARRAY_SIZE(pl031_registers) == PL031_MAX_REGISTERS, "each row has its value");

void pl031_reset(struct pl031 *p, uint32_t now)
{
	memset(p, 0, sizeof(*p));
	p->now = now;
	for (size_t i = 0; i < ARRAY_SIZE(pl031_registers); i++)
		p->value[i] = pl031_registers[i].reset;
}

void pl031_tick(struct pl031 *p, uint32_t now)
{
	const uint32_t passed = now - p->now, ahead = p->value[MR] - read_dr(p);

	p->now = now;
	/* The other half is the past: somebody has put the clock outside back. */
	if (passed < HALF_A_LAP)
		p->matched |= ahead && ahead <= passed;
	else
		compare(p);
}

/* NULL: no register is there. */
static const struct pl031_register *find(uint64_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(pl031_registers); i++)
		if (pl031_registers[i].offset == offset)
			return &pl031_registers[i];
	return NULL;
}

uint32_t pl031_read(const struct pl031 *p, uint64_t offset)
{
	const struct pl031_register *r = find(offset);

	if (!r)
		return 0;
	return r->read ? r->read(p) : p->value[r - pl031_registers];
}

void pl031_write(struct pl031 *p, uint64_t offset, uint32_t value)
{
	const struct pl031_register *r = find(offset);
	uint32_t *v;

	if (!r)
		return;
	v = &p->value[r - pl031_registers];
	*v = (*v & ~r->rw) | (value & r->rw);
	if (r->wrote)
		r->wrote(p, value);
}

bool pl031_interrupts(const struct pl031 *p)
{
	return read_mis(p);
}

uint32_t pl031_due(const struct pl031 *p)
{
	const uint32_t ahead = p->value[MR] - read_dr(p);

	return p->value[IMSC] && !p->matched && ahead < HALF_A_LAP ? ahead : 0;
}
