// SPDX-License-Identifier: MIT
/*
 * The redistributors of a machine: making them, and the dispatcher of accesses.
 *
 * Locks: see vgicr_priv.h.
 */
#include "vgicr.h"

#include <errno.h>
#include <stdlib.h>

#include "redist.h"
#include "vgicr_priv.h"

/*
 * Set-up
 */

/* GICR_TYPER without Last. VLPIS, DirectLPI, DPGS, MPAM, CommonLPIAff and PPInum are 0. */
static uint64_t typer_of(uint64_t mpidr, uint32_t vcpu)
{
	uint64_t affinity =
		FIELD_GET(MASK64(39, 32), mpidr) << 24 | FIELD_GET(MASK64(23, 0), mpidr);

	return GICR_TYPER_PLPIS | FIELD_PREP(GICR_TYPER_NUMBER, vcpu) |
	       FIELD_PREP(GICR_TYPER_AFFINITY, affinity);
}

/* The regions have all redistributors, and no more. */
static bool regions_fit(const struct vgicr_config *config)
{
	uint64_t nr = 0;

	if (!config->region_sizes)
		return true;
	for (size_t i = 0; i < config->nr_regions && nr <= config->nr_vcpus; i++) {
		if (!config->region_sizes[i])
			return false;
		nr += config->region_sizes[i];
	}
	return nr == config->nr_vcpus;
}

static bool config_is_valid(const struct vgicr_config *config)
{
	return config->nr_vcpus >= 1 && config->nr_vcpus <= VGICR_MAX_VCPUS &&
	       config->priority_bits >= 4 && config->priority_bits <= 8 && regions_fit(config);
}

/* Each region's last one says so. */
static void mark_last(struct vgicr *v, const struct vgicr_config *config)
{
	uint32_t end = 0;

	for (size_t i = 0; config->region_sizes && i < config->nr_regions; i++) {
		end += config->region_sizes[i];
		v->redists[end - 1].typer |= GICR_TYPER_LAST;
	}
	v->redists[config->nr_vcpus - 1].typer |= GICR_TYPER_LAST;
}

static void reset_all(struct vgicr *v, bool fresh)
{
	v->ops->begin(v->ctx);
	for (uint32_t i = 0; i < v->nr_vcpus; i++) {
		redist_lock(&v->redists[i]);
		redist_reset(&v->redists[i], fresh);
		redist_unlock(&v->redists[i]);
	}
	v->ops->end(v->ctx);
}

int vgicr_create(const struct vgicr_config *config, const struct vgicr_ops *ops, void *ctx,
		 struct vgicr **ret_vgicr)
{
	struct vgicr *v;

	if (!config_is_valid(config))
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->redists = aligned_alloc(CACHE_LINE, config->nr_vcpus * sizeof(*v->redists));
	if (!v->redists) {
		free(v);
		return -ENOMEM;
	}
	v->ops = ops;
	v->ctx = ctx;
	v->nr_vcpus = config->nr_vcpus;
	v->prio_mask = (0xff00u >> config->priority_bits & 0xffu) * 0x01010101u;
	for (uint32_t i = 0; i < config->nr_vcpus; i++) {
		v->redists[i] = (struct redist){
			.v = v,
			.vcpu = i,
			.typer = typer_of(config->mpidr[i], i),
		};
		pthread_mutex_init(&v->redists[i].lock, NULL);
	}
	mark_last(v, config);
	reset_all(v, true);
	*ret_vgicr = v;
	return 0;
}

void vgicr_destroy(struct vgicr *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; i < v->nr_vcpus; i++)
		pthread_mutex_destroy(&v->redists[i].lock);
	free(v->redists);
	free(v);
}

/* Tell of LPIs that were switched. No lock is held. */
static void tell_of_lpis(struct redist *r)
{
	bool switched;

	redist_lock(r);
	switched = r->lpis_switched;
	r->lpis_switched = false;
	redist_unlock(r);
	if (switched && r->v->ops->lpis_switched)
		r->v->ops->lpis_switched(r->v->ctx, r->vcpu);
}

void vgicr_reset(struct vgicr *v)
{
	reset_all(v, false);
	for (uint32_t i = 0; i < v->nr_vcpus; i++)
		tell_of_lpis(&v->redists[i]);
}

bool vgicr_lpis_on(struct vgicr *v, uint32_t vcpu)
{
	bool on;

	assert(vcpu < v->nr_vcpus);
	redist_lock(&v->redists[vcpu]);
	on = v->redists[vcpu].lpis_on;
	redist_unlock(&v->redists[vcpu]);
	return on;
}

void vgicr_stats_get(struct vgicr *v, struct vgicr_stats *ret_stats)
{
	*ret_stats = (struct vgicr_stats){
		.reads = v->counters.reads,
		.writes = v->counters.writes,
		.ignored = v->counters.ignored,
		.visits = v->counters.visits,
	};
}

/*
 * The dispatcher
 */

/* One access, resolved: which register, and which part of it. */
struct access {
	const struct vgicr_reg *reg;
	unsigned n;
	unsigned shift; /* of the part, in bits */
	uint64_t mask;	/* of the part, before shifting */
};

/*
 * Choice: an access that no register takes, for its place, its width or its alignment,
 * reads as zero and ignores writes (IHI 0069 12 leaves the width UNPREDICTABLE), and is
 * counted.
 */
static bool find(struct vgicr *v, uint64_t offset, unsigned size, struct access *ret_access)
{
	bool is_width = size == 1 || size == 2 || size == 4 || size == 8;

	for (size_t i = 0; is_width && offset % size == 0 && i < vgicr_nr_regs; i++) {
		const struct vgicr_reg *reg = &vgicr_regs[i];
		uint64_t at = offset - reg->offset;

		if (offset < reg->offset || at >= (uint64_t)reg->count * reg->width)
			continue;
		if (!(reg->access & size))
			break;
		*ret_access = (struct access){
			.reg = reg,
			.n = (unsigned)(at / reg->width),
			.shift = (unsigned)(at % reg->width) * 8,
			.mask = MASK64(size * 8 - 1, 0),
		};
		return true;
	}
	vgicr_count(&v->counters.ignored);
	return false;
}

static bool try_read(struct redist *r, const struct access *access, bool backend,
		     uint64_t *ret_value)
{
	bool done;

	redist_lock(r);
	done = access->reg->read(r, access->n, backend, ret_value);
	redist_unlock(r);
	return done;
}

static bool try_write(struct redist *r, const struct access *access, bool backend, uint64_t value)
{
	bool done;

	redist_lock(r);
	done = access->reg->write(r, access->n, backend, (value & access->mask) << access->shift,
				  access->mask << access->shift);
	redist_unlock(r);
	return done;
}

/* What needs the backend is tried again with it. */
static void begin_visit(struct vgicr *v, const struct access *access)
{
	assert(access->reg->kind == VGICR_BACKEND);
	vgicr_count(&v->counters.visits);
	v->ops->begin(v->ctx);
}

uint64_t vgicr_mmio_read(struct vgicr *v, uint32_t vcpu, uint64_t offset, unsigned size)
{
	struct redist *r = &v->redists[vcpu];
	struct access access;
	uint64_t value = 0;

	assert(vcpu < v->nr_vcpus);
	vgicr_count(&v->counters.reads);
	if (!find(v, offset, size, &access))
		return 0;
	if (!access.reg->read) {
		value = access.reg->reset;
	} else if (!try_read(r, &access, false, &value)) {
		begin_visit(v, &access);
		(void)try_read(r, &access, true, &value);
		v->ops->end(v->ctx);
	}
	return value >> access.shift & access.mask;
}

void vgicr_mmio_write(struct vgicr *v, uint32_t vcpu, uint64_t offset, unsigned size,
		      uint64_t value)
{
	struct redist *r = &v->redists[vcpu];
	struct access access;

	assert(vcpu < v->nr_vcpus);
	vgicr_count(&v->counters.writes);
	if (!find(v, offset, size, &access) || !access.reg->write)
		return;
	if (try_write(r, &access, false, value))
		return;
	begin_visit(v, &access);
	(void)try_write(r, &access, true, value);
	v->ops->end(v->ctx);
	if (access.reg->offset == GICR_CTLR)
		tell_of_lpis(r);
}
