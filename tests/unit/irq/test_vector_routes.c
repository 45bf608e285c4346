// SPDX-License-Identifier: MIT
/*
 * Routes: which reader a vector's eventfd has, and that nothing is lost or invented when it
 * changes; storms and limits.
 */
#include "tests/unit/irq/routes_world.h"

static int begin_limited_msi(void **state)
{
	(void)state;
	return begin_with(&limit, false, VECTORS);
}

static const struct policy long_limit = { .storm_rate = 10,
					  .storm_burst = 2,
					  .storm_holdoff_us = 500000 };

static int begin_long(void **state)
{
	(void)state;
	return begin_with(&long_limit, true, VECTORS);
}

static int begin_long_msi(void **state)
{
	(void)state;
	return begin_with(&long_limit, false, VECTORS);
}

static int begin_holding(void **state)
{
	(void)state;
	return begin_with(&(struct policy){ .hold_us = 20000 }, false, VECTORS);
}

static void test_each_event_has_the_gsi_of_its_number_at_the_kernel_its(void **state)
{
	(void)state;
	assert_int_equal(w.nr_gsis, VECTORS);
	for (unsigned v = 0; v < VECTORS; v++) {
		assert_int_equal(gsis[v].address, LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER);
		assert_int_equal(gsis[v].devid, v / 64);
		assert_int_equal(gsis[v].eventid, v % 64);
	}
}

static void test_no_two_events_have_one_name_at_the_kernel_its(void **state)
{
	/* By ascending function and event, names ascend as well. */
	uint64_t last = 0;

	(void)state;
	for (size_t f = 0; f <= KERNEL_ITS_MAX_FUNCTIONS; f++)
		for (uint32_t e = 0; e < 65536; e++) {
			uint64_t name =
				(uint64_t)kernel_its_devid(f, e) << 16 | kernel_its_eventid(e);

			assert_true(kernel_its_devid(f, e) < 65536);
			assert_true(name > last || (!f && !e));
			last = name;
		}
}

static void test_each_route_takes_the_signals_of_its_vectors(void **state)
{
	static const enum route routes[] = { ROUTE_URING, ROUTE_SPIN, ROUTE_IRQFD };

	(void)state;
	for (unsigned v = 0; v < ARRAY_SIZE(routes); v++) {
		vector_routes_set(w.routes, 0, v, routes[v]);
		if (routes[v] == ROUTE_IRQFD)
			gets_tied(v);
		assert_true(settles_on(v, routes[v]));
	}
	for (unsigned v = 0; v < ARRAY_SIZE(routes); v++)
		for (uint64_t n = 1 + w.injected[v]; n <= 50; n++) {
			signal_vector(v);
			assert_true(comes_to(v == 2 ? &w.injected[v] : &w.routed[v], n));
		}
	nap();
	assert_int_equal(w.routed[0], 50);
	assert_int_equal(w.routed[1], 50);
	assert_int_equal(w.routed[2], 0);
	assert_int_equal(w.injected[2], 50);
}

static void test_a_masked_vector_is_no_irqfd_when_the_review_is_over(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	for (uint64_t n = 1; n <= 200; n++) {
		w.direct[0] = false;
		vector_routes_review(w.routes, 0, 0);
		assert_int_equal(w.tied[0], -1);
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], n));
		w.direct[0] = true;
		vector_routes_review(w.routes, 0, 0);
		gets_tied(0);
		assert_int_equal(w.injected[0], n + 1);
	}
	signal_vector(0);
	assert_true(comes_to(&w.injected[0], 202));
}

static void test_where_kvm_takes_interrupts_to_is_noted_when_they_have_come(void **state)
{
	unsigned noted;

	(void)state;
	assert_int_equal(w.noted[0], 0);
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	assert_true(w.noted[0] >= 1);
	vector_routes_count(w.routes, 0, 0);
	noted = w.noted[0];
	vector_routes_count(w.routes, 0, 0); /* none has come since */
	assert_int_equal(w.noted[0], noted);
	signal_vector(0);
	vector_routes_count(w.routes, 0, 0);
	assert_int_equal(w.noted[0], noted + 1);
	assert_int_equal(w.noted[1], 0);
}

static void test_a_vector_follows_the_event_that_its_message_names(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	w.eventid[0] = 3;
	vector_routes_review_all(w.routes);
	gets_tied(0);
	signal_vector(0);
	assert_int_equal(w.injected[3], 2);
	assert_int_equal(w.injected[0], 1);
	/* One beyond the table goes the long way. */
	w.eventid[0] = VECTORS;
	vector_routes_review_all(w.routes);
	signal_vector(0);
	assert_true(comes_to(&w.routed[0], 1));
}

static void test_a_host_that_ties_nothing_is_served_by_uring(void **state)
{
	(void)state;
	w.refuse_ties = true;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	for (uint64_t n = 1; n <= 20; n++) {
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], n));
	}
	assert_int_equal(vector_routes_get(w.routes, 0, 0).asked, ROUTE_IRQFD);
}

static void test_events_beyond_kvms_gsis_go_by_uring(void **state)
{
	(void)state;
	assert_int_equal(w.nr_gsis, VM_MAX_ROUTES);
	w.eventid[0] = VM_MAX_ROUTES - 1;
	w.eventid[1] = VM_MAX_ROUTES;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	gets_tied(0);
	signal_vector(1);
	assert_true(comes_to(&w.routed[1], 1));
	assert_int_equal(vector_routes_get(w.routes, 0, 1).is, ROUTE_URING);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	assert_true(settles_on(0, ROUTE_URING));
}

/* Its vector 1 is INTx. */
static int begin_with_line(void **state)
{
	int r;

	(void)state;
	with_line = (struct irq_line){ .pin = 1,
				       .vector = 1,
				       .intid = LAYOUT_INTX_INTID + 2,
				       .trigger = 55,
				       .unmask = eventfd(0, EFD_NONBLOCK) };
	r = begin_with(&(struct policy){ 0 }, false, VM_MAX_ROUTES + 1);
	with_line.pin = with_line.intid = 0;
	return r;
}

/* Behind those of events, of which there are so many fewer. */
static void test_intx_has_gsis_of_its_own_and_is_never_tied(void **state)
{
	const unsigned first = VM_MAX_ROUTES - LAYOUT_NR_INTX;

	(void)state;
	assert_int_equal(w.nr_gsis, VM_MAX_ROUTES);
	for (unsigned i = 0; i < LAYOUT_NR_INTX; i++)
		assert_int_equal(gsis[first + i].intid, LAYOUT_INTX_INTID + i);
	assert_int_equal(gsis[first - 1].intid, 0);
	assert_int_equal(w.line_fd, 55);
	assert_int_equal(w.line_gsi, first + 2);
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	for (uint64_t n = 1; n <= 5; n++) {
		signal_vector(1);
		assert_true(comes_to(&w.routed[1], n));
	}
	assert_int_equal(vector_routes_get(w.routes, 0, 1).is, ROUTE_URING);
	assert_int_equal(vector_routes_get(w.routes, 0, 1).why, ROUTE_WHY_INTX);
	vector_routes_set(w.routes, 0, 1, ROUTE_SPIN);
	assert_true(settles_on(1, ROUTE_SPIN));
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	assert_true(settles_on(0, ROUTE_URING));
	vector_routes_set(w.routes, 0, 1, ROUTE_URING);
	assert_true(settles_on(1, ROUTE_URING));
}

static int end_with_line(void **state)
{
	int unmask = w.function.line.unmask, r = end(state);

	assert_int_equal(w.line_fd, -1);
	(void)close(unmask);
	return r;
}

static void test_what_was_asked_for_is_kept_for_the_next_boot(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 1, ROUTE_SPIN);
	assert_int_equal(w.function.vectors[1].route, ROUTE_SPIN);
	assert_int_equal(w.function.vectors[0].route, ROUTE_URING);
}

struct load {
	_Atomic bool stop;
	_Atomic uint64_t sent[VECTORS];
};

static void *load_thread(void *arg)
{
	struct load *load = arg;
	unsigned v = 0;

	while (!load->stop) {
		signal_vector(v);
		load->sent[v]++;
		v = (v + 1) % VECTORS;
	}
	return NULL;
}

/* Routes, masks and messages change all the time. */
static void test_under_load_no_signal_is_lost_or_invented(void **state)
{
	struct load load = { .stop = false };
	pthread_t thread;
	unsigned seed = 1;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, load_thread, &load), 0);
	for (int i = 0; i < 2000 || load.sent[VECTORS - 1] < 4000; i++) {
		unsigned v = (unsigned)rand_r(&seed) % VECTORS;

		if (rand_r(&seed) % 3 == 0) {
			w.direct[v] = !w.direct[v];
			vector_routes_review(w.routes, 0, v);
			assert_true(w.direct[v] || w.tied[v] < 0);
		} else {
			vector_routes_set(w.routes, 0, v, (enum route)(rand_r(&seed) % NR_ROUTES));
		}
		/* At times a route stays until it is taken. */
		if (rand_r(&seed) % 4 == 0)
			nap();
	}
	load.stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned v = 0; v < VECTORS; v++) {
		w.direct[v] = true;
		vector_routes_set(w.routes, 0, v, ROUTE_URING);
		assert_true(settles_on(v, ROUTE_URING));
	}
	nap();
	for (unsigned v = 0; v < VECTORS; v++) {
		uint64_t before = w.routed[v];

		print_message("vector %u: %llu signals, %llu routed, %llu injected\n", v,
			      (unsigned long long)load.sent[v], (unsigned long long)before,
			      (unsigned long long)w.injected[v]);
		assert_in_range(before + w.injected[v], 1, load.sent[v]);
		/* It is not deaf. */
		signal_vector(v);
		assert_true(comes_to(&w.routed[v], before + 1));
	}
}

/*
 * One vector's device has another interrupt all the time, for a second. Returns how many may have
 * come: 5 at once, one in 10 ms, and some for what the rest of the test takes.
 */
static uint64_t storm_for_a_second(unsigned v)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	uint64_t begin = now_ms();

	while (now_ms() < begin + 1000) {
		signal_vector(v);
		serve();
		(void)nanosleep(&pause, NULL);
	}
	return 5 + (now_ms() - begin) / 10 + 30;
}

static void test_a_storm_is_limited_counted_and_masked_at_the_device(void **state)
{
	uint64_t before, most;

	(void)state;
	most = storm_for_a_second(1);
	assert_true(comes_to(&vectors[1].storms, 2));
	assert_in_range(w.routed[1], 6, most);
	assert_true(w.maskings > 0);
	/* One in 50 ms. */
	assert_in_range(vectors[1].storms, 2, 1 + most / 5);
	assert_int_equal(vectors[1].storm_masked, w.maskings);
	assert_true(vectors[1].storm_masked <= vectors[1].storms);
	assert_int_equal(vectors[1].storm_released, 0);
	/* A vector of its own: the others pass. */
	signal_vector(2);
	assert_true(comes_to(&w.routed[2], 1));
	assert_int_equal(vectors[2].storms, 0);
	/* It comes to rest, unmasked, and hears the next one. */
	let_it_rest(1);
	assert_false(w.masked[1]);
	before = w.routed[1];
	signal_vector(1);
	assert_true(comes_to(&w.routed[1], before + 1));
}

static void test_a_storm_without_a_mask_at_the_device_is_limited_too(void **state)
{
	uint64_t most = storm_for_a_second(0);

	(void)state;
	assert_in_range(w.routed[0], 6, most);
	assert_int_equal(w.maskings, 0);
	assert_true(vectors[0].storm_merged > 100);
	assert_int_equal(vectors[0].storm_released, 0);
}

/* Nobody signals any more: what came in the storm is delivered once nevertheless. */
static void test_what_came_in_a_storm_is_not_forgotten(void **state)
{
	uint64_t before;

	(void)state;
	w.loses = true;
	for (int n = 0; n < 100000 && !vectors[3].storms; n++)
		signal_vector(3);
	assert_int_equal(vectors[3].storms, 1);
	before = w.routed[3];
	assert_true(comes_to(&w.routed[3], before + 1));
	for (int i = 0; i < 100; i++) {
		serve();
		nap();
	}
	assert_int_equal(w.routed[3], before + 1);
}

static void storm_until_masked(void)
{
	for (int n = 0; n < 100 && !w.masked[0]; n++) {
		signal_vector(0);
		serve();
		nap();
	}
}

static void test_a_masked_vector_that_changes_its_route_is_unmasked(void **state)
{
	(void)state;
	w.loses = true;
	storm_until_masked();
	vector_routes_set(w.routes, 0, 0, ROUTE_SPIN);
	assert_true(settles_on(0, ROUTE_SPIN));
	for (int n = 0; n < MAX_LOOKS && w.masked[0]; n++) {
		serve();
		nap();
	}
	assert_false(w.masked[0]);
	/* Something was lost, after the new route had its first one. */
	for (int n = 0; n < MAX_LOOKS && deliveries() == w.before_unmasking; n++)
		nap();
	assert_true(deliveries() > w.before_unmasking);
	assert_int_equal(vectors[0].storm_released, 1);
}

/* With the signal that hit the limit; and one of itsy's own follows the unmasking. */
static void test_a_masked_vector_that_is_to_be_tied_is_so_when_the_storm_is_over(void **state)
{
	(void)state;
	w.loses = true;
	storm_until_masked();
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	assert_true(settles_on(0, ROUTE_IRQFD));
	assert_true(comes_to(&w.injected[0], 2));
	assert_false(w.masked[0]);
	assert_int_equal(vectors[0].storm_released, 1);
}

static void set_at_random(unsigned v, unsigned *seed)
{
	vector_routes_set(w.routes, 0, v, (enum route)((unsigned)rand_r(seed) % NR_ROUTES));
	if (rand_r(seed) % 4 == 0) {
		w.eventid[v] = (unsigned)rand_r(seed) % VECTORS;
		vector_routes_review(w.routes, 0, v);
	}
}

/* However often KVM takes a vector, and whatever the device does meanwhile: see tie_locked(). */
static void test_what_is_signalled_as_kvm_takes_a_vector_comes_once(void **state)
{
	uint64_t sent = 0;
	unsigned seed = 2;

	(void)state;
	w.signals_at_ties = true;
	for (int i = 0; i < 400; i++) {
		set_at_random(0, &seed);
		signal_vector(0);
		for (int n = 0; n < MAX_LOOKS && deliveries() < w.signals[0]; n++)
			nap();
		sent = w.signals[0];
		assert_int_equal(deliveries(), sent);
	}
	assert_true(sent > 400);
}

static void test_a_device_that_cannot_be_masked_after_all_is_limited(void **state)
{
	uint64_t most;

	(void)state;
	w.mask_error = -ENOMEM;
	most = storm_for_a_second(1);
	assert_in_range(w.routed[1], 6, most);
	assert_false(w.masked[1]);
}

static void test_routes_end_in_the_middle_of_a_storm(void **state)
{
	(void)state;
	for (unsigned v = 0; v < VECTORS; v++)
		for (int n = 0; n < 200 && !w.masked[v]; n++) {
			signal_vector(v);
			serve();
			nap();
		}
}

static void test_a_review_while_routes_end_touches_no_router(void **state)
{
	(void)state;
	w.direct[0] = false;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	vector_routes_set(w.routes, 0, 1, ROUTE_SPIN);
	assert_true(settles_on(0, ROUTE_URING));
	assert_true(settles_on(1, ROUTE_SPIN));
	w.delays = true;
	signal_vector(1);
	for (int i = 0; i < MAX_LOOKS && !w.delayed; i++)
		nap();
	assert_true(thread_runs("router"));
	vector_routes_destroy(w.routes);
	w.routes = NULL;
	assert_false(thread_runs("router"));
	assert_true(w.direct[0]);
}

static void test_signals_that_come_early_merge_into_the_next(void **state)
{
	uint64_t sent = 0;

	(void)state;
	for (uint64_t n = 1; n <= 10; n++) {
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], 2 * n - 1));
		for (int i = 0; i < 7; i++)
			signal_vector(0);
		assert_true(comes_to(&w.routed[0], 2 * n));
		sent += 8;
		for (int i = 0; i < 25; i++)
			nap();
	}
	assert_int_equal(w.routed[0], 20);
	assert_in_range(vectors[0].coalesced, 1, sent - 20);
	assert_int_equal(vectors[0].storms, 0);
}

int main(void)
{
#define TEST(name)	  cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_ON(name, on) cmocka_unit_test_setup_teardown(name, on, end)
	const struct CMUnitTest tests[] = {
		TEST(test_each_event_has_the_gsi_of_its_number_at_the_kernel_its),
		TEST(test_no_two_events_have_one_name_at_the_kernel_its),
		TEST(test_each_route_takes_the_signals_of_its_vectors),
		TEST(test_a_masked_vector_is_no_irqfd_when_the_review_is_over),
		TEST(test_where_kvm_takes_interrupts_to_is_noted_when_they_have_come),
		TEST(test_a_vector_follows_the_event_that_its_message_names),
		TEST(test_a_host_that_ties_nothing_is_served_by_uring),
		TEST_ON(test_events_beyond_kvms_gsis_go_by_uring, begin_large),
		cmocka_unit_test_setup_teardown(test_intx_has_gsis_of_its_own_and_is_never_tied,
						begin_with_line, end_with_line),
		TEST(test_what_was_asked_for_is_kept_for_the_next_boot),
		TEST(test_under_load_no_signal_is_lost_or_invented),
		TEST_ON(test_a_storm_is_limited_counted_and_masked_at_the_device, begin_limited),
		TEST_ON(test_a_storm_without_a_mask_at_the_device_is_limited_too,
			begin_limited_msi),
		TEST_ON(test_what_came_in_a_storm_is_not_forgotten, begin_long),
		TEST_ON(test_what_came_in_a_storm_is_not_forgotten, begin_long_msi),
		TEST_ON(test_a_masked_vector_that_changes_its_route_is_unmasked, begin_limited),
		TEST_ON(test_a_masked_vector_that_is_to_be_tied_is_so_when_the_storm_is_over,
			begin_limited),
		TEST(test_what_is_signalled_as_kvm_takes_a_vector_comes_once),
		TEST_ON(test_a_device_that_cannot_be_masked_after_all_is_limited, begin_limited),
		TEST_ON(test_routes_end_in_the_middle_of_a_storm, begin_limited),
		TEST(test_a_review_while_routes_end_touches_no_router),
		TEST_ON(test_signals_that_come_early_merge_into_the_next, begin_holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
