// SPDX-License-Identifier: MIT
/*
 * Storms. IHI 0069 5.3 (commands).
 *
 * No locks: one thread.
 */
#include "tests/bench/storm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"

#define RUNS	 15u
#define FEW_ICID 100u /* the collection with one event */

/* Events by their number among all: neighbours are of one function. */
static struct gits_cmd on_event(enum gits_opcode op, uint32_t n, uint32_t icid)
{
	return (struct gits_cmd){
		.opcode = (uint8_t)op,
		.devid = n / GUEST_PER,
		.eventid = n % GUEST_PER,
		.pintid = op == GITS_CMD_MAPTI ? VITS_LPI_BASE + n : 0,
		.icid = icid,
	};
}

/* The nth event where each is of another function than the last. */
static uint32_t far(uint32_t n)
{
	return n % GUEST_FUNCTIONS * GUEST_PER + n * 97 % GUEST_PER;
}

static struct gits_cmd mapc(uint32_t icid, uint64_t vcpu)
{
	return (struct gits_cmd){
		.opcode = GITS_CMD_MAPC, .icid = icid, .rdbase = vcpu, .valid = true
	};
}

static struct gits_cmd movall(uint64_t from, uint64_t to)
{
	return (struct gits_cmd){ .opcode = GITS_CMD_MOVALL, .rdbase = from, .rdbase2 = to };
}

/*
 * The nth command of a storm
 */

static struct gits_cmd nth_sync(uint32_t n)
{
	(void)n;
	return (struct gits_cmd){ .opcode = GITS_CMD_SYNC };
}

static struct gits_cmd nth_near(uint32_t n)
{
	return on_event(GITS_CMD_MAPTI, n, n % GUEST_VCPUS);
}

static struct gits_cmd nth_far(uint32_t n)
{
	return on_event(GITS_CMD_MAPTI, far(n), n % GUEST_VCPUS);
}

static struct gits_cmd nth_few(uint32_t n)
{
	return mapc(FEW_ICID, (n + 1) % 2);
}

static struct gits_cmd nth_all(uint32_t n)
{
	return mapc(0, (n + 1) % 2);
}

/* In each batch one MAPC, which makes it long. */
static bool is_dear(uint32_t n)
{
	return n % 64 == 63;
}

static struct gits_cmd nth_mixed(uint32_t n)
{
	return is_dear(n) ? mapc(0, n / 64 % 2) : nth_near(n);
}

static struct gits_cmd nth_all_off(uint32_t n)
{
	return n % 2 ? mapc(0, 0) : (struct gits_cmd){ .opcode = GITS_CMD_MAPC };
}

static struct gits_cmd nth_mapd(uint32_t n)
{
	return (struct gits_cmd){ .opcode = GITS_CMD_MAPD, .devid = n % GUEST_FUNCTIONS };
}

static struct gits_cmd nth_movall(uint32_t n)
{
	return movall(n % 2, (n + 1) % 2);
}

static struct gits_cmd nth_movall_nobody(uint32_t n)
{
	return movall(2 + n % 2, 2 + (n + 1) % 2);
}

static struct gits_cmd nth_invall(uint32_t n)
{
	(void)n;
	return (struct gits_cmd){ .opcode = GITS_CMD_INVALL };
}

static const struct {
	const char *name;
	struct gits_cmd (*nth)(uint32_t n);
} storms_of[NR_STORMS] = {
	[STORM_SYNC] = { "SYNC", nth_sync },
	[STORM_MAPTI_NEAR] = { "MAPTI, neighbours", nth_near },
	[STORM_MAPTI_FAR] = { "MAPTI, far apart", nth_far },
	[STORM_MAPC_FEW] = { "MAPC of one event", nth_few },
	[STORM_MAPC_ALL] = { "MAPC of all events", nth_all },
	[STORM_MAPC_ALL_OFF] = { "the same, V=0 and V=1", nth_all_off },
	[STORM_MIXED] = { "63 MAPTI, 1 MAPC of all", nth_mixed },
	[STORM_MAPD] = { "MAPD V=0", nth_mapd },
	[STORM_MOVALL] = { "MOVALL of all events", nth_movall },
	[STORM_MOVALL_NOBODY] = { "MOVALL of no event", nth_movall_nobody },
	[STORM_INVALL] = { "INVALL", nth_invall },
};

const char *storm_name(enum storm_kind kind)
{
	return storms_of[kind].name;
}

/*
 * Before and after
 */

static uint32_t drain(struct guest *g)
{
	uint32_t calls = 0;

	for (; guest_nr_waiting(g); calls++)
		vits_run(g->v);
	return calls;
}

static void put(struct guest *g, struct gits_cmd cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(&cmd, words);
	guest_push(g, words);
}

/* Announced in time, so that the queue has room. */
static void push(struct guest *g, struct gits_cmd cmd)
{
	put(g, cmd);
	if (g->nr_pushed % STORM_COMMANDS)
		return;
	guest_kick(g);
	(void)drain(g);
}

static void settle(struct guest *g)
{
	guest_kick(g);
	(void)drain(g);
}

/* Collection 0 has all events but one, which has its own. */
static void each_event(struct guest *g, enum gits_opcode op)
{
	for (uint32_t n = 0; n < GUEST_MAX_NAMED; n++)
		push(g, on_event(op, n, n ? 0 : FEW_ICID));
}

struct guest *storm_guest(void)
{
	const struct guest_config config = {
		.kind = GUEST_NAMED,
		.nr_mapped = 0,
		.per_write = GUEST_GROUP,
	};
	struct guest *g = guest_create(&config);

	push(g, mapc(FEW_ICID, 0));
	each_event(g, GITS_CMD_MAPTI);
	settle(g);
	return g;
}

static bool maps_events(enum storm_kind kind)
{
	return kind == STORM_MAPTI_NEAR || kind == STORM_MAPTI_FAR || kind == STORM_MIXED;
}

static void prepare(struct guest *g, enum storm_kind kind)
{
	for (uint32_t n = 0; maps_events(kind) && n < STORM_COMMANDS; n++)
		if (kind != STORM_MIXED || !is_dear(n))
			push(g,
			     on_event(GITS_CMD_DISCARD, kind == STORM_MAPTI_FAR ? far(n) : n, 0));
	settle(g);
}

static void clear_up(struct guest *g, enum storm_kind kind)
{
	push(g, mapc(0, 0));
	push(g, mapc(FEW_ICID, 0));
	if (kind == STORM_MAPD) {
		settle(g);
		guest_map_devices(g);
		each_event(g, GITS_CMD_MAPTI);
	} else if (maps_events(kind)) {
		each_event(g, GITS_CMD_MOVI);
	}
	settle(g);
}

void storm_run(struct guest *g, enum storm_kind kind, const struct guest_meter *meter,
	       struct storm *storm)
{
	uint64_t updates;

	prepare(g, kind);
	for (uint32_t n = 0; n < STORM_COMMANDS; n++)
		put(g, storms_of[kind].nth(n));
	updates = g->nr_updates;
	meter->begin(meter->ctx);
	guest_kick(g);
	meter->end(meter->ctx);
	storm->nr_updates = (uint32_t)(g->nr_updates - updates);
	storm->nr_done = STORM_COMMANDS - guest_nr_waiting(g);
	storm->nr_calls = drain(g);
	clear_up(g, kind);
}

/*
 * Time
 */

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void begin(void *ctx)
{
	uint64_t *since = ctx;

	*since = now_ns();
}

static void end(void *ctx)
{
	uint64_t *since = ctx;

	*since = now_ns() - *since;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int storm_time(struct storm storms[NR_STORMS])
{
	struct guest *g = storm_guest();
	uint64_t ns[RUNS];
	int r;

	for (unsigned kind = 0; kind < NR_STORMS; kind++) {
		for (unsigned run = 0; run < RUNS; run++) {
			const struct guest_meter meter = { begin, end, &ns[run] };

			storm_run(g, (enum storm_kind)kind, &meter, &storms[kind]);
		}
		qsort(ns, RUNS, sizeof(ns[0]), compare);
		storms[kind].time_us = (double)ns[RUNS / 2] / 1000;
	}
	r = guest_is_sound(g) ? 0 : -EINVAL;
	if (r < 0)
		(void)fputs("bench-vits: error: the ITS refused a command of a storm\n", stderr);
	guest_destroy(g);
	return r;
}
