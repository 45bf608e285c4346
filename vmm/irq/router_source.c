// SPDX-License-Identifier: MIT
/*
 * The states of a router's source. No locks: all of it runs on the router's thread.
 */
#include "vmm/irq/router_source.h"

#include <assert.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- actions ------------------------------------------------------------------- */

static enum source_event poll_first(const struct source_world *world, struct source *source)
{
	source->stirred = source->empty = false;
	world->ops->poll(world->ctx, source, false);
	return SOURCE_NOTHING;
}

static enum source_event poll_again(const struct source_world *world, struct source *source)
{
	source->stirred = source->empty = false;
	world->ops->poll(world->ctx, source, true);
	return SOURCE_NOTHING;
}

static enum source_event end_poll(const struct source_world *world, struct source *source)
{
	world->ops->end_poll(world->ctx, source);
	return SOURCE_NOTHING;
}

static enum source_event forget_time(const struct source_world *world, struct source *source)
{
	world->ops->forget_time(world->ctx, source);
	return SOURCE_NOTHING;
}

static enum source_event say_disarmed(const struct source_world *world, struct source *source)
{
	world->ops->disarmed(world->ctx, source);
	return SOURCE_NOTHING;
}

static void add_signals(struct source *source, uint64_t nr)
{
	atomic_fetch_add_explicit(&source->signals, nr, memory_order_relaxed);
}

/* Read the counter: how many signals were not delivered. */
static uint64_t collect(struct source *source)
{
	uint64_t signals = 0, waiting;

	if (read(source->eventfd, &signals, sizeof(signals)) < 0)
		signals = 0; /* nothing since the last time */
	waiting = source->kept + (signals > source->seen ? signals - source->seen : 0);
	add_signals(source, signals - source->seen);
	source->seen = source->kept = 0;
	return waiting;
}

void source_leave(struct source *source)
{
	uint64_t waiting = collect(source);

	if (!waiting)
		return;
	add_signals(source, -waiting);
	(void)eventfd_write(source->eventfd, waiting);
}

static enum source_event offer(const struct source_world *world, struct source *source,
			       uint64_t signals)
{
	if (!signals || world->ops->deliver(world->ctx, source, signals))
		return SOURCE_DELIVERED;
	source->kept = signals;
	return SOURCE_TOO_EARLY;
}

/* Some signals shared a completion, or came after the last: one more, however many. */
static enum source_event offer_one(const struct source_world *world, struct source *source)
{
	return offer(world, source, collect(source) ? 1 : 0);
}

static enum source_event look(const struct source_world *world, struct source *source)
{
	uint64_t waiting;

	if (source->empty && !source->stirred)
		return SOURCE_SETTLED;
	waiting = collect(source);
	source->stirred = false;
	source->empty = !waiting;
	return offer(world, source, waiting);
}

static enum source_event offer_all(const struct source_world *world, struct source *source)
{
	world->ops->forget_time(world->ctx, source);
	return offer(world, source, collect(source));
}

static enum source_event hand_back(const struct source_world *world, struct source *source)
{
	world->ops->forget_time(world->ctx, source);
	source_leave(source);
	world->ops->disarmed(world->ctx, source);
	return SOURCE_NOTHING;
}

/* ---- the table ----------------------------------------------------------------- */

struct row {
	bool can;
	uint8_t to; /* enum source_state; entered before the action */
	enum source_event (*action)(const struct source_world *world, struct source *source);
};

#define TO(state, action)                    \
	{                                    \
		true, SOURCE_##state, action \
	}

/*
 * Four rules explain most of it. To arm what is armed, to disarm what is disarmed
 * or to unpark what is not parked changes nothing. A poll is over only when
 * SOURCE_ENDED says so, and until then its removal is asked for again. A source has
 * a time to wait for in PARKING and PARKED alone. In all states that begin a poll, SETTLING
 * comes first.
 */
static const struct row table[NR_SOURCE_STATES][NR_SOURCE_EVENTS] = {
	[SOURCE_IDLE] = {
		[SOURCE_ARM] = TO(SETTLING, poll_first),
		[SOURCE_DISARM] = TO(IDLE, say_disarmed),
		[SOURCE_DUE] = TO(IDLE, NULL),
		[SOURCE_NOT_REMOVED] = TO(IDLE, NULL),
	},
	[SOURCE_SETTLING] = {
		[SOURCE_ARM] = TO(SETTLING, NULL),
		[SOURCE_DISARM] = TO(DROPPING, end_poll),
		[SOURCE_DUE] = TO(SETTLING, NULL),
		[SOURCE_LOOK] = TO(SETTLING, look),
		[SOURCE_SETTLED] = TO(POLLED, NULL),
		[SOURCE_TOO_EARLY] = TO(PARKING, end_poll),
		[SOURCE_DELIVERED] = TO(SETTLING, NULL),
		[SOURCE_ENDED] = TO(CATCHING_UP, offer_one),
		[SOURCE_NOT_REMOVED] = TO(SETTLING, NULL),
	},
	[SOURCE_POLLED] = {
		[SOURCE_ARM] = TO(POLLED, NULL),
		[SOURCE_DISARM] = TO(LEAVING, end_poll),
		[SOURCE_DUE] = TO(POLLED, NULL),
		[SOURCE_TOO_EARLY] = TO(PARKING, end_poll),
		[SOURCE_ENDED] = TO(CATCHING_UP, offer_one),
		[SOURCE_NOT_REMOVED] = TO(POLLED, NULL),
	},
	[SOURCE_LEAVING] = {
		[SOURCE_ARM] = TO(LEAVING, NULL),
		[SOURCE_DISARM] = TO(LEAVING, NULL),
		[SOURCE_DUE] = TO(LEAVING, NULL),
		[SOURCE_TOO_EARLY] = TO(DROPPING, forget_time),
		[SOURCE_ENDED] = TO(LAST_LOOK, offer_one),
		[SOURCE_NOT_REMOVED] = TO(LEAVING, end_poll),
	},
	[SOURCE_PARKING] = {
		[SOURCE_ARM] = TO(PARKING, NULL),
		[SOURCE_DISARM] = TO(DROPPING, forget_time),
		[SOURCE_DUE] = TO(RESUMING, forget_time),
		[SOURCE_ENDED] = TO(PARKED, NULL),
		[SOURCE_NOT_REMOVED] = TO(PARKING, end_poll),
	},
	[SOURCE_RESUMING] = {
		[SOURCE_ARM] = TO(RESUMING, NULL),
		[SOURCE_DISARM] = TO(DROPPING, NULL),
		[SOURCE_DUE] = TO(RESUMING, NULL),
		[SOURCE_ENDED] = TO(RETRYING, offer_all),
		[SOURCE_NOT_REMOVED] = TO(RESUMING, end_poll),
	},
	[SOURCE_DROPPING] = {
		[SOURCE_ARM] = TO(DROPPING, NULL),
		[SOURCE_DISARM] = TO(DROPPING, NULL),
		[SOURCE_DUE] = TO(DROPPING, NULL),
		[SOURCE_ENDED] = TO(IDLE, hand_back),
		[SOURCE_NOT_REMOVED] = TO(DROPPING, end_poll),
	},
	[SOURCE_PARKED] = {
		[SOURCE_ARM] = TO(PARKED, NULL),
		[SOURCE_DISARM] = TO(IDLE, hand_back),
		[SOURCE_DUE] = TO(RETRYING, offer_all),
		[SOURCE_NOT_REMOVED] = TO(PARKED, NULL),
	},
	[SOURCE_CATCHING_UP] = {
		[SOURCE_TOO_EARLY] = TO(PARKED, NULL),
		[SOURCE_DELIVERED] = TO(SETTLING, poll_again),
	},
	[SOURCE_LAST_LOOK] = {
		[SOURCE_TOO_EARLY] = TO(IDLE, hand_back),
		[SOURCE_DELIVERED] = TO(IDLE, say_disarmed),
	},
	[SOURCE_RETRYING] = {
		[SOURCE_TOO_EARLY] = TO(PARKED, NULL),
		[SOURCE_DELIVERED] = TO(SETTLING, poll_first),
	},
};

bool source_can(enum source_state state, enum source_event event)
{
	return table[state][event].can;
}

enum source_event source_step(const struct source_world *world, struct source *source,
			      enum source_event event)
{
	const struct row *row = &table[source->state][event];

	assert(row->can);
	source->state = row->to;
	return row->action ? row->action(world, source) : SOURCE_NOTHING;
}

void source_happens(const struct source_world *world, struct source *source,
		    enum source_event event)
{
	while (event != SOURCE_NOTHING)
		event = source_step(world, source, event);
}
