/* SPDX-License-Identifier: MIT */
/* What the files of the arrangements share. */
#ifndef TESTS_ROUTES_ARRANGE_PRIV_H
#define TESTS_ROUTES_ARRANGE_PRIV_H

#include <liburing.h>
#include <pthread.h>
#include <semaphore.h>

#include "tests/routes/arrange.h"

enum {
	TIE_A = 1 << 0,	 /* A is the irqfd */
	TIE_B = 1 << 1,	 /* B is */
	READ_A = 1 << 2, /* A is read for each signal */
	DEFER = 1 << 3,	 /* IORING_SETUP_DEFER_TASKRUN */
	CHAIN = 1 << 4,	 /* pairs of READ and WRITE linked to each other */
	SPIN = 1 << 5,	 /* never sleeps, enters the kernel when the ring says so */
	SQPOLL = 1 << 6, /* a kernel thread, which sleeps after 1 ms, or never with SPIN */
	FIFO = 1 << 7,	 /* SCHED_FIFO, priority 1 */
	VCPU = 1 << 8,	 /* no thread of its own: the rings are the vCPU's thread's */
	EACH = 1 << 9,	 /* a ring for each vector, whose registered eventfd is B */
};

/* What a ring is asked for, and what is done when it has completed. */
struct ring_use {
	void (*arm)(struct arranged *a, struct io_uring *ring, uint32_t v);
	void (*completed)(struct arranged *a, struct io_uring *ring, uint32_t v);
};

struct arranged {
	struct arrange_config cfg;
	const struct arrangement *is;
	pthread_t thread;
	bool has_thread;
	int stop;
	_Atomic bool stopping;
	sem_t started;
	int error;
	int *b;
	uint64_t *counts;
	uint64_t one;
	struct io_uring *rings; /* [nr_vectors], of which nr_rings are there */
	uint32_t nr_rings;
};

/* Vector v's, or for v = nr_vectors the one that says that it is over. */
int arranged_eventfd(const struct arranged *a, uint32_t v);
void arranged_inject(struct arranged *a, uint32_t v);
/* First thing on a thread of the arrangement's own. */
void arranged_place(const struct arranged *a);

extern const struct ring_use ring_poll, ring_read;

/* All on one thread. */
int rings_begin(struct arranged *a);
void rings_reap(struct arranged *a);
void rings_end(struct arranged *a);
/* The thread of those that have one. */
void *run_rings(void *arranged);

#endif
