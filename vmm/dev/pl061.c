// SPDX-License-Identifier: MIT
/*
 * A PL061's registers: one table says what they are. "TRM" is DDI 0190B.
 *
 * Deliberately not here: hardware control of pins. The bits of GPIOAFSEL are kept, and nothing
 * comes of them, as nothing is at the other side. Nor are the test registers (TRM chapter 4).
 *
 * No locks: power_button.c has one.
 */
#include "vmm/dev/pl061.h"

#include <assert.h>
#include <string.h>

#include "vmm/base/bits.h"

/* Rows that others ask for. */
enum { DIR, IS, IBE, IEV, IE };

/* An output is at its pin what was written, an input what comes from outside. */
static uint8_t levels(const struct pl061 *p)
{
	return (uint8_t)((p->out & p->value[DIR]) | (p->in & ~p->value[DIR]));
}

/* TRM 3.3.7: edges that were seen, or levels that are there now. */
static uint8_t read_ris(const struct pl061 *p)
{
	uint8_t asserted = (uint8_t) ~(levels(p) ^ p->value[IEV]);

	return (uint8_t)((p->edges & ~p->value[IS]) | (asserted & p->value[IS]));
}

static uint8_t read_mis(const struct pl061 *p)
{
	return read_ris(p) & p->value[IE];
}

static void wrote_ic(struct pl061 *p, uint8_t value)
{
	p->edges = (uint8_t)(p->edges & ~value);
}

const struct pl061_register pl061_registers[] = {
	[DIR] = { 0x400, .rw = 0xff },
	[IS] = { 0x404, .rw = 0xff },  /* 1: levels, 0: edges */
	[IBE] = { 0x408, .rw = 0xff }, /* 1: both edges, 0: as GPIOIEV says */
	[IEV] = { 0x40c, .rw = 0xff }, /* 1: rising or high, 0: falling or low */
	[IE] = { 0x410, .rw = 0xff },
	{ 0x414, .read = read_ris },
	{ 0x418, .read = read_mis },
	{ 0x41c, .wrote = wrote_ic },
	{ 0x420, .rw = 0xff }, /* GPIOAFSEL */
	/* GPIOPeriphID: part 0x061, designer 0x41, revision 0; GPIOPCellID */
	{ 0xfe0, .reset = 0x61 },
	{ 0xfe4, .reset = 0x10 },
	{ 0xfe8, .reset = 0x04 },
	{ 0xfec, .reset = 0x00 },
	{ 0xff0, .reset = 0x0d },
	{ 0xff4, .reset = 0xf0 },
	{ 0xff8, .reset = 0x05 },
	{ 0xffc, .reset = 0xb1 },
};
const size_t nr_pl061_registers = ARRAY_SIZE(pl061_registers);
_Static_assert(ARRAY_SIZE(pl061_registers) == PL061_MAX_REGISTERS, "each row has its value");

void pl061_reset(struct pl061 *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < ARRAY_SIZE(pl061_registers); i++)
		p->value[i] = pl061_registers[i].reset;
}

/* What was at the pins before; edges of those that changed. */
static void note_edges(struct pl061 *p, uint8_t before)
{
	const uint8_t now = levels(p), changed = before ^ now;
	const uint8_t asked = changed & (p->value[IBE] | (uint8_t) ~(now ^ p->value[IEV]));

	p->edges |= (uint8_t)(asked & ~p->value[IS]);
}

/* NULL: no register is there. */
static const struct pl061_register *find(uint64_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(pl061_registers); i++)
		if (pl061_registers[i].offset == offset)
			return &pl061_registers[i];
	return NULL;
}

uint8_t pl061_read(const struct pl061 *p, uint64_t offset)
{
	const struct pl061_register *r = find(offset);

	if (offset < PL061_DATA_END && offset % 4 == 0)
		return levels(p) & (uint8_t)(offset / 4);
	if (!r)
		return 0;
	return r->read ? r->read(p) : p->value[r - pl061_registers];
}

void pl061_write(struct pl061 *p, uint64_t offset, uint8_t value)
{
	const struct pl061_register *r = find(offset);
	const uint8_t before = levels(p);

	if (offset < PL061_DATA_END && offset % 4 == 0) {
		const uint8_t mask = (uint8_t)(offset / 4);

		p->out = (uint8_t)((p->out & ~mask) | (value & mask));
	} else if (r) {
		uint8_t *v = &p->value[r - pl061_registers];

		*v = (uint8_t)((*v & ~r->rw) | (value & r->rw));
		if (r->wrote)
			r->wrote(p, value);
	}
	note_edges(p, before);
}

void pl061_set_pin(struct pl061 *p, unsigned pin, bool level)
{
	const uint8_t before = levels(p);

	assert(pin < PL061_PINS);

	p->in = (uint8_t)((p->in & ~(1u << pin)) | (unsigned)level << pin);
	note_edges(p, before);
}

bool pl061_interrupts(const struct pl061 *p)
{
	return read_mis(p) != 0;
}

bool pl061_listens(const struct pl061 *p, unsigned pin)
{
	assert(pin < PL061_PINS);

	return p->value[IE] >> pin & 1;
}

bool pl061_drives(const struct pl061 *p, unsigned pin)
{
	assert(pin < PL061_PINS);

	return (p->out & p->value[DIR]) >> pin & 1;
}
