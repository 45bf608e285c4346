// SPDX-License-Identifier: MIT
/*
 * The registers of Arm's PrimeCells: an access is looked up once, and goes to the row that it has
 * found.
 *
 * No locks: who has the chip has one.
 */
#include "vmm/dev/primecell.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/base/bits.h"

#define WORD	 4u
#define PCELL_ID UINT64_C(0xb105f00d)

/* PeriphID0 to 3, PCellID0 to 3: a byte of each. */
static const struct primecell_register id_register = { "ID", .offset = 0xfe0, .count = 8 };

static uint32_t id_byte(const struct primecell_kind *kind, unsigned n)
{
	return (uint8_t)((PCELL_ID << 32 | kind->periph_id) >> 8 * n);
}

/* An access, resolved: to which register, and to which instance of it. */
struct access {
	const struct primecell_register *reg;
	unsigned n;
};

static bool resolve(const struct primecell_register *reg, uint64_t offset,
		    struct access *ret_access)
{
	const uint64_t at = offset - reg->offset;

	if (offset < reg->offset || at >= reg->count * WORD || at % WORD)
		return false;
	*ret_access = (struct access){ .reg = reg, .n = (unsigned)(at / WORD) };
	return true;
}

static bool find(const struct primecell *p, uint64_t offset, struct access *ret_access)
{
	for (size_t i = 0; i < p->kind->nr_registers; i++)
		if (resolve(&p->kind->registers[i], offset, ret_access))
			return true;
	return resolve(&id_register, offset, ret_access);
}

void primecell_reset(struct primecell *p, const struct primecell_kind *kind)
{
	assert(kind->nr_registers <= PRIMECELL_MAX_REGISTERS);

	memset(p, 0, sizeof(*p));
	p->kind = kind;
	for (size_t i = 0; i < kind->nr_registers; i++)
		p->value[i] = kind->registers[i].reset;
}

uint32_t primecell_read(const struct primecell *p, const void *chip, uint64_t offset)
{
	struct access a;

	if (!find(p, offset, &a))
		return 0;
	if (a.reg == &id_register)
		return id_byte(p->kind, a.n);
	return a.reg->read ? a.reg->read(chip, a.n) : p->value[a.reg - p->kind->registers];
}

void primecell_write(struct primecell *p, void *chip, uint64_t offset, uint32_t value)
{
	struct access a;

	if (!find(p, offset, &a))
		return;
	if (a.reg->rw) {
		uint32_t *kept = &p->value[a.reg - p->kind->registers];

		*kept = (*kept & ~a.reg->rw) | (value & a.reg->rw);
	}
	if (a.reg->wrote)
		a.reg->wrote(chip, a.n, value);
}
