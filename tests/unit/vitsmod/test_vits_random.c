// SPDX-License-Identifier: MIT
/*
 * Random command streams. First against a model of the ITS that has no tables,
 * no shadow and no queue, only what IHI 0069 5.3 says in plain arrays; then with
 * a guest that writes anything anywhere, where all that counts is that the
 * steps make sense and that no MSI goes where the backend does not expect it.
 *
 * ITSY_SEED=n in the environment runs one seed only.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Numbers
 */

struct dice {
	uint64_t s;
};

static uint64_t roll(struct dice *d)
{
	d->s ^= d->s << 13;
	d->s ^= d->s >> 7;
	d->s ^= d->s << 17;
	return d->s * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t below(struct dice *d, uint32_t n)
{
	return (uint32_t)(roll(d) >> 33) % n;
}

static bool one_in(struct dice *d, uint32_t n)
{
	return below(d, n) == 0;
}

/*
 * The model
 */

#define NR_DEVS	  5u
#define NR_COLLS  8u
#define NR_EVENTS 64u

/* The last one is beyond the device table. */
static const uint32_t devids[NR_DEVS] = { DEV_A, DEV_B, DEV_X, 0x77, 0x10000 };
static const uint32_t nr_assigned[NR_DEVS] = { DEV_A_EVENTS, DEV_B_EVENTS, 0, 0, 0 };
/* The last one is beyond the collection table of 512. */
static const uint32_t icids[NR_COLLS] = { 0, 1, 2, 3, 100, 255, 511, 512 };

struct model_event {
	bool mapped;
	bool was_targeted; /* had a target since it was mapped or cleared */
	uint32_t intid;
	unsigned coll;
	uint32_t vcpu; /* where the backend has it */
};

struct model {
	struct {
		bool mapped;
		unsigned bits;
		struct model_event events[NR_EVENTS];
	} devs[NR_DEVS];
	struct {
		bool mapped;
		uint32_t vcpu;
	} colls[NR_COLLS];
	bool pending[NR_LPIS];
};

static bool is_live(unsigned dev, uint32_t eventid)
{
	return eventid < nr_assigned[dev];
}

static bool has_target(const struct model *m, const struct model_event *e)
{
	return e->mapped && m->colls[e->coll].mapped;
}

/* The assigned event that has an LPI; ret_live says which. */
static struct model_event *owner(struct model *m, uint32_t intid)
{
	for (unsigned dev = 0; dev < NR_DEVS; dev++) {
		for (uint32_t i = 0; i < nr_assigned[dev]; i++) {
			struct model_event *e = &m->devs[dev].events[i];

			if (e->mapped && e->intid == intid)
				return e;
		}
	}
	return NULL;
}

/* Pending state, if the event may touch it. */
static void set_pending(struct model *m, unsigned dev, uint32_t eventid, bool pending)
{
	struct model_event *e = &m->devs[dev].events[eventid];
	struct model_event *other = owner(m, e->intid);

	if (!has_target(m, e))
		return;
	if (!is_live(dev, eventid) && other && !has_target(m, other))
		return;
	m->pending[e->intid - VITS_LPI_BASE] = pending;
}

static void forget_event(struct model *m, unsigned dev, uint32_t eventid)
{
	struct model_event *e = &m->devs[dev].events[eventid];

	if (is_live(dev, eventid)) {
		if (e->mapped && e->was_targeted)
			m->pending[e->intid - VITS_LPI_BASE] = false;
	} else if (e->mapped && has_target(m, e) && !owner(m, e->intid)) {
		m->pending[e->intid - VITS_LPI_BASE] = false;
	}
	*e = (struct model_event){ 0 };
}

/* A collection, or what is in it, has changed: its events are where it says. */
static void settle(struct model *m, unsigned coll)
{
	for (unsigned dev = 0; dev < NR_DEVS; dev++) {
		for (uint32_t i = 0; i < NR_EVENTS; i++) {
			struct model_event *e = &m->devs[dev].events[i];

			if (e->coll != coll || !has_target(m, e))
				continue;
			e->was_targeted = true;
			e->vcpu = m->colls[coll].vcpu;
		}
	}
}

/* A command in the model's own terms. */
struct model_cmd {
	unsigned op;
	unsigned dev;
	uint32_t eventid;
	uint32_t intid;
	unsigned coll;
	unsigned bits;
	uint32_t vcpu;
	uint32_t vcpu2;
	bool valid;
};

#define COLL_OOR(c) (icids[(c)->coll] >= 512)
#define DEV_OOR(c)  (devids[(c)->dev] >= 0x10000)

static uint32_t model_mapd(struct model *m, const struct model_cmd *c)
{
	if (DEV_OOR(c))
		return 0x010801;
	if (c->valid && c->bits > 16)
		return 0x010802;
	for (uint32_t i = 0; i < NR_EVENTS; i++) {
		/* MAPD takes assigned events away; other ITEs just are no longer looked at. */
		if (is_live(c->dev, i))
			forget_event(m, c->dev, i);
		else
			m->devs[c->dev].events[i] = (struct model_event){ 0 };
	}
	m->devs[c->dev].mapped = c->valid;
	m->devs[c->dev].bits = c->bits;
	return 0;
}

static uint32_t model_mapc(struct model *m, const struct model_cmd *c)
{
	if (COLL_OOR(c))
		return 0x010903;
	if (c->valid && c->vcpu >= NR_VCPUS)
		return 0x010902;
	m->colls[c->coll].mapped = c->valid;
	m->colls[c->coll].vcpu = c->vcpu;
	settle(m, c->coll);
	return 0;
}

static uint32_t model_mapti(struct model *m, const struct model_cmd *c)
{
	struct model_event *e = &m->devs[c->dev].events[c->eventid];
	struct model_event *other;

	if (DEV_OOR(c))
		return 0x010a01;
	if (COLL_OOR(c))
		return 0x010a03;
	if (!m->devs[c->dev].mapped)
		return 0x010a04;
	if (c->eventid >= 1u << m->devs[c->dev].bits)
		return 0x010a05;
	if (c->intid < VITS_LPI_BASE || c->intid > LAST_LPI)
		return 0x010a06;
	other = owner(m, c->intid);
	if (other && other != e)
		return 0x010a06;
	if (e->mapped)
		return UINT32_MAX; /* no number */
	*e = (struct model_event){ .mapped = true, .intid = c->intid, .coll = c->coll };
	e->vcpu = m->colls[c->coll].vcpu;
	e->was_targeted = has_target(m, e);
	return 0;
}

static uint32_t model_movi(struct model *m, const struct model_cmd *c)
{
	struct model_event *e = &m->devs[c->dev].events[c->eventid];

	if (DEV_OOR(c))
		return 0x010101;
	if (COLL_OOR(c))
		return 0x010103;
	if (!m->devs[c->dev].mapped)
		return 0x010104;
	if (c->eventid >= 1u << m->devs[c->dev].bits)
		return 0x010105;
	if (!e->mapped)
		return 0x010107;
	if (!m->colls[c->coll].mapped || !m->colls[e->coll].mapped)
		return 0x010109;
	e->coll = c->coll;
	e->vcpu = m->colls[c->coll].vcpu;
	return 0;
}

/* INT, CLEAR, INV, DISCARD */
static uint32_t model_event_command(struct model *m, const struct model_cmd *c)
{
	struct model_event *e = &m->devs[c->dev].events[c->eventid];
	uint32_t number = 0x010000 | (c->op == GITS_CMD_CLEAR ? 0x05 : c->op) << 8;

	if (DEV_OOR(c))
		return number | 0x01;
	if (!m->devs[c->dev].mapped)
		return number | (c->op == GITS_CMD_DISCARD ? 0x07 : 0x04);
	if (c->eventid >= 1u << m->devs[c->dev].bits)
		return number | 0x05;
	if (!e->mapped || (c->op == GITS_CMD_INT && !has_target(m, e)))
		return number | 0x07;
	if (c->op == GITS_CMD_INT)
		set_pending(m, c->dev, c->eventid, true);
	if (c->op == GITS_CMD_DISCARD)
		forget_event(m, c->dev, c->eventid);
	if (c->op != GITS_CMD_CLEAR)
		return 0;
	if (has_target(m, e))
		set_pending(m, c->dev, c->eventid, false);
	else if (is_live(c->dev, c->eventid) && e->was_targeted)
		m->pending[e->intid - VITS_LPI_BASE] = false;
	return 0;
}

static uint32_t model_movall(struct model *m, const struct model_cmd *c)
{
	if (c->vcpu >= NR_VCPUS || c->vcpu2 >= NR_VCPUS)
		return 0x010e01;
	for (unsigned dev = 0; dev < NR_DEVS; dev++) {
		for (uint32_t i = 0; i < NR_EVENTS; i++) {
			if (m->devs[dev].events[i].vcpu == c->vcpu)
				m->devs[dev].events[i].vcpu = c->vcpu2;
		}
	}
	return 0;
}

static uint32_t model_other(struct model *m, const struct model_cmd *c)
{
	if (c->op == GITS_CMD_SYNC)
		return 0;
	if (c->op == GITS_CMD_MOVALL)
		return model_movall(m, c);
	assert_int_equal(c->op, GITS_CMD_INVALL);
	if (COLL_OOR(c))
		return 0x010d03;
	return m->colls[c->coll].mapped ? 0 : 0x010d09;
}

static const struct {
	unsigned op, weight;
	uint32_t (*run)(struct model *m, const struct model_cmd *c);
} commands[] = {
	{ GITS_CMD_MAPD, 3, model_mapd },
	{ GITS_CMD_MAPC, 8, model_mapc },
	{ GITS_CMD_MAPTI, 30, model_mapti },
	{ GITS_CMD_MOVI, 15, model_movi },
	{ GITS_CMD_DISCARD, 10, model_event_command },
	{ GITS_CMD_INT, 15, model_event_command },
	{ GITS_CMD_CLEAR, 6, model_event_command },
	{ GITS_CMD_INV, 6, model_event_command },
	{ GITS_CMD_INVALL, 3, model_other },
	{ GITS_CMD_MOVALL, 2, model_other },
	{ GITS_CMD_SYNC, 2, model_other },
};

static unsigned roll_command(struct dice *d)
{
	unsigned total = 0;
	unsigned at;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		total += commands[i].weight;
	at = below(d, total);
	for (unsigned i = 0;; i++) {
		if (at < commands[i].weight)
			return i;
		at -= commands[i].weight;
	}
}

static void roll_operands(struct dice *d, struct model_cmd *c)
{
	c->dev = below(d, one_in(d, 8) ? NR_DEVS : 3);
	c->eventid = below(d, one_in(d, 4) ? NR_EVENTS : 8);
	c->intid = VITS_LPI_BASE - 1 + below(d, one_in(d, 8) ? NR_LPIS + 2 : 12);
	c->coll = below(d, one_in(d, 8) ? NR_COLLS : 4);
	c->bits = one_in(d, 16) ? 17 : 1 + below(d, 6);
	c->vcpu = below(d, one_in(d, 8) ? NR_VCPUS + 1 : NR_VCPUS);
	c->vcpu2 = below(d, one_in(d, 8) ? NR_VCPUS + 1 : NR_VCPUS);
	c->valid = !one_in(d, 4);
}

/*
 * Both
 */

static uint64_t itt_of(unsigned dev)
{
	return ITT_X + dev * 0x1000;
}

static struct words encode(const struct model_cmd *c)
{
	uint32_t devid = devids[c->dev];

	switch (c->op) {
	case GITS_CMD_MAPD:
		return c->valid ? mapd(devid, itt_of(c->dev), c->bits) : mapd_off(devid);
	case GITS_CMD_MAPC:
		return c->valid ? mapc(icids[c->coll], c->vcpu) : mapc_off(icids[c->coll]);
	case GITS_CMD_MAPTI:
		return mapti(devid, c->eventid, c->intid, icids[c->coll]);
	case GITS_CMD_MOVI:
		return movi(devid, c->eventid, icids[c->coll]);
	case GITS_CMD_INVALL:
		return invall(icids[c->coll]);
	case GITS_CMD_MOVALL:
		return movall(c->vcpu, c->vcpu2);
	case GITS_CMD_SYNC:
		return sync_cmd(c->vcpu);
	default:
		return encoded((struct gits_cmd){
			.opcode = c->op, .devid = devid, .eventid = c->eventid });
	}
}

static void compare(struct world *w, struct model *m)
{
	bool enabled = rd32(w, GITS_CTLR) & GITS_CTLR_ENABLED;

	for (unsigned dev = 0; dev < NR_DEVS; dev++) {
		for (uint32_t i = 0; i < nr_assigned[dev]; i++) {
			const struct model_event *e = &m->devs[dev].events[i];
			bool deliver = enabled && has_target(m, e);

			if (deliver)
				expect_msi(w, dev, i, e->intid, e->vcpu);
			else
				assert_int_equal(translated(w, dev, i), 0);
		}
	}
	for (uint32_t n = 0; n < NR_LPIS; n++) {
		const struct model_event *e = owner(m, LPI(n));
		const struct world_lpi *lpi = &w->lpis[n];

		assert_int_equal(lpi->targeted, e && has_target(m, e));
		assert_int_equal(lpi->pending, m->pending[n]);
		if (lpi->targeted)
			assert_int_equal(lpi->vcpu, e->vcpu);
	}
}

/* One command, in both; the guest's software clears an ITT before it hands it over. */
static void step(struct world *w, struct model *m, struct dice *d, bool batch)
{
	unsigned which = roll_command(d);
	struct model_cmd c = { .op = commands[which].op };
	uint32_t want, got;

	roll_operands(d, &c);
	want = commands[which].run(m, &c);
	if (c.op == GITS_CMD_MAPD && !want) {
		kick(w); /* commands that still use the old one go first */
		ram_zero(w, itt_of(c.dev), NR_EVENTS * 8);
	}
	if (batch) {
		push(w, encode(&c));
		return;
	}
	got = run(w, encode(&c));
	if (w->result == VITS_SKIP && got == 0)
		got = UINT32_MAX;
	assert_int_equal(got, want);
}

/* What a driver does now and then. */
static void disturb(struct world *w, struct model *m, struct dice *d)
{
	wr32(w, GITS_CTLR, 0);
	compare(w, m);
	if (one_in(d, 3)) {
		/* A new device table, at the same place, cleared. */
		wr64(w, GITS_BASER(0), 0);
		ram_zero(w, DEVICE_TABLE, 0x80000);
		wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8));
		for (unsigned dev = 0; dev < NR_DEVS; dev++)
			model_mapd(m, &(struct model_cmd){ .dev = dev });
	}
	if (one_in(d, 3)) {
		wr64(w, GITS_BASER(1), 0);
		ram_zero(w, COLL_TABLE, 0x1000);
		wr64(w, GITS_BASER(1), VALID | COLL_TABLE);
		for (unsigned coll = 0; coll < NR_COLLS; coll++)
			m->colls[coll].mapped = false;
	}
	compare(w, m);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
}

static void random_against_model(struct dice *d)
{
	struct model *m = calloc(1, sizeof(*m));
	struct world *w = world_create(NULL);

	assert_non_null(m);
	world_set_tables(w);
	wr64(w, GITS_BASER(1), VALID | COLL_TABLE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (unsigned i = 0; i < 2000; i++) {
		if (one_in(d, 50))
			disturb(w, m, d);
		step(w, m, d, false);
		compare(w, m);
	}
	assert_int_equal(world_stats(w).shadow_differs, 0);
	assert_int_equal(
		vits_audit(w->v, (void (*)(void *, const struct vits_difference *))abort, NULL), 0);
	vits_reset(w->v);
	for (uint32_t n = 0; n < NR_LPIS; n++)
		assert_false(w->lpis[n].targeted);
	world_destroy(w);
	free(m);
}

/* The same, several commands to a batch. */
static void random_batches_against_model(struct dice *d)
{
	struct model *m = calloc(1, sizeof(*m));
	struct world *w = world_create(NULL);

	assert_non_null(m);
	world_set_tables(w);
	wr64(w, GITS_BASER(1), VALID | COLL_TABLE);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	for (unsigned i = 0; i < 100; i++) {
		unsigned nr = below(d, 200);

		for (unsigned n = 0; n < nr; n++)
			step(w, m, d, true);
		kick(w);
		compare(w, m);
	}
	world_destroy(w);
	free(m);
}

/*
 * A guest that writes anything anywhere
 */

static void check_backend(struct world *w)
{
	for (size_t f = 0; f < w->config.nr_functions; f++) {
		for (uint32_t i = 0; i < w->functions[f].nr_events; i++) {
			struct vits_lpi lpi;
			const struct world_lpi *targeted;

			if (vits_translate(w->v, f, i, &lpi) != VITS_MSI_DELIVER)
				continue;
			assert_in_range(lpi.intid, VITS_LPI_BASE, LAST_LPI);
			targeted = &w->lpis[lpi.intid - VITS_LPI_BASE];
			assert_true(targeted->targeted);
			assert_int_equal(targeted->devid, w->functions[f].devid);
			assert_int_equal(targeted->eventid, i);
			assert_int_equal(targeted->vcpu, lpi.vcpu);
		}
	}
}

static uint64_t roll_entry(struct dice *d)
{
	static const uint64_t places[] = { DEVICE_TABLE, COLL_TABLE, QUEUE,	  ITT_A,
					   ITT_B,	 SPARE,	     RAM_END - 8, 0 };
	uint64_t place = places[below(d, ARRAY_SIZE(places))];

	switch (below(d, 5)) {
	case 0:
		return roll(d);
	case 1:
		return VALID | place; /* first level of a table */
	case 2:
		return VALID | place >> 3 | below(d, 32); /* DTE */
	case 3:
		return VALID | (uint64_t)below(d, 6) << 16 | below(d, 10); /* CTE */
	default:
		return (uint64_t)LPI(below(d, NR_LPIS + 1)) << 16 | below(d, 10); /* ITE */
	}
}

static void scribble(struct world *w, struct dice *d)
{
	static const uint64_t places[] = { DEVICE_TABLE, COLL_TABLE, ITT_A, ITT_B, ITT_X, SPARE };
	uint64_t gpa = places[below(d, ARRAY_SIZE(places))] + below(d, 0x140) * 8;

	ram_set(w, gpa, roll_entry(d));
}

static void scribble_while_the_its_reads(struct world *w, uint64_t gpa, size_t len)
{
	struct dice *d = w->arg;

	if (one_in(d, 4) && len == 8)
		ram_set(w, gpa, roll_entry(d));
}

static void hostile_mmio(struct world *w, struct dice *d)
{
	static const uint32_t offsets[] = { GITS_CTLR,	   GITS_CBASER,	     GITS_CBASER + 4,
					    GITS_CWRITER,  GITS_BASER(0),    GITS_BASER(0) + 4,
					    GITS_BASER(1), GITS_BASER(1) + 4 };
	uint32_t offset = offsets[below(d, ARRAY_SIZE(offsets))];

	switch (below(d, 4)) {
	case 0:
		vits_mmio_write(w->v, offset, 1u << below(d, 4), roll(d));
		break;
	case 1:
		wr32(w, GITS_CTLR, below(d, 2));
		break;
	case 2:
		wr64(w, below(d, 2) ? GITS_BASER(0) : GITS_BASER(1),
		     baser_value(below(d, 2) ? DEVICE_TABLE : SPARE, 1 + below(d, 8)) |
			     (below(d, 2) ? GITS_BASER_INDIRECT : 0));
		break;
	default:
		vits_mmio_write(w->v, below(d, GITS_FRAME_SZ), 1u << below(d, 4), roll(d));
	}
}

static struct words roll_words(struct dice *d)
{
	struct model_cmd c = { .op = commands[roll_command(d)].op };
	struct words cmd;

	roll_operands(d, &c);
	cmd = encode(&c);
	if (one_in(d, 8))
		cmd.w[below(d, 4)] = roll(d);
	if (one_in(d, 8))
		cmd.w[below(d, 4)] ^= BIT64(below(d, 64));
	return cmd;
}

static void random_hostile_guest(struct dice *d)
{
	struct vits_config config;
	struct world *w;

	world_default_config(&config);
	config.on_error = below(d, 2) ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP;
	w = world_create_on(&config);
	w->on_read = scribble_while_the_its_reads;
	w->arg = d;
	for (unsigned i = 0; i < 3000; i++) {
		scribble(w, d);
		push(w, roll_words(d));
		if (one_in(d, 4))
			wr32(w, GITS_CWRITER, w->tail | below(d, 2));
		if (one_in(d, 100))
			hostile_mmio(w, d);
		if (one_in(d, 50)) {
			wr32(w, GITS_CTLR, 0);
			world_set_tables(w);
			wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		}
		check_backend(w);
	}
	vits_reset(w->v);
	for (uint32_t n = 0; n < NR_LPIS; n++)
		assert_false(w->lpis[n].targeted);
	world_destroy(w);
}

/*
 * One test per seed, so that a failure names its seed
 */

static struct dice dice_of(void **state)
{
	uint32_t seed = *(uint32_t *)*state;

	return (struct dice){ seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
}

static void test_random_commands_do_what_a_plain_model_does(void **state)
{
	struct dice d = dice_of(state);

	random_against_model(&d);
}

static void test_random_batches_do_what_a_plain_model_does(void **state)
{
	struct dice d = dice_of(state);

	random_batches_against_model(&d);
}

static void test_a_guest_that_writes_anything_anywhere_gets_only_sensible_updates(void **state)
{
	struct dice d = dice_of(state);

	random_hostile_guest(&d);
}

#define NR_SEEDS 40u

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction test;
	} kinds[] = {
		{ "random_commands_do_what_a_plain_model_does",
		  test_random_commands_do_what_a_plain_model_does },
		{ "random_batches_do_what_a_plain_model_does",
		  test_random_batches_do_what_a_plain_model_does },
		{ "a_guest_that_writes_anything_anywhere_gets_only_sensible_updates",
		  test_a_guest_that_writes_anything_anywhere_gets_only_sensible_updates },
	};
	const char *only = getenv("ITSY_SEED");
	struct CMUnitTest tests[ARRAY_SIZE(kinds) * NR_SEEDS] = { 0 };
	char names[ARRAY_SIZE(kinds) * NR_SEEDS][96];
	uint32_t seeds[NR_SEEDS];
	size_t nr = 0;

	for (uint32_t i = 0; i < (only ? 1 : NR_SEEDS); i++) {
		seeds[i] = only ? (uint32_t)strtoul(only, NULL, 0) : i + 1;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++, nr++) {
			snprintf(names[nr], sizeof(names[nr]), "%s, seed %u", kinds[k].name,
				 seeds[i]);
			tests[nr].name = names[nr];
			tests[nr].test_func = kinds[k].test;
			tests[nr].initial_state = &seeds[i];
		}
	}
	return _cmocka_run_group_tests("random", tests, nr, NULL, NULL);
}
