// SPDX-License-Identifier: MIT
/*
 * itsy bench: what all measurements have in common.
 *
 * All routes are measured in one run, in turns, so that what the machine does
 * besides falls on each of them. A turn first sets the route, then waits until
 * all vectors have taken it; the job measures then.
 *
 * No locks.
 */
#include "vmm/bench/bench_priv.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vfio/bind.h"
#include "vmm/base/bits.h"
#include "vmm/base/output.h"
#include "vmm/base/signals.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/irq/io_uring_host.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/sandbox.h"

#define TURNS	     10u
#define SETTLE_STEPS 20000u
#define NS_PER_S     1000000000L

static const struct pci_host_fs this_host = { "" };

struct passthru *bench_function_of(const struct bench *b, uint32_t v, unsigned *ret_vector)
{
	*ret_vector = v / b->options->functions;
	return &b->functions[v % b->options->functions];
}

bool bench_told_to_end(struct bench *b)
{
	if (!b->outcome->killed_by)
		b->outcome->killed_by = signals_take(b->signals);
	return b->outcome->killed_by;
}

void bench_sleep_ns(uint64_t ns)
{
	const struct timespec t = { .tv_sec = (time_t)(ns / NS_PER_S),
				    .tv_nsec = (long)(ns % NS_PER_S) };

	(void)nanosleep(&t, NULL);
}

/*
 * The guest's clock is the host's, less what the hypervisor says. Where that was lost
 * while the guest ran, its stamps are off by the time that the host has been up; what
 * is off by less than this is not known better (guest-images/latency/).
 */
#define CLOCK_ERRORS_PER_S 1000u

bool bench_possible(const struct bench *b, uint64_t began, uint64_t over)
{
	const uint64_t error = bench_guest_frequency(b->guest) / CLOCK_ERRORS_PER_S;

	/* Also where it is before: the difference is huge then. */
	return over - began + error <= bench_guest_clock() - began + 2 * error;
}

bool bench_record_in(const struct bench *b, struct hist *hist, uint64_t began, uint64_t over)
{
	uint64_t ticks = over > began ? over - began : 0;
	double ns = (double)ticks * 1e9 / (double)bench_guest_frequency(b->guest);

	if (!bench_possible(b, began, over))
		return false;
	/* What does not fit, or is no number, can only be the guest's. */
	hist_record(hist, ns < 0x1p62 ? (uint64_t)ns : UINT64_MAX);
	return true;
}

void bench_record(struct bench *b, enum route route, uint64_t began, uint64_t over)
{
	if (!bench_record_in(b, &b->results[route].hist, began, over))
		b->results[route].impossible++;
}

/* ---- turns ----------------------------------------------------------------------------- */

/* next: a vector that KVM gets with its next interrupt will do. */
static bool settled(struct bench *b, enum route route, bool next)
{
	struct vector_routes *routes = machine_routes(bench_guest_machine(b->guest));

	for (uint32_t v = 0; v < b->options->vectors; v++) {
		unsigned vector;
		size_t f = (size_t)(bench_function_of(b, v, &vector) - b->functions);
		struct route_state state = vector_routes_get(routes, f, vector);

		if (state.changing || (route != ROUTE_AUTO && state.is != route &&
				       !(next && state.why == ROUTE_WHY_NEXT)))
			return false;
	}
	return true;
}

static int settle(struct bench *b, enum route route, bool next, struct failure *ret_failure)
{
	for (unsigned i = 0; i < SETTLE_STEPS; i++) {
		if (settled(b, route, next))
			return 0;
		bench_sleep_ns(100000);
	}
	return failure_set(ret_failure, ITSY_RUNTIME, EIO, route_name(route), NULL,
			   "the vectors do not take this route");
}

/* KVM gets a vector with an interrupt: with one that is not measured, where it is ours to send. */
static void tie_all(struct bench *b)
{
	struct vector_routes *routes = machine_routes(bench_guest_machine(b->guest));

	for (uint32_t v = 0; v < b->options->vectors && !bench_told_to_end(b); v++) {
		unsigned vector;
		struct passthru *function = bench_function_of(b, v, &vector);
		size_t f = (size_t)(function - b->functions);
		uint64_t count = bench_guest_count(b->guest, v);

		if (vector_routes_get(routes, f, vector).why != ROUTE_WHY_NEXT)
			continue;
		irq_function_trigger(&function->irq, vector);
		(void)bench_guest_wait(b->guest, v, count, BENCH_WAIT_MS);
	}
}

static int take_route(struct bench *b, enum route route, struct failure *ret_failure)
{
	struct vector_routes *routes = machine_routes(bench_guest_machine(b->guest));
	const bool ours = b->job->source == BENCH_BARE || b->job->source == BENCH_LOOP;
	int r;

	for (uint32_t v = 0; v < b->options->vectors; v++) {
		unsigned vector;
		size_t f = (size_t)(bench_function_of(b, v, &vector) - b->functions);

		vector_routes_set(routes, f, vector, route);
	}
	r = settle(b, route, true, ret_failure);
	if (r < 0 || !ours)
		return r;
	tie_all(b);
	return bench_told_to_end(b) ? 0 : settle(b, route, false, ret_failure);
}

static void say_progress(unsigned turn, enum route route)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%3u %%, %-8s", turn * 100 / TURNS, route_name(route));
}

static int take_turns(struct bench *b, struct failure *ret_failure)
{
	uint64_t left = b->options->count;

	for (unsigned turn = 0; turn < TURNS && !bench_told_to_end(b); turn++) {
		uint64_t count = left / (TURNS - turn);

		left -= count;
		for (unsigned i = 0; i < NR_ROUTES && !bench_told_to_end(b); i++) {
			int r;

			if (!b->options->routes[i])
				continue;
			say_progress(turn, (enum route)i);
			r = take_route(b, (enum route)i, ret_failure);
			if (r < 0)
				return r;
			r = b->job->turn(b->job->ctx, b, (enum route)i, count, ret_failure);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int measure(struct bench *b, struct failure *ret_failure)
{
	int r = take_turns(b, ret_failure);

	if (isatty(STDERR_FILENO))
		(void)fputs("\r                    \r", stderr);
	return r;
}

/* ---- set-up ------------------------------------------------------------------------------ */

/* A figure of another CPU than the one that was asked for is none. */
static int check_cpus(const struct bench_options *o, struct failure *ret_failure)
{
	const struct {
		const char *option;
		int cpu; /* -1: any */
	} asked[] = {
		{ "--router-cpu", o->router.cpu },
		{ "--spin-cpu", o->spin.cpu },
		{ "--vcpu-cpu", o->vcpu.cpu },
		{ "--trigger-cpu", o->trigger_cpu },
	};

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		int r = asked[i].cpu < 0 ? 0 : placement_try_cpu(asked[i].cpu);

		if (r < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, asked[i].option,
					   "name one of /sys/devices/system/cpu/online that this "
					   "process may use",
					   "the host refuses CPU %d (%s)", asked[i].cpu,
					   strerror(-r));
	}
	return 0;
}

static uint32_t share_of(const struct bench *b, uint32_t f)
{
	return bench_guest_share(b->options->vectors, b->options->functions, f);
}

static int open_device(struct bench *b, const struct config_device *device, uint32_t f,
		       struct failure *ret_failure)
{
	struct passthru *p = &b->functions[f];
	char bdf[PCI_BDF_STRLEN];
	int r = passthru_open(p, device, b->container, ret_failure);

	if (r >= 0)
		r = passthru_reset_opened(p, 1, ret_failure);
	if (r < 0)
		return r;
	return irq_function_nr_messages(&p->irq) >= share_of(b, f)
		       ? 0
		       : failure_set(ret_failure, ITSY_USAGE, EINVAL, "--vectors", NULL,
				     "%s has %u, fewer than its share of %u",
				     pci_bdf_format(&p->bdf, bdf),
				     irq_function_nr_messages(&p->irq), share_of(b, f));
}

/* Each is a device of its own on the guest's bus. */
static uint32_t devfn_of(uint32_t function)
{
	return function << 3;
}

static int create_container(struct bench *b, struct failure *ret_failure)
{
	const struct pci_set all = { b->options->devices, b->options->functions };
	struct vfio_iommu_choice choice;
	struct vfio_failure vf = { 0 };
	int r = vfio_iommu_choose(&this_host, VFIO_IOMMU_WISH_AUTO, &all, &choice, &vf);

	if (r >= 0)
		r = vfio_container_create(choice.kind, &b->container, &vf);
	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

/*
 * The payload looks for its page at LAYOUT_RAM: where that is a hole of the host's, it cannot be
 * moved as another guest's memory would be.
 */
static int look_for_holes(const struct bench *b, struct failure *ret_failure)
{
	struct vfio_holes holes = { 0 };
	char why[GUEST_MEMORY_WHY_SZ];
	int r = vfio_container_holes(b->container, &holes);

	for (uint32_t f = 0; r >= 0 && f < b->options->functions; f++)
		r = vfio_holes_of_function(&this_host, &b->options->devices[f], &holes);
	if (r < 0 && r != -ENOENT)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "guest memory", NULL,
				   "what is in its way cannot be read: %s", strerror(-r));
	for (size_t i = 0; i < holes.nr; i++) {
		const struct vfio_hole *hole = &holes.list[i];

		if (hole->last >= LAYOUT_RAM && hole->first < LAYOUT_RAM + BENCH_GUEST_MEMORY)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, ERANGE, "guest memory",
					   "measure by a guest of itsy run, whose memory lies "
					   "elsewhere",
					   "the device does not reach 0x%llx, where the bench has "
					   "it: %s",
					   (unsigned long long)LAYOUT_RAM,
					   guest_memory_why(hole, why));
	}
	return 0;
}

/* All are bound before the first is opened: they may be of one IOMMU group. */
static int open_devices(struct bench *b, struct failure *ret_failure)
{
	static char name[] = "device";
	struct config_device device = { .name = name, .msi_cpu = -1, .heat = HEAT_LIMITS_DEFAULT };
	struct vfio_failure vf = { 0 };
	int r = 0;

	for (uint32_t f = 0; r >= 0 && f < b->options->functions; f++) {
		device.bdf = b->options->devices[f];
		device.devfn = device.requester_id = device.devid = devfn_of(f);
		r = passthru_bind(&b->functions[f], &this_host, b->keeper, NULL, &device, f,
				  ret_failure);
	}
	if (r < 0)
		return r;
	r = create_container(b, ret_failure);
	for (uint32_t f = 0; r >= 0 && f < b->options->functions; f++)
		r = open_device(b, &device, f, ret_failure);
	if (r >= 0)
		r = look_for_holes(b, ret_failure);
	if (r < 0)
		return r;
	r = vfio_dma_map(b->container, b->mem.banks[0].base, b->mem.banks[0].size,
			 b->mem.banks[0].va, &vf);
	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

static int open_functions(struct bench *b, struct failure *ret_failure)
{
	int r = 0;

	if (b->options->nr_devices)
		return open_devices(b, ret_failure);
	for (uint32_t f = 0; r >= 0 && f < b->options->functions; f++)
		r = passthru_open_bare(&b->functions[f], "bare", devfn_of(f), share_of(b, f),
				       ret_failure);
	return r;
}

/*
 * On the only CPU, this thread must not hold up what it woke; but in a burst nobody
 * runs before all are signalled.
 */
static void place_trigger(const struct bench *b)
{
	const struct placement cpu = { .cpu = b->options->trigger_cpu, .asked = true };
	const bool bursts = b->options->burst > 1;
	const struct sched_param param = { .sched_priority = bursts };

	placement_apply(&cpu, "trigger");
	if (b->env.cpus == 1)
		(void)sched_setscheduler(0, bursts ? SCHED_FIFO : SCHED_IDLE, &param);
}

/* Nothing can be opened any more when this returns, and nothing of the guest's has run. */
static int enter_sandbox(void *ctx, struct failure *ret_failure)
{
	struct bench *b = ctx;

	if (!b->sandbox)
		return 0;
	if (keeper_ready(b->keeper) < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EPERM, "keeper",
				   "itsy check says what of the sandbox this host has; --sandbox "
				   "off does without it",
				   "cannot give up what it does not need");
	return sandbox_enter(b->sandbox, ret_failure);
}

static int highest_fifo(const struct bench_options *o)
{
	const int its = o->vcpu.fifo ? o->vcpu.fifo + 1 : 0;
	const int all[] = { o->router.fifo, o->spin.fifo, its, o->burst > 1 };
	int highest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i] > highest)
			highest = all[i];
	return highest;
}

static int set_up(struct bench *b, struct failure *ret_failure)
{
	const struct bench_options *o = b->options;
	struct bench_guest_config config = {
		.nr_functions = o->functions,
		.source = b->job->source,
		.nr_vectors = o->vectors,
		.vcpus = o->vcpus,
		.busy = o->busy,
		.router = o->router,
		.spin = o->spin,
		.vcpu = o->vcpu,
		.made = enter_sandbox,
		.ctx = b,
		.mem = &b->mem,
	};
	int r = 0;

	b->functions = calloc(o->functions, sizeof(*b->functions));
	if (!b->functions)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				   "out of memory");
	b->smaps = fopen("/proc/self/smaps", "re");
	if (b->keeper)
		r = sandbox_create(highest_fifo(o), &b->sandbox, ret_failure);
	if (r < 0)
		return r;
	config.confine = sandbox_confine(b->sandbox);
	b->signals = signals_open();
	if (b->signals < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -b->signals, "itsy", NULL,
				   "no file descriptors (%s)", strerror(-b->signals));
	r = gmem_init(&b->mem, LAYOUT_RAM, BENCH_GUEST_MEMORY);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "guest memory", NULL, "%s",
				   strerror(-r));
	config.functions = b->functions;
	r = open_functions(b, ret_failure);
	return r < 0 ? r : bench_guest_create(&config, &b->guest, ret_failure);
}

static void tear_down(struct bench *b)
{
	/* Those that were never bound or opened are all zeroes, which both allow. */
	bench_guest_destroy(b->guest);
	for (uint32_t f = 0; b->functions && f < b->options->functions; f++)
		passthru_close(&b->functions[f]);
	vfio_container_destroy(b->container);
	for (uint32_t f = 0; b->functions && f < b->options->functions; f++)
		passthru_give_back(&b->functions[f]);
	gmem_fini(&b->mem);
	sandbox_destroy(b->sandbox);
	cleanup_file(&b->smaps);
	cleanup_fd(&b->signals);
	free(b->functions);
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool wrote(const char *path, int r)
{
	struct failure failure;

	if (r >= 0)
		return true;
	(void)output_failed(&failure, path, -r);
	(void)report_failure(&failure);
	return false;
}

/*
 * Did all interrupts come, and in time? At a given rate, lost ones are those that
 * merged with another, and that is no failure. Nobody knows whether one with an
 * impossible time was late.
 */
static bool all_came(const struct bench *b, enum route route)
{
	const struct bench_options *o = b->options;
	const struct bench_result *result = &b->results[route];

	if (result->impossible)
		report_warning("%s: %llu are left out: by the guest's clock they were over before "
			       "they began, or later than now",
			       route_name(route), (unsigned long long)result->impossible);
	if (o->hardlimit && hist_max(&result->hist) > o->hardlimit)
		report_warning("%s: the slowest took %llu %s, over the hard limit",
			       route_name(route), (unsigned long long)hist_max(&result->hist),
			       bench_unit(&b->env));
	else if (result->extra)
		report_warning("%s: %llu came that nobody had sent", route_name(route),
			       (unsigned long long)result->extra);
	else if (result->lost && !o->rate)
		report_warning("%s: %llu were lost: they did not come within %u s",
			       route_name(route), (unsigned long long)result->lost,
			       BENCH_WAIT_MS / 1000);
	else
		return !(o->hardlimit && result->impossible);
	return false;
}

static enum exit_status report(const struct bench *b)
{
	const struct bench_options *o = b->options;
	const struct bench_report r = { o, b->job->kind, &b->env, b->results,
					b->outcome->has_memory ? &b->outcome->memory : NULL };
	bool good = bench_print(&r, stdout) >= 0;

	if (o->json)
		good &= wrote(o->json, bench_write_json(&r, o->json));
	if (o->hgrm)
		good &= wrote(o->hgrm, bench_write_hgrm(&r, o->hgrm));
	if (o->plot)
		good &= wrote(o->plot, bench_write_plot(&r, o->plot));
	for (unsigned i = 0; i < NR_ROUTES; i++)
		good &= all_came(b, (enum route)i);
	return good ? ITSY_OK : ITSY_RUNTIME;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* Set-up to tear-down, in whichever process. */
static enum exit_status live(struct bench *b)
{
	struct bench_outcome *outcome = b->outcome;
	struct failure failure = { 0 };
	int r = set_up(b, &failure);

	if (r >= 0) {
		place_trigger(b);
		r = measure(b, &failure);
		outcome->has_memory =
			b->smaps && self_memory_read(b->smaps, b->mem.banks[0].va,
						     b->mem.banks[0].size, &outcome->memory) >= 0;
	}
	tear_down(b);
	return r < 0 ? report_failure(&failure) : ITSY_OK;
}

/* As itsy run says it. */
static void look_for_io_uring(struct bench_environment *env)
{
	struct failure why;

	if (io_uring_host_try("", &why) != IO_URING_REFUSED)
		return;
	env->instead = router_engine_name(ROUTER_ENGINE_EPOLL);
	report_warning("%s: %s: %s", why.object, why.cause, why.cure);
}

static enum exit_status live_kept(void *ctx, const struct keeper_client *keeper)
{
	struct bench *b = ctx;

	b->keeper = keeper;
	return live(b);
}

static void not_given_back(void *ctx, const struct pci_bdf *bdf, const struct vfio_failure *why)
{
	struct failure failure;
	char name[PCI_BDF_STRLEN];

	(void)ctx;
	(void)failure_from_vfio(&failure, why);
	report_warning("%s: not given back: %s: %s", pci_bdf_format(bdf, name), failure.object,
		       failure.cause);
}

static enum exit_status keep(struct bench *b)
{
	struct keeper_device devices[BENCH_MAX_FUNCTIONS];
	const struct keeper_config config = {
		.name = "bench",
		.host = &this_host,
		.devices = devices,
		.nr_devices = b->options->nr_devices,
		.run = live_kept,
		.kept = not_given_back,
		.ctx = b,
	};

	for (size_t i = 0; i < config.nr_devices; i++)
		devices[i] = (struct keeper_device){ .bdf = b->options->devices[i],
						     .cpu = -1,
						     .bind = VFIO_BIND_FOR_LIFE };
	return keeper_run(&config);
}

/* The report is made by the process that was started: it can write files, and start gnuplot. */
static enum exit_status measure_and_report(struct bench *b)
{
	const struct bench_options *o = b->options;
	struct failure failure;
	enum exit_status status;
	int r;

	for (unsigned i = 0; i < NR_ROUTES; i++) {
		hist_init(&b->results[i].hist);
		hist_init(&b->results[i].to);
		hist_init(&b->results[i].from);
	}
	r = bench_check_files(o, &failure);
	if (r >= 0)
		r = check_cpus(o, &failure);
	if (r < 0)
		return report_failure(&failure);
	status = o->sandbox ? keep(b) : live(b);
	if (status == ITSY_OK)
		status = report(b);
	return b->outcome->killed_by && status == ITSY_OK
		       ? (enum exit_status)(128 + b->outcome->killed_by)
		       : status;
}

/* A child's writes are seen here. */
static void *map_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

enum exit_status bench_run(const struct bench_options *options, const struct bench_job *job)
{
	const size_t results_sz = NR_ROUTES * sizeof(struct bench_result);
	struct bench b = {
		.options = options,
		.job = job,
		.signals = -1,
		.results = map_shared(results_sz),
		.outcome = map_shared(sizeof(*b.outcome)),
	};
	enum exit_status status;
	struct failure failure;

	bench_environment_get("", &b.env);
	look_for_io_uring(&b.env);
	self_raise_file_limit();
	self_keep_stacks_small();
	if (b.results && b.outcome) {
		status = measure_and_report(&b);
	} else {
		(void)failure_set(&failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				  "out of memory");
		status = report_failure(&failure);
	}
	if (b.results)
		(void)munmap(b.results, results_sz);
	if (b.outcome)
		(void)munmap(b.outcome, sizeof(*b.outcome));
	return status;
}
