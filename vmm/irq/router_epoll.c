// SPDX-License-Identifier: MIT
/*
 * The engine on epoll.
 *
 * Each armed source is registered edge-triggered (EPOLLET), which is what io_uring's
 * multishot poll is: every time the eventfd is signalled an event follows, whether or not
 * its counter was read, and signals that come faster than events are fetched share one.
 * So the counter is not read here either. A counter that is not 0 at EPOLL_CTL_ADD is an
 * event at once.
 *
 * EPOLL_CTL_DEL is over when it returns, but events of the source may have been fetched
 * before. So SOURCE_ENDED comes when all that was fetched is dealt with: until then an
 * event is one of the registration that ends, and the next one begins after that.
 *
 * The first deadline is a timerfd's, and not the timeout of epoll_pwait2(2), without which
 * there is none below a millisecond: the hosts that need this engine have seccomp profiles,
 * and some of those are older than that call. It costs where a source is parked, only.
 *
 * One source cannot keep the thread from the others: the kernel hands events out first
 * come first served, and a source has one among them at most.
 *
 * No locks: see router_engine.h.
 */
#include "vmm/irq/router_epoll.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define EVENTS_MAX 64
#define FOREVER	   (-1)
#define NS_PER_S   UINT64_C(1000000000)

struct epoll_engine {
	struct engine engine;
	int epoll, timer;  /* owned; -1: not yet */
	uint64_t timer_at; /* CLOCK_MONOTONIC in ns that the timer is set to; 0: to none */
	int error;	   /* of epoll_ctl(), negative: nothing can be relied on any more */
	int nr_events;
	/* The data is the source, or the address of the descriptor that is meant. */
	struct epoll_event events[EVENTS_MAX];
	size_t nr_ended;
	struct source *ended[]; /* [nr] deleted while events were dealt with */
};

static struct epoll_engine *of(struct engine *engine)
{
	return (struct epoll_engine *)engine;
}

static int register_fd(struct epoll_engine *e, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = data };

	return epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- what a source does on its way (struct source_ops) ------------------------- */

/* It can fail: memory, or /proc/sys/fs/epoll/max_user_watches. Then the next wait does. */
static void poll_source(void *ctx, struct source *source, bool again)
{
	struct epoll_engine *e = ctx;
	int r = register_fd(e, source->eventfd, source);

	assert(!again); /* no registration ends by itself */
	engine_begins_poll(&e->engine, source);
	if (r < 0)
		e->error = r;
}

static void end_poll(void *ctx, struct source *source)
{
	struct epoll_engine *e = ctx;

	if (epoll_ctl(e->epoll, EPOLL_CTL_DEL, source->eventfd, NULL) < 0)
		e->error = -errno;
	assert(e->nr_ended < e->engine.cfg.nr);
	e->ended[e->nr_ended++] = source;
}

static const struct source_ops source_ops = {
	.poll = poll_source,
	.end_poll = end_poll,
	.deliver = engine_deliver,
	.forget_time = engine_forget_time,
	.disarmed = engine_disarmed,
};

/* ---- events ---------------------------------------------------------------------- */

static void happened(struct epoll_engine *e, void *what)
{
	engine_count(&e->engine.completions);
	if (what == &e->engine.kick)
		e->engine.cfg.kicked(e->engine.cfg.ctx);
	else if (what == &e->timer)
		e->timer_at = 0; /* engine_serve_deadlines() follows */
	else
		engine_heard(&e->engine, what);
}

static void epoll_reap(struct engine *engine)
{
	struct epoll_engine *e = of(engine);

	for (int i = 0; i < e->nr_events; i++)
		happened(e, e->events[i].data.ptr);
	while (e->nr_ended) {
		e->engine.nr_polls--;
		source_happens(&e->engine.world, e->ended[--e->nr_ended], SOURCE_ENDED);
	}
}

/* ---- waiting --------------------------------------------------------------------- */

static int wait_for(struct epoll_engine *e, int timeout_ms)
{
	int nr = epoll_wait(e->epoll, e->events, EVENTS_MAX, timeout_ms);

	e->nr_events = nr < 0 ? 0 : nr;
	return nr < 0 ? -errno : nr;
}

static void set_timer(struct epoll_engine *e)
{
	struct itimerspec when = { 0 };
	uint64_t at = 0;
	size_t index;

	(void)deadlines_first(&e->engine.deadlines, &at, &index);
	if (at == e->timer_at)
		return;
	when.it_value.tv_sec = (time_t)(at / NS_PER_S);
	when.it_value.tv_nsec = (long)(at % NS_PER_S);
	if (timerfd_settime(e->timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		e->error = -errno;
	e->timer_at = at;
}

static int epoll_sleep(struct engine *engine)
{
	struct epoll_engine *e = of(engine);

	set_timer(e);
	return e->error ? e->error : wait_for(e, FOREVER);
}

static int epoll_look(struct engine *engine)
{
	struct epoll_engine *e = of(engine);

	return e->error ? e->error : wait_for(e, 0);
}

static int epoll_spin(struct engine *engine)
{
	struct epoll_engine *e = of(engine);
	int r = e->error;

	while (!r) {
		r = wait_for(e, 0);
		if (engine_time_left(engine) == 1)
			break;
	}
	return r;
}

/* ---- set-up ---------------------------------------------------------------------- */

static int epoll_begin(struct engine *engine)
{
	struct epoll_engine *e = of(engine);
	int r;

	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll < 0)
		return -errno;
	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (e->timer < 0)
		return -errno;
	r = register_fd(e, engine->kick, &engine->kick);
	return r < 0 ? r : register_fd(e, e->timer, &e->timer);
}

static void epoll_destroy(struct engine *engine)
{
	struct epoll_engine *e = of(engine);

	cleanup_fd(&e->timer);
	cleanup_fd(&e->epoll);
	engine_fini(engine);
	free(e);
}

static int epoll_create_engine(const struct engine_config *config, struct engine **ret_engine)
{
	struct epoll_engine *e = calloc(1, sizeof(*e) + config->nr * sizeof(e->ended[0]));
	int r = -ENOMEM;

	if (!e)
		return r;
	e->epoll = e->timer = -1;
	r = engine_init(&e->engine, &epoll_engine, &source_ops, config);
	if (r < 0) {
		epoll_destroy(&e->engine);
		return r;
	}
	*ret_engine = &e->engine;
	return 0;
}

const struct engine_ops epoll_engine = {
	.name = "epoll",
	.failed = "epoll failed in the router",
	.create = epoll_create_engine,
	.begin = epoll_begin,
	.destroy = epoll_destroy,
	.sleep = epoll_sleep,
	.spin = epoll_spin,
	.look = epoll_look,
	.reap = epoll_reap,
};
