// SPDX-License-Identifier: MIT
/*
 * The guest that itsy bench measures with: what it is told in the page that it shares,
 * and how long it is waited for. The machine is played by this file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/bench/bench_guest.h"
#include "vmm/bench/bench_payload.h"
#include "vmm/kvm/layout.h"

/* The payload is of no matter here. */
const uint8_t bench_payload[] = { 0xd5, 0x03, 0x20, 0x1f };
/* Behind it: what lies there is not read, for the machine below runs nothing. */
__asm__(".globl bench_payload_end\n.set bench_payload_end, bench_payload + 4\n");

static struct {
	struct gmem mem;
	struct passthru functions[2];
	struct vector_counts vectors[2];
	struct bench_guest_config config;
	struct failure failure;

	/* The machine. */
	struct machine_config machine;
	unsigned nr_created, nr_destroyed;
	int create_error, fdt_error, start_error;
	bool ends;
	unsigned ready_after; /* calls of machine_end(); 0: never */
} w;

static struct bench_page *page(void)
{
	return gmem_host(&w.mem, LAYOUT_RAM, sizeof(struct bench_page));
}

int machine_create(const struct machine_config *config, struct machine **ret_machine,
		   struct failure *ret_failure)
{
	w.machine = *config;
	if (w.create_error)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, w.create_error, "a machine", NULL,
				   "cannot be made");
	w.nr_created++;
	*ret_machine = (struct machine *)&w;
	return 0;
}

void machine_destroy(struct machine *m)
{
	w.nr_destroyed += m != NULL;
}

int machine_write_fdt(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	(void)m;
	assert_memory_equal(gmem_host(&w.mem, loaded->kernel, 4), bench_payload, 4);
	return w.fdt_error ? failure_set(ret_failure, ITSY_RUNTIME, w.fdt_error, "device tree",
					 NULL, "has no room")
			   : 0;
}

int machine_start(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	(void)m;
	(void)loaded;
	if (w.start_error)
		return failure_set(ret_failure, ITSY_RUNTIME, w.start_error, "a thread", NULL,
				   "cannot be made");
	return 0;
}

enum machine_end machine_end(struct machine *m)
{
	(void)m;
	if (w.ready_after && !--w.ready_after)
		__atomic_store_n(&page()->phase, BENCH_READY, __ATOMIC_RELEASE);
	return w.ends ? MACHINE_OFF : MACHINE_RUNS;
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	if (gmem_init(&w.mem, LAYOUT_RAM, BENCH_GUEST_MEMORY) < 0)
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		w.functions[i].devfn = i << 3;
		w.functions[i].irq.devid = 0x100 + i;
		w.functions[i].irq.nr_vectors = 2;
	}
	w.config = (struct bench_guest_config){
		.functions = w.functions,
		.nr_functions = 2,
		.source = BENCH_LOOP,
		.nr_vectors = 3,
		.vcpus = 2,
		.busy = true,
		.router = { .cpu = 1 },
		.mem = &w.mem,
	};
	w.ready_after = 3;
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	assert_int_equal(w.nr_destroyed, w.nr_created);
	gmem_fini(&w.mem);
	return 0;
}

static void test_the_guest_is_told_what_it_is_to_do(void **state)
{
	struct bench_guest *guest;

	(void)state;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), 0);
	assert_int_equal(page()->magic, BENCH_MAGIC);
	assert_int_equal(page()->source, BENCH_LOOP);
	assert_int_equal(page()->nr_functions, 2);
	assert_int_equal(page()->nr_vectors, 3);
	assert_int_equal(page()->nr_cpus, 2);
	assert_int_equal(page()->busy, 1);
	assert_int_equal(page()->functions[1].devid, 0x101);
	assert_int_equal(page()->functions[1].devfn, 8);
	/* The machine is what a configuration would make of it. */
	assert_int_equal(w.machine.config->vcpus, 2);
	assert_int_equal(w.machine.config->memory, BENCH_GUEST_MEMORY);
	assert_int_equal(w.machine.config->router.cpu, 1);
	assert_int_equal(w.machine.config->nr_its, 1);
	assert_int_equal(w.machine.nr_functions, 2);
	assert_false(w.machine.unrouted);
	assert_ptr_equal(bench_guest_machine(guest), &w);
	bench_guest_destroy(guest);
}

static void test_counts_and_stamps_are_read_where_the_guest_writes_them(void **state)
{
	struct bench_guest *guest;

	(void)state;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), 0);
	page()->frequency = 62500000;
	page()->offset = 1000;
	page()->vectors[2].stamp = 5;
	page()->vectors[2].count = 7;
	assert_int_equal(bench_guest_frequency(guest), 62500000);
	assert_int_equal(bench_guest_stamp(guest, 2), 1005);
	assert_int_equal(bench_guest_count(guest, 2), 7);
	assert_true(bench_guest_wait(guest, 2, 6, 0));
	assert_false(bench_guest_wait(guest, 2, 7, 1));
	assert_ptr_equal(bench_guest_trips(guest), &page()->trips);
	assert_true(bench_guest_clock() <= bench_guest_clock());
	bench_guest_destroy(guest);
	bench_guest_destroy(NULL);
}

static void test_a_guest_that_ends_is_not_waited_for(void **state)
{
	struct bench_guest *guest = NULL;

	(void)state;
	w.ready_after = 0;
	w.ends = true;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), -EIO);
	assert_string_equal(w.failure.object, "payload");
	assert_string_equal(w.failure.cause, "ended before it was ready");
	assert_string_equal(w.failure.cure, "itsy check says whether guests run here");
	assert_null(guest);
}

static void test_each_step_that_fails_leaves_nothing_behind(void **state)
{
	struct bench_guest *guest = NULL;

	(void)state;
	w.create_error = ENOENT;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), -ENOENT);
	assert_string_equal(w.failure.object, "a machine");
	w.create_error = 0;
	w.fdt_error = ENOSPC;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), -ENOSPC);
	w.fdt_error = 0;
	w.start_error = EAGAIN;
	assert_int_equal(bench_guest_create(&w.config, &guest, &w.failure), -EAGAIN);
	assert_int_equal(w.nr_created, 2);
	assert_null(guest);
}

static void test_vectors_are_dealt_out_evenly(void **state)
{
	(void)state;
	for (uint32_t functions = 1; functions <= BENCH_MAX_FUNCTIONS; functions++) {
		uint32_t sum = 0;

		for (uint32_t f = 0; f < functions; f++) {
			uint32_t share = bench_guest_share(100, functions, f);

			assert_in_range(share, 100 / functions, 100 / functions + 1);
			sum += share;
		}
		assert_int_equal(sum, 100);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_guest_is_told_what_it_is_to_do),
		TEST(test_counts_and_stamps_are_read_where_the_guest_writes_them),
		TEST(test_a_guest_that_ends_is_not_waited_for),
		TEST(test_each_step_that_fails_leaves_nothing_behind),
		TEST(test_vectors_are_dealt_out_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
