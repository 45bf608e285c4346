// SPDX-License-Identifier: MIT
/*
 * Random scripts. A script has a pool of each kind of number: a few that occur
 * all the time, so that steps meet each other, and those at the ends of ranges.
 */
#include "tests/oracle/generate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/oracle/guest.h"
#include "tests/oracle/prng.h"
#include "vitsmod/bits.h"
#include "vitsmod/vits.h"

#define POOL	 20u
#define RECENT	 6u
#define NR_USUAL 12u /* LPIs */

/* Mostly one of the first. */
struct pool {
	uint64_t at[POOL];
	size_t nr;
	size_t nr_usual;
};

struct generator {
	struct prng prng;
	enum profile profile;
	/*
	 * A guest that makes few mistakes, so that two ITSs that treat mistakes
	 * differently stay alike: all devices are functions, each event has an
	 * LPI of its own.
	 */
	bool orderly;
	struct script *script;
	struct pool devids, eventids, icids, intids, sizes, itts, vcpus;
	struct {
		uint64_t devid, eventid;
	} recent[RECENT]; /* of MAPTI: good ones for other commands */
	size_t nr_recent;
};

static uint64_t below(struct generator *g, uint64_t n)
{
	return prng_below(&g->prng, n);
}

static bool one_in(struct generator *g, uint64_t n)
{
	return prng_one_in(&g->prng, n);
}

#define PICK(g, array) ((array)[below(g, ARRAY_SIZE(array))])

/* Usual numbers first. What is too large for the field is left out. */
static void add(struct pool *pool, uint64_t number, uint64_t max, bool usual)
{
	for (size_t i = 0; i < pool->nr; i++) {
		if (pool->at[i] == number)
			return;
	}
	if (number > max || pool->nr == POOL)
		return;
	pool->at[pool->nr++] = number;
	if (usual)
		pool->nr_usual = pool->nr;
}

static uint64_t pick(struct generator *g, const struct pool *pool)
{
	if (pool->nr_usual && !one_in(g, 6))
		return pool->at[below(g, pool->nr_usual)];
	return pool->at[below(g, pool->nr)];
}

/*
 * Configurations
 */

static void roll_functions(struct generator *g)
{
	struct script *script = g->script;
	uint64_t *cfg = script->cfg;
	uint64_t devids = BIT64(cfg[CFG_DEVID_BITS]);
	uint64_t events = BIT64(cfg[CFG_EVENTID_BITS]);
	uint64_t nr = 1 + below(g, 3);

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t devid = one_in(g, 4) ? devids - 1 - below(g, 2) : below(g, 24);
		uint64_t nr_events = 1 + below(g, one_in(g, 4) ? 9 : 4);

		if (g->orderly)
			nr_events = 64;

		devid %= devids;
		if (script_function(script, (uint32_t)devid) >= 0)
			continue;
		script->functions[script->nr_functions++] = (struct script_function){
			.devid = (uint32_t)devid,
			.nr_events = (uint32_t)(nr_events < events ? nr_events : events),
		};
	}
}

static void roll_config(struct generator *g)
{
	static const uint8_t devid_bits[] = { 1, 3, 5, 8, 13, 16, 16, 16, 17, 20, 32 };
	static const uint8_t eventid_bits[] = { 1, 2, 3, 5, 8, 13, 14, 16, 16, 16 };
	static const uint16_t lpis[] = { 1, 4, 64, 8192, 57344 };
	static const uint16_t kvm_lpis[] = { 8192, 24576, 57344 };
	static const uint8_t kvm_vcpus[] = { 1, 2, 2, 4, 4, 8 };
	static const uint8_t batches[] = { 1, 1, 2, 3, 7, 40, 100 };
	uint64_t *cfg = g->script->cfg;

	g->orderly = one_in(g, 2);
	if (g->profile == PROFILE_KVM) {
		cfg[CFG_VCPUS] = PICK(g, kvm_vcpus);
		cfg[CFG_DEVID_BITS] = 16;
		cfg[CFG_EVENTID_BITS] = 16;
		cfg[CFG_LPIS] = PICK(g, kvm_lpis);
		cfg[CFG_BATCH] = 100;
		cfg[CFG_GROUP] = below(g, 2);
		cfg[CFG_NO_PROPBASER] = one_in(g, 24);
	} else {
		cfg[CFG_VCPUS] = 1 + below(g, 8);
		/* Those that have something of their own, and any. */
		cfg[CFG_DEVID_BITS] =
			one_in(g, 2) ? PICK(g, devid_bits) : 1 + below(g, VITS_MAX_DEVID_BITS);
		cfg[CFG_EVENTID_BITS] =
			one_in(g, 2) ? PICK(g, eventid_bits) : 1 + below(g, VITS_MAX_EVENTID_BITS);
		cfg[CFG_LPIS] = PICK(g, lpis);
		cfg[CFG_BATCH] = PICK(g, batches);
		cfg[CFG_STALL] = one_in(g, 4);
		cfg[CFG_FOREIGN] = one_in(g, 4) ? VITS_LPI_BASE + below(g, 4) : 0;
	}
	roll_functions(g);
}

/*
 * Tables and queue
 */

static uint64_t roll_area(struct generator *g)
{
	return one_in(g, 24) ? (one_in(g, 3) ? AREA_OUTSIDE : AREA_SHORT) : below(g, 2);
}

static struct step roll_table(struct generator *g, enum step_kind kind)
{
	static const uint16_t pages[] = { 1, 1, 1, 2, 3, 8, 16 };
	struct step step = { .kind = kind };
	uint64_t *arg = step.arg;

	arg[ARG_V] = !one_in(g, 32);
	arg[ARG_AREA] = roll_area(g);
	arg[ARG_PAGES] = PICK(g, pages);
	arg[ARG_PAGE] = below(g, 4);
	arg[ARG_INDIRECT] = one_in(g, 3);
	/* KVM has 64K pages and flat collections: others are read back so. */
	if (g->profile == PROFILE_KVM) {
		arg[ARG_INDIRECT] = one_in(g, kind == STEP_DEVICES ? 3 : 24);
		if (arg[ARG_INDIRECT] || !one_in(g, 24))
			arg[ARG_PAGE] = 2 + below(g, 2);
	}
	/* All of 32-bit DeviceIDs need a first level of 4 MiB. */
	if (kind == STEP_DEVICES && arg[ARG_INDIRECT] && one_in(g, 4))
		arg[ARG_PAGES] = 64;
	for (unsigned i = 0; arg[ARG_INDIRECT] && i < 4; i++)
		arg[ARG_L1] |= (one_in(g, 4) ? below(g, 4) : below(g, 2)) << 2 * i;
	return step;
}

static struct step roll_queue(struct generator *g)
{
	struct step step = { .kind = STEP_QUEUE };

	step.arg[ARG_V] = !one_in(g, 32);
	step.arg[ARG_AREA] = below(g, 2);
	/* A queue that stalled at a command that nobody can replace would stay so. */
	if (!g->script->cfg[CFG_STALL] && one_in(g, 64))
		step.arg[ARG_AREA] = AREA_OUTSIDE;
	step.arg[ARG_PAGES] = one_in(g, 4) ? 1 + below(g, 3) : 1;
	return step;
}

/*
 * Numbers
 */

/* The IDs around the end of a table. */
static void add_table_end(struct pool *pool, const struct step *table, uint64_t max)
{
	static const uint64_t sizes[] = { 0x1000, 0x4000, 0x10000, 0x10000 };
	uint64_t per_page = sizes[table->arg[ARG_PAGE]] / 8;
	uint64_t end = per_page * table->arg[ARG_PAGES];

	if (table->arg[ARG_INDIRECT])
		end *= per_page;
	add(pool, end - 1, max, false);
	add(pool, end, max, false);
	if (table->arg[ARG_INDIRECT] || table->arg[ARG_AREA] == AREA_SHORT) {
		add(pool, per_page - 1, max, false);
		add(pool, per_page, max, false);
	}
}

/* Usual is what the table reaches. */
static void add_devid(struct generator *g, const struct step *table, uint64_t devid)
{
	unsigned bits = (unsigned)g->script->cfg[CFG_DEVID_BITS];

	if (guest_table_reaches(table, bits, devid))
		add(&g->devids, devid, UINT32_MAX, true);
}

static void fill_devids(struct generator *g, const struct step *table)
{
	const struct script *script = g->script;
	uint64_t end = BIT64(script->cfg[CFG_DEVID_BITS]);
	uint64_t max = UINT32_MAX;

	for (size_t i = 0; i < script->nr_functions; i++)
		add_devid(g, table, script->functions[i].devid);
	if (!g->orderly)
		add_devid(g, table, below(g, end < 32 ? end : 32));
	if (g->devids.nr < 2 && !g->orderly)
		add_devid(g, table, below(g, end));
	for (size_t i = 0; i < script->nr_functions; i++)
		add(&g->devids, script->functions[i].devid, max, false);
	add_table_end(&g->devids, table, max);
	add(&g->devids, end - 1, max, false);
	add(&g->devids, end, max, false);
	add(&g->devids, 0, max, false);
	add(&g->devids, prng_next(&g->prng) >> 32, max, false);
}

static void fill_eventids(struct generator *g)
{
	const struct script *script = g->script;
	uint64_t max = UINT32_MAX;

	for (unsigned i = 0; i < 3; i++)
		add(&g->eventids, i, max, true);
	for (size_t i = 0; i < script->nr_functions && !g->orderly; i++)
		add(&g->eventids, script->functions[i].nr_events - below(g, 2), max, false);
	add(&g->eventids, BIT64(1 + below(g, 5)) - below(g, 2), max, false);
	add(&g->eventids, BIT64(script->cfg[CFG_EVENTID_BITS]) - below(g, 2), max, false);
	add(&g->eventids, ITT_SHORT_EVENTS - below(g, 2), max, false);
	/* For MAPI. */
	add(&g->eventids, VITS_LPI_BASE + below(g, 4), max, false);
	add(&g->eventids, VITS_LPI_BASE - 1, max, false);
	add(&g->eventids, prng_next(&g->prng) >> 32, max, false);
}

static void fill_intids(struct generator *g)
{
	static const uint32_t odd[] = { 0, 1, 31, 1023, 8191, 65535, 65536, UINT32_MAX };
	uint64_t end = VITS_LPI_BASE + g->script->cfg[CFG_LPIS];
	uint64_t max = UINT32_MAX;

	for (unsigned i = 0; i < NR_USUAL; i++)
		add(&g->intids, VITS_LPI_BASE + i, end - 1, true);
	add(&g->intids, end - 1, max, false);
	add(&g->intids, end, max, false);
	add(&g->intids, VITS_LPI_BASE - 1, max, false);
	add(&g->intids, PICK(g, odd), max, false);
}

static void fill_others(struct generator *g, const struct step *collections)
{
	uint64_t nr_vcpus = g->script->cfg[CFG_VCPUS];
	uint64_t eventid_bits = g->script->cfg[CFG_EVENTID_BITS];

	for (unsigned i = 0; i < 3; i++)
		add(&g->icids, i, UINT16_MAX, guest_table_reaches(collections, 16, i));
	add_table_end(&g->icids, collections, UINT16_MAX);
	add(&g->icids, UINT16_MAX, UINT16_MAX, false);

	for (unsigned i = 0; i < nr_vcpus; i++)
		add(&g->vcpus, i, UINT64_MAX, true);
	add(&g->vcpus, nr_vcpus, UINT64_MAX, false);
	add(&g->vcpus, BIT64(32) | below(g, nr_vcpus), UINT64_MAX, false);
	add(&g->vcpus, BIT64(35) - 1, UINT64_MAX, false);

	for (unsigned i = 0; i < 3; i++)
		add(&g->sizes, 1 + i, eventid_bits - 1, true);
	add(&g->sizes, 0, eventid_bits - 1, true);
	add(&g->sizes, 5, eventid_bits - 1, true);
	add(&g->sizes, 13, eventid_bits - 1, true);
	add(&g->sizes, eventid_bits - 1, 31, false);
	add(&g->sizes, eventid_bits, 31, false);
	add(&g->sizes, 31, 31, false);

	for (unsigned i = 0; i < 4; i++)
		add(&g->itts, i, UINT64_MAX, true);
	add(&g->itts, ITT_SHORT, UINT64_MAX, false);
	add(&g->itts, ITT_OUTSIDE, UINT64_MAX, false);
	add(&g->itts, ITT_HIGHEST, UINT64_MAX, false);
}

/*
 * Steps
 */

static const uint8_t weights[NR_STEP_KINDS] = {
	[STEP_MAPD] = 8,   [STEP_MAPC] = 14,	[STEP_MAPTI] = 34,	[STEP_MAPI] = 3,
	[STEP_MOVI] = 14,  [STEP_DISCARD] = 12, [STEP_INT] = 14,	[STEP_CLEAR] = 8,
	[STEP_INV] = 8,	   [STEP_INVALL] = 3,	[STEP_MOVALL] = 3,	[STEP_SYNC] = 2,
	[STEP_OPCODE] = 1, [STEP_MSI] = 14,	[STEP_BYTE] = 10,	[STEP_ZERO] = 2,
	[STEP_CTLR] = 3,   [STEP_DEVICES] = 1,	[STEP_COLLECTIONS] = 1, [STEP_QUEUE] = 1,
	[STEP_BEYOND] = 1, [STEP_RETRY] = 1,	[STEP_RESET] = 1,	[STEP_SAVE] = 1,
};

static enum step_kind roll_kind(struct generator *g)
{
	uint64_t total = 0;
	uint64_t at;

	for (unsigned i = 0; i < NR_STEP_KINDS; i++)
		total += weights[i];
	at = below(g, total);
	for (unsigned i = 0;; i++) {
		if (at < weights[i])
			return i;
		at -= weights[i];
	}
}

static bool is_opcode(uint64_t opcode)
{
	return vits_command_name((uint8_t)opcode);
}

static uint64_t roll_arg(struct generator *g, const struct step *step, enum step_arg arg)
{
	uint64_t opcode = below(g, 256);

	switch (arg) {
	case ARG_DEV:
		if (step->kind != STEP_MSI)
			return pick(g, &g->devids);
		return g->script->functions[below(g, g->script->nr_functions)].devid;
	case ARG_EVENT:
		return pick(g, &g->eventids);
	case ARG_INTID:
		return step->kind == STEP_BYTE ? VITS_LPI_BASE + below(g, NR_USUAL)
					       : pick(g, &g->intids);
	case ARG_ICID:
		return pick(g, &g->icids);
	case ARG_SIZE:
		return pick(g, &g->sizes);
	case ARG_ITT:
		return pick(g, &g->itts);
	case ARG_RD:
	case ARG_RD2:
		return pick(g, &g->vcpus);
	case ARG_V:
		return !one_in(g, 5);
	case ARG_COUNT:
		return one_in(g, 4) ? below(g, 120) : 0;
	case ARG_VALUE:
		if (step->kind == STEP_OPCODE)
			return is_opcode(opcode) ? 0x21 : opcode;
		if (step->kind == STEP_CTLR)
			return !one_in(g, 3);
		return below(g, step->kind == STEP_BYTE ? 256 : 4);
	case ARG_NOISE:
		return one_in(g, 4) ? 1 + (prng_next(&g->prng) >> 40) : 0;
	default:
		return 0;
	}
}

static bool is_usual(const struct pool *pool, uint64_t number)
{
	for (size_t i = 0; i < pool->nr_usual; i++) {
		if (pool->at[i] == number)
			return true;
	}
	return false;
}

/* The event of a MAPTI, for later; and one of those. */
static void remember(struct generator *g, const struct step *step)
{
	size_t at;

	if (!is_usual(&g->devids, step->arg[ARG_DEV]) ||
	    !is_usual(&g->icids, step->arg[ARG_ICID]) ||
	    (step->kind == STEP_MAPTI && !is_usual(&g->intids, step->arg[ARG_INTID])))
		return;
	at = g->nr_recent < RECENT ? g->nr_recent++ : below(g, RECENT);
	g->recent[at].devid = step->arg[ARG_DEV];
	g->recent[at].eventid = step->arg[ARG_EVENT];
}

static void recall(struct generator *g, struct step *step)
{
	size_t at;

	if (!g->nr_recent)
		return;
	at = below(g, g->nr_recent);
	if (step->kind == STEP_MSI && script_function(g->script, (uint32_t)g->recent[at].devid) < 0)
		return;
	step->arg[ARG_DEV] = g->recent[at].devid;
	step->arg[ARG_EVENT] = g->recent[at].eventid;
	if (step->kind == STEP_DISCARD)
		g->recent[at] = g->recent[--g->nr_recent];
}

/* What an orderly guest does, mostly. */
static void tidy(struct generator *g, struct step *step)
{
	uint64_t *arg = step->arg;
	int function = script_function(g->script, (uint32_t)arg[ARG_DEV]);
	uint64_t n = function < 0 ? 0 : (uint64_t)function;

	if (one_in(g, 16))
		return;
	if (step->kind == STEP_MAPTI)
		arg[ARG_INTID] = VITS_LPI_BASE + 4 * n + (arg[ARG_EVENT] < 3 ? arg[ARG_EVENT] : 3);
	if (step->kind == STEP_MAPD)
		arg[ARG_ITT] = 2 * n + below(g, 2);
	if (step->kind == STEP_MAPC)
		arg[ARG_V] = 1;
}

static struct step roll_step(struct generator *g, enum step_kind kind)
{
	struct step step = { .kind = kind };

	if (kind == STEP_DEVICES || kind == STEP_COLLECTIONS)
		return roll_table(g, kind);
	if (kind == STEP_QUEUE)
		return roll_queue(g);
	for (unsigned i = 0; i < NR_ARGS; i++) {
		if (step_has(kind, i))
			step.arg[i] = roll_arg(g, &step, i);
	}
	if (g->orderly)
		tidy(g, &step);
	if (kind == STEP_MAPI && !one_in(g, 4))
		step.arg[ARG_EVENT] = VITS_LPI_BASE + below(g, NR_USUAL / 2);
	if (kind == STEP_MAPTI || kind == STEP_MAPI)
		remember(g, &step);
	else if (step_has(kind, ARG_EVENT) && !one_in(g, 3))
		recall(g, &step);
	return step;
}

static void emit(struct generator *g, struct step step)
{
	bool added = script_add(g->script, &step);

	assert(added);
	(void)added;
}

static void emit_ctlr(struct generator *g, uint64_t value)
{
	struct step step = { .kind = STEP_CTLR };

	step.arg[ARG_VALUE] = value;
	emit(g, step);
}

static void emit_registers(struct generator *g, const struct step *devices,
			   const struct step *collections)
{
	emit(g, roll_queue(g));
	emit(g, *devices);
	emit(g, *collections);
	emit_ctlr(g, 1);
}

/* A register is written while the ITS is off, mostly, and it comes back. */
static void emit_register(struct generator *g, enum step_kind kind)
{
	bool off = !one_in(g, 4);

	if (g->orderly && !one_in(g, 4))
		return;
	if (off)
		emit_ctlr(g, 0);
	for (uint64_t i = below(g, 3); off && i > 0; i--)
		emit(g, roll_step(g, STEP_MAPTI));
	emit(g, roll_step(g, kind));
	if (off && (g->orderly || !one_in(g, 4)))
		emit_ctlr(g, 1);
}

static void emit_off_and_on(struct generator *g)
{
	emit_ctlr(g, 0);
	for (uint64_t i = below(g, 3); i > 0; i--)
		emit(g, roll_step(g, STEP_MAPTI));
	emit_ctlr(g, 1);
}

/* A driver hands over memory that is zero, mostly. */
static void emit_mapd(struct generator *g)
{
	struct step mapd = roll_step(g, STEP_MAPD);
	struct step zero = { .kind = STEP_ZERO };

	zero.arg[ARG_ITT] = mapd.arg[ARG_ITT];
	if (g->orderly || !one_in(g, 3))
		emit(g, zero);
	emit(g, mapd);
}

/* Something to start with: collections, devices and events. */
static void emit_prologue(struct generator *g)
{
	struct step step;

	for (uint64_t i = 0; i < NR_USUAL; i++) {
		step = roll_step(g, STEP_BYTE);
		step.arg[ARG_INTID] = VITS_LPI_BASE + i;
		if (!one_in(g, 3))
			emit(g, step);
	}
	for (uint64_t i = 0; i < 3; i++) {
		step = (struct step){ .kind = STEP_MAPC };
		step.arg[ARG_ICID] = i;
		step.arg[ARG_RD] = below(g, g->script->cfg[CFG_VCPUS]);
		step.arg[ARG_V] = 1;
		if (!one_in(g, 3))
			emit(g, step);
	}
	for (size_t i = 0; i < g->devids.nr_usual; i++) {
		step = roll_step(g, STEP_MAPD);
		step.arg[ARG_DEV] = g->devids.at[i];
		step.arg[ARG_ITT] = g->orderly ? 2 * i : i;
		step.arg[ARG_V] = 1;
		if (!one_in(g, 6))
			emit(g, step);
	}
	for (uint64_t i = below(g, 6); i > 0; i--)
		emit(g, roll_step(g, STEP_MAPTI));
}

/* After a reset everything is to be set up again. */
static void emit_reset(struct generator *g, const struct step *devices,
		       const struct step *collections)
{
	emit(g, roll_step(g, STEP_RESET));
	emit_registers(g, devices, collections);
	emit_prologue(g);
}

void generate(uint64_t seed, enum profile profile, struct script *ret_script)
{
	struct generator g = {
		.prng = { (seed >> SEED_CONFIG_SHIFT) * 2 + profile },
		.profile = profile,
		.script = ret_script,
	};
	struct step devices, collections;

	memset(ret_script, 0, offsetof(struct script, steps));
	ret_script->nr_steps = 0;
	roll_config(&g);
	(void)prng_next(&g.prng);
	g.prng.state ^= seed << 32 | seed;

	devices = roll_table(&g, STEP_DEVICES);
	collections = roll_table(&g, STEP_COLLECTIONS);
	fill_devids(&g, &devices);
	fill_eventids(&g);
	fill_intids(&g);
	fill_others(&g, &collections);

	emit_registers(&g, &devices, &collections);
	emit_prologue(&g);
	for (uint64_t i = below(&g, one_in(&g, 4) ? 100 : 40); i > 0; i--) {
		enum step_kind kind = roll_kind(&g);

		if (kind == STEP_DEVICES || kind == STEP_COLLECTIONS || kind == STEP_QUEUE)
			emit_register(&g, kind);
		else if (kind == STEP_CTLR && g.orderly)
			emit_off_and_on(&g);
		else if (kind == STEP_MAPD)
			emit_mapd(&g);
		else if (kind == STEP_RESET)
			emit_reset(&g, &devices, &collections);
		else
			emit(&g, roll_step(&g, kind));
	}
}

/*
 * Shrinking
 */

struct shrinker {
	bool (*fails)(void *arg, const struct script *script);
	void *arg;
	unsigned tries;
	unsigned used;
	struct script *best;
	struct script *attempt;
};

static bool try(struct shrinker *s)
{
	if (s->used == s->tries)
		return false;
	s->used++;
	if (!s->fails(s->arg, s->attempt))
		return false;
	*s->best = *s->attempt;
	return true;
}

/* Without nr steps from at on. */
static bool try_without(struct shrinker *s, size_t at, size_t nr)
{
	*s->attempt = *s->best;
	memmove(&s->attempt->steps[at], &s->attempt->steps[at + nr],
		(s->attempt->nr_steps - at - nr) * sizeof(s->attempt->steps[0]));
	s->attempt->nr_steps -= nr;
	return try(s);
}

static bool try_zero(struct shrinker *s, size_t at, enum step_arg arg)
{
	if (!s->best->steps[at].arg[arg])
		return false;
	*s->attempt = *s->best;
	s->attempt->steps[at].arg[arg] = 0;
	return try(s);
}

static bool one_pass(struct shrinker *s)
{
	bool better = false;

	for (size_t nr = s->best->nr_steps; nr > 0; nr /= 2) {
		for (size_t at = s->best->nr_steps; at >= nr; at = at > nr ? at - nr : 0) {
			if (at > s->best->nr_steps)
				continue;
			better |= try_without(s, at - nr, nr);
		}
	}
	for (size_t i = 0; i < s->best->nr_steps; i++) {
		better |= try_zero(s, i, ARG_NOISE);
		better |= try_zero(s, i, ARG_COUNT);
	}
	return better;
}

unsigned shrink(struct script *script, bool (*fails)(void *arg, const struct script *script),
		void *arg, unsigned tries)
{
	struct shrinker s = { .fails = fails, .arg = arg, .tries = tries, .best = script };

	s.attempt = malloc(sizeof(*s.attempt));
	assert(s.attempt);
	while (one_pass(&s) && s.used < tries)
		;
	free(s.attempt);
	return s.used;
}
