// SPDX-License-Identifier: MIT
/*
 * The states of a router's source: every row of the table is walked, on a real eventfd,
 * with io_uring played here; then walks at random, in which no signal may be lost or
 * invented whatever the order of events.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/irq/router_source.h"

static bool walked[NR_SOURCE_STATES][NR_SOURCE_EVENTS];

static struct world {
	struct source source;
	char trace[64]; /* what was done, see the ops */
	bool refuse;	/* every signal comes too early */
	bool has_time;
	/* The kernel's. */
	bool polled;
	bool ready; /* a completion is on its way */
	bool late; /* a second completion of the signal that the poll has found, until the next look
		    */
	unsigned removals, refusals;
	/* A delivery may stand for several signals. */
	uint64_t signalled, delivered, unanswered;
} w;

static void trace(const char *what, uint64_t nr)
{
	size_t at = strlen(w.trace);

	if (nr)
		(void)snprintf(w.trace + at, sizeof(w.trace) - at, "%s%s %llu", at ? ", " : "",
			       what, (unsigned long long)nr);
	else
		(void)snprintf(w.trace + at, sizeof(w.trace) - at, "%s%s", at ? ", " : "", what);
}

static uint64_t counter(void)
{
	eventfd_t count = 0;

	if (eventfd_read(w.source.eventfd, &count) == 0)
		assert_int_equal(eventfd_write(w.source.eventfd, count), 0);
	return count;
}

static void on_poll(void *ctx, struct source *source, bool again)
{
	struct pollfd fd = { .fd = source->eventfd, .events = POLLIN };

	assert_ptr_equal(ctx, &w);
	assert_false(w.polled);
	trace(again ? "poll again" : "poll", 0);
	w.polled = true;
	w.ready = poll(&fd, 1, 0) == 1;
	w.late = w.ready; /* if it is of one who is still signalling */
}

static void on_end_poll(void *ctx, struct source *source)
{
	(void)ctx, (void)source;
	trace("end poll", 0);
	w.removals++;
}

static bool on_deliver(void *ctx, struct source *source, uint64_t signals)
{
	(void)ctx, (void)source;
	assert_true(signals > 0);
	trace(w.refuse ? "refuse" : "deliver", signals);
	if (w.refuse) {
		assert_false(w.has_time);
		w.has_time = true;
		return false;
	}
	w.delivered += signals;
	w.unanswered = 0;
	return true;
}

static void on_forget_time(void *ctx, struct source *source)
{
	(void)ctx, (void)source;
	w.has_time = false;
}

static void on_disarmed(void *ctx, struct source *source)
{
	(void)ctx, (void)source;
	trace("disarmed", 0);
}

static const struct source_ops ops = {
	.poll = on_poll,
	.end_poll = on_end_poll,
	.deliver = on_deliver,
	.forget_time = on_forget_time,
	.disarmed = on_disarmed,
};

static const struct source_world source_world = { &ops, &w };

/* source_happens(), with a mark for each row. */
static void happen(enum source_event event)
{
	while (event != SOURCE_NOTHING) {
		walked[w.source.state][event] = true;
		event = source_step(&source_world, &w.source, event);
	}
}

static void begin(void)
{
	w = (struct world){ .source = { .eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) } };
	assert_true(w.source.eventfd >= 0);
}

static void end(void)
{
	assert_int_equal(close(w.source.eventfd), 0);
}

static void signal_source(void)
{
	assert_int_equal(eventfd_write(w.source.eventfd, 1), 0);
	w.signalled++;
	w.unanswered++;
	w.ready = w.polled;
}

/* As the router does with a completion that is a signal. */
static void complete(void)
{
	w.ready = false;
	if (!source_is_heard(&w.source)) {
		w.source.stirred = true;
		return;
	}
	if (on_deliver(&w, &w.source, 1))
		source_saw_one(&w.source);
	else
		happen(SOURCE_TOO_EARLY);
}

static void poll_ends(void)
{
	w.polled = w.ready = false;
	happen(SOURCE_ENDED);
}

/* ---- each row -------------------------------------------------------------------- */

/* The way to each state that can be seen from outside; SOURCE_NOTHING ends it. */
static const enum source_event ways[][6] = {
	[SOURCE_IDLE] = { SOURCE_NOTHING },
	[SOURCE_SETTLING] = { SOURCE_ARM, SOURCE_NOTHING },
	[SOURCE_POLLED] = { SOURCE_ARM, SOURCE_LOOK, SOURCE_LOOK, SOURCE_NOTHING },
	[SOURCE_LEAVING] = { SOURCE_ARM, SOURCE_LOOK, SOURCE_LOOK, SOURCE_DISARM, SOURCE_NOTHING },
	[SOURCE_PARKING] = { SOURCE_ARM, SOURCE_TOO_EARLY, SOURCE_NOTHING },
	[SOURCE_RESUMING] = { SOURCE_ARM, SOURCE_TOO_EARLY, SOURCE_DUE, SOURCE_NOTHING },
	[SOURCE_DROPPING] = { SOURCE_ARM, SOURCE_TOO_EARLY, SOURCE_DISARM, SOURCE_NOTHING },
	[SOURCE_PARKED] = { SOURCE_ARM, SOURCE_TOO_EARLY, SOURCE_ENDED, SOURCE_NOTHING },
};

static void go_to(enum source_state state)
{
	for (const enum source_event *event = ways[state]; *event != SOURCE_NOTHING; event++) {
		w.has_time |= *event == SOURCE_TOO_EARLY;
		w.polled &= *event != SOURCE_ENDED;
		happen(*event);
	}
	assert_int_equal(w.source.state, state);
}

/* What an event leads to, with signals in the counter that nobody has seen. */
static const struct step {
	enum source_state from;
	enum source_event event;
	unsigned waiting;
	bool refuse;
	enum source_state to;
	const char *trace;
	unsigned left; /* in the counter */
	uint64_t kept;
} steps[] = {
	/* A disarmed source */
	{ SOURCE_IDLE, SOURCE_ARM, 0, false, SOURCE_SETTLING, "poll", 0, 0 },
	{ SOURCE_IDLE, SOURCE_ARM, 3, false, SOURCE_SETTLING, "poll", 3, 0 },
	{ SOURCE_IDLE, SOURCE_DISARM, 2, false, SOURCE_IDLE, "disarmed", 2, 0 },
	{ SOURCE_IDLE, SOURCE_DUE, 2, false, SOURCE_IDLE, "", 2, 0 },
	{ SOURCE_IDLE, SOURCE_NOT_REMOVED, 0, false, SOURCE_IDLE, "", 0, 0 },
	/* One whose poll has just begun */
	{ SOURCE_SETTLING, SOURCE_ARM, 0, false, SOURCE_SETTLING, "", 0, 0 },
	{ SOURCE_SETTLING, SOURCE_DISARM, 2, false, SOURCE_DROPPING, "end poll", 2, 0 },
	{ SOURCE_SETTLING, SOURCE_DUE, 0, false, SOURCE_SETTLING, "", 0, 0 },
	{ SOURCE_SETTLING, SOURCE_LOOK, 0, false, SOURCE_SETTLING, "", 0, 0 },
	{ SOURCE_SETTLING, SOURCE_LOOK, 3, false, SOURCE_SETTLING, "deliver 3", 0, 0 },
	{ SOURCE_SETTLING, SOURCE_LOOK, 3, true, SOURCE_PARKING, "refuse 3, end poll", 0, 3 },
	{ SOURCE_SETTLING, SOURCE_ENDED, 0, false, SOURCE_SETTLING, "poll again", 0, 0 },
	{ SOURCE_SETTLING, SOURCE_ENDED, 3, true, SOURCE_PARKED, "refuse 1", 0, 1 },
	{ SOURCE_SETTLING, SOURCE_NOT_REMOVED, 2, false, SOURCE_SETTLING, "", 2, 0 },
	/* One that is polled */
	{ SOURCE_POLLED, SOURCE_ARM, 0, false, SOURCE_POLLED, "", 0, 0 },
	{ SOURCE_POLLED, SOURCE_DISARM, 1, false, SOURCE_LEAVING, "end poll", 1, 0 },
	{ SOURCE_POLLED, SOURCE_DUE, 1, false, SOURCE_POLLED, "", 1, 0 },
	{ SOURCE_POLLED, SOURCE_TOO_EARLY, 1, true, SOURCE_PARKING, "end poll", 1, 0 },
	{ SOURCE_POLLED, SOURCE_NOT_REMOVED, 0, false, SOURCE_POLLED, "", 0, 0 },
	{ SOURCE_POLLED, SOURCE_ENDED, 0, false, SOURCE_SETTLING, "poll again", 0, 0 },
	{ SOURCE_POLLED, SOURCE_ENDED, 3, false, SOURCE_SETTLING, "deliver 1, poll again", 0, 0 },
	{ SOURCE_POLLED, SOURCE_ENDED, 3, true, SOURCE_PARKED, "refuse 1", 0, 1 },
	/* One that is being disarmed */
	{ SOURCE_LEAVING, SOURCE_ARM, 0, false, SOURCE_LEAVING, "", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_DISARM, 0, false, SOURCE_LEAVING, "", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_DUE, 0, false, SOURCE_LEAVING, "", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_TOO_EARLY, 1, true, SOURCE_DROPPING, "", 1, 0 },
	{ SOURCE_LEAVING, SOURCE_NOT_REMOVED, 0, false, SOURCE_LEAVING, "end poll", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_ENDED, 0, false, SOURCE_IDLE, "disarmed", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_ENDED, 3, false, SOURCE_IDLE, "deliver 1, disarmed", 0, 0 },
	{ SOURCE_LEAVING, SOURCE_ENDED, 3, true, SOURCE_IDLE, "refuse 1, disarmed", 1, 0 },
	/* One that is parked, and its poll is not removed yet */
	{ SOURCE_PARKING, SOURCE_ARM, 0, false, SOURCE_PARKING, "", 0, 0 },
	{ SOURCE_PARKING, SOURCE_DISARM, 2, false, SOURCE_DROPPING, "", 2, 0 },
	{ SOURCE_PARKING, SOURCE_DUE, 2, false, SOURCE_RESUMING, "", 2, 0 },
	{ SOURCE_PARKING, SOURCE_NOT_REMOVED, 2, false, SOURCE_PARKING, "end poll", 2, 0 },
	{ SOURCE_PARKING, SOURCE_ENDED, 2, false, SOURCE_PARKED, "", 2, 0 },
	/* ... and its time has come already */
	{ SOURCE_RESUMING, SOURCE_ARM, 0, false, SOURCE_RESUMING, "", 0, 0 },
	{ SOURCE_RESUMING, SOURCE_DISARM, 2, false, SOURCE_DROPPING, "", 2, 0 },
	{ SOURCE_RESUMING, SOURCE_DUE, 2, false, SOURCE_RESUMING, "", 2, 0 },
	{ SOURCE_RESUMING, SOURCE_NOT_REMOVED, 2, false, SOURCE_RESUMING, "end poll", 2, 0 },
	{ SOURCE_RESUMING, SOURCE_ENDED, 0, false, SOURCE_SETTLING, "poll", 0, 0 },
	{ SOURCE_RESUMING, SOURCE_ENDED, 2, false, SOURCE_SETTLING, "deliver 2, poll", 0, 0 },
	{ SOURCE_RESUMING, SOURCE_ENDED, 2, true, SOURCE_PARKED, "refuse 2", 0, 2 },
	/* ... and it was disarmed */
	{ SOURCE_DROPPING, SOURCE_ARM, 0, false, SOURCE_DROPPING, "", 0, 0 },
	{ SOURCE_DROPPING, SOURCE_DISARM, 0, false, SOURCE_DROPPING, "", 0, 0 },
	{ SOURCE_DROPPING, SOURCE_DUE, 2, false, SOURCE_DROPPING, "", 2, 0 },
	{ SOURCE_DROPPING, SOURCE_NOT_REMOVED, 2, false, SOURCE_DROPPING, "end poll", 2, 0 },
	{ SOURCE_DROPPING, SOURCE_ENDED, 0, false, SOURCE_IDLE, "disarmed", 0, 0 },
	{ SOURCE_DROPPING, SOURCE_ENDED, 2, false, SOURCE_IDLE, "disarmed", 2, 0 },
	/* One that is parked */
	{ SOURCE_PARKED, SOURCE_ARM, 2, false, SOURCE_PARKED, "", 2, 0 },
	{ SOURCE_PARKED, SOURCE_DISARM, 0, false, SOURCE_IDLE, "disarmed", 0, 0 },
	{ SOURCE_PARKED, SOURCE_DISARM, 2, false, SOURCE_IDLE, "disarmed", 2, 0 },
	{ SOURCE_PARKED, SOURCE_NOT_REMOVED, 2, false, SOURCE_PARKED, "", 2, 0 },
	{ SOURCE_PARKED, SOURCE_DUE, 0, false, SOURCE_SETTLING, "poll", 0, 0 },
	{ SOURCE_PARKED, SOURCE_DUE, 2, false, SOURCE_SETTLING, "deliver 2, poll", 0, 0 },
	{ SOURCE_PARKED, SOURCE_DUE, 2, true, SOURCE_PARKED, "refuse 2", 0, 2 },
};

static bool may_have_time(void)
{
	return w.source.state == SOURCE_PARKING || w.source.state == SOURCE_PARKED;
}

static void take(const struct step *step)
{
	begin();
	go_to(step->from);
	w.trace[0] = '\0';
	w.refuse = step->refuse;
	if (step->waiting)
		assert_int_equal(eventfd_write(w.source.eventfd, step->waiting), 0);
	w.has_time |= step->event == SOURCE_TOO_EARLY;
	w.polled &= step->event != SOURCE_ENDED;
	happen(step->event);
	if (w.source.state != step->to || strcmp(w.trace, step->trace))
		fail_msg("state %d, event %d: state %d, \"%s\"", step->from, step->event,
			 w.source.state, w.trace);
	assert_int_equal(counter(), step->left);
	assert_int_equal(w.source.kept, step->kept);
	assert_int_equal(w.source.seen, 0);
	/* Of these alone one waits for a time, and each of them does. */
	assert_int_equal(w.has_time, may_have_time());
	end();
}

static void test_every_row_of_the_table_is_walked(void **state)
{
	(void)state;
	memset(walked, 0, sizeof(walked));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		take(&steps[i]);
	for (unsigned s = 0; s < NR_SOURCE_STATES; s++)
		for (unsigned e = 0; e < NR_SOURCE_EVENTS; e++)
			if (source_can(s, e) != walked[s][e])
				fail_msg("state %u, event %u: walked %d", s, e, walked[s][e]);
}

/* What several were kept for adds to what came meanwhile. */
static void test_signals_that_are_refused_again_are_kept_together(void **state)
{
	(void)state;
	begin();
	go_to(SOURCE_PARKED);
	w.refuse = true;
	for (unsigned n = 1; n <= 4; n++) {
		signal_source();
		w.has_time = false;
		happen(SOURCE_DUE);
		assert_int_equal(w.source.state, SOURCE_PARKED);
		assert_int_equal(w.source.kept, n);
		assert_int_equal(counter(), 0);
	}
	w.trace[0] = '\0';
	signal_source();
	happen(SOURCE_DISARM);
	assert_string_equal(w.trace, "disarmed");
	assert_int_equal(counter(), 5);
	end();
}

/*
 * Of four signals two share a completion, and one comes while the poll is removed: three
 * are delivered, the last of them after the last signal.
 */
static void test_signals_that_shared_a_completion_are_one_delivery_more(void **state)
{
	(void)state;
	begin();
	go_to(SOURCE_POLLED);
	signal_source();
	signal_source();
	complete();
	signal_source();
	complete();
	assert_int_equal(w.delivered, 2);
	happen(SOURCE_DISARM);
	signal_source();
	w.trace[0] = '\0';
	poll_ends();
	assert_string_equal(w.trace, "deliver 1, disarmed");
	assert_int_equal(w.signalled, 4);
	assert_int_equal(w.delivered, 3);
	assert_int_equal(w.unanswered, 0);
	assert_int_equal(counter(), 0);
	end();
}

/* As eventfd_signal() does it: the counter is raised first, and then whoever polls is woken up. */
static void test_a_signal_that_is_under_way_when_its_poll_begins_is_one(void **state)
{
	(void)state;
	begin();
	assert_int_equal(eventfd_write(w.source.eventfd, 1), 0);
	happen(SOURCE_ARM);
	complete(); /* the poll has found the counter raised, */
	happen(SOURCE_LOOK);
	assert_int_equal(w.delivered, 1);
	complete(); /* and is woken up as well */
	happen(SOURCE_LOOK);
	assert_int_equal(w.source.state, SOURCE_SETTLING);
	happen(SOURCE_LOOK);
	assert_int_equal(w.source.state, SOURCE_POLLED);
	assert_int_equal(w.delivered, 1);
	/* From here on a completion is a signal. */
	signal_source();
	complete();
	assert_int_equal(w.delivered, 2);
	assert_int_equal(w.source.signals, 2);
	end();
}

/* ---- at random ------------------------------------------------------------------- */

/* A removal comes too late, or takes with it the completion that was on its way. */
static void kernel_removes(bool too_late)
{
	if (!w.removals)
		return;
	w.removals--;
	if (w.polled && w.ready && too_late)
		w.refusals++;
	else if (w.polled)
		poll_ends();
}

static void kernel_says_not_removed(void)
{
	if (!w.refusals)
		return;
	w.refusals--;
	happen(SOURCE_NOT_REMOVED);
}

static void queue_is_full(void)
{
	if (!w.polled)
		return;
	if (w.ready)
		complete();
	poll_ends();
}

static void time_comes(void)
{
	if (w.has_time)
		happen(SOURCE_DUE);
}

/* All completions were seen; the one of a signal that was under way when the poll began may be
 * late. */
static void router_looks(unsigned *seed)
{
	if (w.source.state != SOURCE_SETTLING || (w.ready && rand_r(seed) % 2))
		return;
	if (w.ready)
		complete();
	happen(SOURCE_LOOK);
	w.ready |= w.late && w.polled;
	w.late = false;
}

static void one_of_many(unsigned *seed)
{
	switch (rand_r(seed) % 18) {
	case 16:
	case 17:
		router_looks(seed);
		break;
	case 0:
		happen(SOURCE_ARM);
		break;
	case 1:
		happen(SOURCE_DISARM);
		break;
	case 2:
		happen(SOURCE_DUE); /* router_unpark() */
		break;
	case 3:
		time_comes();
		break;
	case 4:
		queue_is_full();
		break;
	case 5:
	case 6:
		kernel_removes(rand_r(seed) % 2);
		break;
	case 7:
		kernel_says_not_removed();
		break;
	case 8:
		w.refuse = rand_r(seed) % 2;
		break;
	case 9:
	case 10:
	case 11:
		signal_source();
		break;
	default:
		if (w.ready)
			complete();
	}
}

static void come_to_rest(void)
{
	w.refuse = false;
	for (unsigned i = 0; i < 8; i++) {
		if (w.ready)
			complete();
		kernel_says_not_removed();
		kernel_removes(false);
		happen(SOURCE_DUE);
		if (w.source.state == SOURCE_SETTLING)
			happen(SOURCE_LOOK);
	}
	assert_true(w.source.state == SOURCE_IDLE || w.source.state == SOURCE_POLLED);
	assert_int_equal(w.removals + w.refusals, 0);
}

static void test_no_order_of_events_loses_or_invents_a_signal(void **state)
{
	unsigned seed = 20;

	(void)state;
	for (unsigned walk = 0; walk < 20000; walk++) {
		begin();
		for (unsigned i = 0; i < 60; i++) {
			w.trace[0] = '\0';
			one_of_many(&seed);
			assert_true(w.delivered <= w.signalled);
			assert_true(!w.has_time || may_have_time());
		}
		come_to_rest();
		assert_true(w.delivered <= w.signalled);
		assert_false(w.has_time);
		assert_int_equal(w.polled, w.source.state == SOURCE_POLLED);
		/* After the last signal there was a delivery, or it waits for the next reader. */
		if (w.source.state == SOURCE_POLLED)
			assert_int_equal(w.unanswered, 0);
		else if (w.unanswered)
			assert_true(counter() > 0);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_of_the_table_is_walked),
		cmocka_unit_test(test_signals_that_are_refused_again_are_kept_together),
		cmocka_unit_test(test_signals_that_shared_a_completion_are_one_delivery_more),
		cmocka_unit_test(test_a_signal_that_is_under_way_when_its_poll_begins_is_one),
		cmocka_unit_test(test_no_order_of_events_loses_or_invents_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
