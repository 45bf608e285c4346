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
enum { DATA, DIR, IS, IBE, IEV, IE };

/* An output is at its pin what was written, an input what comes from outside. */
static uint8_t levels(const struct pl061 *p)
{
	const uint32_t outputs = p->cell.value[DIR];

	return (uint8_t)((p->out & outputs) | (p->in & ~outputs));
}

/* TRM 3.3.7: edges that were seen, or levels that are there now. */
static uint8_t raw(const struct pl061 *p)
{
	const uint32_t asserted = ~(levels(p) ^ p->cell.value[IEV]);

	return (uint8_t)((p->edges & ~p->cell.value[IS]) | (asserted & p->cell.value[IS]));
}

/* n says which pins are meant. */
static uint32_t data_read(const void *chip, unsigned n)
{
	return levels(chip) & n;
}

static void data_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl061 *p = chip;

	p->out = (uint8_t)((p->out & ~n) | (value & n));
}

static uint32_t ris_read(const void *chip, unsigned n)
{
	(void)n;
	return raw(chip);
}

static uint32_t mis_read(const void *chip, unsigned n)
{
	const struct pl061 *p = chip;

	(void)n;
	return raw(p) & p->cell.value[IE];
}

static void ic_wrote(void *chip, unsigned n, uint32_t value)
{
	struct pl061 *p = chip;

	(void)n;
	p->edges = (uint8_t)(p->edges & ~value);
}

/*
 * GPIOIS has 1 for levels and 0 for edges, GPIOIBE 1 for both edges and 0 for what GPIOIEV says: 1
 * rising or high, 0 falling or low.
 */
/* clang-format off */
static const struct primecell_register registers[] = {
	/*         name         offset n    reset rw    read       wrote */
	[DATA] = { "GPIODATA",  0x000, 256, 0,    0,    data_read, data_wrote },
	[DIR]  = { "GPIODIR",   0x400, 1,   0,    0xff, NULL,      NULL },
	[IS]   = { "GPIOIS",    0x404, 1,   0,    0xff, NULL,      NULL },
	[IBE]  = { "GPIOIBE",   0x408, 1,   0,    0xff, NULL,      NULL },
	[IEV]  = { "GPIOIEV",   0x40c, 1,   0,    0xff, NULL,      NULL },
	[IE]   = { "GPIOIE",    0x410, 1,   0,    0xff, NULL,      NULL },
	         { "GPIORIS",   0x414, 1,   0,    0,    ris_read,  NULL },
	         { "GPIOMIS",   0x418, 1,   0,    0,    mis_read,  NULL },
	         { "GPIOIC",    0x41c, 1,   0,    0,    NULL,      ic_wrote },
	         { "GPIOAFSEL", 0x420, 1,   0,    0xff, NULL,      NULL },
};
/* clang-format on */

const struct primecell_kind pl061_kind = {
	.registers = registers,
	.nr_registers = ARRAY_SIZE(registers),
	.periph_id = 0x00041061, /* part 0x061, designer 0x41, revision 0 */
};

void pl061_reset(struct pl061 *p)
{
	memset(p, 0, sizeof(*p));
	primecell_reset(&p->cell, &pl061_kind);
}

/* What was at the pins before; edges of those that changed. */
static void note_edges(struct pl061 *p, uint8_t before)
{
	const uint8_t now = levels(p), changed = before ^ now;
	const uint32_t asked = p->cell.value[IBE] | ~(now ^ p->cell.value[IEV]);

	p->edges |= (uint8_t)(changed & asked & ~p->cell.value[IS]);
}

uint8_t pl061_read(const struct pl061 *p, uint64_t offset)
{
	return (uint8_t)primecell_read(&p->cell, p, offset);
}

void pl061_write(struct pl061 *p, uint64_t offset, uint8_t value)
{
	const uint8_t before = levels(p);

	primecell_write(&p->cell, p, offset, value);
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
	return raw(p) & p->cell.value[IE];
}

bool pl061_listens(const struct pl061 *p, unsigned pin)
{
	assert(pin < PL061_PINS);

	return p->cell.value[IE] >> pin & 1;
}

bool pl061_drives(const struct pl061 *p, unsigned pin)
{
	assert(pin < PL061_PINS);

	return (p->out & p->cell.value[DIR]) >> pin & 1;
}
