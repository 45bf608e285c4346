// SPDX-License-Identifier: MIT
/*
 * A guest to measure interrupts with. No locks; one thread.
 */
#include "vmm/bench/bench_guest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "vmm/base/clock.h"
#include "vmm/bench/bench_payload.h"
#include "vmm/kvm/layout.h"

#define READY_MS 20000u /* mapping thousands of vectors, on an emulated host */
#define STEP_NS	 20000

_Static_assert(BENCH_MAX_FUNCTIONS <= CONFIG_MAX_DEVICES, "a machine has room for all");

struct bench_guest {
	struct config config;
	struct machine *machine;
	volatile struct bench_page *page;
	int wake_up;
};

uint64_t bench_guest_clock(void)
{
	uint64_t now;

#ifdef __aarch64__
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
#else
	now = clock_ns(); /* for unit tests: no guest runs here */
#endif
	return now;
}

static void sleep_ns(long ns)
{
	const struct timespec step = { .tv_nsec = ns };

	(void)nanosleep(&step, NULL);
}

/* What a configuration file would say. */
static void describe(struct bench_guest *guest, const struct bench_guest_config *config)
{
	static char its_name[] = "its", cmdline[] = "";

	guest->config = (struct config){
		.cmdline = cmdline,
		.vcpus = config->vcpus,
		.memory = gmem_size(config->mem),
		.router = config->router,
		.spin = config->spin,
		.vcpu = config->vcpu,
		.nr_its = 1,
		.its = { { .name = its_name,
			   .devid_bits = 16,
			   .eventid_bits = 16,
			   .lpis = VITS_MAX_LPIS } },
	};
}

static void fill_page(struct bench_guest *guest, const struct bench_guest_config *config)
{
	*guest->page = (struct bench_page){
		.magic = BENCH_MAGIC,
		.source = config->source,
		.nr_functions = config->nr_functions,
		.nr_vectors = config->nr_vectors,
		.nr_cpus = config->vcpus,
		.busy = config->busy,
	};
	for (uint32_t f = 0; f < config->nr_functions; f++) {
		guest->page->functions[f].devid = config->functions[f].irq.devid;
		guest->page->functions[f].devfn = config->functions[f].devfn;
	}
}

static int wait_until_ready(struct bench_guest *guest, struct failure *ret_failure)
{
	const uint64_t end = clock_ns() + READY_MS * UINT64_C(1000000);

	do {
		if (__atomic_load_n(&guest->page->phase, __ATOMIC_ACQUIRE) == BENCH_READY)
			return 0;
		if (machine_end(guest->machine) != MACHINE_RUNS)
			return failure_set(ret_failure, ITSY_RUNTIME, EIO, "payload",
					   "itsy check says whether guests run here",
					   "ended before it was ready");
		sleep_ns(STEP_NS);
	} while (clock_ns() < end);
	return failure_set(ret_failure, ITSY_RUNTIME, ETIMEDOUT, "payload",
			   "itsy check says whether guests run here", "not ready after %u s",
			   READY_MS / 1000);
}

static int start(struct bench_guest *guest, const struct bench_guest_config *config,
		 struct failure *ret_failure)
{
	const struct machine_config machine_config = {
		.config = &guest->config,
		.mem = config->mem,
		.functions = config->functions,
		.nr_functions = config->nr_functions,
		.wake_up = guest->wake_up,
		.confine = config->confine,
		.unrouted = config->unrouted,
	};
	struct loaded loaded;
	int r = loader_load_flat(config->mem, bench_payload,
				 (size_t)(bench_payload_end - bench_payload), &loaded, ret_failure);

	if (r >= 0)
		r = machine_create(&machine_config, &guest->machine, ret_failure);
	if (r >= 0 && config->made)
		r = config->made(config->ctx, ret_failure);
	if (r >= 0)
		r = machine_write_fdt(guest->machine, &loaded, ret_failure);
	if (r >= 0)
		r = machine_start(guest->machine, &loaded, ret_failure);
	return r < 0 ? r : wait_until_ready(guest, ret_failure);
}

int bench_guest_create(const struct bench_guest_config *config, struct bench_guest **ret_guest,
		       struct failure *ret_failure)
{
	_cleanup_(bench_guest_destroyp) struct bench_guest *guest = calloc(1, sizeof(*guest));
	int r;

	assert(config->nr_vectors <= BENCH_MAX_VECTORS);
	assert(config->nr_functions <= BENCH_MAX_FUNCTIONS);
	assert(config->nr_functions >= 1);
	for (uint32_t f = 0; f < config->nr_functions; f++)
		assert(config->functions[f].irq.nr_vectors >=
		       bench_guest_share(config->nr_vectors, config->nr_functions, f));

	if (!guest)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				   "out of memory");
	guest->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guest->wake_up < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, errno, "itsy", NULL,
				   "no file descriptors");
	guest->page = gmem_host(config->mem, LAYOUT_RAM, sizeof(*guest->page));
	assert(guest->page);
	describe(guest, config);
	fill_page(guest, config);
	r = start(guest, config, ret_failure);
	if (r < 0)
		return r;
	*ret_guest = TAKE_PTR(guest);
	return 0;
}

void bench_guest_destroy(struct bench_guest *guest)
{
	if (!guest)
		return;
	machine_destroy(guest->machine);
	cleanup_fd(&guest->wake_up);
	free(guest);
}

uint32_t bench_guest_share(uint32_t nr_vectors, uint32_t nr_functions, uint32_t function)
{
	assert(function < nr_functions);

	return nr_vectors / nr_functions + (function < nr_vectors % nr_functions);
}

struct machine *bench_guest_machine(struct bench_guest *guest)
{
	return guest->machine;
}

uint64_t bench_guest_frequency(const struct bench_guest *guest)
{
	return guest->page->frequency;
}

uint64_t bench_guest_count(const struct bench_guest *guest, uint32_t vector)
{
	return __atomic_load_n(&guest->page->vectors[vector].count, __ATOMIC_ACQUIRE);
}

uint64_t bench_guest_stamp(const struct bench_guest *guest, uint32_t vector)
{
	return guest->page->vectors[vector].stamp + guest->page->offset;
}

struct bench_trips *bench_guest_trips(struct bench_guest *guest)
{
	return (struct bench_trips *)&guest->page->trips;
}

bool bench_guest_wait(const struct bench_guest *guest, uint32_t vector, uint64_t count, unsigned ms)
{
	const uint64_t end = clock_ns() + ms * UINT64_C(1000000);

	while (bench_guest_count(guest, vector) == count) {
		if (clock_ns() >= end)
			return false;
		sleep_ns(STEP_NS);
	}
	return true;
}
