// SPDX-License-Identifier: MIT
/*
 * Making an ITS, and looking at what it counted.
 *
 * The model's other parts: regs.c (registers), cmdq.c (the queue), cmd.c
 * (commands), lookup.c, tables.c (guest tables), shadow.c (the shadow, and
 * translation).
 *
 * Locks: vits.lock, around the kept failures.
 */
#include "vits.h"

#include <errno.h>
#include <stdlib.h>

#include "cmdq.h"
#include "regs.h"
#include "vits_priv.h"

static bool in_range(uint64_t value, uint64_t min, uint64_t max)
{
	return value >= min && value <= max;
}

static bool functions_are_valid(const struct vits_config *config)
{
	if (config->nr_functions > VITS_MAX_FUNCTIONS)
		return false;
	if (config->nr_functions && !config->functions)
		return false;
	for (size_t i = 0; i < config->nr_functions; i++) {
		const struct vits_function *function = &config->functions[i];

		if (function->devid >= BIT64(config->devid_bits))
			return false;
		if (!in_range(function->nr_events, 1, BIT64(config->eventid_bits)))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (config->functions[j].devid == function->devid)
				return false;
		}
	}
	return true;
}

static bool config_is_valid(const struct vits_config *config)
{
	return in_range(config->nr_vcpus, 1, VITS_MAX_VCPUS) &&
	       in_range(config->devid_bits, 1, VITS_MAX_DEVID_BITS) &&
	       in_range(config->eventid_bits, 1, VITS_MAX_EVENTID_BITS) &&
	       in_range(config->nr_lpis, 1, VITS_MAX_LPIS) &&
	       in_range(config->on_error, VITS_ON_ERROR_SKIP, VITS_ON_ERROR_STALL) &&
	       functions_are_valid(config);
}

int vits_create(const struct vits_config *config, const struct vits_ops *ops, void *ctx,
		struct vits **ret_vits)
{
	struct vits *v;
	int r;

	assert(config);
	assert(ops);
	assert(ret_vits);

	if (!config_is_valid(config))
		return -EINVAL;
	v = aligned_alloc(_Alignof(struct vits), sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = (struct vits){ 0 };
	v->ops = ops;
	v->ctx = ctx;
	v->config = *config;
	v->config.functions = NULL;
	/* Neither can fail with default attributes. */
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->unowned, NULL);
	r = shadow_init(&v->shadow, config);
	if (r < 0) {
		vits_destroy(v);
		return r;
	}
	regs_reset(v);
	*ret_vits = v;
	return 0;
}

void vits_destroy(struct vits *v)
{
	if (!v)
		return;
	assert(!v->owned);
	shadow_fini(&v->shadow);
	pthread_cond_destroy(&v->unowned);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

void vits_reset(struct vits *v)
{
	cmdq_stop_and_claim(v);
	regs_reset(v);
	shadow_drop_devices(v);
	cmdq_settle(v);
	cmdq_serve(v); /* nothing, after a reset: it gives the ownership back */
}

void vits_emit(struct vits *v, const struct vits_lpi_update *update)
{
	bool has_event = update->op != VITS_INVALL && update->op != VITS_MOVALL;

	assert(update->vcpu < v->config.nr_vcpus);
	assert(update->vcpu_from < v->config.nr_vcpus);
	assert(!has_event || vits_lpi_in_range(v, update->intid));
	assert(update->assigned || (update->op != VITS_LPI_MAP && update->op != VITS_LPI_DETACH));

	v->nr_updates++;
	/* An LPI update for all LPIs makes the backend look at each. */
	v->work += has_event ? WORK_UPDATE : (1 + (uint64_t)v->shadow.nr_mapped) * WORK_UPDATE;
	v->ops->update(v->ctx, update);
}

void vits_record_failure(struct vits *v, const struct vits_failure *failure)
{
	struct vits_failure *kept;

	vits_lock(v);
	kept = &v->failures[v->nr_failures % VITS_KEPT_FAILURES];
	*kept = *failure;
	kept->serial = ++v->nr_failures;
	vits_unlock(v);
}

static void get_failures(struct vits *v, struct vits_stats *stats)
{
	vits_lock(v);
	while (stats->nr_last < VITS_KEPT_FAILURES && stats->nr_last < v->nr_failures) {
		uint64_t n = v->nr_failures - 1 - stats->nr_last;

		stats->last[stats->nr_last++] = v->failures[n % VITS_KEPT_FAILURES];
	}
	vits_unlock(v);
}

static uint64_t counted(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void vits_stats_get(struct vits *v, struct vits_stats *ret_stats)
{
	const struct vits_counters *counters = &v->counters;

	*ret_stats = (struct vits_stats){
		.cmd_unreadable = counted(&counters->cmd_unreadable),
		.mmio_ignored = counted(&counters->mmio_ignored),
		.shadow_differs = counted(&counters->shadow_differs),
	};
	for (size_t i = 0; i < ARRAY_SIZE(ret_stats->cmd); i++) {
		ret_stats->cmd[i].done = counted(&counters->cmd[i][VITS_DONE]);
		ret_stats->cmd[i].skipped = counted(&counters->cmd[i][VITS_SKIP]);
		ret_stats->cmd[i].stalled = counted(&counters->cmd[i][VITS_STALL]);
	}
	for (size_t i = 0; i < VITS_MSI_OUTCOMES; i++)
		ret_stats->msi[i] = counted(&counters->msi[i]);
	get_failures(v, ret_stats);
}
