// SPDX-License-Identifier: MIT
/*
 * itsy bench from its options to its report, on a guest that this file plays, in a
 * time that passes only where somebody sleeps.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vitsmod/bits.h"
#include "vmm/bench/bench.h"
#include "vmm/bench/bench_guest.h"
#include "vmm/irq/vector_routes.h"

#define MAX_VECTORS 64u
#define LATENCY_NS  700u /* from a signal to the guest's IAR read */
#define FREQUENCY   1000000000u

static struct {
	uint64_t now_ns;

	/* The guest. */
	struct passthru *functions;
	uint32_t nr_functions, nr_created, nr_destroyed;
	int create_error;
	uint64_t counts[MAX_VECTORS], stamps[MAX_VECTORS];
	bool deaf[MAX_VECTORS];	 /* it takes no interrupt of this vector */
	unsigned clock_is_wrong; /* as many of its stamps are */
	int64_t wrong_by_ns;
	enum machine_end end;
	struct bench_trips trips;
	uint64_t made_of_order; /* round trips of the order that it follows */
	bool idle;		/* it makes none */
	uint64_t lost;		/* so many of them get no interrupt */
	unsigned signal_after;	/* so many sleeps comes SIGTERM; 0: never */

	/* The routes. */
	enum route route;
	unsigned settling; /* looks until vectors have taken their route */
	unsigned nr_routes_set, nr_reviews;
	uint64_t change_ns; /* that a change takes */
	bool stutters;	    /* the guest gets one interrupt twice */

	/* The host's functions. */
	int bind_error, open_error, map_error, unknown_function;
	bool in_the_way; /* a hole, at the last byte of memory */
	uint32_t vendor, device;
	unsigned nr_vectors_of_device, nr_open, nr_given_back;
	struct capture said;
} w;

/* ---- time ------------------------------------------------------------------------------ */

/* As the guest's clock has it. */
static uint64_t stamp_of(uint64_t at)
{
	if (!w.clock_is_wrong)
		return at;
	w.clock_is_wrong--;
	return at + (uint64_t)w.wrong_by_ns;
}

/* What the guest does while others sleep. */
static void guest_runs(void)
{
	struct bench_trips *t = &w.trips;

	if (t->obeyed != t->order) {
		t->obeyed = t->order;
		w.made_of_order = 0;
	}
	for (; !w.idle && w.made_of_order < t->wanted && t->made - t->taken < BENCH_TRIPS;
	     w.made_of_order++, t->made++) {
		t->ticks[t->made % BENCH_TRIPS] = w.lost ? BENCH_LOST : stamp_of(1234);
		w.lost -= w.lost > 0;
	}
	if (w.signal_after && !--w.signal_after)
		(void)raise(SIGTERM);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, ret);
	*ret = (struct timespec){ .tv_sec = (time_t)(w.now_ns / 1000000000),
				  .tv_nsec = (long)(w.now_ns % 1000000000) };
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	w.now_ns += (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
	guest_runs();
	return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	uint64_t until = (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;

	(void)left;
	assert_int_equal(clock, CLOCK_MONOTONIC);
	assert_int_equal(flags, TIMER_ABSTIME);
	w.now_ns = until > w.now_ns ? until : w.now_ns;
	guest_runs();
	return 0;
}

/* ---- the guest ------------------------------------------------------------------------- */

int bench_guest_create(const struct bench_guest_config *config, struct bench_guest **ret_guest,
		       struct failure *ret_failure)
{
	w.functions = config->functions;
	w.nr_functions = config->nr_functions;
	if (w.create_error)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, w.create_error, "/dev/kvm", NULL,
				   "is not there");
	w.nr_created++;
	*ret_guest = (struct bench_guest *)&w;
	return 0;
}

void bench_guest_destroy(struct bench_guest *guest)
{
	w.nr_destroyed += guest != NULL;
}

uint32_t bench_guest_share(uint32_t nr_vectors, uint32_t nr_functions, uint32_t function)
{
	return nr_vectors / nr_functions + (function < nr_vectors % nr_functions);
}

struct machine *bench_guest_machine(struct bench_guest *guest)
{
	return (struct machine *)guest;
}

uint64_t bench_guest_clock(void)
{
	return w.now_ns;
}

uint64_t bench_guest_frequency(const struct bench_guest *guest)
{
	(void)guest;
	return FREQUENCY;
}

uint64_t bench_guest_count(const struct bench_guest *guest, uint32_t vector)
{
	const struct passthru *p = &w.functions[vector % w.nr_functions];
	eventfd_t signals;

	(void)guest;
	if (!w.deaf[vector] &&
	    eventfd_read(irq_function_eventfd(&p->irq, vector / w.nr_functions), &signals) == 0) {
		w.counts[vector] += 1 + w.stutters;
		w.stutters = false;
		w.stamps[vector] = stamp_of(w.now_ns + LATENCY_NS);
	}
	return w.counts[vector];
}

uint64_t bench_guest_stamp(const struct bench_guest *guest, uint32_t vector)
{
	(void)guest;
	return w.stamps[vector];
}

struct bench_trips *bench_guest_trips(struct bench_guest *guest)
{
	(void)guest;
	return &w.trips;
}

bool bench_guest_wait(const struct bench_guest *guest, uint32_t vector, uint64_t count, unsigned ms)
{
	if (bench_guest_count(guest, vector) != count)
		return true;
	w.now_ns += ms * UINT64_C(1000000);
	return false;
}

enum machine_end machine_end(struct machine *m)
{
	(void)m;
	return w.end;
}

struct vector_routes *machine_routes(struct machine *m)
{
	return (struct vector_routes *)m;
}

void vector_routes_set(struct vector_routes *routes, size_t function, unsigned vector,
		       enum route route)
{
	(void)routes;
	(void)vector;
	assert_true(function < w.nr_functions);
	w.now_ns += w.route == route ? 0 : w.change_ns;
	w.route = route;
	w.nr_routes_set++;
}

void vector_routes_review(struct vector_routes *routes, size_t function, unsigned vector)
{
	(void)routes;
	(void)vector;
	assert_true(function < w.nr_functions);
	w.nr_reviews++;
}

struct route_state vector_routes_get(struct vector_routes *routes, size_t function, unsigned vector)
{
	(void)routes;
	(void)function;
	(void)vector;
	w.settling -= w.settling > 0;
	return (struct route_state){ .asked = w.route, .is = w.route, .changing = w.settling > 0 };
}

/* ---- functions of the host ------------------------------------------------------------- */

int __wrap_pci_function_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			    struct pci_function *ret);
int __wrap_pci_function_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			    struct pci_function *ret)
{
	(void)fs;
	*ret = (struct pci_function){ .bdf = *bdf,
				      .vendor = (uint16_t)w.vendor,
				      .device = (uint16_t)w.device };
	return -w.unknown_function;
}

int passthru_bind(struct passthru *p, const struct pci_host_fs *host,
		  const struct keeper_client *keeper, const struct vfio_listener *listener,
		  const struct config_device *config, unsigned index, struct failure *ret_failure)
{
	(void)host;
	(void)keeper;
	(void)listener;
	p->bdf = config->bdf;
	p->index = index;
	p->bound_here = !w.bind_error;
	return w.bind_error ? failure_set(ret_failure, ITSY_ENVIRONMENT, w.bind_error, "a function",
					  NULL, "cannot be bound")
			    : 0;
}

int passthru_open(struct passthru *p, const struct config_device *config,
		  struct vfio_container *container, struct failure *ret_failure)
{
	(void)config;
	assert_ptr_equal(container, &w);
	assert_true(p->bound_here);
	if (w.open_error)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, w.open_error, "a function", NULL,
				   "cannot be opened");
	return passthru_open_bare(p, "device", 0, w.nr_vectors_of_device, ret_failure);
}

int passthru_reset_opened(struct passthru functions[], size_t nr, struct failure *ret_failure)
{
	(void)ret_failure;
	assert_int_equal(nr, 1);
	assert_true(functions[0].bound_here);
	return 0;
}

int passthru_open_bare(struct passthru *p, const char *name, uint32_t devid, unsigned nr_vectors,
		       struct failure *ret_failure)
{
	w.nr_open++;
	p->irq.name = name;
	p->irq.devid = devid;
	return irq_function_open_bare(&p->irq, nr_vectors, ret_failure);
}

void passthru_close(struct passthru *p)
{
	w.nr_open -= p->irq.bare != NULL;
	irq_function_close(&p->irq);
}

void passthru_give_back(struct passthru *p)
{
	w.nr_given_back += p->bound_here;
	p->bound_here = false;
}

/* Of bare functions there is none. */
void vfio_bars_drop_pages(struct vfio_device *dev)
{
	(void)dev;
	fail();
}

int vfio_container_create(enum vfio_iommu_kind kind, struct vfio_container **ret_container,
			  struct vfio_failure *ret_failure)
{
	(void)kind;
	(void)ret_failure;
	*ret_container = (struct vfio_container *)&w;
	return 0;
}

void vfio_container_destroy(struct vfio_container *c)
{
	/* No function outlives the machine, or is open still. */
	assert_true(!c || w.nr_open == 0);
}

int vfio_container_holes(const struct vfio_container *c, struct vfio_holes *holes)
{
	const uint64_t at = LAYOUT_RAM + BENCH_GUEST_MEMORY - w.in_the_way;
	const struct vfio_hole hole = { at, at, VFIO_HOLE_WINDOW, "pci0000:00" };

	assert_ptr_equal(c, &w);
	return vfio_hole_add(holes, &hole);
}

int vfio_dma_map(struct vfio_container *c, uint64_t iova, uint64_t size, void *va,
		 struct vfio_failure *ret_failure)
{
	(void)c;
	(void)iova;
	assert_int_equal(size, BENCH_GUEST_MEMORY);
	assert_non_null(va);
	if (!w.map_error)
		return 0;
	*ret_failure = (struct vfio_failure){ .code = VFIO_FAILURE_MEMLOCK, .error = w.map_error };
	return -w.map_error;
}

/* ---- measuring ------------------------------------------------------------------------- */

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now_ns = 1000000000;
	w.vendor = 0x1234;
	w.device = 0x11e8;
	w.nr_vectors_of_device = 1;
	return 0;
}

/* Two bare functions with two vectors each, on the route uring. */
static struct bench_options options_of_irq(void)
{
	return (struct bench_options){
		.functions = 2,
		.vectors = 4,
		.vcpus = 1,
		.burst = 1,
		.count = 100,
		.gap_us = 10,
		.routes = { [ROUTE_URING] = true },
		.router = { .cpu = -1 },
		.spin = { .cpu = -1 },
		.vcpu = { .cpu = -1 },
		.trigger_cpu = -1,
	};
}

static struct bench_options options_of_device(void)
{
	struct bench_options o = options_of_irq();

	o.functions = 1;
	o.vectors = 1;
	o.nr_devices = 1;
	o.devices[0] = (struct pci_bdf){ .bus = 1 };
	return o;
}

/* Whatever comes of it, nothing is left behind. */
static enum exit_status measure(enum exit_status (*bench)(const struct bench_options *),
				const struct bench_options *o)
{
	enum exit_status status;

	capture_begin(&w.said);
	status = bench(o);
	(void)fflush(stdout);
	capture_end(&w.said);
	assert_int_equal(w.nr_destroyed, w.nr_created);
	assert_int_equal(w.nr_open, 0);
	return status;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static void test_irq_measures_each_vector_in_turn_on_each_route(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.routes[ROUTE_IRQFD] = true;
	w.settling = 9;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	for (uint32_t v = 0; v < o.vectors; v++)
		assert_int_equal(w.counts[v], 50);
	/* Ten turns of two routes, of four vectors. */
	assert_int_equal(w.nr_routes_set, 80);
	has(w.said.out, "uring");
	has(w.said.out, "irqfd");
	assert_null(strstr(w.said.out, "spin"));
	has(w.said.out, "700");
	assert_string_equal(w.said.err, "");
}

/* The keeper is locked down only where the guest's process says that it is ready. */
static void test_what_another_process_measures_is_reported_here(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.sandbox = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	assert_int_equal(w.nr_created, 0);
	has(w.said.out, "700");
	assert_string_equal(w.said.err, "");
	w.create_error = ENOENT;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	assert_string_equal(w.said.err, "itsy: error: /dev/kvm: is not there\n");
	assert_string_equal(w.said.out, "");
}

static void test_a_burst_counts_once_by_its_last_interrupt(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.burst = 4;
	o.count = 20;
	o.gap_us = 250000; /* slept in steps, which a signal may end */
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	assert_int_equal(w.counts[0], 20);
	assert_int_equal(w.counts[3], 20);
	has(w.said.out, "175"); /* 700 ns for four */
}

static void test_a_rate_is_kept_and_merged_ones_are_no_failure(void **state)
{
	struct bench_options o = options_of_irq();
	uint64_t began = w.now_ns;

	(void)state;
	o.rate = 1000;
	w.deaf[3] = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	/* A hundred of them at 1000 per second, and for the lost one of each turn two seconds. */
	assert_true(w.now_ns - began >= 100000000);
	assert_int_equal(w.counts[0], 25);
	assert_int_equal(w.counts[3], 0);
}

static void test_lost_interrupts_are_told_and_fail(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	w.deaf[1] = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	has(w.said.err, "uring: 25 were lost: they did not come within 2 s");
	/* Where none comes at all, a turn ends soon. */
	memset(w.deaf, true, sizeof(w.deaf));
	o.burst = 4;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	has(w.said.err, " were lost");
}

static void test_routes_change_while_interrupts_come(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.changes_us = 1;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	has(w.said.out, "uring: its vectors changed their route 1");
	assert_true(w.nr_routes_set > 100);
	/* What auto has on irqfd leaves it because its times are recorded. */
	memset(o.routes, 0, sizeof(o.routes));
	o.routes[ROUTE_AUTO] = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	has(w.said.out, "auto: its vectors changed their route 1");
	assert_true(w.nr_reviews > 100);
}

static void test_a_change_of_one_vector_is_timed_with_the_interrupt_behind_it(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.routes[ROUTE_IRQFD] = true;
	o.functions = o.vectors = 1;
	o.changes_us = 1;
	w.change_ns = 1000;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	has(w.said.out, "\nirqfd: a change to it and the interrupt behind it took 1,700 at the "
			"median, 1,000 more than by uring alone.\n");
	has(w.said.out, "\nirqfd: a change to uring and the interrupt behind it took 1,700 at ");
	/* Its own table is of what comes behind the change. */
	has(w.said.out, "\nirqfd   100    0 700 700");
	assert_null(strstr(w.said.out, "uring: a change"));
	/* Of several, one has the change of all. */
	o.vectors = 4;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	assert_null(strstr(w.said.out, "the interrupt behind it"));
}

static void test_an_interrupt_that_nobody_had_sent_is_told_and_fails(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.changes_us = 1;
	w.stutters = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	has(w.said.err, "uring: 1 came that nobody had sent");
}

static void test_a_hard_limit_decides_the_exit_status(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.hardlimit = 700;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	o.hardlimit = 600;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	has(w.said.err, "uring: the slowest took");
	has(w.said.err, "over the hard limit");
}

/* As where the hypervisor lost the guest's offset while it ran: less than the host is up. */
static void test_impossible_times_are_told_and_in_no_figure(void **state)
{
	static const int64_t wrong_by_ns[] = { 900000000, -2000000 };
	enum exit_status (*const benches[])(const struct bench_options *) = { bench_irq, bench_irq,
									      bench_device };
	struct bench_options options[] = { options_of_irq(), options_of_irq(),
					   options_of_device() };
	static const char *const slowest[] = { " 700 ", " 175 ", " 1,234 " };

	(void)state;
	options[1].burst = 4;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(options); i++) {
		struct bench_options *o = &options[i / 2];

		(void)make(NULL);
		w.wrong_by_ns = wrong_by_ns[i % 2];
		w.clock_is_wrong = 1;
		assert_int_equal(measure(benches[i / 2], o), ITSY_OK);
		has(w.said.err, "uring: 1 are left out: by the guest's clock");
		has(w.said.out, "  99 ");
		has(w.said.out, slowest[i / 2]);
		/* Then nobody knows whether it was late. */
		(void)make(NULL);
		w.wrong_by_ns = wrong_by_ns[i % 2];
		w.clock_is_wrong = 1;
		o->hardlimit = 1000000;
		assert_int_equal(measure(benches[i / 2], o), ITSY_RUNTIME);
		o->hardlimit = 0;
	}
}

/* Its stamps need not be better than the offset that it found. */
static void test_times_that_are_nearly_possible_count(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	w.wrong_by_ns = -1000;
	w.clock_is_wrong = UINT32_MAX;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	has(w.said.out, " 100 ");
	assert_string_equal(w.said.err, "");
}

static void test_a_signal_ends_it_and_what_was_measured_is_told(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	w.signal_after = 30;
	assert_int_equal(measure(bench_irq, &o), 128 + SIGTERM);
	has(w.said.out, "uring");
	assert_true(w.counts[0] > 0 && w.counts[0] < 25);
}

static void test_files_are_written_or_refused_before_anything_is_measured(void **state)
{
	char dir[] = "/tmp/itsy-bench-XXXXXX", json[64], hgrm[64], plot[64];
	struct bench_options o = options_of_irq();

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(json, sizeof(json), "%s/a.json", dir);
	(void)snprintf(hgrm, sizeof(hgrm), "%s/a.hgrm", dir);
	(void)snprintf(plot, sizeof(plot), "%s/a.gp", dir);
	o.json = json;
	o.hgrm = hgrm;
	o.plot = plot;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	assert_int_equal(unlink(json), 0);
	assert_int_equal(unlink(hgrm), 0);
	assert_int_equal(unlink(plot), 0);
	o.json = dir;
	w.nr_created = w.nr_destroyed = 0;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	assert_int_equal(w.nr_created, 0);
	has(w.said.err, "cannot be written (Is a directory)");
	assert_int_equal(rmdir(dir), 0);
}

static void test_what_cannot_be_set_up_is_told(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	w.create_error = ENOENT;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "itsy: error: /dev/kvm: is not there");
	w.create_error = 0;
	o.spin.cpu = PLACEMENT_MAX_CPU;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "--spin-cpu: the host refuses CPU 1023");
	o.spin.cpu = -1;
	w.settling = UINT32_MAX;
	assert_int_equal(measure(bench_irq, &o), ITSY_RUNTIME);
	has(w.said.err, "the vectors do not take this route");
}

static void test_functions_are_bound_opened_and_given_back(void **state)
{
	struct bench_options o = options_of_irq();

	(void)state;
	o.nr_devices = 2;
	w.nr_vectors_of_device = 2;
	assert_int_equal(measure(bench_irq, &o), ITSY_OK);
	assert_int_equal(w.nr_given_back, 2);
	w.nr_vectors_of_device = 1;
	assert_int_equal(measure(bench_irq, &o), ITSY_USAGE);
	has(w.said.err, "--vectors: 0000:00:00.0 has 1, fewer than its share of 2");
	assert_int_equal(w.nr_given_back, 4);
	w.nr_vectors_of_device = 2;
	w.map_error = ENOMEM;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "must be locked for DMA");
	w.in_the_way = true;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "guest memory: the device does not reach 0x40000000, where the bench has "
			"it: window of the host's PCI bridge pci0000:00");
	w.open_error = EBUSY;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "cannot be opened");
	assert_int_equal(w.nr_given_back, 10);
	w.bind_error = EPERM;
	assert_int_equal(measure(bench_irq, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "cannot be bound");
	assert_int_equal(w.nr_given_back, 10);
}

static void test_device_collects_the_round_trips_that_the_guest_makes(void **state)
{
	struct bench_options o = options_of_device();

	(void)state;
	o.count = 50000; /* in each turn more than the ring holds */
	w.lost = 3;
	assert_int_equal(measure(bench_device, &o), ITSY_RUNTIME);
	has(w.said.out, "edu");
	has(w.said.err, "uring: 3 were lost");
	assert_true(w.trips.made >= 50000);
	assert_int_equal(w.trips.made, w.trips.taken);
	/* At the end it is told to stop, and does. */
	assert_int_equal(w.trips.wanted, 0);
	assert_int_equal(w.trips.obeyed, w.trips.order);
}

static void test_a_guest_that_goes_on_no_more_ends_the_measurement(void **state)
{
	struct bench_options o = options_of_device();

	(void)state;
	w.idle = true;
	assert_int_equal(measure(bench_device, &o), ITSY_RUNTIME);
	has(w.said.err, "payload: it makes no round trips any more");
	w.end = MACHINE_OFF;
	assert_int_equal(measure(bench_device, &o), ITSY_RUNTIME);
	has(w.said.err, "the guest gave up");
	w.end = MACHINE_RUNS;
	w.trips.made = 1u << 20;
	assert_int_equal(measure(bench_device, &o), ITSY_RUNTIME);
	has(w.said.err, "what it says of its round trips cannot be");
}

static void test_only_devices_that_the_guest_can_drive_are_taken(void **state)
{
	struct bench_options o = options_of_device();

	(void)state;
	w.vendor = 0x8086;
	assert_int_equal(measure(bench_device, &o), ITSY_USAGE);
	has(w.said.err, "0000:01:00.0: round trips are made with QEMU's edu");
	has(w.said.err, "itsy bench irq --device 0000:01:00.0 serves with any");
	w.unknown_function = ENOENT;
	assert_int_equal(measure(bench_device, &o), ITSY_ENVIRONMENT);
	has(w.said.err, "0000:01:00.0");
	assert_int_equal(w.nr_created, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, make)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_irq_measures_each_vector_in_turn_on_each_route),
		TEST(test_what_another_process_measures_is_reported_here),
		TEST(test_a_burst_counts_once_by_its_last_interrupt),
		TEST(test_a_rate_is_kept_and_merged_ones_are_no_failure),
		TEST(test_lost_interrupts_are_told_and_fail),
		TEST(test_routes_change_while_interrupts_come),
		TEST(test_a_change_of_one_vector_is_timed_with_the_interrupt_behind_it),
		TEST(test_an_interrupt_that_nobody_had_sent_is_told_and_fails),
		TEST(test_a_hard_limit_decides_the_exit_status),
		TEST(test_impossible_times_are_told_and_in_no_figure),
		TEST(test_times_that_are_nearly_possible_count),
		TEST(test_a_signal_ends_it_and_what_was_measured_is_told),
		TEST(test_files_are_written_or_refused_before_anything_is_measured),
		TEST(test_what_cannot_be_set_up_is_told),
		TEST(test_functions_are_bound_opened_and_given_back),
		TEST(test_device_collects_the_round_trips_that_the_guest_makes),
		TEST(test_a_guest_that_goes_on_no_more_ends_the_measurement),
		TEST(test_only_devices_that_the_guest_can_drive_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
