// SPDX-License-Identifier: MIT
/*
 * A function's interrupts, on an ITS in memory. Its device (masks and messages) and
 * the kernel ITS are played here.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/vitsmod/vits_world.h"
#include "vmm/irq/irq_function.h"
#include "vmm/kvm/layout.h"

#define DOORBELL (LAYOUT_GITS_OF(0) + GITS_TRANSLATER)
#define EVENTFD	 1000 /* of vector 0; vector n has the n-th after it */

struct vfio_device {
	enum vfio_irq_kind kind;
	unsigned epoch;
	unsigned pin; /* of INTx, whose vector is the last one */
	int unmask;
	unsigned nr_vectors;
	enum vfio_take take[DEV_A_EVENTS];
	struct msi_message messages[DEV_A_EVENTS];
	bool masked[DEV_A_EVENTS]; /* at the device */
	int mask_error;
	unsigned triggered[DEV_A_EVENTS];
};

/* Never looked into. */
#define COUNTS	  ((struct vfio_irq_counts *)&w.host_counts)
#define UNCOUNTED 3u

static struct {
	struct world *world;
	struct vfio_device dev;
	struct irq_function f;
	int answer;			/* of the kernel ITS */
	bool defers;			/* it has deferred the mappings */
	uint64_t signals[DEV_A_EVENTS]; /* it was given, by EventID */
	uint32_t host_counts[DEV_A_EVENTS];
	int count_error;
	unsigned calloc_fails_at; /* the nth from now on (1: the next); 0: none does */
} w;

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);

void *__wrap_calloc(size_t nr, size_t size)
{
	if (w.calloc_fails_at && !--w.calloc_fails_at)
		return NULL;
	return __real_calloc(nr, size);
}

/* ---- what is played ------------------------------------------------------------ */

unsigned vfio_device_nr_vectors(const struct vfio_device *dev)
{
	return dev->nr_vectors;
}

enum vfio_irq_kind vfio_device_irq_kind(const struct vfio_device *dev)
{
	return dev->kind;
}

unsigned vfio_device_irqs_epoch(const struct vfio_device *dev)
{
	return dev->epoch;
}

unsigned vfio_device_intx(const struct vfio_device *dev, unsigned *ret_vector)
{
	*ret_vector = DEV_A_EVENTS - 1;
	return dev->pin;
}

int vfio_intx_unmask_eventfd(const struct vfio_device *dev)
{
	return dev->unmask;
}

int vfio_vector_eventfd(const struct vfio_device *dev, unsigned vector)
{
	assert_ptr_equal(dev, &w.dev);
	return EVENTFD + (int)vector;
}

bool vfio_vector_message(const struct vfio_device *dev, unsigned vector,
			 struct msi_message *ret_message)
{
	*ret_message = dev->messages[vector];
	return dev->take[vector] == VFIO_TAKE_DELIVER;
}

/* irq_line_exits has it. */
void vfio_bars_drop_pages(struct vfio_device *dev)
{
	(void)dev;
}

enum vfio_take vfio_vector_take(struct vfio_device *dev, unsigned vector,
				struct msi_message *ret_message)
{
	if (dev->take[vector] == VFIO_TAKE_DELIVER)
		*ret_message = dev->messages[vector];
	return dev->take[vector];
}

int vfio_vector_mask_at_device(struct vfio_device *dev, unsigned vector, bool mask)
{
	if (dev->mask_error)
		return dev->mask_error;
	dev->masked[vector] = mask;
	return 0;
}

int vfio_vector_trigger(struct vfio_device *dev, unsigned vector)
{
	dev->triggered[vector]++;
	return 0;
}

bool vfio_irq_counts_has(const struct vfio_irq_counts *counts, unsigned vector)
{
	assert_ptr_equal(counts, COUNTS);
	return vector != UNCOUNTED;
}

int vfio_irq_counts_read(struct vfio_irq_counts *counts, unsigned vector, uint32_t *ret_count)
{
	assert_ptr_equal(counts, COUNTS);
	*ret_count = w.host_counts[vector];
	return w.count_error;
}

int kernel_its_signal(struct kernel_its *kernel_its, size_t function, uint32_t eventid)
{
	(void)kernel_its;
	assert_int_equal(function, 7);
	assert_in_range(eventid, 0, DEV_A_EVENTS - 1);
	w.signals[eventid]++;
	return w.answer;
}

bool kernel_its_defers(struct kernel_its *kernel_its, size_t function, uint32_t eventid)
{
	(void)kernel_its;
	assert_int_equal(function, 7);
	assert_in_range(eventid, 0, DEV_A_EVENTS - 1);
	return w.defers;
}

/* ---- one function --------------------------------------------------------------- */

static void wire(void)
{
	w.f.wiring = (struct irq_wiring){
		.vits = w.world->v,
		.vits_function = 0,
		.nr_events = DEV_A_EVENTS,
		.index = 7,
	};
}

/* Vectors 0 to 3 send EventIDs 0 to 3, of which 0 and 1 are mapped. */
static int begin(void **state)
{
	struct failure failure;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.world = world_create_ready();
	run_ok(w.world, mapti(DEV_A, 0, LPI(1), 0));
	run_ok(w.world, mapti(DEV_A, 1, LPI(2), 1));
	w.answer = 1;
	w.dev.kind = VFIO_IRQ_KIND_MSIX;
	w.dev.nr_vectors = DEV_A_EVENTS;
	for (unsigned v = 0; v < DEV_A_EVENTS; v++)
		w.dev.messages[v] = (struct msi_message){ DOORBELL, v };
	w.f = (struct irq_function){ .name = "edu", .devid = DEV_A, .route = ROUTE_SPIN };
	assert_int_equal(irq_function_open(&w.f, &w.dev, 0, &failure), 0);
	wire();
	return 0;
}

static int end(void **state)
{
	(void)state;
	irq_function_close(&w.f);
	world_destroy(w.world);
	return 0;
}

static void expect_counts(unsigned vector, uint64_t taken, uint64_t injected, uint64_t held,
			  uint64_t released, uint64_t dropped)
{
	const struct vector_counts *c = &w.f.vectors[vector];

	assert_int_equal(c->taken, taken);
	assert_int_equal(c->injected, injected);
	assert_int_equal(c->held, held);
	assert_int_equal(c->released, released);
	assert_int_equal(c->dropped, dropped);
}

static void test_an_interrupt_reaches_the_kernel_its_and_is_counted(void **state)
{
	const struct vector_counts *c = &w.f.vectors[1];

	(void)state;
	irq_function_signalled(&w.f, 1);
	irq_function_signalled(&w.f, 1);
	assert_int_equal(w.signals[1], 2);
	expect_counts(1, 2, 2, 0, 0, 0);
	expect_counts(0, 0, 0, 0, 0, 0);
	assert_int_equal(c->last, (uint64_t)LPI(2) << 32 | 1 << 16 | 1);
	assert_true(c->last_ns > 0);
}

static void test_a_vector_sends_the_event_that_its_message_names(void **state)
{
	(void)state;
	w.dev.messages[3].data = 0;
	irq_function_signalled(&w.f, 3);
	assert_int_equal(w.signals[0], 1);
	expect_counts(3, 1, 1, 0, 0, 0);
	assert_int_equal(w.f.vectors[3].last, (uint64_t)LPI(1) << 32 | 0 << 16 | 0);
}

static void test_what_goes_nowhere_is_dropped_before_the_kernel_its(void **state)
{
	static const struct {
		const char *why;
		struct msi_message message;
	} cases[] = {
		{ "an event without a mapping", { DOORBELL, 2 } },
		{ "no event of the function", { DOORBELL, DEV_A_EVENTS } },
		{ "no event of any function", { DOORBELL, UINT32_MAX } },
		{ "another ITS's doorbell", { LAYOUT_GITS_OF(1) + GITS_TRANSLATER, 0 } },
		{ "beside the doorbell", { DOORBELL + 4, 0 } },
		{ "no address yet", { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		w.dev.messages[0] = cases[i].message;
		irq_function_signalled(&w.f, 0);
		expect_counts(0, i + 1, 0, 0, 0, i + 1);
	}
	assert_int_equal(w.f.vectors[0].last, 0);
	for (unsigned e = 0; e < DEV_A_EVENTS; e++)
		assert_int_equal(w.signals[e], 0);
}

static void test_what_the_kernel_its_refuses_is_dropped(void **state)
{
	static const int answers[] = { 0, -EBUSY };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		w.answer = answers[i];
		irq_function_signalled(&w.f, 0);
		expect_counts(0, i + 1, 0, 0, 0, i + 1);
	}
	/* Where it would have gone is known. */
	assert_int_equal(w.f.vectors[0].last >> 32, LPI(1));
}

static void test_an_its_that_is_off_translates_nothing(void **state)
{
	(void)state;
	wr32(w.world, GITS_CTLR, 0);
	irq_function_signalled(&w.f, 0);
	expect_counts(0, 1, 0, 0, 0, 1);
	wr32(w.world, GITS_CTLR, GITS_CTLR_ENABLED);
	irq_function_signalled(&w.f, 0);
	expect_counts(0, 2, 1, 0, 0, 1);
}

static void test_what_comes_masked_or_off_is_held_and_released_once(void **state)
{
	(void)state;
	w.dev.take[0] = VFIO_TAKE_HELD;
	irq_function_signalled(&w.f, 0);
	w.dev.take[0] = VFIO_TAKE_OFF;
	irq_function_signalled(&w.f, 0);
	expect_counts(0, 2, 0, 2, 0, 0);
	assert_int_equal(w.signals[0], 0);
	w.dev.take[0] = VFIO_TAKE_DELIVER;
	irq_function_released(&w.f, 0, &w.dev.messages[0]);
	expect_counts(0, 2, 1, 2, 1, 0);
	assert_int_equal(w.signals[0], 1);
}

/* The message that was in force at the unmask, not that of now. */
static void test_a_release_goes_where_its_message_says(void **state)
{
	const struct msi_message before = w.dev.messages[1], nowhere = { 0, 0 };

	(void)state;
	w.dev.messages[1] = (struct msi_message){ DOORBELL, 0 };
	irq_function_released(&w.f, 1, &before);
	assert_int_equal(w.signals[1], 1);
	assert_int_equal(w.signals[0], 0);
	irq_function_released(&w.f, 1, &nowhere);
	expect_counts(1, 0, 1, 0, 2, 1);
}

/* The device merges what it holds of a vector into one. */
static void test_whatever_happens_taken_is_injected_held_or_dropped(void **state)
{
	static const int answers[] = { 1, 1, 0, -EBUSY };
	bool latched[DEV_A_EVENTS] = { false };
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		unsigned v = (unsigned)rand_r(&seed) % DEV_A_EVENTS;

		w.answer = answers[rand_r(&seed) % 4];
		switch (rand_r(&seed) % 4) {
		case 0:
			w.dev.messages[v].data = (uint32_t)rand_r(&seed) % (DEV_A_EVENTS + 1);
			break;
		case 1:
			w.dev.take[v] = (enum vfio_take)(rand_r(&seed) % 3);
			if (latched[v] && w.dev.take[v] == VFIO_TAKE_DELIVER) {
				irq_function_released(&w.f, v, &w.dev.messages[v]);
				latched[v] = false;
			}
			break;
		default:
			irq_function_signalled(&w.f, v);
			latched[v] |= w.dev.take[v] != VFIO_TAKE_DELIVER;
			break;
		}
	}
	for (unsigned v = 0; v < DEV_A_EVENTS; v++) {
		const struct vector_counts *c = &w.f.vectors[v];

		assert_true(c->injected && c->held && c->released && c->dropped);
		assert_int_equal(c->taken, c->injected + c->held - c->released + c->dropped);
	}
}

/* ---- where one would go ----------------------------------------------------------- */

static void test_a_target_is_told_where_an_interrupt_would_go(void **state)
{
	struct vits_event event;
	uint32_t eventid;

	(void)state;
	assert_true(irq_function_target(&w.f, 1, &eventid, &event));
	assert_true(eventid == 1 && event.mapped && event.intid == LPI(2) && event.vcpu == 1);
	irq_function_note_target(&w.f, 1);
	assert_int_equal(w.f.vectors[1].last, (uint64_t)LPI(2) << 32 | 1 << 16 | 1);
	/* An event of the function's that maps to nothing is one all the same. */
	assert_true(irq_function_target(&w.f, 2, &eventid, &event));
	assert_false(event.mapped);
	irq_function_note_target(&w.f, 2);
	assert_int_equal(w.f.vectors[2].last, 0);

	w.dev.messages[1].data = DEV_A_EVENTS;
	assert_false(irq_function_target(&w.f, 1, &eventid, &event));
	w.dev.messages[1] = (struct msi_message){ DOORBELL + 4, 1 };
	assert_false(irq_function_target(&w.f, 1, &eventid, &event));
	w.dev.messages[1] = (struct msi_message){ DOORBELL, 1 };
	w.dev.take[1] = VFIO_TAKE_HELD;
	assert_false(irq_function_target(&w.f, 1, &eventid, &event));
}

static void test_the_kernel_may_have_what_would_reach_it_and_nothing_else(void **state)
{
	uint32_t eventid = UINT32_MAX;

	(void)state;
	assert_true(irq_function_direct(&w.f, 1, &eventid));
	assert_int_equal(eventid, 1);

	w.dev.take[1] = VFIO_TAKE_HELD;
	assert_false(irq_function_direct(&w.f, 1, &eventid));
	w.dev.take[1] = VFIO_TAKE_DELIVER;
	w.dev.messages[1].data = DEV_A_EVENTS;
	assert_false(irq_function_direct(&w.f, 1, &eventid));
	w.dev.messages[1] = (struct msi_message){ DOORBELL + 4, 1 };
	assert_false(irq_function_direct(&w.f, 1, &eventid));
	w.dev.messages[1] = (struct msi_message){ DOORBELL, 1 };
	w.defers = true;
	assert_false(irq_function_direct(&w.f, 1, &eventid));
	w.defers = false;
	wr32(w.world, GITS_CTLR, 0);
	assert_false(irq_function_direct(&w.f, 1, &eventid));
	wr32(w.world, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_true(irq_function_direct(&w.f, 1, &eventid));
}

/* ---- times ------------------------------------------------------------------------ */

static void test_times_are_of_injected_interrupts_while_they_are_recorded(void **state)
{
	(void)state;
	irq_function_signalled(&w.f, 0);
	assert_false(irq_function_records(&w.f));
	assert_null(irq_function_histogram(&w.f, 0));

	assert_int_equal(irq_function_record(&w.f, true), 0);
	assert_true(irq_function_records(&w.f));
	assert_null(irq_function_histogram(&w.f, 0));
	for (int i = 0; i < 5; i++)
		irq_function_signalled(&w.f, 0);
	irq_function_signalled(&w.f, 2); /* dropped */
	w.dev.take[1] = VFIO_TAKE_HELD;
	irq_function_signalled(&w.f, 1);
	assert_int_equal(hist_count(irq_function_histogram(&w.f, 0)), 5);
	assert_null(irq_function_histogram(&w.f, 1));
	assert_null(irq_function_histogram(&w.f, 2));

	assert_int_equal(irq_function_record(&w.f, false), 0);
	assert_false(irq_function_records(&w.f));
	irq_function_signalled(&w.f, 0);
	assert_int_equal(hist_count(irq_function_histogram(&w.f, 0)), 5);

	/* On again: from the beginning. */
	assert_int_equal(irq_function_record(&w.f, true), 0);
	assert_null(irq_function_histogram(&w.f, 0));
	irq_function_signalled(&w.f, 0);
	assert_int_equal(hist_count(irq_function_histogram(&w.f, 0)), 1);
}

static void *signal_until_told(void *arg)
{
	while (!atomic_load((atomic_bool *)arg))
		irq_function_signalled(&w.f, 0);
	return NULL;
}

/* The router delivers on its thread, and the control socket's switches and reads. */
static void test_recordings_begin_and_end_while_interrupts_come(void **state)
{
	atomic_bool stop = false;
	unsigned seen = 0;
	pthread_t router;

	(void)state;
	assert_int_equal(pthread_create(&router, NULL, signal_until_told, &stop), 0);
	while (seen < 500) {
		const struct hist *hist = NULL;

		assert_int_equal(irq_function_record(&w.f, true), 0);
		while (!hist || !hist_count(hist))
			hist = irq_function_histogram(&w.f, 0);
		seen++;
		assert_int_equal(irq_function_record(&w.f, false), 0);
	}
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(router, NULL), 0);
	expect_counts(0, w.signals[0], w.signals[0], 0, 0, 0);
	assert_true(hist_count(irq_function_histogram(&w.f, 0)) <= w.signals[0]);
}

/* ---- vectors ----------------------------------------------------------------------- */

static uint64_t nr_signals(unsigned vector)
{
	uint64_t nr = 0;

	assert_int_equal(irq_function_nr_signals(&w.f, vector, &nr), 0);
	return nr;
}

static void test_signals_are_what_the_host_counts_and_those_of_itsys_own(void **state)
{
	(void)state;
	w.f.host_counts = COUNTS;
	assert_true(irq_function_is_counted(&w.f, 0));
	assert_int_equal(nr_signals(0), 0);
	w.host_counts[0] = 1001;
	assert_int_equal(nr_signals(0), 1001);
	assert_int_equal(nr_signals(1), 0);
	/* VFIO's loopback makes no interrupt of the host's. */
	irq_function_trigger(&w.f, 0);
	assert_int_equal(w.dev.triggered[0], 1);
	assert_int_equal(nr_signals(0), 1002);
	irq_function_add_consumed(&w.f, 0, 2);
	assert_int_equal(nr_signals(0), 1000);
}

static void test_the_hosts_counter_may_wrap(void **state)
{
	(void)state;
	w.f.host_counts = COUNTS;
	w.host_counts[0] = UINT32_MAX;
	assert_int_equal(nr_signals(0), UINT32_MAX);
	w.host_counts[0] = 4;
	assert_int_equal(nr_signals(0), UINT64_C(0x100000004));
}

static void test_what_the_host_does_not_count_is_told(void **state)
{
	uint64_t nr;

	(void)state;
	assert_false(irq_function_is_counted(&w.f, 0));
	assert_int_equal(irq_function_nr_signals(&w.f, 0, &nr), -ENOENT);
	w.f.host_counts = COUNTS;
	assert_false(irq_function_is_counted(&w.f, UNCOUNTED));
	assert_int_equal(irq_function_nr_signals(&w.f, UNCOUNTED, &nr), -ENOENT);
	w.count_error = -EIO;
	assert_int_equal(irq_function_nr_signals(&w.f, 0, &nr), -EIO);
}

static void test_after_a_change_of_kind_a_count_goes_on_from_where_it_was(void **state)
{
	uint64_t nr;

	(void)state;
	w.f.host_counts = COUNTS;
	w.host_counts[0] = 1001;
	irq_function_trigger(&w.f, 0);
	assert_int_equal(nr_signals(0), 1002);
	assert_false(irq_function_recounts(&w.f));
	/* The host counts anew, elsewhere. */
	w.dev.epoch = 2;
	assert_true(irq_function_recounts(&w.f));
	assert_false(irq_function_is_counted(&w.f, 0));
	assert_int_equal(irq_function_nr_signals(&w.f, 0, &nr), -ENOENT);
	w.host_counts[0] = 3;
	irq_function_add_consumed(&w.f, 0, 2);
	assert_int_equal(irq_function_recount(&w.f, 0, 1007, 2), 0);
	assert_true(irq_function_is_counted(&w.f, 0));
	assert_false(irq_function_is_counted(&w.f, 1));
	assert_int_equal(nr_signals(0), 1007);
	w.host_counts[0] = 5;
	irq_function_trigger(&w.f, 0);
	assert_int_equal(nr_signals(0), 1010);
	w.count_error = -EIO;
	assert_int_equal(irq_function_recount(&w.f, 1, 7, 2), -EIO);
	assert_false(irq_function_is_counted(&w.f, 1));
	w.f.host_counts = NULL;
	assert_int_equal(irq_function_recount(&w.f, 1, 7, 2), -ENOENT);
}

/* INTx is the last vector, and its device's 40th interrupt of the guest. */
static void have_intx(unsigned intid)
{
	struct failure failure;

	irq_function_close(&w.f);
	w.dev.pin = 2;
	w.dev.unmask = 777;
	w.f = (struct irq_function){ .name = "edu", .devid = DEV_A, .route = ROUTE_SPIN };
	assert_int_equal(irq_function_open(&w.f, &w.dev, 0, &failure), 0);
	wire();
	w.f.line.intid = intid;
}

static bool line_was_signalled(void)
{
	eventfd_t signals;

	return eventfd_read(w.f.line.trigger, &signals) == 0;
}

static void test_intx_goes_to_its_line_and_to_no_its(void **state)
{
	const unsigned v = DEV_A_EVENTS - 1;
	uint32_t eventid;

	(void)state;
	have_intx(40);
	assert_int_equal(w.f.line.pin, 2);
	assert_int_equal(w.f.line.vector, v);
	assert_int_equal(w.f.line.unmask, 777);
	assert_int_equal(irq_function_nr_messages(&w.f), v);
	/* Whatever message would be there. */
	w.dev.messages[v] = (struct msi_message){ DOORBELL, 0 };
	assert_false(irq_function_direct(&w.f, v, &eventid));
	assert_false(line_was_signalled());
	irq_function_signalled(&w.f, v);
	assert_true(line_was_signalled());
	expect_counts(v, 1, 1, 0, 0, 0);
	assert_int_equal(w.signals[0], 0);
	w.dev.take[v] = VFIO_TAKE_OFF;
	irq_function_signalled(&w.f, v);
	assert_false(line_was_signalled());
	irq_function_released(&w.f, v, &w.dev.messages[v]);
	assert_true(line_was_signalled());
	expect_counts(v, 2, 2, 1, 1, 0);
	/* Its other vectors are what they were. */
	irq_function_signalled(&w.f, 0);
	assert_int_equal(w.signals[0], 1);
	assert_false(line_was_signalled());
}

static void test_a_message_that_comes_after_the_host_went_to_intx_is_intx(void **state)
{
	(void)state;
	have_intx(40);
	w.dev.take[0] = VFIO_TAKE_OFF;
	irq_function_signalled(&w.f, 0);
	assert_int_equal(w.f.vectors[DEV_A_EVENTS - 1].own, 0);
	w.dev.kind = VFIO_IRQ_KIND_INTX;
	irq_function_signalled(&w.f, 0);
	/* Its eventfd is signalled, as by the function. */
	assert_int_equal(w.f.vectors[DEV_A_EVENTS - 1].own, 1);
	w.dev.take[DEV_A_EVENTS - 1] = VFIO_TAKE_OFF;
	irq_function_signalled(&w.f, DEV_A_EVENTS - 1);
	assert_int_equal(w.f.vectors[DEV_A_EVENTS - 1].own, 1);
}

static void test_intx_of_a_function_that_is_on_no_bus_goes_nowhere(void **state)
{
	(void)state;
	have_intx(0);
	irq_function_signalled(&w.f, DEV_A_EVENTS - 1);
	assert_false(line_was_signalled());
	expect_counts(DEV_A_EVENTS - 1, 1, 0, 0, 0, 1);
}

static void test_a_bare_functions_signals_are_all_of_itsys_own(void **state)
{
	struct failure failure;

	(void)state;
	irq_function_close(&w.f);
	w.f = (struct irq_function){ .name = "bare", .devid = DEV_A };
	assert_int_equal(irq_function_open_bare(&w.f, 2, &failure), 0);
	irq_function_trigger(&w.f, 1);
	irq_function_trigger(&w.f, 1);
	irq_function_resend(&w.f, 1);
	assert_true(irq_function_is_counted(&w.f, 1));
	assert_int_equal(nr_signals(1), 3);
	/* A reset makes three that nobody took into none. */
	irq_function_forget(&w.f);
	assert_int_equal(nr_signals(1), 0);
	assert_int_equal(nr_signals(0), 0);
}

static void test_vectors_begin_with_the_route_of_the_configuration(void **state)
{
	(void)state;
	for (unsigned v = 0; v < DEV_A_EVENTS; v++) {
		assert_int_equal(w.f.vectors[v].route, ROUTE_SPIN);
		assert_int_equal(irq_function_eventfd(&w.f, v), EVENTFD + v);
	}
}

static void test_events_are_a_power_of_two_that_the_vectors_fit_into(void **state)
{
	static const struct {
		unsigned vectors;
		uint32_t asked, events;
	} cases[] = {
		{ 0, 0, 2 },   { 1, 0, 2 },	  { 2, 0, 2 },	  { 3, 0, 4 },
		{ 33, 0, 64 }, { 2048, 0, 2048 }, { 33, 40, 40 },
	};
	struct failure failure;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_device dev = { .nr_vectors = cases[i].vectors };
		struct irq_function f = { .name = "other" };

		assert_int_equal(irq_function_open(&f, &dev, cases[i].asked, &failure), 0);
		assert_int_equal(f.nr_vectors, cases[i].vectors);
		assert_int_equal(f.nr_events, cases[i].events);
		assert_int_equal(irq_function_record(&f, true), 0);
		irq_function_close(&f);
	}
}

static void test_only_msix_can_be_masked_at_the_device(void **state)
{
	(void)state;
	assert_true(irq_function_can_mask(&w.f));
	assert_int_equal(irq_function_mask(&w.f, 2, true), 0);
	assert_true(w.dev.masked[2]);
	assert_int_equal(irq_function_mask(&w.f, 2, false), 0);
	assert_false(w.dev.masked[2]);
	w.dev.mask_error = -ENOMEM;
	assert_int_equal(irq_function_mask(&w.f, 2, true), -ENOMEM);
	w.dev.kind = VFIO_IRQ_KIND_MSI;
	assert_false(irq_function_can_mask(&w.f));
}

static void test_a_bare_function_sends_each_vectors_number_and_is_never_masked(void **state)
{
	struct failure failure;
	uint32_t eventid;

	(void)state;
	irq_function_close(&w.f);
	w.f = (struct irq_function){ .name = "bare", .devid = DEV_A };
	assert_int_equal(irq_function_open_bare(&w.f, DEV_A_EVENTS, &failure), 0);
	wire();
	for (unsigned v = 0; v < DEV_A_EVENTS; v++)
		irq_function_signalled(&w.f, v);
	expect_counts(0, 1, 1, 0, 0, 0);
	expect_counts(1, 1, 1, 0, 0, 0);
	expect_counts(2, 1, 0, 0, 0, 1);
	assert_true(irq_function_direct(&w.f, 1, &eventid));
	assert_int_equal(eventid, 1);
	assert_false(irq_function_direct(&w.f, 3, &eventid)); /* it is not mapped */
	assert_false(irq_function_can_mask(&w.f));
	assert_int_equal(irq_function_mask(&w.f, 0, true), -EOPNOTSUPP);
	/* An eventfd that is its own, and empty. */
	assert_int_equal(read(irq_function_eventfd(&w.f, 0), &(uint64_t){ 0 }, 8), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_without_memory_nothing_is_opened_or_recorded(void **state)
{
	struct failure failure = { 0 };
	struct irq_function f = { .name = "other" };

	(void)state;
	w.calloc_fails_at = 1;
	assert_int_equal(irq_function_open(&f, &w.dev, 0, &failure), -ENOMEM);
	assert_string_equal(failure.object, "other");
	irq_function_close(&f);
	for (unsigned at = 1; at <= 2; at++) {
		f = (struct irq_function){ .name = "bare" };
		w.calloc_fails_at = at;
		assert_int_equal(irq_function_open_bare(&f, 3, &failure), -ENOMEM);
		assert_int_equal(failure.status, ITSY_ENVIRONMENT);
		irq_function_close(&f);
	}
	w.calloc_fails_at = 1;
	assert_int_equal(irq_function_record(&w.f, true), -ENOMEM);
	assert_false(irq_function_records(&w.f));
	assert_int_equal(irq_function_record(&w.f, true), 0);
}

static void test_a_bare_function_that_gets_no_eventfd_says_so_and_closes_the_others(void **state)
{
	struct failure failure = { 0 };
	struct irq_function f = { .name = "bare" };
	struct rlimit was, few;
	int lowest = dup(STDIN_FILENO), after;

	(void)state;
	assert_true(lowest >= 0);
	assert_int_equal(close(lowest), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ (rlim_t)lowest + 2, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(irq_function_open_bare(&f, 3, &failure), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_non_null(strstr(failure.cause, "no eventfd for vector 2"));
	assert_non_null(strstr(failure.cure, "ulimit -n"));
	irq_function_close(&f);
	after = dup(STDIN_FILENO);
	assert_int_equal(after, lowest);
	assert_int_equal(close(after), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_an_interrupt_reaches_the_kernel_its_and_is_counted),
		TEST(test_a_vector_sends_the_event_that_its_message_names),
		TEST(test_what_goes_nowhere_is_dropped_before_the_kernel_its),
		TEST(test_what_the_kernel_its_refuses_is_dropped),
		TEST(test_an_its_that_is_off_translates_nothing),
		TEST(test_what_comes_masked_or_off_is_held_and_released_once),
		TEST(test_a_release_goes_where_its_message_says),
		TEST(test_whatever_happens_taken_is_injected_held_or_dropped),
		TEST(test_a_target_is_told_where_an_interrupt_would_go),
		TEST(test_the_kernel_may_have_what_would_reach_it_and_nothing_else),
		TEST(test_times_are_of_injected_interrupts_while_they_are_recorded),
		TEST(test_recordings_begin_and_end_while_interrupts_come),
		TEST(test_after_a_change_of_kind_a_count_goes_on_from_where_it_was),
		TEST(test_signals_are_what_the_host_counts_and_those_of_itsys_own),
		TEST(test_the_hosts_counter_may_wrap),
		TEST(test_what_the_host_does_not_count_is_told),
		TEST(test_intx_goes_to_its_line_and_to_no_its),
		TEST(test_a_message_that_comes_after_the_host_went_to_intx_is_intx),
		TEST(test_intx_of_a_function_that_is_on_no_bus_goes_nowhere),
		TEST(test_a_bare_functions_signals_are_all_of_itsys_own),
		TEST(test_vectors_begin_with_the_route_of_the_configuration),
		TEST(test_events_are_a_power_of_two_that_the_vectors_fit_into),
		TEST(test_only_msix_can_be_masked_at_the_device),
		TEST(test_a_bare_function_sends_each_vectors_number_and_is_never_masked),
		TEST(test_without_memory_nothing_is_opened_or_recorded),
		TEST(test_a_bare_function_that_gets_no_eventfd_says_so_and_closes_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
