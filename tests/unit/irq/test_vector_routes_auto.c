// SPDX-License-Identifier: MIT
/*
 * The route auto: what is tied and what comes back, and why; and the count of what KVM takes.
 */
#include "tests/unit/irq/routes_world.h"

/* A host with GICv4. */
static int begin_direct(void **state)
{
	(void)state;
	return begin_on(&(struct policy){ 0 }, false, VECTORS, true);
}

static uint64_t handled(unsigned v)
{
	return w.routed[v] + w.injected[v];
}

/* One at a time, each handled before the next. */
static void interrupt(unsigned v, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		uint64_t before = handled(v);

		signal_vector(v);
		for (int n = 0; n < MAX_LOOKS && handled(v) == before; n++)
			nap();
		assert_int_equal(handled(v), before + 1);
	}
}

static void expect_why(unsigned v, enum route is, enum route_why why)
{
	assert_true(settles_on(v, is));
	assert_string_equal(route_why_name(vector_routes_get(w.routes, 0, v).why),
			    route_why_name(why));
}

static void make_hot(unsigned v)
{
	vector_routes_set(w.routes, 0, v, ROUTE_AUTO);
	expect_why(v, ROUTE_URING, ROUTE_WHY_COOL);
	interrupt(v, HEAT_HOT_RATE_DEFAULT / 10);
	gets_tied(v);
	expect_why(v, ROUTE_IRQFD, ROUTE_WHY_HOT);
}

static void test_a_hot_vector_is_tied_and_a_cool_one_is_not(void **state)
{
	(void)state;
	make_hot(0);
	assert_int_equal(vectors[0].ties, 1);
	vector_routes_set(w.routes, 0, 1, ROUTE_AUTO);
	interrupt(1, HEAT_HOT_RATE_DEFAULT / 10 - 1);
	expect_why(1, ROUTE_URING, ROUTE_WHY_COOL);
	assert_true(w.woken || w.looks);
}

static void test_a_tied_vector_that_grows_quiet_comes_back(void **state)
{
	uint64_t since;

	(void)state;
	make_hot(0);
	since = vector_routes_get(w.routes, 0, 0).since_ns;
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
	assert_true(vector_routes_get(w.routes, 0, 0).since_ns == since);
	expect_why(0, ROUTE_URING, ROUTE_WHY_QUIET);
	assert_true(vector_routes_get(w.routes, 0, 0).since_ns > since);
	interrupt(0, HEAT_HOT_RATE_DEFAULT / 10);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
}

/* It was hot, and the interrupt that it would be tied with does not come. */
static void test_a_vector_that_grows_quiet_before_it_is_tied_stays(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_AUTO);
	interrupt(0, HEAT_HOT_RATE_DEFAULT / 10);
	expect_why(0, ROUTE_URING, ROUTE_WHY_NEXT);
	for (int i = 0; i < MAX_LOOKS && vectors[0].why == ROUTE_WHY_NEXT; i++) {
		serve();
		nap();
	}
	interrupt(0, 1);
	expect_why(0, ROUTE_URING, ROUTE_WHY_QUIET);
	assert_int_equal(vectors[0].ties, 0);
}

static void test_a_vector_that_stays_hot_stays_tied(void **state)
{
	uint64_t end;

	(void)state;
	make_hot(0);
	for (end = now_ms() + 2500; now_ms() < end;) {
		interrupt(0, 1);
		serve();
		nap();
	}
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
	assert_int_equal(vectors[0].ties, 1);
}

static void test_whoever_wants_to_see_interrupts_has_them_on_uring(void **state)
{
	(void)state;
	make_hot(0);
	w.recorded = true;
	vector_routes_review(w.routes, 0, 0);
	expect_why(0, ROUTE_URING, ROUTE_WHY_HISTOGRAM);
	w.recorded = false;
	vector_routes_review(w.routes, 0, 0);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
	/* Nobody tells of a tracer: it is seen at the next look. */
	itsy_injected_semaphore = 1;
	expect_why(0, ROUTE_URING, ROUTE_WHY_PROBE);
	itsy_injected_semaphore = 0;
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
	/* A fixed route stays what it is. */
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	gets_tied(1);
	w.recorded = true;
	vector_routes_review_all(w.routes);
	expect_why(1, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	w.recorded = false;
}

static void test_a_device_with_limits_is_not_tied_by_auto(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_AUTO);
	for (unsigned i = 0; i < 12; i++) {
		signal_vector(0);
		serve();
		nap();
	}
	expect_why(0, ROUTE_URING, ROUTE_WHY_LIMITS);
	assert_int_equal(vectors[0].ties, 0);
}

/* As each interrupt of a threaded handler does: not worth tying each time. */
static void test_a_vector_that_the_guest_masks_is_cool_again(void **state)
{
	(void)state;
	make_hot(0);
	w.direct[0] = false;
	vector_routes_review(w.routes, 0, 0);
	assert_int_equal(w.tied[0], -1);
	w.direct[0] = true;
	vector_routes_review(w.routes, 0, 0);
	expect_why(0, ROUTE_URING, ROUTE_WHY_COOL);
	for (unsigned i = 0; i < 50; i++) {
		interrupt(0, 1);
		w.direct[0] = false;
		vector_routes_review(w.routes, 0, 0);
		w.direct[0] = true;
		vector_routes_review(w.routes, 0, 0);
	}
	assert_int_equal(vectors[0].ties, 1);
}

static void test_an_event_that_loses_its_mapping_unties_its_vector(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	/* Before it has lost it, and none is tied until then. */
	vector_routes_take_back(w.routes, 0, 1);
	assert_int_equal(w.tied[0], 0);
	vector_routes_take_back(w.routes, 0, 0);
	assert_int_equal(w.tied[0], -1);
	expect_why(0, ROUTE_URING, ROUTE_WHY_HELD);
	interrupt(0, 3);
	expect_why(0, ROUTE_URING, ROUTE_WHY_HELD);
	w.direct[0] = false;
	vector_routes_taken_back(w.routes, 2);
	interrupt(0, 3);
	expect_why(0, ROUTE_URING, ROUTE_WHY_HELD);
	/* Nobody tells that it is mapped again, but its next interrupt does. */
	w.direct[0] = true;
	interrupt(0, 1);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
}

static void test_a_host_that_refuses_a_tie_is_not_asked_again(void **state)
{
	(void)state;
	w.refuse_ties = true;
	vector_routes_set(w.routes, 0, 0, ROUTE_AUTO);
	interrupt(0, 100);
	expect_why(0, ROUTE_URING, ROUTE_WHY_REFUSED);
	assert_int_equal(vectors[0].ties, 0);
	w.refuse_ties = false;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
}

static void test_events_beyond_kvms_gsis_are_told(void **state)
{
	(void)state;
	w.eventid[0] = VM_MAX_ROUTES;
	vector_routes_set(w.routes, 0, 0, ROUTE_AUTO);
	interrupt(0, HEAT_HOT_RATE_DEFAULT);
	expect_why(0, ROUTE_URING, ROUTE_WHY_NO_GSI);
}

/* KVM has one GSI for each event. */
static void test_two_vectors_of_one_event_are_not_tied_both(void **state)
{
	(void)state;
	w.eventid[1] = 0;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	interrupt(1, 2);
	expect_why(1, ROUTE_URING, ROUTE_WHY_NO_GSI);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	vector_routes_review(w.routes, 0, 1);
	gets_tied(1);
	expect_why(1, ROUTE_IRQFD, ROUTE_WHY_ASKED);
}

static void test_what_nobody_could_count_is_tied_by_those_who_ask_for_it_only(void **state)
{
	(void)state;
	w.uncounted = true;
	vector_routes_set(w.routes, 0, 0, ROUTE_AUTO);
	interrupt(0, HEAT_HOT_RATE_DEFAULT);
	expect_why(0, ROUTE_URING, ROUTE_WHY_UNCOUNTED);
	assert_null(vector_tied_word(&vectors[0]));
	w.function.tie_uncounted = true;
	interrupt(0, 2);
	vector_routes_review_all(w.routes);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_HOT);
	assert_string_equal(vector_tied_word(&vectors[0]), "unknown");
	w.function.tie_uncounted = false;
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	gets_tied(1);
	expect_why(1, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	assert_string_equal(vector_tied_word(&vectors[1]), "unknown");
}

/* The kernel may have dropped what the device sent meanwhile. */
static void test_with_gicv4_a_signal_follows_each_change(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	assert_int_equal(w.injected[0], 2);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	assert_true(comes_to(&w.routed[0], 1));
	assert_string_equal(vector_tied_word(&vectors[0]), "direct");
	assert_int_equal(vectors[0].tied, 0);
	vector_routes_set(w.routes, 0, 1, ROUTE_AUTO);
	interrupt(1, HEAT_HOT_RATE_DEFAULT);
	expect_why(1, ROUTE_URING, ROUTE_WHY_UNCOUNTED);
}

static void test_what_kvm_takes_is_counted_to_the_last_one(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		unsigned v = (unsigned)rand_r(&seed) % VECTORS;

		vector_routes_set(w.routes, 0, v, (enum route)(rand_r(&seed) % NR_ROUTES));
		interrupt(v, (unsigned)rand_r(&seed) % 30);
		if (rand_r(&seed) % 4 == 0) {
			uint64_t before = handled(v);

			irq_function_resend(&w.function, v);
			for (int n = 0; n < MAX_LOOKS && handled(v) == before; n++)
				nap();
		}
		serve();
	}
	for (unsigned v = 0; v < VECTORS; v++) {
		assert_true(settles_on(v, vector_routes_get(w.routes, 0, v).is));
		vector_routes_count(w.routes, 0, v);
		assert_int_equal(vectors[v].tied, w.injected[v]);
	}
	vector_routes_destroy(w.routes);
	w.routes = NULL;
	for (unsigned v = 0; v < VECTORS; v++)
		assert_int_equal(vectors[v].tied, w.injected[v]);
}

/* As the router has no CPU: so many share a completion. */
static void signal_as_one(unsigned v, unsigned times)
{
	const uint64_t before = w.routed[v];

	pthread_mutex_lock(&w.lock);
	w.signals[v] += times;
	assert_int_equal(eventfd_write(w.fds[v], times), 0);
	pthread_mutex_unlock(&w.lock);
	assert_true(comes_to(&w.routed[v], before + 1));
}

static void expect_tied(unsigned v, uint64_t nr)
{
	assert_int_equal(w.injected[v], nr);
	vector_routes_count(w.routes, 0, v);
	assert_int_equal(vectors[v].tied, nr);
}

/* They are put back when the poll ends, and KVM makes one of all that waits. */
static void test_what_shared_an_interrupt_of_the_routers_is_none_of_kvms(void **state)
{
	(void)state;
	interrupt(0, 1);
	let_it_rest(0); /* its poll has settled */
	signal_as_one(0, 6);
	make_hot(0);
	expect_tied(0, 1);
	interrupt(0, 3);
	expect_tied(0, 4);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	interrupt(0, 3);
	signal_as_one(0, 6);
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	expect_tied(0, 5);
	vector_routes_destroy(w.routes);
	w.routes = NULL;
	assert_int_equal(vectors[0].tied, 5);
}

/* Until it is let go, the router delivers nothing. */
static void hold_router(void)
{
	w.holds = true;
	w.held = false;
	signal_vector(VECTORS - 1);
	for (int i = 0; i < MAX_LOOKS && !w.held; i++)
		nap();
	assert_true(w.held);
}

static void look_for_ms(uint64_t ms)
{
	for (uint64_t end = now_ms() + ms; now_ms() < end;) {
		serve();
		nap();
	}
}

static void test_a_router_that_gets_no_cpu_is_waited_for(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	interrupt(0, 3);
	expect_tied(0, 4);
	hold_router();
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	signal_vector(0);
	look_for_ms(1200);
	assert_true(w.looks);
	w.holds = false;
	assert_true(comes_to(&w.routed[0], 1));
	for (int i = 0; i < MAX_LOOKS && w.looks; i++) {
		serve();
		nap();
	}
	assert_false(w.looks);
	assert_int_equal(vectors[0].tied, 4);
	/* And a look that somebody asks for is as good. */
	interrupt(0, 2);
	expect_tied(0, 4);
}

/* The host counts what the fixed route ties, so that it sees a storm there, too. */
/* The guest goes from MSI-X to MSI: what was tied before is not known, what is tied then is. */
static void test_after_a_change_of_kind_what_kvm_takes_is_counted_again(void **state)
{
	(void)state;
	make_hot(0);
	interrupt(0, 3);
	w.epoch = 2;
	for (unsigned v = 0; v < 2; v++) {
		w.direct[v] = false;
		vector_routes_review(w.routes, 0, v);
		w.signals[v] = 0;
		w.direct[v] = true;
	}
	vector_routes_set(w.routes, 0, 1, ROUTE_IRQFD);
	expect_why(1, ROUTE_URING, ROUTE_WHY_UNCOUNTED);
	interrupt(1, 5);
	assert_int_equal(w.injected[1], 0);
	/* Of the kind before, and most likely still under way at the first look. */
	assert_int_equal(eventfd_write(w.fds[1], 1), 0);
	while (!vector_routes_recount(w.routes, 0, NULL, 2)) {
		assert_true(comes_to(&w.routed[1], 6));
		interrupt(2, 1); /* the router has counted what it delivered before */
	}
	for (unsigned v = 0; v < 2; v++) {
		uint64_t before = vectors[v].tied;

		vector_routes_set(w.routes, 0, v, ROUTE_IRQFD);
		gets_tied(v);
		interrupt(v, 7);
		vector_routes_count(w.routes, 0, v);
		assert_int_equal(vectors[v].tied, before + 8);
	}
	assert_int_equal(vectors[0].tied_is, TIED_UNKNOWN);
	assert_int_equal(vectors[1].tied_is, TIED_EXACT);
	assert_int_equal(vectors[1].tied, w.injected[1]);
}

static void test_what_waits_at_a_change_of_kind_is_waited_for(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	interrupt(0, 3);
	expect_tied(0, 4);
	hold_router();
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	vector_routes_count(w.routes, 0, 0);
	w.epoch = 2;
	for (unsigned v = 0; v < 2; v++) {
		w.signals[v] = 0;
		assert_int_equal(eventfd_write(w.fds[v], 1), 0); /* of the kind before */
	}
	for (unsigned i = 0; i < 50; i++) {
		assert_false(vector_routes_recount(w.routes, 0, NULL, 2));
		nap();
	}
	w.holds = false;
	for (int i = 0; i < MAX_LOOKS && !vector_routes_recount(w.routes, 0, NULL, 2); i++)
		nap();
	assert_int_equal(w.function.counts_epoch, 2);
	for (unsigned v = 0; v < 2; v++) {
		const uint64_t tied = v ? 0 : 4;

		assert_int_equal(w.routed[v], 1);
		expect_tied(v, tied);
		vector_routes_set(w.routes, 0, v, ROUTE_IRQFD);
		gets_tied(v);
		interrupt(v, 7);
		expect_tied(v, tied + 8);
	}
}

static void test_a_storm_of_a_tied_vector_is_brought_under_its_limit(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	/* As many as the limit allows are none, with the one that it was tied with. */
	for (unsigned i = 1; i < limit.storm_burst; i++)
		signal_vector(0);
	for (int i = 0; i < 150; i++) {
		serve();
		nap();
	}
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
	for (int i = 0; i < MAX_LOOKS && !vectors[0].storms; i++) {
		for (unsigned n = 0; n < 100; n++)
			signal_vector(0);
		serve();
	}
	assert_true(vectors[0].storms > 0);
	expect_why(0, ROUTE_URING, ROUTE_WHY_STORM);
	let_it_rest(0);
	/* It is over: the kernel has it back. */
	gets_tied(0);
	expect_why(0, ROUTE_IRQFD, ROUTE_WHY_ASKED);
}

/* Each look takes the CPU from whoever has it, and only a limit has to be kept at once. */
static void test_a_vector_without_a_limit_is_looked_at_once_a_second(void **state)
{
	int ms = 0;

	(void)state;
	make_hot(0);
	/* The first look comes soon after the tie. */
	for (int n = 0; n < MAX_LOOKS && ms < 500; n++) {
		nap();
		ms = vector_routes_service(w.routes);
	}
	assert_in_range(ms, 500, 1001);
	/* What it took last shows soon, though the next look was far. */
	w.woken = false;
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	assert_true(w.woken);
	assert_in_range(vector_routes_service(w.routes), 0, 101);
}

static void test_a_tied_vector_with_a_limit_is_looked_at_ten_times_a_second(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	gets_tied(0);
	assert_in_range(vector_routes_service(w.routes), 0, 101);
}

int main(void)
{
#define TEST(name)	  cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_ON(name, on) cmocka_unit_test_setup_teardown(name, on, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_hot_vector_is_tied_and_a_cool_one_is_not),
		TEST(test_a_tied_vector_that_grows_quiet_comes_back),
		TEST(test_a_vector_that_grows_quiet_before_it_is_tied_stays),
		TEST(test_a_vector_that_stays_hot_stays_tied),
		TEST(test_whoever_wants_to_see_interrupts_has_them_on_uring),
		TEST_ON(test_a_device_with_limits_is_not_tied_by_auto, begin_limited),
		TEST(test_a_vector_that_the_guest_masks_is_cool_again),
		TEST(test_an_event_that_loses_its_mapping_unties_its_vector),
		TEST(test_a_host_that_refuses_a_tie_is_not_asked_again),
		TEST_ON(test_events_beyond_kvms_gsis_are_told, begin_large),
		TEST(test_two_vectors_of_one_event_are_not_tied_both),
		TEST(test_what_nobody_could_count_is_tied_by_those_who_ask_for_it_only),
		TEST_ON(test_with_gicv4_a_signal_follows_each_change, begin_direct),
		TEST(test_what_kvm_takes_is_counted_to_the_last_one),
		TEST(test_what_shared_an_interrupt_of_the_routers_is_none_of_kvms),
		TEST(test_a_router_that_gets_no_cpu_is_waited_for),
		TEST(test_after_a_change_of_kind_what_kvm_takes_is_counted_again),
		TEST(test_what_waits_at_a_change_of_kind_is_waited_for),
		TEST_ON(test_a_storm_of_a_tied_vector_is_brought_under_its_limit, begin_limited),
		TEST(test_a_vector_without_a_limit_is_looked_at_once_a_second),
		TEST_ON(test_a_tied_vector_with_a_limit_is_looked_at_ten_times_a_second,
			begin_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
