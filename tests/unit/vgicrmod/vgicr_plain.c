// SPDX-License-Identifier: MIT
#include "tests/unit/vgicrmod/vgicr_plain.h"

#include <assert.h>
#include <string.h>

void plain_reset(struct plain *p)
{
	for (uint32_t i = 0; i < p->nr_vcpus; i++)
		p->redists[i] = (struct plain_redist){
			.typer = p->redists[i].typer,
			.line = p->redists[i].line,
			.group = UINT32_MAX,
		};
}

void plain_init(struct plain *p, const struct below *b)
{
	*p = (struct plain){ .nr_vcpus = b->nr_vcpus,
			     .prio_mask = (uint8_t)(0xff << (8 - b->priority_bits)) };
	plain_reset(p);
	for (uint32_t i = 0; i < p->nr_vcpus; i++)
		p->redists[i].typer = b->mpidr[i] << 32 | i << 8 | (i + 1 == p->nr_vcpus) << 4 | 1;
}

static uint64_t identification(uint64_t offset)
{
	static const uint8_t ids[] = { 0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

	return ids[(offset - 0xffd0) / 4];
}

static bool is_identification(uint64_t offset)
{
	return offset >= 0xffd0 && offset < 0x10000;
}

static bool is_priority(uint64_t offset)
{
	return offset >= 0x10400 && offset < 0x10420;
}

/* 64-bit registers that are more than zero. */
static uint64_t *wide(struct plain_redist *r, uint64_t offset)
{
	switch (offset & ~UINT64_C(7)) {
	case 0x08:
		return &r->typer;
	case 0x70:
		return &r->prop;
	case 0x78:
		return &r->pend;
	default:
		return NULL;
	}
}

static uint64_t read_word(const struct plain_redist *r, uint64_t offset)
{
	switch (offset) {
	case 0x0:
		return r->lpis_on;
	case 0x4:
		return 0x6900043b;
	case 0x10080:
		return r->group;
	case 0x10100:
	case 0x10180:
		return r->enabled;
	case 0x10200:
	case 0x10280:
		return r->latch | r->line;
	case 0x10300:
	case 0x10380:
		return r->active;
	case 0x10c00:
		return 0xaaaaaaaa;
	default:
		return is_identification(offset) ? identification(offset) : 0;
	}
}

static uint64_t read_priorities(const struct plain_redist *r, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)r->prio[offset - 0x10400 + i] << 8 * i;
	return value;
}

uint64_t plain_read(const struct plain *p, uint32_t vcpu, uint64_t offset, unsigned size)
{
	struct plain_redist r = p->redists[vcpu];
	const uint64_t *reg = wide(&r, offset);

	if (offset % size)
		return 0;
	if (is_priority(offset))
		return size == 1 || size == 4 ? read_priorities(&r, offset, size) : 0;
	if (size != 4 && size != 8)
		return 0;
	r.pend &= ~(UINT64_C(1) << 62);
	if (reg)
		return size == 8 ? *reg : (uint32_t)(*reg >> (offset & 4 ? 32 : 0));
	return size == 4 ? read_word(&r, offset) : 0;
}

static void write_base(struct plain_redist *r, uint64_t offset, unsigned size, uint64_t value)
{
	uint64_t bits = (offset & ~7u) == 0x70 ? UINT64_C(0x070fffffffffff9f)
					       : UINT64_C(0x470fffffffff0f80);
	uint64_t *reg = wide(r, offset), all = *reg;

	if (r->lpis_on)
		return;
	if (size == 8)
		all = value;
	else if (offset & 4)
		all = (uint32_t)all | value << 32;
	else
		all = all >> 32 << 32 | (uint32_t)value;
	all &= bits;
	if ((all >> 10 & 3) == 3)
		all &= ~UINT64_C(0xc00);
	*reg = all;
}

static void write_word(struct plain_redist *r, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case 0x0:
		r->lpis_on = value & 1;
		break;
	case 0x10080:
		r->group = value;
		break;
	case 0x10100:
		r->enabled |= value;
		break;
	case 0x10180:
		r->enabled &= ~value;
		break;
	case 0x10200:
		r->latch |= value;
		break;
	case 0x10280:
		r->latch &= ~value;
		break;
	case 0x10300:
		r->active |= value;
		break;
	case 0x10380:
		r->active &= ~value;
		break;
	default:
		break;
	}
}

void plain_write(struct plain *p, uint32_t vcpu, uint64_t offset, unsigned size, uint64_t value)
{
	struct plain_redist *r = &p->redists[vcpu];

	if (offset % size)
		return;
	if (is_priority(offset)) {
		for (unsigned i = 0; (size == 1 || size == 4) && i < size; i++)
			r->prio[offset - 0x10400 + i] = (uint8_t)(value >> 8 * i) & p->prio_mask;
	} else if ((offset & ~7u) == 0x70 || (offset & ~7u) == 0x78) {
		if (size == 4 || size == 8)
			write_base(r, offset, size, value);
	} else if (size == 4) {
		write_word(r, offset, (uint32_t)value);
	}
}

static void words_of(const uint8_t prio[32], uint32_t ret_words[GICR_NR_IPRIORITYR])
{
	memset(ret_words, 0, GICR_NR_IPRIORITYR * sizeof(*ret_words));
	for (unsigned i = 0; i < 32; i++)
		ret_words[i / 4] |= (uint32_t)prio[i] << 8 * (i % 4);
}

uint32_t plain_acknowledge(struct plain *p, uint32_t vcpu)
{
	struct plain_redist *r = &p->redists[vcpu];
	uint32_t prio[GICR_NR_IPRIORITYR], intid;

	words_of(r->prio, prio);
	intid = below_most_urgent((r->latch | r->line) & r->enabled & r->group & ~r->active, prio);
	if (intid != BELOW_NONE) {
		r->active |= UINT32_C(1) << intid;
		r->latch &= ~(UINT32_C(1) << intid);
	}
	return intid;
}

/*
 * Both
 */

static const uint32_t offsets[] = {
	0x0,	 0x4,	  0x8,	   0xc,	    0x14,    0x70,    0x74,    0x78,	0x7c,	 0xa0,
	0xffe8,	 0x10080, 0x10100, 0x10180, 0x10200, 0x10280, 0x10300, 0x10380, 0x10400, 0x10402,
	0x10404, 0x1040c, 0x10410, 0x10418, 0x1041c, 0x1041f, 0x10c00, 0x10c04, 0x10d00, 0x10e00,
};

static void access_both(struct plain *p, struct below *b, const struct plain_step *s,
			uint64_t offset, bool is_write)
{
	uint64_t got;

	if (is_write) {
		vgicr_mmio_write(b->v, s->vcpu, offset, s->size, s->value);
		plain_write(p, s->vcpu, offset, s->size, s->value);
		return;
	}
	got = vgicr_mmio_read(b->v, s->vcpu, offset, s->size);
	assert(got == plain_read(p, s->vcpu, offset, s->size));
}

static void acknowledge_both(struct plain *p, struct below *b, const struct plain_step *s)
{
	uint32_t intid = below_acknowledge(b, s->vcpu);

	assert(intid == plain_acknowledge(p, s->vcpu));
	if (intid == BELOW_NONE || (s->value & 1))
		return;
	below_deactivate(b, s->vcpu, intid);
	p->redists[s->vcpu].active &= ~(UINT32_C(1) << intid);
}

void plain_step(struct plain *p, struct below *b, const struct plain_step *s)
{
	struct plain_redist *r = &p->redists[s->vcpu];
	uint32_t offset = offsets[s->place % (sizeof(offsets) / sizeof(offsets[0]))];

	switch (s->what % 16) {
	case 0:
		access_both(p, b, s, s->offset, s->what & 0x80);
		break;
	case 1:
		below_send(b, s->vcpu, (uint32_t)s->value);
		r->latch |= (uint32_t)s->value & BELOW_SGIS;
		break;
	case 2:
		below_set_line(b, s->vcpu, (uint32_t)s->value);
		r->line = (uint32_t)s->value & BELOW_PPIS;
		break;
	case 3:
	case 4:
		acknowledge_both(p, b, s);
		break;
	case 5:
		if ((s->what & 0xf0) == 0xf0) {
			vgicr_reset(b->v);
			plain_reset(p);
		}
		break;
	default:
		access_both(p, b, s, offset, s->what & 0x80);
		break;
	}
}

static void compare_below(const struct plain_redist *r, const struct below_redist *below)
{
	assert(below->group == r->group);
	assert(below->enabled == r->enabled);
	assert(below->latch == r->latch);
	assert(below->active == r->active);
	assert(below->lpis_on == r->lpis_on);
	/* While they are off it has those of the last time. */
	assert(!r->lpis_on || (below->prop == r->prop && below->pend == r->pend));
	for (unsigned i = 0; i < 32; i++)
		assert(!(r->enabled >> i & 1) ||
		       (below->prio[i / 4] >> 8 * (i % 4) & 0xff) == r->prio[i]);
}

void plain_compare(const struct plain *p, struct below *b)
{
	for (uint32_t vcpu = 0; vcpu < p->nr_vcpus; vcpu++) {
		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			unsigned size = offsets[i] % 4 ? 1 : 4;

			assert(vgicr_mmio_read(b->v, vcpu, offsets[i], size) ==
			       plain_read(p, vcpu, offsets[i], size));
		}
		compare_below(&p->redists[vcpu], &b->redists[vcpu]);
		assert(vgicr_lpis_on(b->v, vcpu) == p->redists[vcpu].lpis_on);
	}
}
