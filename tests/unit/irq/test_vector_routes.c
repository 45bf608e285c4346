// SPDX-License-Identifier: MIT
/*
 * Routes, on real eventfds and rings. KVM is played here: a tied eventfd is read by
 * whoever signals it, under a lock, as the kernel does in eventfd_signal().
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/kvm/layout.h"

enum { VECTORS = 4 };

/* One machine: what irq_function.c and vm.c would do. */
static struct world {
	struct irq_function function;
	struct vector_routes *routes;
	int fds[VECTORS];
	_Atomic bool direct[VECTORS];
	_Atomic uint32_t eventid[VECTORS];
	_Atomic uint64_t routed[VECTORS];   /* by itsy's threads */
	_Atomic uint64_t injected[VECTORS]; /* by "KVM", by GSI */
	_Atomic bool refuse_ties;
	size_t nr_gsis;
	struct policy policy; /* for the next begin() */
	bool can_mask;
	_Atomic bool masked[VECTORS], waiting[VECTORS]; /* a signal came meanwhile */
	_Atomic bool woken;
	_Atomic uint64_t maskings; /* times */
	_Atomic int mask_error;
	bool loses;			   /* what comes while masked */
	_Atomic uint64_t before_unmasking; /* deliveries, of all vectors */
	_Atomic bool delays, delayed;	   /* the delivery of an interrupt; one is being */

	pthread_mutex_t lock; /* the wait queue's */
	int tied[VECTORS];    /* the GSI, or -1 */
} w;

static struct vm_route gsis[VM_MAX_ROUTES];

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
	assert_in_range(nr, 1, ARRAY_SIZE(gsis));
	for (size_t i = 0; i < nr; i++)
		gsis[i] = routes[i];
	w.nr_gsis = nr;
	return 0;
}

int irq_function_eventfd(const struct irq_function *f, unsigned vector)
{
	(void)f;
	return w.fds[vector];
}

bool irq_function_direct(const struct irq_function *f, unsigned vector, uint32_t *ret_eventid)
{
	(void)f;
	*ret_eventid = w.eventid[vector];
	return w.direct[vector];
}

/* Of a millisecond and more each: only a hang takes as many. */
#define MAX_LOOKS 300000

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static bool thread_runs(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *task;
	bool runs = false;

	assert_non_null(tasks);
	while ((task = readdir(tasks))) {
		char path[64], comm[32] = "";
		_cleanup_file_ FILE *file = NULL;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", task->d_name);
		file = fopen(path, "re");
		if (file && fgets(comm, sizeof(comm), file)) {
			comm[strcspn(comm, "\n")] = '\0';
			runs |= strcmp(comm, name) == 0;
		}
	}
	(void)closedir(tasks);
	return runs;
}

/* On the thread that spins: the other one goes meanwhile, and the kernel ITS maps what it had
 * deferred. */
static void be_slow(void)
{
	w.delayed = true;
	for (int i = 0; i < MAX_LOOKS && thread_runs("router"); i++)
		nap();
	w.direct[0] = true;
	vector_routes_review_all(w.routes);
}

void irq_function_signalled(struct irq_function *f, unsigned vector)
{
	(void)f;
	w.routed[vector]++;
	if (w.delays)
		be_slow();
}

bool irq_function_can_mask(const struct irq_function *f)
{
	(void)f;
	return w.can_mask;
}

static void signal_vector(unsigned v);

static uint64_t deliveries(void)
{
	uint64_t sum = 0;

	for (unsigned v = 0; v < VECTORS; v++)
		sum += w.routed[v] + w.injected[v];
	return sum;
}

/* As MSI-X does: what came meanwhile fires, once. */
int irq_function_mask(struct irq_function *f, unsigned vector, bool mask)
{
	(void)f;
	if (w.mask_error)
		return w.mask_error;
	assert_int_not_equal(w.masked[vector], mask);
	w.maskings += mask;
	if (!mask)
		w.before_unmasking = deliveries();
	if (w.loses)
		w.waiting[vector] = false;
	w.masked[vector] = mask;
	if (!mask && atomic_exchange(&w.waiting[vector], false))
		signal_vector(vector);
	return 0;
}

static void on_wake_up(void *ctx)
{
	(void)ctx;
	w.woken = true;
}

/* Instead of the main thread. */
static void serve(void)
{
	if (atomic_exchange(&w.woken, false))
		vector_routes_service(w.routes);
}

static void on_failure(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static void signal_vector(unsigned v)
{
	if (w.masked[v]) {
		w.waiting[v] = true;
		return;
	}
	pthread_mutex_lock(&w.lock);
	assert_int_equal(eventfd_write(w.fds[v], 1), 0);
	take_locked(v);
	pthread_mutex_unlock(&w.lock);
}

static bool comes_to(_Atomic uint64_t *count, uint64_t want)
{
	for (int i = 0; i < MAX_LOOKS && *count < want; i++) {
		serve();
		nap();
	}
	return *count >= want;
}

static bool settles_on(unsigned v, enum route want)
{
	for (int i = 0; i < MAX_LOOKS; i++) {
		const struct route_state state = vector_routes_get(w.routes, 0, v);

		if (!state.changing && state.is == want)
			return true;
		serve();
		nap();
	}
	return false;
}

static struct vector_counts vectors[VECTORS];

static int begin_with(const struct policy *policy, bool can_mask, uint32_t nr_events)
{
	struct irq_function *const functions[] = { &w.function };
	struct vector_routes_config config = { .functions = functions,
					       .nr_functions = 1,
					       .failed = on_failure,
					       .wake_up = on_wake_up };
	struct failure failure = { 0 };
	int r;

	w = (struct world){ .function = { .nr_vectors = VECTORS, .nr_events = nr_events } };
	w.function.policy = *policy;
	w.can_mask = can_mask;
	w.function.vectors = vectors;
	pthread_mutex_init(&w.lock, NULL);
	for (unsigned v = 0; v < VECTORS; v++) {
		vectors[v] = (struct vector_counts){ .route = ROUTE_URING };
		w.fds[v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		w.tied[v] = -1;
		w.eventid[v] = v;
		w.direct[v] = true;
	}
	r = vector_routes_create(&config, &w.routes, &failure);
	if (r == -ENOSYS || r == -EPERM) {
		print_message("no io_uring here: %s\n", failure.cause);
		exit(77);
	}
	return r;
}

static int begin(void **state)
{
	(void)state;
	return begin_with(&(struct policy){ 0 }, false, VECTORS);
}

/* More events than KVM has GSIs for. */
static int begin_large(void **state)
{
	(void)state;
	return begin_with(&(struct policy){ 0 }, false, VM_MAX_ROUTES + 1);
}

static const struct policy limit = { .storm_rate = 100,
				     .storm_burst = 5,
				     .storm_holdoff_us = 50000 };

static int begin_limited(void **state)
{
	(void)state;
	return begin_with(&limit, true, VECTORS);
}

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

static int end(void **state)
{
	(void)state;
	vector_routes_destroy(w.routes);
	for (unsigned v = 0; v < VECTORS; v++) {
		assert_int_equal(w.tied[v], -1);
		assert_false(w.masked[v]);
		(void)close(w.fds[v]);
	}
	return 0;
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
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	assert_true(settles_on(0, ROUTE_IRQFD));
	for (uint64_t n = 1; n <= 200; n++) {
		w.direct[0] = false;
		vector_routes_review(w.routes, 0, 0);
		assert_int_equal(w.tied[0], -1);
		signal_vector(0);
		assert_true(comes_to(&w.routed[0], n));
		w.direct[0] = true;
		vector_routes_review(w.routes, 0, 0);
		assert_true(settles_on(0, ROUTE_IRQFD));
	}
	assert_int_equal(w.injected[0], 0);
	signal_vector(0);
	assert_true(comes_to(&w.injected[0], 1));
}

static void test_a_vector_follows_the_event_that_its_message_names(void **state)
{
	(void)state;
	vector_routes_set(w.routes, 0, 0, ROUTE_IRQFD);
	assert_true(settles_on(0, ROUTE_IRQFD));
	w.eventid[0] = 3;
	vector_routes_review_all(w.routes);
	signal_vector(0);
	assert_int_equal(w.injected[3], 1);
	assert_int_equal(w.injected[0], 0);
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
	assert_true(settles_on(0, ROUTE_IRQFD));
	signal_vector(1);
	assert_true(comes_to(&w.routed[1], 1));
	assert_int_equal(vector_routes_get(w.routes, 0, 1).is, ROUTE_URING);
	vector_routes_set(w.routes, 0, 0, ROUTE_URING);
	assert_true(settles_on(0, ROUTE_URING));
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

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

/* Until nothing came of a vector for some looks, and it is not masked. */
static void let_it_rest(unsigned v)
{
	uint64_t routed = w.routed[v];

	for (unsigned i = 0, calm = 0; calm < 100; i++) {
		assert_true(i < MAX_LOOKS);
		serve();
		nap();
		calm = w.masked[v] || w.routed[v] != routed ? 0 : calm + 1;
		routed = w.routed[v];
	}
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

static void test_a_masked_vector_that_changes_its_route_is_unmasked(void **state)
{
	static const enum route routes[] = { ROUTE_SPIN, ROUTE_IRQFD };

	(void)state;
	w.loses = true;
	for (unsigned i = 0; i < ARRAY_SIZE(routes); i++) {
		for (int n = 0; n < 100 && !w.masked[0]; n++) {
			signal_vector(0);
			serve();
			nap();
		}
		vector_routes_set(w.routes, 0, 0, routes[i]);
		assert_true(settles_on(0, routes[i]));
		for (int n = 0; n < 1000 && w.masked[0]; n++) {
			serve();
			nap();
		}
		assert_false(w.masked[0]);
		/* Something was lost, after the new route had its first one. */
		for (int n = 0; n < 1000 && deliveries() == w.before_unmasking; n++) {
			pthread_mutex_lock(&w.lock);
			take_locked(0); /* as KVM would */
			pthread_mutex_unlock(&w.lock);
			nap();
		}
		assert_true(deliveries() > w.before_unmasking);
		assert_int_equal(vectors[0].storm_released, i + 1);
	}
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
		TEST(test_a_vector_follows_the_event_that_its_message_names),
		TEST(test_a_host_that_ties_nothing_is_served_by_uring),
		TEST_ON(test_events_beyond_kvms_gsis_go_by_uring, begin_large),
		TEST(test_what_was_asked_for_is_kept_for_the_next_boot),
		TEST(test_under_load_no_signal_is_lost_or_invented),
		TEST_ON(test_a_storm_is_limited_counted_and_masked_at_the_device, begin_limited),
		TEST_ON(test_a_storm_without_a_mask_at_the_device_is_limited_too,
			begin_limited_msi),
		TEST_ON(test_what_came_in_a_storm_is_not_forgotten, begin_long),
		TEST_ON(test_what_came_in_a_storm_is_not_forgotten, begin_long_msi),
		TEST_ON(test_a_masked_vector_that_changes_its_route_is_unmasked, begin_limited),
		TEST_ON(test_a_device_that_cannot_be_masked_after_all_is_limited, begin_limited),
		TEST_ON(test_routes_end_in_the_middle_of_a_storm, begin_limited),
		TEST(test_a_review_while_routes_end_touches_no_router),
		TEST_ON(test_signals_that_come_early_merge_into_the_next, begin_holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
