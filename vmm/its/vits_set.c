// SPDX-License-Identifier: MIT
/*
 * The ITSs that a guest sees. What several threads use is atomic, but for the lock:
 *
 *   lock       of each ITS: who has its switch reviewed (switched()); all that a review
 *              takes comes below it
 */
#include "vmm/its/vits_set.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/base/probes.h"
#include "vmm/kvm/layout.h"

struct member {
	struct vits_set *set;
	unsigned index;
	struct vits *vits;
	pthread_mutex_t lock;
	_Atomic uint64_t reviewed; /* of vits_nr_switches(): switched() has seen, and returned */
	uint64_t unmaps; /* such updates since the last commit; one thread runs commands */
};

struct vits_set {
	struct vits_set_config cfg;
	struct member members[KERNEL_ITS_MAX_ITS]; /* [nr] */
	unsigned nr;
	_Atomic bool more;			/* vits_set_run() is due */
	_Atomic uint8_t lpi_its[VITS_MAX_LPIS]; /* 1 + which ITS has the LPI; 0: none */
};

/* ---- what a vITS asks for -------------------------------------------------- */

static int its_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	const struct member *its = ctx;

	return gmem_read(its->set->cfg.mem, gpa, buf, len);
}

static int its_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	const struct member *its = ctx;

	return gmem_write(its->set->cfg.mem, gpa, buf, len);
}

static void its_update(void *ctx, const struct vits_lpi_update *update)
{
	struct member *its = ctx;

	const struct vits_set_config *cfg = &its->set->cfg;

	if (update->assigned && (update->op == VITS_LPI_UNMAP || update->op == VITS_LPI_DETACH)) {
		cfg->unmaps(cfg->ctx,
			    kernel_its_function_of(cfg->kernel_its, its->index, update->function),
			    update->eventid);
		its->unmaps++;
	}
	kernel_its_update(cfg->kernel_its, its->index, update);
}

static void its_commit(void *ctx)
{
	struct member *its = ctx;
	uint64_t unmaps = its->unmaps;

	its->unmaps = 0;
	kernel_its_commit(its->set->cfg.kernel_its);
	if (unmaps)
		its->set->cfg.unmapped(its->set->cfg.ctx, unmaps);
}

static void its_more(void *ctx)
{
	const struct member *its = ctx;

	atomic_store(&its->set->more, true);
	its->set->cfg.more(its->set->cfg.ctx);
}

/* Which ITS has an LPI: KVM's redistributors have one of each for the whole machine. */
static bool its_claim(void *ctx, uint32_t intid)
{
	const struct member *its = ctx;
	uint8_t ours = (uint8_t)(its->index + 1), owner = 0;

	return atomic_compare_exchange_strong(&its->set->lpi_its[intid - VITS_LPI_BASE], &owner,
					      ours) ||
	       owner == ours;
}

static void its_release(void *ctx, uint32_t intid)
{
	const struct member *its = ctx;

	atomic_store(&its->set->lpi_its[intid - VITS_LPI_BASE], 0);
}

static void its_trace(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code)
{
	(void)ctx;
	PROBE_COMMAND(cmd_opcode(cmd), result, code);
}

static const struct vits_ops vits_ops = {
	.mem_read = its_mem_read,
	.mem_write = its_mem_write,
	.update = its_update,
	.commit = its_commit,
	.claim = its_claim,
	.release = its_release,
	.more = its_more,
	.trace = its_trace,
};

/* ---- frames ----------------------------------------------------------------- */

static uint64_t gits_read(void *ctx, uint64_t offset, unsigned len)
{
	const struct member *its = ctx;

	return vits_mmio_read(its->vits, offset, len);
}

/*
 * No vCPU goes on before a review that has begun after its switch is over, whoever does
 * it: also where another one is about to switch it again.
 */
static void review_switch(struct member *its)
{
	uint64_t nr;

	if (vits_nr_switches(its->vits) == its->reviewed)
		return;
	pthread_mutex_lock(&its->lock);
	nr = vits_nr_switches(its->vits);
	if (nr != its->reviewed) {
		its->set->cfg.switched(its->set->cfg.ctx);
		its->reviewed = nr;
	}
	pthread_mutex_unlock(&its->lock);
}

static void gits_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct member *its = ctx;

	vits_mmio_write(its->vits, offset, len, value);
	review_switch(its);
}

int vits_set_add_to_bus(struct vits_set *set, struct bus *bus)
{
	int r = 0;

	for (unsigned i = 0; !r && i < set->nr; i++) {
		const struct bus_region gits = {
			.name = "GITS",
			.base = LAYOUT_GITS_OF(i),
			.size = GITS_FRAME_SZ,
			.read = gits_read,
			.write = gits_write,
			.ctx = &set->members[i],
		};

		r = bus_add(bus, &gits);
	}
	return r;
}

/* ---- making and running ------------------------------------------------------ */

int vits_set_create(const struct vits_set_config *config, struct vits_set **ret_set)
{
	struct vits_set *set = calloc(1, sizeof(*set));

	assert(config->more);
	assert(config->switched);
	assert(config->unmaps);
	assert(config->unmapped);

	if (!set)
		return -ENOMEM;
	set->cfg = *config;
	*ret_set = set;
	return 0;
}

void vits_set_destroy(struct vits_set *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->nr; i++) {
		vits_destroy(set->members[i].vits);
		pthread_mutex_destroy(&set->members[i].lock);
	}
	free(set);
}

int vits_set_add(struct vits_set *set, const struct vits_config *config)
{
	struct member *its = &set->members[set->nr];
	int r;

	assert(set->nr < KERNEL_ITS_MAX_ITS);

	*its = (struct member){ .set = set, .index = set->nr };
	r = vits_create(config, &vits_ops, its, &its->vits);
	if (r < 0)
		return r;
	pthread_mutex_init(&its->lock, NULL);
	set->nr++;
	return 0;
}

struct vits *vits_set_get(struct vits_set *set, size_t index)
{
	assert(index < set->nr);

	return set->members[index].vits;
}

void vits_set_run(struct vits_set *set)
{
	if (!atomic_exchange(&set->more, false))
		return;
	for (unsigned i = 0; i < set->nr; i++)
		vits_run(set->members[i].vits);
}

static void add_stats(struct vits_stats *sum, const struct vits_stats *one)
{
	for (size_t i = 0; i < ARRAY_SIZE(sum->cmd); i++) {
		sum->cmd[i].done += one->cmd[i].done;
		sum->cmd[i].skipped += one->cmd[i].skipped;
		sum->cmd[i].stalled += one->cmd[i].stalled;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sum->msi); i++)
		sum->msi[i] += one->msi[i];
	sum->cmd_unreadable += one->cmd_unreadable;
	sum->mmio_ignored += one->mmio_ignored;
	sum->shadow_differs += one->shadow_differs;
	if (!sum->nr_last) {
		memcpy(sum->last, one->last, sizeof(sum->last));
		sum->nr_last = one->nr_last;
	}
}

void vits_set_stats_get(struct vits_set *set, struct vits_stats *ret_stats)
{
	struct vits_stats one;

	*ret_stats = (struct vits_stats){ 0 };
	for (unsigned i = 0; i < set->nr; i++) {
		vits_stats_get(set->members[i].vits, &one);
		add_stats(ret_stats, &one);
	}
}
