// SPDX-License-Identifier: MIT
/*
 * Routes, on real eventfds and rings. KVM is played here: a tied eventfd is read by
 * whoever signals it, under a lock, as the kernel does in eventfd_signal().
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/layout.h"
#include "vmm/routes.h"

enum { VECTORS = 4 };

/* One machine: what passthru.c and vm.c would do. */
static struct world {
	struct passthru function;
	struct routes *routes;
	int fds[VECTORS];
	_Atomic bool direct[VECTORS];
	_Atomic uint32_t eventid[VECTORS];
	_Atomic uint64_t routed[VECTORS];   /* by itsy's threads */
	_Atomic uint64_t injected[VECTORS]; /* by "KVM", by GSI */
	_Atomic bool refuse_ties;
	size_t nr_gsis;
	struct vm_route gsis[64];

	pthread_mutex_t lock; /* the wait queue's */
	int tied[VECTORS];    /* the GSI, or -1 */
} w;

static unsigned vector_of(int fd)
{
	for (unsigned v = 0; v < VECTORS; v++)
		if (w.fds[v] == fd)
			return v;
	fail_msg("not an eventfd of ours");
	return 0;
}

static void take_locked(unsigned v)
{
	eventfd_t count;

	if (w.tied[v] >= 0 && eventfd_read(w.fds[v], &count) == 0)
		w.injected[w.tied[v]]++;
}

int vm_irqfd(const struct vm *vm, int fd, unsigned gsi, bool tied)
{
	unsigned v = vector_of(fd);

	(void)vm;
	if (w.refuse_ties && tied)
		return -ENOSPC;
	pthread_mutex_lock(&w.lock);
	assert_int_equal(w.tied[v], tied ? -1 : (int)gsi);
	w.tied[v] = tied ? (int)gsi : -1;
	take_locked(v);
	pthread_mutex_unlock(&w.lock);
	return 0;
}

int vm_set_routes(const struct vm *vm, const struct vm_route *routes, size_t nr)
{
	(void)vm;
	assert_in_range(nr, 1, ARRAY_SIZE(w.gsis));
	for (size_t i = 0; i < nr; i++)
		w.gsis[i] = routes[i];
	w.nr_gsis = nr;
	return 0;
}

int passthru_eventfd(const struct passthru *p, unsigned vector)
{
	(void)p;
	return w.fds[vector];
}

bool passthru_direct(const struct passthru *p, unsigned vector, uint32_t *ret_eventid)
{
	(void)p;
	*ret_eventid = w.eventid[vector];
	return w.direct[vector];
}

void passthru_signalled(struct passthru *p, unsigned vector)
{
	(void)p;
	w.routed[vector]++;
}

static void on_failure(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static void signal_vector(unsigned v)
{
	pthread_mutex_lock(&w.lock);
	assert_int_equal(eventfd_write(w.fds[v], 1), 0);
	take_locked(v);
	pthread_mutex_unlock(&w.lock);
}

static bool comes_to(_Atomic uint64_t *count, uint64_t want)
{
	for (int i = 0; i < 10000 && *count < want; i++)
		nap();
	return *count >= want;
}

static bool settles_on(unsigned v, enum route want)
{
	for (int i = 0; i < 10000; i++) {
		const struct route_state state = routes_get(w.routes, 0, v);

		if (!state.changing && state.is == want)
			return true;
		nap();
	}
	return false;
}

static int begin(void **state)
{
	static struct vector_counts vectors[VECTORS];
	struct routes_config config = { .functions = &w.function,
					.nr_functions = 1,
					.failed = on_failure };
	struct fault fault = { 0 };
	int r;

	(void)state;
	w = (struct world){ .function = { .nr_vectors = VECTORS, .nr_events = VECTORS } };
	w.function.vectors = vectors;
	pthread_mutex_init(&w.lock, NULL);
	for (unsigned v = 0; v < VECTORS; v++) {
		vectors[v] = (struct vector_counts){ .route = ROUTE_URING };
		w.fds[v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		w.tied[v] = -1;
		w.eventid[v] = v;
		w.direct[v] = true;
	}
	r = routes_create(&config, &w.routes, &fault);
	if (r == -ENOSYS || r == -EPERM) {
		print_message("no io_uring here: %s\n", fault.cause);
		exit(77);
	}
	return r;
}

static int end(void **state)
{
	(void)state;
	routes_destroy(w.routes);
	for (unsigned v = 0; v < VECTORS; v++) {
		assert_int_equal(w.tied[v], -1);
		(void)close(w.fds[v]);
	}
	return 0;
}

static void test_each_event_has_the_gsi_of_its_number_at_the_sealed_its(void **state)
{
	(void)state;
	assert_int_equal(w.nr_gsis, VECTORS);
	for (unsigned v = 0; v < VECTORS; v++) {
		assert_int_equal(w.gsis[v].address, LAYOUT_SEALED_FRAME + VITS_TRANSLATER);
		assert_int_equal(w.gsis[v].devid, 0);
		assert_int_equal(w.gsis[v].eventid, v);
	}
}

static void test_each_route_takes_the_signals_of_its_vectors(void **state)
{
	static const enum route routes[] = { ROUTE_URING, ROUTE_SPIN, ROUTE_IRQFD };

	(void)state;
	for (unsigned v = 0; v < ARRAY_SIZE(routes); v++) {
		routes_set(w.routes, 0, v, routes[v]);
		assert_true(settles_on(v, routes[v]));
	}
	for (unsigned v = 0; v < ARRAY_SIZE(routes); v++)
		for (uint64_t n = 1; n <= 50; n++) {
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
	routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	assert_true(settles_on(0, ROUTE_IRQFD));
	for (uint64_t n = 1; n <= 200; n++) {
		w.direct[0] = false;
		routes_review(w.routes, 0, 0);
		assert_int_equal(w.tied[0], -1);
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], n));
		w.direct[0] = true;
		routes_review(w.routes, 0, 0);
		assert_true(settles_on(0, ROUTE_IRQFD));
	}
	assert_int_equal(w.injected[0], 0);
	signal_vector(0);
	assert_true(comes_to(&w.injected[0], 1));
}

static void test_a_vector_follows_the_event_that_its_message_names(void **state)
{
	(void)state;
	routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	assert_true(settles_on(0, ROUTE_IRQFD));
	w.eventid[0] = 3;
	routes_review_all(w.routes);
	signal_vector(0);
	assert_int_equal(w.injected[3], 1);
	assert_int_equal(w.injected[0], 0);
	/* One beyond the table goes the long way. */
	w.eventid[0] = VECTORS;
	routes_review_all(w.routes);
	signal_vector(0);
	assert_true(comes_to(&w.routed[0], 1));
}

static void test_a_host_that_ties_nothing_is_served_by_uring(void **state)
{
	(void)state;
	w.refuse_ties = true;
	routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	for (uint64_t n = 1; n <= 20; n++) {
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], n));
	}
	assert_int_equal(routes_get(w.routes, 0, 0).asked, ROUTE_IRQFD);
}

static void test_what_was_asked_for_is_kept_for_the_next_boot(void **state)
{
	(void)state;
	routes_set(w.routes, 0, 1, ROUTE_SPIN);
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
			routes_review(w.routes, 0, v);
			assert_true(w.direct[v] || w.tied[v] < 0);
		} else {
			routes_set(w.routes, 0, v, (enum route)(rand_r(&seed) % NR_ROUTES));
		}
		/* At times a route stays until it is taken. */
		if (rand_r(&seed) % 4 == 0)
			nap();
	}
	load.stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned v = 0; v < VECTORS; v++) {
		w.direct[v] = true;
		routes_set(w.routes, 0, v, ROUTE_URING);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_each_event_has_the_gsi_of_its_number_at_the_sealed_its),
		TEST(test_each_route_takes_the_signals_of_its_vectors),
		TEST(test_a_masked_vector_is_no_irqfd_when_the_review_is_over),
		TEST(test_a_vector_follows_the_event_that_its_message_names),
		TEST(test_a_host_that_ties_nothing_is_served_by_uring),
		TEST(test_what_was_asked_for_is_kept_for_the_next_boot),
		TEST(test_under_load_no_signal_is_lost_or_invented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
