/* SPDX-License-Identifier: MIT */
/*
 * An engine: how a router waits for the signals of its sources and learns of them.
 * Here is what every engine does, and what it has in common with the others.
 *
 * An engine is made and destroyed by the one who makes the router; all between is on the
 * router's thread.
 */
#ifndef VMM_IRQ_ROUTER_ENGINE_H
#define VMM_IRQ_ROUTER_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/clock.h"
#include "vmm/base/deadlines.h"
#include "vmm/irq/router_source.h"

struct engine;

struct engine_config {
	struct source *sources; /* [nr], borrowed */
	size_t nr;
	unsigned cq_entries; /* as in struct router_config */
	/* As in struct router_ops, with the source's ctx and index. */
	uint64_t (*signalled)(void *ctx, unsigned index, uint64_t signals);
	void (*disarmed)(void *ctx, unsigned index);
	/* The kick was signalled: take the requests. */
	void (*kicked)(void *ctx);
	void *ctx; /* for kicked */
};

struct engine_ops {
	const char *name;
	const char *failed; /* what it means that sleep() or spin() fails */
	/* Allocate all that the router's thread will need. 0, or a negative errno. */
	int (*create)(const struct engine_config *config, struct engine **ret_engine);
	/* Look after the kick from now on. 0, or a negative errno: why this host has no such
	 * engine. */
	int (*begin)(struct engine *engine);
	/* NULL is not allowed; one that did not begin is. */
	void (*destroy)(struct engine *engine);
	/*
	 * Until there is something to reap, or the first deadline has come: asleep, or
	 * looking all the time. 0 or more, or a negative errno; -EINTR, -EAGAIN and -EBUSY
	 * pass.
	 */
	int (*sleep)(struct engine *engine);
	int (*spin)(struct engine *engine);
	/* Have all completions there that there can be by now; does not wait. As sleep(). */
	int (*look)(struct engine *engine);
	/* Deal with what there is now. */
	void (*reap)(struct engine *engine);
};

/* What engines have in common: the first member of each one's struct. */
struct engine {
	const struct engine_ops *ops;
	struct engine_config cfg;
	struct source_world world;
	int kick;		    /* eventfd, owned: there are requests */
	size_t nr_polls;	    /* of sources, without the kick's */
	struct deadlines deadlines; /* of parked sources */
	struct source **settling;   /* [nr_settling] those that have begun to be polled */
	size_t nr_settling;
	/* Counted by the router's thread, read by any: engine_count(). */
	_Atomic unsigned long long reaps, completions, rearmed, parked;
};

/* One more. It has one writer, so that it need not be one step: that would cost a call. */
static inline void engine_count(_Atomic unsigned long long *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* For an engine's create() and destroy(). source_ops are called with the engine. */
int engine_init(struct engine *engine, const struct engine_ops *ops,
		const struct source_ops *source_ops,
		const struct engine_config *config) _must_check_;
void engine_fini(struct engine *engine);

/* What is the same in each engine's struct source_ops. */
bool engine_deliver(void *engine, struct source *source, uint64_t signals);
void engine_forget_time(void *engine, struct source *source);
void engine_disarmed(void *engine, struct source *source);

/* What signalled() answers where a source is parked until it is unparked: ROUTER_PARKED. */
#define ENGINE_PARKED UINT64_MAX

/* The source's signals are too early: it has to wait until then, or ENGINE_PARKED. */
void engine_park(struct engine *engine, const struct source *source, uint64_t until);

/* A poll of the source has begun: look() is called, and then engine_settle(), until it has settled.
 */
void engine_begins_poll(struct engine *engine, struct source *source);
void engine_settle(struct engine *engine);

/* The times of parked sources that have come. */
void engine_serve_deadlines(struct engine *engine);

/* In ns until the first deadline, at least 1; 0: there is none. */
static inline uint64_t engine_time_left(const struct engine *engine)
{
	uint64_t at, now;
	size_t index;

	if (!engine->deadlines.nr || !deadlines_first(&engine->deadlines, &at, &index))
		return 0;
	now = clock_ns();
	return at > now ? at - now : 1;
}

/* Pass signals on. False: they are too early. */
static inline bool engine_pass(struct engine *engine, struct source *source, uint64_t signals)
{
	uint64_t until = engine->cfg.signalled(source->ctx, source->index, signals);

	if (until)
		engine_park(engine, source, until);
	return !until;
}

/* A signal of the source was seen. Inline: it is on the way of each interrupt. */
static inline void engine_heard(struct engine *engine, struct source *source)
{
	if (!source_is_heard(source)) {
		source->stirred = true;
		return;
	}
	if (engine_pass(engine, source, 1))
		source_saw_one(source);
	else
		source_happens(&engine->world, source, SOURCE_TOO_EARLY);
}

#endif
