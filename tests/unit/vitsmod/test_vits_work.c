// SPDX-License-Identifier: MIT
/*
 * Commands that concern thousands of events: how long one caller is held up by them,
 * and that nothing is lost where one is interrupted. IHI 0069 5.3 (the commands),
 * 12.18 (GITS_CTLR.Quiescent).
 *
 * Each test knows the caps of vitsmod/cmdq.h. Also to be built with
 * -fsanitize=thread.
 */
#include "tests/unit/vitsmod/vits_twins.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define NR_FUNCS   4u
#define PER	   4096u
#define NR_MANY	   (NR_FUNCS * PER)
#define BITS	   12u
#define CALL	   256u
#define CALL_STEPS 4096u

static struct world *world_of_many(void)
{
	static const struct vits_function functions[NR_FUNCS] = {
		{ 0x08, PER }, { 0x10, PER }, { 0x18, PER }, { 0x20, PER }
	};
	struct vits_config config;

	world_default_config(&config);
	config.functions = functions;
	config.nr_functions = NR_FUNCS;
	config.nr_lpis = NR_MANY;
	return world_create_on(&config);
}

static uint32_t devid_of(uint32_t n)
{
	return 8 * (1 + n / PER);
}

static uint64_t itt_of(uint32_t function)
{
	return ITT_A + ((uint64_t)function << (BITS + 3));
}

static void drain(struct world *w)
{
	for (unsigned i = 0; rd32(w, GITS_CREADR) != w->tail; i++) {
		assert_true(i < 100000);
		vits_run(w->v);
	}
}

/* All events are in collection 0, and event n has LPI n; collection 1 is empty. */
static struct world *world_with_all_mapped(void)
{
	struct world *w = world_of_many();

	for (uint32_t f = 0; f < NR_FUNCS; f++)
		run_ok(w, mapd(devid_of(f * PER), itt_of(f), BITS));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapc(1, 1));
	for (uint32_t n = 0; n < NR_MANY; n++) {
		push(w, mapti(devid_of(n), n % PER, LPI(n), 0));
		if (n % CALL == CALL - 1)
			kick(w);
	}
	drain(w);
	assert_int_equal(w->lpis[NR_MANY - 1].targeted, true);
	forget_updates(w);
	w->nr_commands = 0;
	w->nr_commits = 0;
	w->nr_more = 0;
	return w;
}

static uint32_t nr_at(struct world *w, uint32_t vcpu)
{
	uint32_t nr = 0;

	for (uint32_t n = 0; n < NR_MANY; n++) {
		struct vits_lpi lpi;

		if (vits_translate(w->v, n / PER, n % PER, &lpi) != VITS_MSI_DELIVER)
			continue;
		assert_int_equal(lpi.intid, LPI(n));
		assert_true(w->lpis[n].targeted);
		assert_int_equal(w->lpis[n].vcpu, lpi.vcpu);
		nr += lpi.vcpu == vcpu;
	}
	return nr;
}

/*
 * Bounds
 */

static struct words off_and_on(uint32_t i)
{
	return i % 2 ? mapc(0, 0) : mapc_off(0);
}

static struct words here_and_there(uint32_t i)
{
	return mapc(0, 1 + i % 2);
}

static struct words all_here_and_there(uint32_t i)
{
	return movall(i % 2, (i + 1) % 2);
}

static struct words new_device(uint32_t i)
{
	return mapd(8 * (1 + i % NR_FUNCS), itt_of(i % NR_FUNCS), BITS);
}

static struct words no_device(uint32_t i)
{
	return mapd_off(8 * (1 + i % NR_FUNCS));
}

static struct words read_all_again(uint32_t i)
{
	return invall(i % 2);
}

static void test_a_write_to_cwriter_does_a_bounded_amount_of_work_whatever_the_commands_cost(
	void **state)
{
	static const struct {
		struct words (*command)(uint32_t i);
		uint32_t most; /* commands that one write may run */
	} cases[] = {
		/* Each is a step for each event: a quarter of one in a write. */
		{ off_and_on, 1 },
		{ here_and_there, 1 },
		/* One device of four: one in a write; then there are no events any more. */
		{ new_device, 2 },
		{ no_device, 2 },
		/* One step, with which the backend has to do with all. */
		{ all_here_and_there, 1 },
		{ read_all_again, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_with_all_mapped();
		uint64_t steps = w->nr_updates;

		for (uint32_t n = 0; n < CALL; n++)
			push(w, cases[i].command(n));
		kick(w);
		assert_true(w->nr_updates - steps <= CALL_STEPS + 1);
		assert_true(w->nr_commands <= cases[i].most);
		assert_int_equal(w->nr_more, 1);
		while (rd32(w, GITS_CREADR) != w->tail) {
			uint64_t asked = w->nr_more;

			steps = w->nr_updates;
			vits_run(w->v);
			assert_true(w->nr_updates - steps <= CALL_STEPS + 1);
			assert_true(w->nr_more == asked + 1 || rd32(w, GITS_CREADR) == w->tail);
		}
		/* Each ran once. */
		assert_int_equal(w->nr_commands, CALL);
		world_destroy(w);
	}
}

static void test_commands_on_an_event_or_none_cost_the_same_among_many(void **state)
{
	struct world *w = world_with_all_mapped();

	(void)state;
	/* Collection 2 has one event: what the others are is all the same to it. */
	run_ok(w, mapc(2, 2));
	run_ok(w, movi(devid_of(PER), 7, 2));
	w->nr_commands = 0;
	for (uint32_t i = 0; i < CALL / 2; i++)
		push(w, mapc(2 + i % 2, i / 2 % NR_VCPUS));
	kick(w);
	assert_int_equal(w->nr_commands, CALL / 2);
	assert_int_equal(w->nr_more, 0);
	expect_msi(w, 1, 7, LPI(PER + 7), 3);
	world_destroy(w);
}

/*
 * A command that is half done
 */

static void test_creadr_stays_at_a_command_that_is_half_done(void **state)
{
	struct world *w = world_with_all_mapped();
	uint32_t creadr = rd32(w, GITS_CREADR);
	uint64_t steps = w->nr_updates;

	(void)state;
	push(w, mapc(0, 1));
	push(w, sync_cmd(0));
	kick(w);
	assert_int_equal(rd32(w, GITS_CREADR), creadr);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED); /* not quiescent */
	assert_int_equal(w->nr_commands, 1);
	/* Everything arrives all the time, and each event moves once. */
	for (uint32_t moved = CALL_STEPS; moved < NR_MANY; moved += CALL_STEPS) {
		assert_int_equal(nr_at(w, 1), moved);
		assert_int_equal(nr_at(w, 0), NR_MANY - moved);
		assert_int_equal(rd32(w, GITS_CREADR), creadr);
		vits_run(w->v);
	}
	drain(w);
	assert_int_equal(w->nr_commands, 2);
	assert_int_equal(w->nr_updates - steps, NR_MANY);
	assert_int_equal(nr_at(w, 1), NR_MANY);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_ENABLED | GITS_CTLR_QUIESCENT);
	world_destroy(w);
}

static void test_an_event_that_gets_a_target_late_is_translated_late(void **state)
{
	struct world *w = world_with_all_mapped();

	(void)state;
	push(w, mapc_off(0));
	kick(w);
	assert_int_equal(nr_at(w, 0), NR_MANY - CALL_STEPS);
	drain(w);
	assert_int_equal(nr_at(w, 0), 0);
	push(w, mapc(0, 3));
	kick(w);
	assert_int_equal(nr_at(w, 3), CALL_STEPS);
	drain(w);
	assert_int_equal(nr_at(w, 3), NR_MANY);
	world_destroy(w);
}

static void test_disabling_lets_a_command_that_has_begun_come_to_its_end(void **state)
{
	struct world *w = world_with_all_mapped();
	uint32_t creadr = rd32(w, GITS_CREADR);
	uint64_t cbaser = rd64(w, GITS_CBASER);

	(void)state;
	push(w, mapc(0, 1));
	push(w, mapc(0, 2));
	kick(w);
	wr32(w, GITS_CTLR, 0);
	/* Still busy: bases do not change under the command. */
	assert_int_equal(rd32(w, GITS_CTLR), 0);
	wr64(w, GITS_CBASER, VALID | SPARE | 15);
	assert_int_equal(rd64(w, GITS_CBASER), cbaser);
	for (unsigned i = 0; rd32(w, GITS_CTLR) != GITS_CTLR_QUIESCENT; i++) {
		assert_true(i < 100);
		assert_int_equal(rd32(w, GITS_CREADR), creadr);
		vits_run(w->v);
	}
	assert_int_equal(rd32(w, GITS_CREADR), creadr + 32);
	assert_int_equal(w->nr_commands, 1);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	drain(w);
	assert_int_equal(nr_at(w, 2), NR_MANY);
	world_destroy(w);
}

static void test_a_device_is_mapped_anew_once_all_its_events_are_gone(void **state)
{
	struct world *w = world_with_all_mapped();

	(void)state;
	/* The first takes a write's work and one step, the second goes on with it. */
	push(w, mapd(devid_of(0), itt_of(0), 5));
	push(w, mapd(devid_of(PER), itt_of(1), 5));
	push(w, mapti(devid_of(0), 31, LPI(0), 1));
	push(w, mapti(devid_of(0), 32, LPI(1), 1)); /* beyond the new ITT */
	push(w, mapti(devid_of(PER), 3, LPI(2), 1));
	kick(w);
	assert_true(w->nr_commands < 5);
	drain(w);
	assert_int_equal(w->nr_commands, 5);
	expect_msi(w, 0, 31, LPI(0), 1);
	expect_msi(w, 1, 3, LPI(2), 1);
	expect_no_msi(w, 0, 1, VITS_MSI_UNMAPPED);
	expect_no_msi(w, 1, PER - 1, VITS_MSI_UNMAPPED);
	assert_int_equal(world_stats(w).last[0].code, 0x010a05);
	expect_msi(w, 2, PER - 1, LPI(3 * PER - 1), 0);
	world_destroy(w);
}

static void test_a_reset_leaves_nothing_of_a_command_that_is_half_done(void **state)
{
	static struct words (*const commands[])(uint32_t) = { off_and_on, here_and_there,
							      new_device, all_here_and_there };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct world *w = world_with_all_mapped();

		push(w, commands[i](0));
		push(w, commands[i](1));
		kick(w);
		vits_reset(w->v);
		assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT);
		for (uint32_t n = 0; n < NR_MANY; n++)
			assert_false(w->lpis[n].targeted);
		/* And nothing goes on afterwards. */
		vits_run(w->v);
		w->tail = 0;
		world_set_tables(w);
		wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
		run_ok(w, mapd(devid_of(0), itt_of(0), BITS));
		run_ok(w, mapc(0, 3));
		run_ok(w, mapti(devid_of(0), 5, LPI(9), 0));
		expect_msi(w, 0, 5, LPI(9), 3);
		world_destroy(w);
	}
}

static void test_saving_brings_a_command_that_is_half_done_to_its_end(void **state)
{
	static struct words (*const commands[])(uint32_t) = { off_and_on, here_and_there,
							      new_device, all_here_and_there };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct world *w = world_with_all_mapped(), *other;
		uint32_t creadr = rd32(w, GITS_CREADR);

		push(w, commands[i](0));
		push(w, sync_cmd(0));
		kick(w);
		other = round_trip(w);
		assert_int_equal(rd32(w, GITS_CREADR), creadr + 32);
		same_worlds(w, other);
		drain(w);
		drain(other);
		world_destroy(other);
		world_destroy(w);
	}
}

static void test_an_audit_finds_no_difference_where_a_command_is_half_done(void **state)
{
	struct world *w = world_with_all_mapped();

	(void)state;
	push(w, mapd(devid_of(0), SPARE, 5));
	push(w, mapc_off(0));
	kick(w);
	assert_int_equal(vits_audit(w->v, no_difference, NULL), 0);
	drain(w);
	assert_int_equal(nr_at(w, 0), 0);
	world_destroy(w);
}

/*
 * From thread to thread. The world is the owner's, of whom there is one at a time.
 */

struct crowd {
	struct world *w;
	atomic_bool over;
};

static void *write_cwriter(void *arg)
{
	struct crowd *crowd = arg;

	while (!atomic_load(&crowd->over))
		vits_mmio_write(crowd->w->v, GITS_CWRITER, 4, crowd->w->tail);
	return NULL;
}

static void *run_the_rest(void *arg)
{
	struct crowd *crowd = arg;

	while (!atomic_load(&crowd->over))
		vits_run(crowd->w->v);
	return NULL;
}

static void *switch_off_and_on(void *arg)
{
	struct crowd *crowd = arg;

	while (!atomic_load(&crowd->over)) {
		vits_mmio_write(crowd->w->v, GITS_CTLR, 4, 0);
		vits_mmio_write(crowd->w->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
	}
	return NULL;
}

static void *audit(void *arg)
{
	struct crowd *crowd = arg;

	while (!atomic_load(&crowd->over)) {
		/* -EBUSY while another one is in there. */
		if (vits_audit(crowd->w->v, no_difference, NULL) == 0)
			usleep(1000);
	}
	return NULL;
}

static void test_commands_that_are_half_done_go_from_thread_to_thread(void **state)
{
	static void *(*const threads[])(void *) = { write_cwriter, write_cwriter, run_the_rest,
						    switch_off_and_on, audit };
	struct crowd crowd = { .w = world_with_all_mapped() };
	pthread_t ids[ARRAY_SIZE(threads)];
	uint64_t steps = crowd.w->nr_updates;

	(void)state;
	for (uint32_t i = 1; i <= 200; i++)
		push(crowd.w, mapc(0, i % NR_VCPUS));
	push(crowd.w, mapc(0, 3));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&ids[i], NULL, threads[i], &crowd), 0);
	while (vits_mmio_read(crowd.w->v, GITS_CREADR, 8) != crowd.w->tail)
		usleep(100);
	atomic_store(&crowd.over, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(ids[i], NULL), 0);
	/* Each ran once, and moved each event once. */
	assert_int_equal(crowd.w->nr_commands, 201);
	assert_int_equal(crowd.w->nr_updates - steps, UINT64_C(201) * NR_MANY);
	assert_int_equal(nr_at(crowd.w, 3), NR_MANY);
	world_destroy(crowd.w);
}

/*
 * Anything, against plain arrays
 */

struct plain {
	bool mapped[NR_MANY];
	uint8_t icid[NR_MANY];
	uint32_t vcpu[NR_MANY];
	bool coll_mapped[NR_VCPUS];
	uint32_t coll_vcpu[NR_VCPUS];
};

static void to_collection(struct plain *p, uint32_t n, uint32_t icid)
{
	p->icid[n] = (uint8_t)icid;
	if (p->coll_mapped[icid])
		p->vcpu[n] = p->coll_vcpu[icid];
}

static void push_wide(struct world *w, struct plain *p, struct dice *d)
{
	uint32_t a = below(d, NR_VCPUS), b = below(d, NR_VCPUS), kind = below(d, 8);

	if (kind == 0) {
		push(w, mapd(devid_of(a * PER), itt_of(a), BITS));
		for (uint32_t i = 0; i < PER; i++)
			p->mapped[a * PER + i] = false;
	} else if (kind == 1) {
		push(w, movall(a, b));
		for (uint32_t n = 0; n < NR_MANY; n++)
			if (p->mapped[n] && p->vcpu[n] == a)
				p->vcpu[n] = b;
	} else {
		push(w, kind < 3 ? mapc_off(a) : mapc(a, b));
		p->coll_mapped[a] = kind >= 3;
		p->coll_vcpu[a] = b;
		for (uint32_t n = 0; n < NR_MANY; n++)
			if (p->mapped[n] && p->icid[n] == a)
				to_collection(p, n, a);
	}
}

static void push_narrow(struct world *w, struct plain *p, struct dice *d)
{
	uint32_t n = below(d, NR_MANY), icid = below(d, NR_VCPUS), kind = below(d, 4);

	if (kind == 0) {
		push(w, discard(devid_of(n), n % PER));
		p->mapped[n] = false;
	} else if (kind == 1) {
		push(w, movi(devid_of(n), n % PER, icid));
		if (p->mapped[n] && p->coll_mapped[icid] && p->coll_mapped[p->icid[n]])
			to_collection(p, n, icid);
	} else {
		push(w, mapti(devid_of(n), n % PER, LPI(n), icid));
		if (!p->mapped[n])
			to_collection(p, n, icid);
		p->mapped[n] = true;
	}
}

static void compare(struct world *w, const struct plain *p)
{
	for (uint32_t n = 0; n < NR_MANY; n++) {
		bool targeted = p->mapped[n] && p->coll_mapped[p->icid[n]];
		struct vits_event event;

		vits_event_get(w->v, n / PER, n % PER, &event);
		assert_int_equal(event.mapped, p->mapped[n]);
		assert_int_equal(event.delivering, targeted);
		assert_int_equal(w->lpis[n].targeted, targeted);
		if (p->mapped[n])
			assert_int_equal(event.icid, p->icid[n]);
		if (targeted) {
			assert_int_equal(event.vcpu, p->vcpu[n]);
			assert_int_equal(w->lpis[n].vcpu, p->vcpu[n]);
		}
	}
}

static void test_commands_on_many_events_do_what_plain_arrays_do(void **state)
{
	struct world *w = world_with_all_mapped();
	struct plain *p = calloc(1, sizeof(*p));
	struct dice d = { 1 };

	(void)state;
	assert_non_null(p);
	p->coll_mapped[0] = p->coll_mapped[1] = true;
	p->coll_vcpu[1] = 1;
	for (uint32_t n = 0; n < NR_MANY; n++)
		p->mapped[n] = true;
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 100; i++) {
			if (one_in(&d, 50))
				push_wide(w, p, &d);
			else
				push_narrow(w, p, &d);
			if (one_in(&d, 10))
				kick(w);
		}
		kick(w);
		drain(w);
		compare(w, p);
	}
	free(p);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_write_to_cwriter_does_a_bounded_amount_of_work_whatever_the_commands_cost),
		cmocka_unit_test(test_commands_on_an_event_or_none_cost_the_same_among_many),
		cmocka_unit_test(test_creadr_stays_at_a_command_that_is_half_done),
		cmocka_unit_test(test_an_event_that_gets_a_target_late_is_translated_late),
		cmocka_unit_test(test_disabling_lets_a_command_that_has_begun_come_to_its_end),
		cmocka_unit_test(test_a_device_is_mapped_anew_once_all_its_events_are_gone),
		cmocka_unit_test(test_a_reset_leaves_nothing_of_a_command_that_is_half_done),
		cmocka_unit_test(test_saving_brings_a_command_that_is_half_done_to_its_end),
		cmocka_unit_test(test_an_audit_finds_no_difference_where_a_command_is_half_done),
		cmocka_unit_test(test_commands_that_are_half_done_go_from_thread_to_thread),
		cmocka_unit_test(test_commands_on_many_events_do_what_plain_arrays_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
