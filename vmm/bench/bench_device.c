// SPDX-License-Identifier: MIT
/*
 * itsy bench device: round trips that the guest makes with a device, from the
 * write that has it interrupt to the guest's IAR read. The guest keeps the time
 * and the pace; this thread only says how many, and empties the ring, seldom
 * enough to be out of the way.
 *
 * No locks.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "vmm/base/clock.h"
#include "vmm/bench/bench_priv.h"
#include "vmm/bench/bench_trips.h"
#include "vmm/dev/vfio_words.h"

#define STEP_NS	 UINT64_C(10000000)
#define QUIET_MS 30000u /* more than the guest's driver waits for its device */

/* One turn's. */
struct turn {
	struct bench *b;
	struct bench_orders *orders;
	enum route route;
	uint64_t made, lost;
	uint64_t heard; /* from the guest, clock_ns() */
	uint64_t began; /* bench_guest_clock() */
};

static int payload_failed(struct failure *ret_failure, const char *cause)
{
	return failure_set(ret_failure, ITSY_RUNTIME, EIO, "payload", NULL, "%s", cause);
}

/* All that is there: no more than the ring holds, however fast the guest fills it. */
static int collect(struct turn *t, struct failure *ret_failure)
{
	uint64_t ticks;
	int r = 1;

	for (unsigned n = 0; n < BENCH_TRIPS; n++) {
		r = bench_trips_take(t->orders, &ticks);
		if (r <= 0)
			break;
		t->heard = clock_ns();
		t->made++;
		t->lost += ticks == BENCH_LOST;
		if (ticks != BENCH_LOST)
			bench_record(t->b, t->route, t->began, t->began + ticks);
	}
	return r < 0 ? payload_failed(ret_failure, "what it says of its round trips cannot be") : 0;
}

/* Wait a little for the guest, which may have ended. */
static int wait_a_little(const struct turn *t, struct failure *ret_failure)
{
	const uint64_t quiet_ns =
		QUIET_MS * UINT64_C(1000000) + t->b->options->gap_us * UINT64_C(1000);

	bench_sleep_ns(STEP_NS);
	if (machine_end(bench_guest_machine(t->b->guest)) != MACHINE_RUNS)
		return payload_failed(ret_failure, "the device does not do as it should, and the "
						   "guest gave up");
	if (clock_ns() - t->heard > quiet_ns)
		return payload_failed(ret_failure, "it makes no round trips any more");
	return 0;
}

/* Until as many were made as were ordered, or that many make no sense. */
static int follow(struct turn *t, uint64_t count, struct failure *ret_failure)
{
	int r = 0;

	while (r >= 0 && t->made < count && t->lost < BENCH_MAX_LOST && !bench_told_to_end(t->b)) {
		r = wait_a_little(t, ret_failure);
		if (r >= 0)
			r = collect(t, ret_failure);
	}
	return r;
}

/* Then none is under way while the route changes. */
static int stop(struct turn *t, struct failure *ret_failure)
{
	int r = 0;

	bench_trips_order(t->orders, 0, 0);
	while (r >= 0 && !bench_trips_obeyed(t->orders) && !bench_told_to_end(t->b))
		r = wait_a_little(t, ret_failure);
	return r < 0 ? r : collect(t, ret_failure);
}

static int turn(void *ctx, struct bench *b, enum route route, uint64_t count,
		struct failure *ret_failure)
{
	struct turn t = {
		.b = b,
		.orders = ctx,
		.route = route,
		.heard = clock_ns(),
		.began = bench_guest_clock(),
	};
	int r;

	t.orders->trips = bench_guest_trips(b->guest);
	bench_trips_order(t.orders, count, b->options->gap_us);
	r = follow(&t, count, ret_failure);
	if (r >= 0)
		r = stop(&t, ret_failure);
	b->results[route].lost += t.lost;
	return r;
}

static int not_found(const char *bdf, int error, struct failure *ret_failure)
{
	struct vfio_failure vf = {
		.code = error == -ENOENT ? VFIO_FAILURE_NO_FUNCTION : VFIO_FAILURE_OTHER,
		.error = -error,
	};

	(void)snprintf(vf.object, sizeof(vf.object), "%s", bdf);
	return failure_from_vfio(ret_failure, &vf);
}

static int find_kind(const struct bench_options *o, const struct bench_kind **ret_kind,
		     struct failure *ret_failure)
{
	static const struct pci_host_fs host = { "" };
	char bdf[PCI_BDF_STRLEN], cure[64];
	struct pci_function fn;
	int r = pci_function_get(&host, &o->devices[0], &fn);

	pci_bdf_format(&o->devices[0], bdf);
	if (r < 0)
		return not_found(bdf, r, ret_failure);
	*ret_kind = bench_kind_of(&fn);
	(void)snprintf(cure, sizeof(cure), "itsy bench irq --device %s serves with any", bdf);
	return *ret_kind ? 0
			 : failure_set(ret_failure, ITSY_USAGE, EINVAL, bdf, cure,
				       "round trips are made with %s only", bench_kinds_driven);
}

enum exit_status bench_device(const struct bench_options *options)
{
	struct bench_orders orders = { 0 };
	struct bench_job job = { .turn = turn, .ctx = &orders };
	struct failure failure;

	assert(options->nr_devices == 1);
	assert(options->vectors == 1);
	assert(options->vcpus == 1);

	if (find_kind(options, &job.kind, &failure) < 0)
		return report_failure(&failure);
	job.source = job.kind->source;
	return bench_run(options, &job);
}
