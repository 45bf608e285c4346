// SPDX-License-Identifier: MIT
/*
 * The two worlds of vits_twins.h.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <string.h>

/*
 * The way from one world to another
 */

struct world *world_next(const struct world *from, const struct vits_config *config)
{
	struct world *w = world_create(config);

	memcpy(w->ram, from->ram, RAM_SZ);
	for (size_t n = 0; n < ARRAY_SIZE(w->lpis); n++) {
		w->lpis[n] = from->lpis[n];
		w->lpis[n].targeted = false;
		w->lpis[n].claimed = false;
	}
	w->tail = from->tail;
	w->queue_sz = from->queue_sz;
	return w;
}

struct world *round_trip(struct world *from)
{
	struct vits_state state;
	struct vits_config config = from->config;
	struct world *to;

	assert_int_equal(vits_save(from->v, &state), 0);
	config.functions = from->functions;
	to = world_next(from, &config);
	assert_int_equal(vits_restore(to->v, &state), 0);
	vits_state_fini(&state);
	return to;
}

void no_difference(void *arg, const struct vits_difference *difference)
{
	(void)arg;
	(void)difference;
	fail();
}

static void same_registers(struct world *a, struct world *b)
{
	static const uint32_t offsets[] = { GITS_TYPER,	 GITS_CBASER,	GITS_CWRITER,
					    GITS_CREADR, GITS_BASER(0), GITS_BASER(1) };

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		assert_int_equal(rd64(a, offsets[i]), rd64(b, offsets[i]));
	assert_int_equal(rd32(a, GITS_CTLR), rd32(b, GITS_CTLR));
	assert_int_equal(rd32(a, GITS_IIDR), rd32(b, GITS_IIDR));
}

static void same_events(struct world *a, struct world *b)
{
	for (size_t f = 0; f < a->config.nr_functions; f++) {
		for (uint32_t i = 0; i < a->functions[f].nr_events; i++) {
			struct vits_lpi la = { 0 }, lb = { 0 };
			struct vits_event ea, eb;

			assert_int_equal(vits_translate(a->v, f, i, &la),
					 vits_translate(b->v, f, i, &lb));
			assert_int_equal(la.intid, lb.intid);
			assert_int_equal(la.vcpu, lb.vcpu);
			vits_event_get(a->v, f, i, &ea);
			vits_event_get(b->v, f, i, &eb);
			assert_int_equal(ea.mapped, eb.mapped);
			assert_int_equal(ea.delivering, eb.delivering);
			assert_int_equal(ea.intid, eb.intid);
			assert_int_equal(ea.icid, eb.icid);
		}
	}
}

static void same_engines(struct world *a, struct world *b)
{
	for (uint32_t n = 0; n < a->config.nr_lpis; n++) {
		const struct world_lpi *la = &a->lpis[n], *lb = &b->lpis[n];

		assert_int_equal(la->claimed, lb->claimed);
		assert_int_equal(la->targeted, lb->targeted);
		assert_int_equal(la->pending, lb->pending);
		if (!la->targeted && !la->pending)
			continue;
		assert_int_equal(la->vcpu, lb->vcpu);
		if (!la->targeted)
			continue;
		assert_int_equal(la->devid, lb->devid);
		assert_int_equal(la->eventid, lb->eventid);
	}
}

void same_states(struct world *a, struct world *b)
{
	struct vits_state sa, sb;

	assert_int_equal(vits_save(a->v, &sa), 0);
	assert_int_equal(vits_save(b->v, &sb), 0);
	assert_int_equal(sa.nr_devices, sb.nr_devices);
	assert_int_equal(sa.nr_events, sb.nr_events);
	assert_int_equal(sa.nr_delivering, sb.nr_delivering);
	assert_int_equal(sa.nr_places, sb.nr_places);
	if (sa.nr_places)
		assert_memory_equal(sa.places, sb.places, sa.nr_places * sizeof(sa.places[0]));
	vits_state_fini(&sa);
	vits_state_fini(&sb);
}

void same_worlds(struct world *a, struct world *b)
{
	same_registers(a, b);
	same_events(a, b);
	same_engines(a, b);
	assert_int_equal(memcmp(a->ram, b->ram, RAM_SZ), 0);
}

void assert_in_reset_state(struct world *w)
{
	struct world *fresh = world_create(&w->config);

	same_registers(w, fresh);
	same_events(w, fresh);
	assert_int_equal(w->nr_updates, 0);
	for (uint32_t n = 0; n < w->config.nr_lpis; n++)
		assert_false(w->lpis[n].targeted);
	world_destroy(fresh);
}

struct world *world_with_events(void)
{
	struct world *w = world_create_ready();

	run_ok(w, mapti(DEV_A, 1, LPI(1), 0));
	run_ok(w, mapti(DEV_A, 6, LPI(2), 0)); /* beyond the shadow */
	run_ok(w, mapti(DEV_B, 2, LPI(3), 1));
	run_ok(w, mapti(DEV_B, 9, LPI(4), 9));
	run_ok(w, mapti(DEV_X, 2, LPI(5), 1));
	forget_updates(w);
	return w;
}

/*
 * Numbers
 */

uint64_t roll(struct dice *d)
{
	d->s ^= d->s << 13;
	d->s ^= d->s >> 7;
	d->s ^= d->s << 17;
	return d->s * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t below(struct dice *d, uint32_t n)
{
	return (uint32_t)(roll(d) >> 33) % n;
}

bool one_in(struct dice *d, uint32_t n)
{
	return below(d, n) == 0;
}
