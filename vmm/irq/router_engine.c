// SPDX-License-Identifier: MIT
/*
 * What a router's engines have in common. No locks: see router_engine.h.
 */
#include "vmm/irq/router_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

static size_t index_of(const struct engine *engine, const struct source *source)
{
	return (size_t)(source - engine->cfg.sources);
}

void engine_park(struct engine *engine, const struct source *source, uint64_t until)
{
	engine_count(&engine->parked);
	if (until != ENGINE_PARKED)
		deadlines_add(&engine->deadlines, index_of(engine, source), until);
}

bool engine_deliver(void *ctx, struct source *source, uint64_t signals)
{
	return engine_pass(ctx, source, signals);
}

void engine_forget_time(void *ctx, struct source *source)
{
	struct engine *engine = ctx;

	deadlines_remove(&engine->deadlines, index_of(engine, source));
}

void engine_disarmed(void *ctx, struct source *source)
{
	const struct engine *engine = ctx;

	engine->cfg.disarmed(source->ctx, source->index);
}

void engine_begins_poll(struct engine *engine, struct source *source)
{
	engine->nr_polls++;
	if (source->listed)
		return;
	source->listed = true;
	engine->settling[engine->nr_settling++] = source;
}

void engine_settle(struct engine *engine)
{
	/* From the last one down: those that leave are replaced by the last. */
	for (size_t i = engine->nr_settling; i--;) {
		struct source *source = engine->settling[i];

		if (source->state == SOURCE_SETTLING)
			source_happens(&engine->world, source, SOURCE_LOOK);
		if (source->state == SOURCE_SETTLING)
			continue;
		source->listed = false;
		engine->settling[i] = engine->settling[--engine->nr_settling];
	}
}

/* Ends: a source whose signals are too early again is parked until later than now. */
void engine_serve_deadlines(struct engine *engine)
{
	uint64_t at, now = clock_ns();
	size_t index;

	while (deadlines_first(&engine->deadlines, &at, &index) && at <= now)
		source_happens(&engine->world, &engine->cfg.sources[index], SOURCE_DUE);
}

int engine_init(struct engine *engine, const struct engine_ops *ops,
		const struct source_ops *source_ops, const struct engine_config *config)
{
	engine->ops = ops;
	engine->cfg = *config;
	engine->world = (struct source_world){ source_ops, engine };
	engine->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (engine->kick < 0)
		return -errno;
	engine->settling = calloc(config->nr ? config->nr : 1, sizeof(engine->settling[0]));
	if (!engine->settling)
		return -ENOMEM;
	return deadlines_init(&engine->deadlines, config->nr);
}

void engine_fini(struct engine *engine)
{
	cleanup_fd(&engine->kick);
	free(engine->settling);
	deadlines_fini(&engine->deadlines);
}
