/* SPDX-License-Identifier: MIT */
/*
 * Four vectors with real eventfds and rings, for the tests of routes. KVM is played here: a tied
 * eventfd is read by whoever signals it, under a lock, as the kernel does in eventfd_signal().
 * What irq_function.c and vm.c would do is defined here, so that one file of a program has this.
 */
#ifndef TESTS_UNIT_IRQ_ROUTES_WORLD_H
#define TESTS_UNIT_IRQ_ROUTES_WORLD_H

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
#include "vmm/base/probes.h"
#include "vmm/irq/counters.h"
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
	_Atomic unsigned noted[VECTORS];   /* how often its target was */
	_Atomic uint64_t signals[VECTORS]; /* as the host counts them */
	_Atomic uint64_t now_ns;	   /* of heat */
	_Atomic bool recorded, uncounted;
	unsigned epoch;				  /* of the host's interrupts */
	_Atomic uint64_t routed[VECTORS];	  /* by itsy's threads */
	_Atomic uint64_t injected[VM_MAX_ROUTES]; /* by "KVM", by GSI */
	int line_fd;				  /* of INTx, and where "KVM" has it */
	unsigned line_gsi;
	_Atomic bool refuse_ties;
	bool signals_at_ties; /* the device does, in the moment in which KVM takes the eventfd */
	size_t nr_gsis;
	struct policy policy; /* for the next begin() */
	bool can_mask;
	_Atomic bool masked[VECTORS], waiting[VECTORS]; /* a signal came meanwhile */
	_Atomic bool woken;
	bool looks;		   /* service is due without being woken, too */
	_Atomic uint64_t maskings; /* times */
	_Atomic int mask_error;
	bool loses;			   /* what comes while masked */
	_Atomic uint64_t before_unmasking; /* deliveries, of all vectors */
	_Atomic bool delays, delayed;	   /* the delivery of an interrupt; one is being */
	_Atomic bool holds, held;	   /* the router, in the delivery of the last vector's */

	pthread_mutex_t lock; /* the wait queue's */
	int tied[VECTORS];    /* the GSI, or -1 */
} w;

static struct vm_route gsis[VM_MAX_ROUTES];
static struct irq_line with_line; /* of the function of the next world */

static unsigned vector_of(int fd)
{
	for (unsigned v = 0; v < VECTORS; v++)
		if (w.fds[v] == fd)
			return v;
	fail_msg("not an eventfd of ours");
	return 0;
}

static bool take_locked(unsigned v)
{
	eventfd_t count;

	if (w.tied[v] < 0 || eventfd_read(w.fds[v], &count) < 0)
		return false;
	w.injected[w.tied[v]]++;
	return true;
}

/*
 * kvm_irqfd_assign(): the counter is looked at and left alone. With a signal in the same moment:
 * irqfd_wakeup() takes it, and the look has seen it as well.
 */
static void tie_locked(unsigned v, unsigned gsi)
{
	w.tied[v] = (int)gsi;
	if (!w.signals_at_ties) {
		take_locked(v);
		return;
	}
	w.signals[v]++;
	assert_int_equal(eventfd_write(w.fds[v], 1), 0);
	assert_true(take_locked(v));
	w.injected[gsi]++;
}

int vm_irqfd(const struct vm *vm, int fd, unsigned gsi, bool tied)
{
	unsigned v = vector_of(fd);

	(void)vm;
	if (w.refuse_ties && tied)
		return -ENOSPC;
	pthread_mutex_lock(&w.lock);
	assert_int_equal(w.tied[v], tied ? -1 : (int)gsi);
	w.tied[v] = -1;
	if (tied)
		tie_locked(v, gsi);
	pthread_mutex_unlock(&w.lock);
	return 0;
}

int vm_irqfd_level(const struct vm *vm, int fd, int resample, unsigned gsi, bool tied)
{
	(void)vm;
	(void)resample;
	if (w.refuse_ties && tied)
		return -ENOSPC;
	w.line_fd = tied ? fd : -1;
	w.line_gsi = gsi;
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

void irq_function_note_target(struct irq_function *f, unsigned vector)
{
	(void)f;
	w.noted[vector]++;
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

uint64_t irq_function_signalled(struct irq_function *f, unsigned vector)
{
	(void)f;
	w.routed[vector]++;
	if (w.delays)
		be_slow();
	for (int i = 0; i < MAX_LOOKS && w.holds && vector == VECTORS - 1; i++) {
		w.held = true;
		nap();
	}
	return w.now_ns;
}

bool irq_function_records(const struct irq_function *f)
{
	(void)f;
	return w.recorded;
}

bool irq_function_is_counted(const struct irq_function *f, unsigned vector)
{
	return !w.uncounted && f->vectors[vector].epoch == w.epoch;
}

bool irq_function_recounts(const struct irq_function *f)
{
	return f->counts_epoch != w.epoch;
}

/* The host counts from 0. */
int irq_function_recount(struct irq_function *f, unsigned vector, uint64_t signals, unsigned epoch)
{
	struct vector_counts *counts = &f->vectors[vector];

	counts->host_nr = signals + counts->consumed - counts->own;
	w.signals[vector] = 0;
	counts->epoch = epoch;
	return 0;
}

int irq_function_nr_signals(struct irq_function *f, unsigned vector, uint64_t *ret_signals)
{
	const struct vector_counts *counts = &f->vectors[vector];

	*ret_signals = counts->host_nr + w.signals[vector] + counts->own - counts->consumed;
	return 0;
}

void irq_function_add_consumed(struct irq_function *f, unsigned vector, uint64_t signals)
{
	f->vectors[vector].consumed += signals;
}

void irq_function_forget(struct irq_function *f)
{
	for (unsigned v = 0; v < VECTORS; v++) {
		eventfd_t signals;

		if (eventfd_read(w.fds[v], &signals) == 0)
			f->vectors[v].consumed += signals;
	}
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
	if (atomic_exchange(&w.woken, false) || w.looks)
		w.looks = vector_routes_service(w.routes) >= 0;
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
	w.signals[v]++; /* as the host, before VFIO's handler runs */
	assert_int_equal(eventfd_write(w.fds[v], 1), 0);
	take_locked(v);
	pthread_mutex_unlock(&w.lock);
}

void irq_function_resend(struct irq_function *f, unsigned vector)
{
	pthread_mutex_lock(&w.lock);
	f->vectors[vector].own++;
	assert_int_equal(eventfd_write(w.fds[vector], 1), 0);
	take_locked(vector);
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

/* It is to be tied, and KVM gets it with the signal that is sent here. */
static void gets_tied(unsigned v)
{
	bool next = false;

	for (int i = 0; i < MAX_LOOKS && !next; i++) {
		const struct route_state state = vector_routes_get(w.routes, 0, v);

		next = !state.changing && state.why == ROUTE_WHY_NEXT;
		serve();
		nap();
	}
	assert_true(next);
	assert_int_equal(w.tied[v], -1);
	signal_vector(v);
	assert_true(settles_on(v, ROUTE_IRQFD));
}

static struct vector_counts vectors[VECTORS];

static int begin_on(const struct policy *policy, bool can_mask, uint32_t nr_events, bool direct)
{
	struct irq_function *const functions[] = { &w.function };
	struct vector_routes_config config = { .functions = functions,
					       .nr_functions = 1,
					       .direct = direct,
					       .failed = on_failure,
					       .wake_up = on_wake_up };
	struct failure failure = { 0 };
	int r;

	w = (struct world){ .function = { .nr_vectors = VECTORS, .nr_events = nr_events } };
	w.function.policy = *policy;
	w.function.heat = (struct heat_limits)HEAT_LIMITS_DEFAULT;
	w.can_mask = can_mask;
	w.function.vectors = vectors;
	pthread_mutex_init(&w.lock, NULL);
	w.function.line = with_line;
	w.line_fd = -1;
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

static int begin_with(const struct policy *policy, bool can_mask, uint32_t nr_events)
{
	return begin_on(policy, can_mask, nr_events, false);
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

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

#endif
