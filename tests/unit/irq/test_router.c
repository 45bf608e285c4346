// SPDX-License-Identifier: MIT
/*
 * The router, on real eventfds, with io_uring and with epoll, asleep and spinning: no
 * signal is lost, none is invented, also where the completion queue overflows, and while
 * sources are disarmed and armed again.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
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

#include "tests/unit/irq/refuse_io_uring.h"
#include "vmm/base/bits.h"
#include "vmm/irq/router.h"

/* What a test is done with. */
struct variant {
	enum router_engine engine;
	bool spin;
};

struct rig {
	struct router *router;
	size_t nr;
	int *fds;
	_Atomic uint64_t *counts;
	_Atomic uint64_t disarmed;
	struct variant variant;
	_Atomic bool rearm; /* what is disarmed, at once */
	_Atomic bool hold;  /* keeps the router's thread busy in its callback */
	_Atomic bool holding;
	_Atomic uint64_t park_us; /* what comes earlier after the last one is parked */
	_Atomic bool park;	  /* all, until they are unparked */
	_Atomic uint64_t last_ns, merged, parked;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static uint64_t on_signal(void *ctx, unsigned index, uint64_t signals)
{
	struct rig *rig = ctx;
	uint64_t now = now_ns();

	assert_true(signals > 0);
	/* Source 0 alone is ever parked. */
	if (!index && (rig->park || now < rig->last_ns + 1000 * rig->park_us)) {
		rig->parked++;
		return rig->park ? ROUTER_PARKED : rig->last_ns + 1000 * rig->park_us;
	}
	if (!index)
		rig->last_ns = now;
	rig->merged += signals - 1;
	rig->counts[index]++;
	while (rig->hold) {
		rig->holding = true;
		nap();
	}
	return 0;
}

static void on_failure(void *ctx, const char *why)
{
	(void)ctx;
	fail_msg("%s", why);
}

static void on_disarmed(void *ctx, unsigned index)
{
	struct rig *rig = ctx;

	if (rig->rearm)
		router_arm(rig->router, index);
	rig->disarmed++;
}

static const struct router_ops ops = {
	.signalled = on_signal,
	.disarmed = on_disarmed,
	.failed = on_failure,
};

/* Sources whose eventfds begin with this counter; cq_entries: see struct router_config. */
static void rig_start_with(struct rig *rig, size_t nr, unsigned counter, unsigned cq_entries)
{
	struct router_source *sources = calloc(nr, sizeof(*sources));
	const struct router_config config = { .sources = sources,
					      .nr_sources = nr,
					      .ops = &ops,
					      .cq_entries = cq_entries,
					      .spin = rig->variant.spin,
					      .engine = rig->variant.engine };
	struct failure failure = { 0 };
	int r;

	rig->nr = nr;
	rig->fds = calloc(nr, sizeof(int));
	rig->counts = calloc(nr, sizeof(*rig->counts));
	for (size_t i = 0; i < nr; i++) {
		rig->fds[i] = eventfd(counter, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(rig->fds[i] >= 0);
		sources[i] = (struct router_source){ rig->fds[i], rig, (unsigned)i };
	}
	r = router_create(&config, &rig->router, &failure);
	free(sources);
	if (rig->variant.engine == ROUTER_ENGINE_IO_URING && (r == -ENOSYS || r == -EPERM)) {
		print_message("no io_uring here: %s\n", failure.cause);
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(router_engine(rig->router), rig->variant.engine);
	for (size_t i = 0; i < nr; i++)
		router_arm(rig->router, i);
}

static struct rig rig_for(void **state)
{
	return (struct rig){ .variant = *(const struct variant *)*state };
}

static void rig_start(struct rig *rig, size_t nr)
{
	rig_start_with(rig, nr, 0, 0);
}

static void rig_end(struct rig *rig)
{
	router_destroy(rig->router);
	for (size_t i = 0; i < rig->nr; i++)
		(void)close(rig->fds[i]);
	free(rig->fds);
	free((void *)rig->counts);
}

/* Wait, at most 10 s, until the count is reached. */
static bool comes_to(_Atomic uint64_t *count, uint64_t want)
{
	for (int i = 0; i < 10000 && *count < want; i++)
		nap();
	return *count >= want;
}

/* Keep the router's thread busy with a signal of source 0, until rig->hold is false. */
static void hold(struct rig *rig)
{
	rig->holding = false;
	rig->hold = true;
	assert_int_equal(eventfd_write(rig->fds[0], 1), 0);
	while (!rig->holding)
		nap();
}

static void test_each_signal_that_is_waited_for_is_delivered_once(void **state)
{
	struct rig rig = rig_for(state);

	rig_start(&rig, 3);
	for (uint64_t n = 1; n <= 500; n++) {
		for (size_t i = 0; i < rig.nr; i++) {
			assert_int_equal(eventfd_write(rig.fds[i], 1), 0);
			assert_true(comes_to(&rig.counts[i], n));
		}
	}
	nap();
	for (size_t i = 0; i < rig.nr; i++)
		assert_int_equal(rig.counts[i], 500);
	rig_end(&rig);
}

static void test_signals_of_before_count(void **state)
{
	struct rig rig = rig_for(state);

	rig_start_with(&rig, 1, 7, 0);
	assert_true(comes_to(&rig.counts[0], 1));
	nap();
	assert_int_equal(rig.counts[0], 1);
	rig_end(&rig);
}

static void test_signals_while_the_router_is_busy_merge_and_are_not_lost(void **state)
{
	struct rig rig = rig_for(state);

	rig_start(&rig, 2);
	hold(&rig);
	for (int i = 0; i < 100; i++)
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
	rig.hold = false;
	assert_true(comes_to(&rig.counts[1], 1));
	nap();
	assert_in_range(rig.counts[1], 1, 100);
	assert_int_equal(rig.counts[0], 1);
	rig_end(&rig);
}

/*
 * More signals than the completion queue holds. Kernels differ: some keep the rest
 * aside, on others (6.1 among them) the polls end and are armed again.
 * The last signal of each source must still lead to a call after it.
 */
static void test_overflow_of_the_completion_queue_loses_no_source(void **state)
{
	enum { SOURCES = 200, ROUNDS = 50 };
	struct router_stats stats;
	struct rig rig = rig_for(state);

	rig_start_with(&rig, SOURCES, 0, 64);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t before[SOURCES];

		hold(&rig);
		for (size_t i = 1; i < SOURCES; i++)
			before[i] = rig.counts[i];
		for (int burst = 0; burst < 8; burst++)
			for (size_t i = 1; i < SOURCES; i++)
				assert_int_equal(eventfd_write(rig.fds[i], 1), 0);
		rig.hold = false;
		for (size_t i = 1; i < SOURCES; i++)
			assert_true(comes_to(&rig.counts[i], before[i] + 1));
	}
	router_stats_get(rig.router, &stats);
	print_message("%llu completions in %llu reaps, %llu polls armed again\n", stats.completions,
		      stats.reaps, stats.rearmed);
	for (size_t i = 1; i < SOURCES; i++)
		assert_in_range(rig.counts[i], ROUNDS, ROUNDS * 8);
	rig_end(&rig);
}

struct storm {
	int fd;
	uint64_t nr;
};

static void *storm_thread(void *arg)
{
	const struct storm *storm = arg;

	for (uint64_t i = 0; i < storm->nr; i++)
		(void)eventfd_write(storm->fd, 1);
	return NULL;
}

static void test_storm_of_one_source_does_not_starve_another(void **state)
{
	struct storm storm;
	pthread_t thread;
	struct rig rig = rig_for(state);

	rig_start(&rig, 2);
	storm = (struct storm){ rig.fds[0], 300000 };
	assert_int_equal(pthread_create(&thread, NULL, storm_thread, &storm), 0);
	for (uint64_t n = 1; n <= 20; n++) {
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		assert_true(comes_to(&rig.counts[1], n));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	router_destroy(rig.router);
	rig.router = NULL;
	assert_int_equal(rig.counts[1], 20);
	assert_in_range(rig.counts[0], 1, storm.nr);
	rig_end(&rig);
}

static void test_destroy_delivers_what_came_before(void **state)
{
	for (int i = 0; i < 50; i++) {
		struct rig rig = rig_for(state);

		rig_start(&rig, 4);
		/* Armed, for sure. */
		for (size_t s = 0; s < rig.nr; s++) {
			assert_int_equal(eventfd_write(rig.fds[s], 1), 0);
			assert_true(comes_to(&rig.counts[s], 1));
		}
		for (size_t s = 0; s < rig.nr; s++)
			assert_int_equal(eventfd_write(rig.fds[s], 1), 0);
		router_destroy(rig.router);
		rig.router = NULL;
		for (size_t s = 0; s < rig.nr; s++)
			assert_int_equal(rig.counts[s], 2);
		rig_end(&rig);
	}
}

static void test_a_disarmed_source_keeps_its_signals_until_it_is_armed(void **state)
{
	struct rig rig = rig_for(state);

	rig_start(&rig, 2);
	for (uint64_t n = 1; n <= 200; n++) {
		router_disarm(rig.router, 0);
		assert_true(comes_to(&rig.disarmed, n));
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		assert_true(comes_to(&rig.counts[1], n));
		assert_int_equal(rig.counts[0], n - 1);
		router_arm(rig.router, 0);
		assert_true(comes_to(&rig.counts[0], n));
	}
	nap();
	assert_int_equal(rig.counts[0], 200);
	rig_end(&rig);
}

static void test_disarming_what_was_just_armed_is_answered_too(void **state)
{
	struct rig rig = rig_for(state);

	rig_start(&rig, 1);
	for (uint64_t n = 1; n <= 2000; n++) {
		router_disarm(rig.router, 0);
		assert_true(comes_to(&rig.disarmed, n));
		router_arm(rig.router, 0);
	}
	rig_end(&rig);
}

/*
 * The thread finds, in one look, that it has to disarm a source, and a signal of it: that
 * one is of the poll that ends. To be armed at once makes no second one of it.
 */
static void test_what_was_seen_before_the_disarming_is_of_no_later_arming(void **state)
{
	struct rig rig = rig_for(state);

	rig.rearm = true;
	rig_start(&rig, 2);
	for (uint64_t n = 1; n <= 50; n++) {
		hold(&rig);
		router_disarm(rig.router, 1);
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		rig.hold = false;
		assert_true(comes_to(&rig.disarmed, n));
		assert_true(comes_to(&rig.counts[1], n));
		/* The router has been through all of it, and waits. */
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_true(comes_to(&rig.counts[0], 2 * n));
		assert_int_equal(rig.counts[1], n);
	}
	rig_end(&rig);
}

/* Of a signal that comes while its poll is made, both the poll and the wake-up know. */
static void test_a_signal_while_it_is_armed_is_delivered_once(void **state)
{
	struct rig rig = rig_for(state);

	rig_start(&rig, 1);
	for (uint64_t n = 1; n <= 3000; n++) {
		router_disarm(rig.router, 0);
		assert_true(comes_to(&rig.disarmed, n));
		router_arm(rig.router, 0);
		for (volatile unsigned i = 0; i < n * 7 % 4000; i++)
			continue;
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_true(comes_to(&rig.counts[0], n));
		assert_int_equal(rig.counts[0], n);
	}
	rig_end(&rig);
}

/* Signals from one thread, arming from another: as many are delivered as there were, or fewer. */
static void test_no_signal_is_lost_or_invented_while_arming_goes_on(void **state)
{
	enum { SIGNALS = 20000 };
	struct rig rig = rig_for(state);
	struct storm storm;
	pthread_t thread;
	uint64_t delivered;

	rig_start(&rig, 1);
	storm = (struct storm){ rig.fds[0], SIGNALS };
	assert_int_equal(pthread_create(&thread, NULL, storm_thread, &storm), 0);
	for (uint64_t n = 1; n <= 500; n++) {
		router_disarm(rig.router, 0);
		assert_true(comes_to(&rig.disarmed, n));
		router_arm(rig.router, 0);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	nap();
	delivered = rig.counts[0];
	assert_in_range(delivered, 1, SIGNALS);
	/* The last one is not forgotten: it would show now. */
	assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
	assert_true(comes_to(&rig.counts[0], delivered + 1));
	rig_end(&rig);
}

static void test_a_parked_source_is_asked_again_in_time_with_all_that_came(void **state)
{
	struct rig rig = rig_for(state);

	rig.park_us = 20000;
	rig_start(&rig, 2);
	for (uint64_t n = 1; n <= 20; n++) {
		uint64_t first;

		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_true(comes_to(&rig.counts[0], 2 * n - 1));
		first = rig.last_ns;
		for (int i = 0; i < 9; i++)
			assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		assert_true(comes_to(&rig.counts[1], n));
		assert_true(comes_to(&rig.counts[0], 2 * n));
		assert_true(rig.last_ns >= first + 20000000);
		while (now_ns() < rig.last_ns + 20000000)
			nap();
	}
	/* What is left of the 200, those apart that shared the last one. */
	assert_in_range(rig.merged, 1, 160);
	assert_int_equal(rig.counts[0], 40);
	rig_end(&rig);
}

static void test_a_storm_of_a_parked_source_costs_the_router_nothing(void **state)
{
	struct router_stats before, after;
	struct rig rig = rig_for(state);

	rig.park = true;
	rig_start(&rig, 2);
	assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
	assert_true(comes_to(&rig.parked, 1));
	/* Its poll is gone when what was asked for afterwards is done. */
	for (uint64_t n = 1; n <= 5; n++) {
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		assert_true(comes_to(&rig.counts[1], n));
	}
	router_stats_get(rig.router, &before);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
	router_stats_get(rig.router, &after);
	assert_in_range(after.completions - before.completions, 0, 2);
	assert_int_equal(rig.parked, 1);
	assert_int_equal(after.parked, 1);

	rig.park = false;
	assert_int_equal(rig.counts[0], 0);
	router_unpark(rig.router, 0);
	assert_true(comes_to(&rig.counts[0], 1));
	nap();
	assert_int_equal(rig.counts[0], 1);
	assert_int_equal(rig.merged, 100000);
	/* It is looked after again; and an unpark of what is not parked is nothing. */
	router_unpark(rig.router, 0);
	assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
	assert_true(comes_to(&rig.counts[0], 2));
	rig_end(&rig);
}

static void test_a_parked_source_that_is_disarmed_keeps_what_waits(void **state)
{
	for (uint64_t n = 1; n <= 100; n++) {
		struct rig rig = rig_for(state);
		eventfd_t count = 0;

		rig.park = true;
		rig_start(&rig, 1);
		for (int i = 0; i < 3; i++)
			assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		if (n % 2)
			assert_true(comes_to(&rig.parked, 1));
		router_disarm(rig.router, 0);
		assert_true(comes_to(&rig.disarmed, 1));
		assert_int_equal(eventfd_read(rig.fds[0], &count), 0);
		assert_int_equal(count, 3);
		rig.park = false;
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		router_arm(rig.router, 0);
		assert_true(comes_to(&rig.counts[0], 1));
		rig_end(&rig);
	}
}

/* Many intervals, and signals from another thread: the last of them is not forgotten. */
static void test_no_signal_is_lost_or_invented_while_parking_goes_on(void **state)
{
	enum { SIGNALS = 20000 };
	struct rig rig = rig_for(state);
	struct storm storm;
	pthread_t thread;
	uint64_t delivered;

	rig.park_us = 50;
	rig_start(&rig, 2);
	storm = (struct storm){ rig.fds[0], SIGNALS };
	assert_int_equal(pthread_create(&thread, NULL, storm_thread, &storm), 0);
	for (uint64_t n = 1; n <= 20; n++) {
		assert_int_equal(eventfd_write(rig.fds[1], 1), 0);
		assert_true(comes_to(&rig.counts[1], n));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	nap();
	nap();
	delivered = rig.counts[0];
	print_message("%llu deliveries, %llu merged\n", (unsigned long long)delivered,
		      (unsigned long long)rig.merged);
	assert_in_range(delivered + rig.merged, 1, SIGNALS);
	assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
	assert_true(comes_to(&rig.counts[0], delivered + 1));
	rig_end(&rig);
}

static void test_the_router_ends_with_sources_parked(void **state)
{
	struct rig rig = rig_for(state);

	rig.park_us = 3600ull * 1000000;
	rig_start(&rig, 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		nap();
	}
	rig_end(&rig);
}

static void handle(int signal)
{
	(void)signal;
}

/* It ends the router's wait, and nothing else: the other threads have it blocked. */
static void test_a_signal_to_the_process_ends_nothing(void **state)
{
	const struct sigaction action = { .sa_handler = handle };
	struct rig rig = rig_for(state);
	sigset_t set, before;

	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	rig_start(&rig, 1);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
	for (uint64_t n = 1; n <= 100; n++) {
		assert_int_equal(kill(getpid(), SIGUSR1), 0);
		assert_int_equal(eventfd_write(rig.fds[0], 1), 0);
		assert_true(comes_to(&rig.counts[0], n));
	}
	rig_end(&rig);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

/* ---- which engine ------------------------------------------------------------------ */

struct refusal {
	unsigned first; /* of the system calls */
	uint16_t error;
	int r;
	enum router_engine engine;
	uint64_t delivered;
};

/* A router on a host that refuses io_uring: the thread has a filter, and its router too. */
static void *refused_thread(void *arg)
{
	struct refusal *refusal = arg;
	_Atomic uint64_t count = 0;
	struct rig rig = { .counts = &count };
	struct router_source source = { eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), &rig, 0 };
	const struct router_config config = { .sources = &source, .nr_sources = 1, .ops = &ops };
	struct failure failure = { 0 };

	refusal->r = refuse_io_uring(refusal->first, refusal->error);
	if (!refusal->r)
		refusal->r = router_create(&config, &rig.router, &failure);
	if (!refusal->r) {
		router_arm(rig.router, 0);
		(void)comes_to(&count, 1);
		refusal->engine = router_engine(rig.router);
		refusal->delivered = count;
	}
	router_destroy(rig.router);
	(void)close(source.eventfd);
	return NULL;
}

static void test_where_io_uring_is_refused_epoll_takes_over(void **state)
{
	static const struct {
		unsigned first;
		uint16_t error;
		int r; /* 0: epoll runs */
	} cases[] = {
		{ SYS_io_uring_setup, EPERM, 0 },
		{ SYS_io_uring_setup, ENOSYS, 0 },
		{ SYS_io_uring_setup, EACCES, 0 },
		{ SYS_io_uring_enter, EPERM, 0 },
		/* Of that there is not enough for epoll either. */
		{ SYS_io_uring_setup, EMFILE, -EMFILE },
		{ SYS_io_uring_setup, ENOMEM, -ENOMEM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct refusal refusal = { .first = cases[i].first, .error = cases[i].error };
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, refused_thread, &refusal), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(refusal.r, cases[i].r);
		if (cases[i].r < 0)
			continue;
		assert_int_equal(refusal.engine, ROUTER_ENGINE_EPOLL);
		assert_int_equal(refusal.delivered, 1);
	}
}

static void test_engines_have_names(void **state)
{
	(void)state;
	assert_string_equal(router_engine_name(ROUTER_ENGINE_IO_URING), "io_uring");
	assert_string_equal(router_engine_name(ROUTER_ENGINE_EPOLL), "epoll");
}

static void note_failure(void *ctx, const char *why)
{
	_Atomic uint64_t *nr = ctx;

	*nr += strcmp(why, "epoll failed in the router") == 0;
}

/* As where /proc/sys/fs/epoll/max_user_watches is reached. */
static void test_a_source_that_epoll_cannot_have_is_a_failure(void **state)
{
	static const struct router_ops noting = { on_signal, on_disarmed, note_failure };
	_Atomic uint64_t failures = 0;
	struct rig rig = { 0 };
	const struct router_source source = { -1, &rig, 0 };
	const struct router_config config = { .sources = &source,
					      .nr_sources = 1,
					      .ops = &noting,
					      .ctx = &failures,
					      .engine = ROUTER_ENGINE_EPOLL };
	struct failure failure = { 0 };

	(void)state;
	assert_int_equal(router_create(&config, &rig.router, &failure), 0);
	router_arm(rig.router, 0);
	assert_true(comes_to(&failures, 1));
	router_destroy(rig.router);
	assert_int_equal(failures, 1);
}

/* Each of these may have come before its poll began, or after, or just then. */
static void test_many_that_are_signalled_as_their_polls_begin_are_delivered_once(void **state)
{
	enum { SOURCES = 200, TIMES = 20 };

	for (int n = 0; n < TIMES; n++) {
		struct rig rig = rig_for(state);

		rig_start(&rig, SOURCES);
		for (size_t i = 0; i < SOURCES; i++)
			assert_int_equal(eventfd_write(rig.fds[i], 1), 0);
		for (size_t i = 0; i < SOURCES; i++)
			assert_true(comes_to(&rig.counts[i], 1));
		router_stop(rig.router);
		for (size_t i = 0; i < SOURCES; i++)
			assert_int_equal(rig.counts[i], 1);
		rig_end(&rig);
	}
}

/* More than epoll hands out at a time; while the polls begin, too. */
static void test_three_rounds_later_what_was_signalled_is_taken(void **state)
{
	enum { SOURCES = 200, TIMES = 100 };
	struct rig rig = rig_for(state);

	rig_start(&rig, SOURCES);
	for (uint64_t n = 1; n <= TIMES; n++) {
		uint64_t since;

		for (size_t i = 0; i < SOURCES; i++)
			assert_int_equal(eventfd_write(rig.fds[i], 1), 0);
		since = router_rounds(rig.router);
		for (int i = 0; i < 60000 && router_rounds(rig.router) - since < 3; i++) {
			router_wake(rig.router);
			if (i < 100)
				(void)sched_yield();
			else
				nap(); /* it has no CPU */
		}
		assert_true(router_rounds(rig.router) - since >= 3);
		for (size_t i = 0; i < SOURCES; i++)
			assert_int_equal(router_signals(rig.router, i), n);
	}
	rig_end(&rig);
}

/* Nobody is told that a round is over before it is. */
static void test_a_round_that_is_not_over_does_not_count(void **state)
{
	struct rig rig = rig_for(state);
	uint64_t since;

	rig_start(&rig, 1);
	hold(&rig);
	since = router_rounds(rig.router);
	for (int i = 0; i < 20; i++) {
		router_wake(rig.router);
		nap();
	}
	assert_int_equal(router_rounds(rig.router), since);
	rig.hold = false;
	rig_end(&rig);
}

static const struct variant uring = { ROUTER_ENGINE_IO_URING, false },
			    uring_spin = { ROUTER_ENGINE_IO_URING, true },
			    epoll = { ROUTER_ENGINE_EPOLL, false },
			    epoll_spin = { ROUTER_ENGINE_EPOLL, true };

#define WITH(test, variant, words)                                              \
	{                                                                       \
#test ", " words, test, NULL, NULL, (void *)(uintptr_t)&variant \
	}
#define EACH(test)                                                                   \
	WITH(test, uring, "io_uring"), WITH(test, uring_spin, "io_uring, spinning"), \
		WITH(test, epoll, "epoll"), WITH(test, epoll_spin, "epoll, spinning")

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_each_signal_that_is_waited_for_is_delivered_once),
		EACH(test_signals_of_before_count),
		EACH(test_many_that_are_signalled_as_their_polls_begin_are_delivered_once),
		EACH(test_signals_while_the_router_is_busy_merge_and_are_not_lost),
		EACH(test_overflow_of_the_completion_queue_loses_no_source),
		EACH(test_storm_of_one_source_does_not_starve_another),
		EACH(test_destroy_delivers_what_came_before),
		EACH(test_a_disarmed_source_keeps_its_signals_until_it_is_armed),
		EACH(test_disarming_what_was_just_armed_is_answered_too),
		EACH(test_what_was_seen_before_the_disarming_is_of_no_later_arming),
		EACH(test_a_signal_while_it_is_armed_is_delivered_once),
		EACH(test_no_signal_is_lost_or_invented_while_arming_goes_on),
		EACH(test_a_parked_source_is_asked_again_in_time_with_all_that_came),
		EACH(test_a_storm_of_a_parked_source_costs_the_router_nothing),
		EACH(test_a_parked_source_that_is_disarmed_keeps_what_waits),
		EACH(test_no_signal_is_lost_or_invented_while_parking_goes_on),
		EACH(test_the_router_ends_with_sources_parked),
		EACH(test_a_signal_to_the_process_ends_nothing),
		EACH(test_three_rounds_later_what_was_signalled_is_taken),
		EACH(test_a_round_that_is_not_over_does_not_count),
		cmocka_unit_test(test_where_io_uring_is_refused_epoll_takes_over),
		cmocka_unit_test(test_engines_have_names),
		cmocka_unit_test(test_a_source_that_epoll_cannot_have_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
