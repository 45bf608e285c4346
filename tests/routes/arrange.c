// SPDX-License-Identifier: MIT
/*
 * The arrangements. "A" is the eventfd that a device signals, "B" one that KVM
 * listens to (an irqfd).
 */
#include "tests/routes/arrange_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/routes/vcpu_turn.h"
#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/base/placement.h"
#include "vmm/base/self.h"
#include "vmm/kvm/layout.h"

int arranged_eventfd(const struct arranged *a, uint32_t v)
{
	return v == a->cfg.nr_vectors ? a->stop : irq_function_eventfd(&a->cfg.function->irq, v);
}

void arranged_place(const struct arranged *a)
{
	const struct placement placement = {
		.cpu = a->cfg.thread_cpu,
		.fifo = a->is->flags & FIFO ? 1 : 0,
		.asked = true,
	};

	self_leave_rseq();
	placement_apply(&placement, a->is->name);
}

void arranged_inject(struct arranged *a, uint32_t v)
{
	int r = vm_signal_msi(a->cfg.vm, LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
			      kernel_its_devid(0, v), kernel_its_eventid(v));

	assert(r >= 0);
}

/* ---- epoll ------------------------------------------------------------------------ */

static void *run_epoll(void *arg)
{
	struct arranged *a = arg;
	int ep = epoll_create1(0);
	struct epoll_event events[64];

	arranged_place(a);
	for (uint32_t v = 0; v <= a->cfg.nr_vectors; v++) {
		struct epoll_event e = { .events = EPOLLIN | (a->is->flags & READ_A ? 0 : EPOLLET),
					 .data.u32 = v };

		(void)epoll_ctl(ep, EPOLL_CTL_ADD, arranged_eventfd(a, v), &e);
	}
	(void)sem_post(&a->started);
	while (!a->stopping) {
		int nr = epoll_wait(ep, events, ARRAY_SIZE(events), -1);

		for (int i = 0; i < nr; i++) {
			uint32_t v = events[i].data.u32;
			eventfd_t value;

			if (v == a->cfg.nr_vectors)
				continue;
			if (a->is->flags & READ_A)
				(void)eventfd_read(arranged_eventfd(a, v), &value);
			arranged_inject(a, v);
		}
	}
	(void)close(ep);
	return NULL;
}

/* ---- a thread for each -------------------------------------------------------------- */

struct sleeper {
	struct arranged *a;
	uint32_t vector;
	pthread_t thread;
};

static void *sleep_in_read(void *arg)
{
	const struct sleeper *s = arg;
	int fd = arranged_eventfd(s->a, s->vector);
	eventfd_t value;

	arranged_place(s->a);
	while (eventfd_read(fd, &value) == 0 && !s->a->stopping)
		arranged_inject(s->a, s->vector);
	return NULL;
}

static void *run_threads(void *arg)
{
	struct arranged *a = arg;
	uint32_t nr = a->cfg.nr_vectors;
	struct sleeper *sleepers = calloc(nr, sizeof(*sleepers));
	struct pollfd stop = { .fd = a->stop, .events = POLLIN };

	assert(sleepers);
	for (uint32_t v = 0; v < nr; v++) {
		sleepers[v] = (struct sleeper){ .a = a, .vector = v };
		(void)fcntl(arranged_eventfd(a, v), F_SETFL, 0);
		a->error = -pthread_create(&sleepers[v].thread, NULL, sleep_in_read, &sleepers[v]);
		assert(!a->error);
	}
	(void)sem_post(&a->started);
	(void)poll(&stop, 1, -1);
	for (uint32_t v = 0; v < nr; v++) {
		(void)eventfd_write(arranged_eventfd(a, v), 1);
		(void)pthread_join(sleepers[v].thread, NULL);
		(void)fcntl(arranged_eventfd(a, v), F_SETFL, O_NONBLOCK);
	}
	free(sleepers);
	return NULL;
}

/* ---- all ------------------------------------------------------------------------------- */

#define THREAD(run)   .thread = (run)
#define RINGS(ring)   .thread = run_rings, .use = &(ring)
#define ON_VCPU(ring) .use = &(ring)

const struct arrangement arrangements[] = {
	{ "irqfd", .flags = TIE_A },
	/* A thread, and nothing else: what any that have one cannot be below. */
	{ "thread-per-eventfd", THREAD(run_threads) },
	{ "thread-per-eventfd,fifo", THREAD(run_threads), .flags = FIFO },
	{ "epoll", THREAD(run_epoll) },
	{ "epoll,fifo", THREAD(run_epoll), .flags = FIFO },
	{ "epoll+read", THREAD(run_epoll), .flags = READ_A },
	{ "poll", RINGS(ring_poll) },
	{ "poll,fifo", RINGS(ring_poll), .flags = FIFO },
	{ "poll,defer", RINGS(ring_poll), .flags = DEFER },
	{ "poll,defer,fifo", RINGS(ring_poll), .flags = DEFER | FIFO },
	{ "poll+read,defer", RINGS(ring_poll), .flags = DEFER | READ_A },
	{ "poll->write,defer", RINGS(ring_poll), .flags = DEFER | TIE_B },
	{ "poll->write,defer,fifo", RINGS(ring_poll), .flags = DEFER | TIE_B | FIFO },
	{ "read,defer", RINGS(ring_read), .flags = DEFER },
	{ "read=>write,defer", RINGS(ring_read), .flags = DEFER | TIE_B },
	{ "read=>write,defer,fifo", RINGS(ring_read), .flags = DEFER | TIE_B | FIFO },
	{ "chain,defer", RINGS(ring_read), .flags = DEFER | TIE_B | CHAIN },
	/* No thread: KVM_RUN ends for the ring's sake. */
	{ "poll,vcpu", ON_VCPU(ring_poll), .flags = VCPU },
	{ "poll->write,vcpu", ON_VCPU(ring_poll), .flags = VCPU | TIE_B },
	{ "poll=>irqfd,vcpu", ON_VCPU(ring_poll), .flags = VCPU | TIE_B | EACH },
	{ "read=>write,vcpu", ON_VCPU(ring_read), .flags = VCPU | TIE_B },
	{ "chain,vcpu", ON_VCPU(ring_read), .flags = VCPU | TIE_B | CHAIN },
	/* A kernel thread, and the one of its own sleeps until the end. */
	{ "poll=>irqfd,sqpoll", RINGS(ring_poll), .flags = SQPOLL | TIE_B | EACH },
	{ "poll,spin", RINGS(ring_poll), .flags = DEFER | SPIN },
	{ "poll->write,spin", RINGS(ring_poll), .flags = DEFER | TIE_B | SPIN },
	{ "poll,sqpoll", RINGS(ring_poll), .flags = SQPOLL | SPIN },
	{ "read=>write,sqpoll", RINGS(ring_read), .flags = SQPOLL | SPIN | TIE_B },
	{ "irqfd,again", .flags = TIE_A },
};
const size_t nr_arrangements = ARRAY_SIZE(arrangements);

bool arrangement_spins(const struct arrangement *a)
{
	return a->flags & SPIN;
}

static int tie(struct arranged *a, bool tied)
{
	int r = 0;

	for (uint32_t v = 0; !r && v < a->cfg.nr_vectors; v++) {
		if (a->is->flags & TIE_A)
			r = vm_irqfd(a->cfg.vm, arranged_eventfd(a, v), v, tied);
		else if (a->is->flags & TIE_B)
			r = vm_irqfd(a->cfg.vm, a->b[v], v, tied);
	}
	return r;
}

static int start(struct arranged *a)
{
	int r = tie(a, true);

	if (r < 0)
		return r;
	if (a->is->flags & VCPU)
		return vcpu_turn_set(a);
	if (!a->is->thread)
		return 0;
	r = -pthread_create(&a->thread, NULL, a->is->thread, a);
	if (r < 0)
		return r;
	a->has_thread = true;
	(void)sem_wait(&a->started);
	return a->error;
}

int arrange_start(const struct arrangement *is, const struct arrange_config *config,
		  struct arranged **ret_arranged)
{
	struct arranged *a = calloc(1, sizeof(*a));
	eventfd_t value;
	int r;

	assert(a);
	*a = (struct arranged){ .cfg = *config, .is = is, .one = 1 };
	a->stop = eventfd(0, EFD_NONBLOCK);
	a->b = calloc(config->nr_vectors, sizeof(*a->b));
	a->counts = calloc(config->nr_vectors + 1, sizeof(*a->counts));
	a->rings = calloc(config->nr_vectors, sizeof(*a->rings));
	for (uint32_t v = 0; v < config->nr_vectors; v++) {
		a->b[v] = eventfd(0, EFD_NONBLOCK);
		(void)eventfd_read(arranged_eventfd(a, v), &value);
	}
	(void)sem_init(&a->started, 0, 0);
	r = start(a);
	if (r < 0) {
		arrange_stop(a);
		return r;
	}
	*ret_arranged = a;
	return 0;
}

void arrange_stop(struct arranged *a)
{
	a->stopping = true;
	(void)eventfd_write(a->stop, 1);
	if (a->has_thread)
		(void)pthread_join(a->thread, NULL);
	if (a->is->flags & VCPU)
		(void)vcpu_turn_set(NULL);
	(void)tie(a, false);
	for (uint32_t v = 0; v < a->cfg.nr_vectors; v++)
		(void)close(a->b[v]);
	(void)close(a->stop);
	free(a->b);
	free(a->counts);
	free(a->rings);
	free(a);
}
