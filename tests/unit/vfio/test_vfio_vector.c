// SPDX-License-Identifier: MIT
/*
 * One interrupt vector: latching, releasing once, messages that are never mixed.
 * The last tests run both sides at once; build them with -fsanitize=thread too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "vfio/vector.h"

/* Until both outcomes came that often; a machine that cannot do it, fails. */
#define MEETINGS   2000u
#define ROUNDS_MAX 50000000u

static const struct msi_message one = { .address = 0x8090040, .data = 1 };
static const struct msi_message two = { .address = UINT64_C(0x1234567800000040), .data = 2 };

static void test_new_vector_is_off_and_latches(void **state)
{
	struct vfio_vector v;
	struct msi_message message = two;

	(void)state;
	vector_init(&v);
	assert_false(vector_pending(&v));
	assert_int_equal(vector_take(&v, &message), VFIO_TAKE_OFF);
	assert_true(vector_pending(&v));
	/* Nothing was delivered, so no message was given. */
	assert_true(message.address == two.address);
}

static void test_each_reason_alone_holds(void **state)
{
	static const struct {
		uint64_t why;
		enum vfio_take take;
	} cases[] = {
		{ VECTOR_OFF, VFIO_TAKE_OFF },
		{ VECTOR_MASKED_ALL, VFIO_TAKE_HELD },
		{ VECTOR_MASKED, VFIO_TAKE_HELD },
		{ VECTOR_MASKED | VECTOR_MASKED_ALL, VFIO_TAKE_HELD },
		{ VECTOR_WHY, VFIO_TAKE_OFF },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msi_message message;
		struct vfio_vector v;

		vector_init(&v);
		assert_false(vector_update(&v, cases[i].why, &one));
		assert_int_equal(vector_take(&v, &message), cases[i].take);
		assert_int_equal(vector_take(&v, &message), cases[i].take);
		assert_true(vector_pending(&v));
		assert_true(vector_update(&v, 0, &one));
		assert_false(vector_pending(&v));
		assert_false(vector_update(&v, 0, &two));
		assert_int_equal(vector_take(&v, &message), VFIO_TAKE_DELIVER);
		assert_true(message.address == two.address);
		assert_int_equal(message.data, two.data);
		assert_false(vector_pending(&v));
	}
}

static void test_release_waits_for_the_last_reason(void **state)
{
	struct msi_message message;
	struct vfio_vector v;

	(void)state;
	vector_init(&v);
	assert_false(vector_update(&v, VECTOR_WHY, &one));
	assert_int_equal(vector_take(&v, &message), VFIO_TAKE_OFF);
	assert_false(vector_update(&v, VECTOR_MASKED | VECTOR_MASKED_ALL, &one));
	assert_true(vector_pending(&v));
	assert_false(vector_update(&v, VECTOR_MASKED, &two));
	assert_true(vector_pending(&v));
	assert_true(vector_update(&v, 0, &two));
	assert_false(vector_pending(&v));
}

static void test_forget_drops_what_waited(void **state)
{
	struct msi_message message;
	struct vfio_vector v;

	(void)state;
	vector_init(&v);
	assert_false(vector_update(&v, VECTOR_MASKED, &one));
	assert_int_equal(vector_take(&v, &message), VFIO_TAKE_HELD);
	vector_forget(&v);
	assert_false(vector_pending(&v));
	vector_message(&v, &message);
	assert_true(message.address == 0);
	assert_false(vector_update(&v, 0, &one));
}

/* --- both sides at once -------------------------------------------------- */

struct race {
	struct vfio_vector v;
	_Atomic unsigned released, torn, taken_wrong;
	_Atomic bool stop;
	unsigned signalled, delivered, held;
	bool wait; /* for the release of what is held, before the next one */
};

/* Messages say by themselves whether they are whole. */
static struct msi_message message_of(uint32_t n)
{
	return (struct msi_message){ .address = (uint64_t)~n << 32 | n << 2, .data = n << 2 };
}

static bool is_whole(const struct msi_message *message)
{
	uint32_t low = (uint32_t)message->address;

	return message->data == low && (uint32_t)(message->address >> 32) == ~(low >> 2);
}

static void *kernel_side(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		unsigned before = atomic_load(&race->released);
		struct msi_message message;

		if (race->held >= MEETINGS && race->delivered >= MEETINGS)
			break;
		if (i % 64 == 0)
			sched_yield();
		race->signalled++;
		if (vector_take(&race->v, &message) == VFIO_TAKE_DELIVER) {
			race->delivered++;
			if (!is_whole(&message))
				atomic_fetch_add(&race->torn, 1);
			continue;
		}
		race->held++;
		while (race->wait && atomic_load(&race->released) == before)
			sched_yield();
	}
	atomic_store(&race->stop, true);
	return NULL;
}

/* Mask by any reason, change the message while masked, unmask. */
static void guest_side(struct race *race)
{
	static const uint64_t reasons[] = { VECTOR_MASKED, VECTOR_OFF, VECTOR_MASKED_ALL,
					    VECTOR_WHY };
	struct msi_message now = message_of(0);
	uint32_t n = 0;

	while (!atomic_load(&race->stop)) {
		uint64_t why = reasons[n % 4];

		if (vector_update(&race->v, why, &now))
			atomic_fetch_add(&race->taken_wrong, 1);
		n = (n + 1) & 0x3fffffff;
		/* Address and data by separate writes, as a guest does it. */
		now.data = message_of(n).data;
		if (n % 8 == 0)
			sched_yield();
		if (vector_update(&race->v, why, &now))
			atomic_fetch_add(&race->taken_wrong, 1);
		now.address = message_of(n).address;
		if (vector_update(&race->v, why, &now))
			atomic_fetch_add(&race->taken_wrong, 1);
		if (vector_update(&race->v, 0, &now))
			atomic_fetch_add(&race->released, 1);
		if (n % 8 == 4)
			sched_yield();
	}
	if (vector_update(&race->v, 0, &now))
		atomic_fetch_add(&race->released, 1);
}

static void run_race(struct race *race, bool wait)
{
	const struct msi_message first = message_of(0);
	pthread_t thread;

	vector_init(&race->v);
	race->wait = wait;
	assert_false(vector_update(&race->v, 0, &first));
	assert_int_equal(pthread_create(&thread, NULL, kernel_side, race), 0);
	guest_side(race);
	pthread_join(thread, NULL);
	/* The thread may have been held after the last unmasking. */
	if (vector_pending(&race->v)) {
		assert_false(vector_update(&race->v, VECTOR_MASKED, &one));
		assert_true(vector_update(&race->v, 0, &one));
		race->released++;
	}
	print_message("%u signalled, %u delivered, %u held, %u released\n", race->signalled,
		      race->delivered, race->held, race->released);
	assert_int_equal(race->torn, 0);
	assert_int_equal(race->taken_wrong, 0);
	/* A race that never met proves nothing. */
	assert_true(race->held >= MEETINGS);
	assert_true(race->delivered >= MEETINGS);
}

static void test_race_delivers_each_interrupt_exactly_once(void **state)
{
	struct race race = { 0 };

	(void)state;
	run_race(&race, true);
	assert_int_equal(race.delivered + race.released, race.signalled);
	assert_int_equal(race.held, race.released);
}

/* Held ones merge into one pending bit: no more releases than that, and at least one. */
static void test_race_without_pause_loses_and_doubles_nothing(void **state)
{
	struct race race = { 0 };

	(void)state;
	run_race(&race, false);
	assert_int_equal(race.delivered + race.held, race.signalled);
	assert_in_range(race.released, 1, race.held);
	assert_false(vector_pending(&race.v));
}

static void test_message_is_told_only_while_nothing_holds_it_back(void **state)
{
	static const uint64_t reasons[] = { VECTOR_OFF, VECTOR_MASKED_ALL, VECTOR_MASKED,
					    VECTOR_WHY };
	struct msi_message message = { 0 };
	struct vfio_vector v;

	(void)state;
	vector_init(&v);
	assert_false(vector_target(&v, &message));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		assert_false(vector_update(&v, 0, i % 2 ? &one : &two));
		assert_true(vector_target(&v, &message));
		assert_true(message.address == (i % 2 ? one : two).address);
		assert_int_equal(message.data, (i % 2 ? one : two).data);
		assert_false(vector_update(&v, reasons[i], &one));
		assert_false(vector_target(&v, &message));
	}
	vector_forget(&v);
	assert_false(vector_target(&v, &message));
}

struct watch {
	struct vfio_vector v;
	_Atomic bool stop;
	unsigned seen_one, seen_two, seen_none, torn;
};

static void *watch_side(void *arg)
{
	struct watch *watch = arg;

	for (unsigned n = 0; n < ROUNDS_MAX; n++) {
		struct msi_message message;

		if (!vector_target(&watch->v, &message))
			watch->seen_none++;
		else if (message.address == one.address && message.data == one.data)
			watch->seen_one++;
		else if (message.address == two.address && message.data == two.data)
			watch->seen_two++;
		else
			watch->torn++;
		if (watch->seen_one >= MEETINGS && watch->seen_two >= MEETINGS &&
		    watch->seen_none >= MEETINGS)
			break;
		if (n % 16 == 0)
			sched_yield();
	}
	atomic_store(&watch->stop, true);
	return NULL;
}

static void test_message_that_changes_while_it_is_read_is_never_torn(void **state)
{
	struct watch watch = { 0 };
	pthread_t thread;

	(void)state;
	vector_init(&watch.v);
	assert_int_equal(pthread_create(&thread, NULL, watch_side, &watch), 0);
	for (unsigned n = 0; !atomic_load(&watch.stop); n++) {
		assert_false(vector_update(&watch.v, 0, n % 2 ? &one : &two));
		/* Each message in turn is there when the other thread gets a CPU that both share.
		 */
		if (n % 8 == 0 || n % 8 == 1)
			sched_yield();
		if (n % 4 == 0)
			assert_false(vector_update(&watch.v, VECTOR_MASKED, &one));
		if (n % 8 == 4)
			sched_yield();
	}
	pthread_join(thread, NULL);
	print_message("one %u, two %u, none %u\n", watch.seen_one, watch.seen_two, watch.seen_none);
	assert_int_equal(watch.torn, 0);
	/* A race that never met proves nothing. */
	assert_true(watch.seen_one >= MEETINGS);
	assert_true(watch.seen_two >= MEETINGS);
	assert_true(watch.seen_none >= MEETINGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_vector_is_off_and_latches),
		cmocka_unit_test(test_each_reason_alone_holds),
		cmocka_unit_test(test_release_waits_for_the_last_reason),
		cmocka_unit_test(test_forget_drops_what_waited),
		cmocka_unit_test(test_message_is_told_only_while_nothing_holds_it_back),
		cmocka_unit_test(test_message_that_changes_while_it_is_read_is_never_torn),
		cmocka_unit_test(test_race_delivers_each_interrupt_exactly_once),
		cmocka_unit_test(test_race_without_pause_loses_and_doubles_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
