// SPDX-License-Identifier: MIT
#include "tests/unit/vgicrmod/vgicr_below.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void on_begin(void *ctx)
{
	struct below *b = ctx;

	pthread_mutex_lock(&b->begun);
	pthread_mutex_lock(&b->lock);
	assert(!b->is_begun);
	b->is_begun = true;
	pthread_mutex_unlock(&b->lock);
	b->nr_begins++;
	if (b->on_begin)
		b->on_begin(b);
}

static void on_end(void *ctx)
{
	struct below *b = ctx;

	pthread_mutex_lock(&b->lock);
	assert(b->is_begun);
	b->is_begun = false;
	pthread_mutex_unlock(&b->lock);
	pthread_mutex_unlock(&b->begun);
}

static uint32_t pending_locked(const struct below_redist *r)
{
	return r->latch | r->line;
}

static uint32_t on_read(void *ctx, uint32_t vcpu, uint32_t reg)
{
	struct below *b = ctx;
	uint32_t value;

	assert(vcpu < b->nr_vcpus);
	assert(reg == GICR_ISPENDR0 || reg == GICR_ISACTIVER0);
	pthread_mutex_lock(&b->lock);
	assert(b->is_begun);
	value = reg == GICR_ISPENDR0 ? pending_locked(&b->redists[vcpu]) : b->redists[vcpu].active;
	pthread_mutex_unlock(&b->lock);
	b->nr_reads++;
	return value;
}

/* The tables come right before the switch, and only while LPIs are off. */
static void write_lpis(struct below_redist *r, uint32_t reg, uint64_t value)
{
	if (reg == GICR_CTLR) {
		assert(value == (r->lpis_on ? 0 : GICR_CTLR_LPIS));
		r->lpis_on = value;
		return;
	}
	assert(!r->lpis_on);
	if (reg == GICR_PROPBASER)
		r->prop = value;
	else
		r->pend = value;
}

static void write_bits(struct below_redist *r, uint32_t reg, uint32_t bits)
{
	assert(bits);
	switch (reg) {
	case GICR_ISENABLER0:
		assert(!(r->enabled & bits));
		r->enabled |= bits;
		break;
	case GICR_ICENABLER0:
		/* ~0: a reset */
		assert(bits == UINT32_MAX || (r->enabled & bits) == bits);
		r->enabled &= ~bits;
		break;
	case GICR_ISPENDR0:
		r->latch |= bits;
		break;
	case GICR_ICPENDR0:
		r->latch &= ~bits;
		break;
	case GICR_ISACTIVER0:
		r->active |= bits;
		break;
	case GICR_ICACTIVER0:
		r->active &= ~bits;
		break;
	default:
		assert(!"not a register that the backend has");
	}
}

static void write_locked(struct below_redist *r, uint32_t reg, uint64_t value)
{
	uint32_t n = (reg - GICR_IPRIORITYR(0)) / 4;

	if (reg == GICR_CTLR || reg == GICR_PROPBASER || reg == GICR_PENDBASER) {
		write_lpis(r, reg, value);
		return;
	}
	assert(value <= UINT32_MAX);
	if (reg == GICR_IGROUPR0) {
		assert(r->group != value);
		r->group = (uint32_t)value;
	} else if (reg >= GICR_IPRIORITYR(0) && n < GICR_NR_IPRIORITYR) {
		assert(reg % 4 == 0 && r->prio[n] != value);
		r->prio[n] = (uint32_t)value;
	} else {
		write_bits(r, reg, (uint32_t)value);
	}
}

static void on_write(void *ctx, uint32_t vcpu, uint32_t reg, uint64_t value)
{
	struct below *b = ctx;

	assert(vcpu < b->nr_vcpus);
	pthread_mutex_lock(&b->lock);
	assert(b->is_begun);
	write_locked(&b->redists[vcpu], reg, value);
	if (b->nr_log < BELOW_LOG)
		b->log[b->nr_log++] = (struct below_write){ vcpu, reg, value };
	pthread_mutex_unlock(&b->lock);
	b->nr_writes++;
}

static void on_lpis_switched(void *ctx, uint32_t vcpu)
{
	struct below *b = ctx;

	assert(vcpu < b->nr_vcpus);
	b->nr_switched[vcpu]++;
	if (b->on_switched)
		b->on_switched(b);
}

const struct vgicr_ops below_ops = {
	.begin = on_begin,
	.end = on_end,
	.read = on_read,
	.write = on_write,
	.lpis_switched = on_lpis_switched,
};

void below_init(struct below *b, uint32_t nr_vcpus)
{
	assert(nr_vcpus >= 1 && nr_vcpus <= BELOW_MAX_VCPUS);
	*b = (struct below){ .nr_vcpus = nr_vcpus, .priority_bits = 5 };
	pthread_mutex_init(&b->begun, NULL);
	pthread_mutex_init(&b->lock, NULL);
	for (uint32_t i = 0; i < nr_vcpus; i++) {
		b->mpidr[i] = i;
		b->redists[i].group = UINT32_MAX;
		b->redists[i].enabled = BELOW_SGIS;
	}
}

void below_fini(struct below *b)
{
	vgicr_destroy(b->v);
	pthread_mutex_destroy(&b->lock);
	pthread_mutex_destroy(&b->begun);
}

struct below *below_create(uint32_t nr_vcpus)
{
	struct below *b = calloc(1, sizeof(*b));
	int r;

	assert(b);
	below_init(b, nr_vcpus);
	r = vgicr_create(&(struct vgicr_config){ .nr_vcpus = nr_vcpus,
						 .mpidr = b->mpidr,
						 .priority_bits = b->priority_bits },
			 &below_ops, b, &b->v);
	assert(r == 0);
	b->nr_log = 0;
	b->nr_begins = b->nr_writes = 0;
	return b;
}

void below_destroy(struct below *b)
{
	below_fini(b);
	free(b);
}

uint32_t below_pending(struct below *b, uint32_t vcpu)
{
	uint32_t bits;

	pthread_mutex_lock(&b->lock);
	bits = pending_locked(&b->redists[vcpu]);
	pthread_mutex_unlock(&b->lock);
	return bits;
}

void below_send(struct below *b, uint32_t vcpu, uint32_t sgis)
{
	pthread_mutex_lock(&b->lock);
	b->redists[vcpu].latch |= sgis & BELOW_SGIS;
	pthread_mutex_unlock(&b->lock);
}

void below_set_line(struct below *b, uint32_t vcpu, uint32_t ppis)
{
	pthread_mutex_lock(&b->lock);
	b->redists[vcpu].line = ppis & BELOW_PPIS;
	pthread_mutex_unlock(&b->lock);
}

uint32_t below_most_urgent(uint32_t bits, const uint32_t prio[GICR_NR_IPRIORITYR])
{
	uint32_t best = BELOW_NONE, best_prio = 0x100;

	for (uint32_t i = 0; i < 32; i++) {
		uint32_t p = prio[i / 4] >> 8 * (i % 4) & 0xff;

		if ((bits >> i & 1) && p < best_prio) {
			best = i;
			best_prio = p;
		}
	}
	return best;
}

uint32_t below_acknowledge(struct below *b, uint32_t vcpu)
{
	struct below_redist *r = &b->redists[vcpu];
	uint32_t intid;

	pthread_mutex_lock(&b->lock);
	intid = below_most_urgent(pending_locked(r) & r->enabled & r->group & ~r->active, r->prio);
	if (intid != BELOW_NONE) {
		r->active |= UINT32_C(1) << intid;
		r->latch &= ~(UINT32_C(1) << intid);
	}
	pthread_mutex_unlock(&b->lock);
	return intid;
}

void below_deactivate(struct below *b, uint32_t vcpu, uint32_t intid)
{
	pthread_mutex_lock(&b->lock);
	b->redists[vcpu].active &= ~(UINT32_C(1) << intid);
	pthread_mutex_unlock(&b->lock);
}
