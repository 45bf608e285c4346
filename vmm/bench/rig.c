// SPDX-License-Identifier: MIT
/*
 * A guest to measure interrupts with. No locks; one thread.
 */
#include "vmm/bench/rig.h"

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

struct rig {
	struct config config;
	struct machine *machine;
	volatile struct bench_page *page;
	int wake_up;
};

uint64_t rig_now(void)
{
	uint64_t now;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

static void sleep_ns(long ns)
{
	const struct timespec step = { .tv_nsec = ns };

	(void)nanosleep(&step, NULL);
}

/* What a configuration file would say. */
static void describe(struct rig *rig, const struct rig_config *config)
{
	static char its_name[] = "its", cmdline[] = "";

	rig->config = (struct config){
		.cmdline = cmdline,
		.vcpus = config->vcpus,
		.memory = config->mem->size,
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

static void fill_page(struct rig *rig, const struct rig_config *config)
{
	*rig->page = (struct bench_page){
		.magic = BENCH_MAGIC,
		.source = config->source,
		.nr_functions = config->nr_functions,
		.nr_vectors = config->nr_vectors,
		.nr_cpus = config->vcpus,
		.busy = config->busy,
	};
	for (uint32_t f = 0; f < config->nr_functions; f++) {
		rig->page->functions[f].devid = config->functions[f].irq.devid;
		rig->page->functions[f].devfn = config->functions[f].slot << 3;
	}
}

/* The machine asks for service while the payload maps its vectors. */
static int wait_until_ready(struct rig *rig, struct failure *ret_failure)
{
	const uint64_t end = clock_ns() + READY_MS * UINT64_C(1000000);
	eventfd_t ignored;

	do {
		if (__atomic_load_n(&rig->page->phase, __ATOMIC_ACQUIRE) == BENCH_READY)
			return 0;
		if (machine_end(rig->machine) != MACHINE_RUNS)
			return failure_set(ret_failure, ITSY_RUNTIME, EIO, "payload", NULL,
					   "ended before it was ready");
		if (eventfd_read(rig->wake_up, &ignored) == 0)
			(void)machine_service(rig->machine);
		sleep_ns(STEP_NS);
	} while (clock_ns() < end);
	return failure_set(ret_failure, ITSY_RUNTIME, ETIMEDOUT, "payload", NULL,
			   "not ready after %u s", READY_MS / 1000);
}

static int start(struct rig *rig, const struct rig_config *config, struct failure *ret_failure)
{
	const struct machine_config machine_config = {
		.config = &rig->config,
		.mem = config->mem,
		.functions = config->functions,
		.nr_functions = config->nr_functions,
		.wake_up = rig->wake_up,
		.unrouted = config->unrouted,
	};
	struct loaded loaded;
	int r = loader_load_flat(config->mem, bench_payload,
				 (size_t)(bench_payload_end - bench_payload), &loaded, ret_failure);

	if (r >= 0)
		r = machine_create(&machine_config, &rig->machine, ret_failure);
	if (r >= 0)
		r = machine_write_fdt(rig->machine, &loaded, ret_failure);
	if (r >= 0)
		r = machine_start(rig->machine, &loaded, ret_failure);
	return r < 0 ? r : wait_until_ready(rig, ret_failure);
}

int rig_create(const struct rig_config *config, struct rig **ret_rig, struct failure *ret_failure)
{
	_cleanup_(rig_destroyp) struct rig *rig = calloc(1, sizeof(*rig));
	int r;

	assert(config->nr_vectors <= BENCH_MAX_VECTORS);
	assert(config->nr_functions <= BENCH_MAX_FUNCTIONS);
	assert(config->nr_functions >= 1);
	for (uint32_t f = 0; f < config->nr_functions; f++)
		assert(config->functions[f].irq.nr_vectors >=
		       rig_share(config->nr_vectors, config->nr_functions, f));

	if (!rig)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				   "out of memory");
	rig->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rig->wake_up < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, errno, "itsy", NULL,
				   "no file descriptors");
	rig->page = gmem_host(config->mem, LAYOUT_RAM, sizeof(*rig->page));
	assert(rig->page);
	describe(rig, config);
	fill_page(rig, config);
	r = start(rig, config, ret_failure);
	if (r < 0)
		return r;
	*ret_rig = TAKE_PTR(rig);
	return 0;
}

void rig_destroy(struct rig *rig)
{
	if (!rig)
		return;
	machine_destroy(rig->machine);
	cleanup_fd(&rig->wake_up);
	free(rig);
}

uint32_t rig_share(uint32_t nr_vectors, uint32_t nr_functions, uint32_t function)
{
	assert(function < nr_functions);

	return nr_vectors / nr_functions + (function < nr_vectors % nr_functions);
}

struct machine *rig_machine(struct rig *rig)
{
	return rig->machine;
}

uint64_t rig_frequency(const struct rig *rig)
{
	return rig->page->frequency;
}

uint64_t rig_count(const struct rig *rig, uint32_t vector)
{
	return __atomic_load_n(&rig->page->vectors[vector].count, __ATOMIC_ACQUIRE);
}

uint64_t rig_stamp(const struct rig *rig, uint32_t vector)
{
	return rig->page->vectors[vector].stamp + rig->page->offset;
}

struct bench_trips *rig_trips(struct rig *rig)
{
	return (struct bench_trips *)&rig->page->trips;
}

bool rig_wait(const struct rig *rig, uint32_t vector, uint64_t count, unsigned ms)
{
	const uint64_t end = clock_ns() + ms * UINT64_C(1000000);

	while (rig_count(rig, vector) == count) {
		if (clock_ns() >= end)
			return false;
		sleep_ns(STEP_NS);
	}
	return true;
}
