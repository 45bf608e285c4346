// SPDX-License-Identifier: MIT
/*
 * The places and caches of the CPUs that vCPUs are pinned to, of hosts that were made up.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/machine/guest_topology.h"

static struct {
	struct host_tree tree;
	struct config config;
	struct guest_topology *topology;
} w;

static void write_file(unsigned cpu, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/%s", cpu, name);
	tree_write(&w.tree, path, text);
}

static void write_number(unsigned cpu, const char *name, int number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d\n", number);
	write_file(cpu, name, text);
}

static void add_cpu(unsigned cpu, int package, int cluster, int core)
{
	write_number(cpu, "topology/physical_package_id", package);
	write_number(cpu, "topology/cluster_id", cluster);
	write_number(cpu, "topology/core_id", core);
}

static void add_cache(unsigned cpu, unsigned index, int level, const char *type, const char *size,
		      const char *shared)
{
	const struct {
		const char *name, *text;
	} files[] = { { "type", type }, { "size", size }, { "shared_cpu_list", shared } };
	char name[64];

	(void)snprintf(name, sizeof(name), "cache/index%u/level", index);
	write_number(cpu, name, level);
	(void)snprintf(name, sizeof(name), "cache/index%u/coherency_line_size", index);
	write_number(cpu, name, 64);
	(void)snprintf(name, sizeof(name), "cache/index%u/number_of_sets", index);
	write_number(cpu, name, 256 * level);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "cache/index%u/%s", index, files[i].name);
		if (files[i].text)
			write_file(cpu, name, files[i].text);
	}
}

/* L1 and L2 of each core of two CPUs, L3 of all four. */
static void add_caches(unsigned cpu)
{
	const char *core = cpu < 2 ? "0-1\n" : "2-3\n";

	add_cache(cpu, 0, 1, "Data\n", "64K\n", core);
	add_cache(cpu, 1, 1, "Instruction\n", "32K\n", core);
	add_cache(cpu, 2, 2, "Unified\n", "1024K\n", core);
	add_cache(cpu, 3, 3, "Unified\n", "32768K\n", "0-3\n");
}

static void pin(uint32_t nr, const uint16_t cpus[])
{
	w.config.vcpus = w.config.vcpu_cpus.nr = nr;
	memcpy(w.config.vcpu_cpus.list, cpus, nr * sizeof(cpus[0]));
}

static int read_it(void)
{
	struct failure failure;

	return guest_topology_read(&w.config, &w.tree.fs, &w.topology, &failure);
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	guest_topology_free(w.topology);
	tree_fini(&w.tree);
	return 0;
}

static void expect_place(uint32_t vcpu, uint32_t package, uint32_t cluster, uint32_t core)
{
	const struct guest_cpu *cpu = &w.topology->cpus[vcpu];

	if (cpu->at[GUEST_PACKAGE] != package || cpu->at[GUEST_CLUSTER] != cluster ||
	    cpu->at[GUEST_CORE] != core)
		fail_msg("vCPU %u is at %u, %u, %u", vcpu, cpu->at[GUEST_PACKAGE],
			 cpu->at[GUEST_CLUSTER], cpu->at[GUEST_CORE]);
}

static void test_places_are_numbered_without_gaps(void **state)
{
	(void)state;
	add_cpu(7, 36, 5, 11);
	add_cpu(1, 0, 5, 11);
	add_cpu(2, 36, 5, 4);
	add_cpu(9, 36, 8, 11);
	add_cpu(3, 0, 5, 12);
	pin(5, (const uint16_t[]){ 7, 1, 2, 9, 3 });
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.topology->nr_cpus, 5);
	assert_int_equal(w.topology->nr_packages, 2);
	expect_place(0, 0, 0, 0);
	expect_place(1, 1, 0, 0);
	expect_place(2, 0, 0, 1);
	expect_place(3, 0, 1, 0);
	expect_place(4, 1, 0, 1);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(w.topology->cpus[i].nr_threads, 1);
		assert_int_equal(w.topology->cpus[i].next, -1);
	}
}

static void test_threads_of_a_core_are_known(void **state)
{
	(void)state;
	for (unsigned cpu = 0; cpu < 4; cpu++)
		add_cpu(cpu, 0, -1, (int)cpu / 2);
	pin(3, (const uint16_t[]){ 3, 0, 2 });
	assert_int_equal(read_it(), 0);
	expect_place(0, 0, 0, 0);
	expect_place(1, 0, 0, 1);
	expect_place(2, 0, 0, 0);
	assert_int_equal(w.topology->cpus[0].nr_threads, 2);
	assert_int_equal(w.topology->cpus[0].thread, 0);
	assert_int_equal(w.topology->cpus[1].nr_threads, 1);
	assert_int_equal(w.topology->cpus[2].thread, 1);
}

static void test_caches_are_those_that_the_host_tells(void **state)
{
	const struct guest_topology *t;

	(void)state;
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		add_cpu(cpu, 0, -1, (int)cpu);
		add_caches(cpu);
	}
	pin(3, (const uint16_t[]){ 0, 2, 1 });
	assert_int_equal(read_it(), 0);
	t = w.topology;
	assert_int_equal(t->nr_caches, 3);
	assert_int_equal(t->cpus[0].l1d.size, 64 * 1024);
	assert_int_equal(t->cpus[0].l1i.size, 32 * 1024);
	assert_int_equal(t->cpus[0].l1d.line, 64);
	assert_int_equal(t->cpus[0].l1d.sets, 256);
	/* The first and the last are beside each other, at the L2; all at the L3. */
	assert_int_equal(t->cpus[0].next, t->cpus[2].next);
	assert_int_not_equal(t->cpus[0].next, t->cpus[1].next);
	for (unsigned i = 0; i < 3; i++) {
		const struct guest_cache *l2 = &t->caches[t->cpus[i].next];

		assert_int_equal(l2->level, 2);
		assert_int_equal(l2->size, 1024 * 1024);
		assert_int_equal(l2->sets, 512);
		assert_int_equal(t->caches[l2->next].level, 3);
		assert_int_equal(t->caches[l2->next].size, 32 * 1024 * 1024);
		assert_int_equal(t->caches[l2->next].next, -1);
	}
}

static void test_two_levels_of_the_same_cpus_are_two_caches(void **state)
{
	const struct guest_topology *t;

	(void)state;
	add_cpu(0, 0, -1, 0);
	add_cache(0, 0, 1, "Data\n", "64K\n", "0\n");
	add_cache(0, 1, 1, "Instruction\n", "32K\n", "0\n");
	add_cache(0, 2, 2, "Unified\n", "1024K\n", "0\n");
	add_cache(0, 3, 3, "Unified\n", "32768K\n", "0\n");
	pin(1, (const uint16_t[]){ 0 });
	assert_int_equal(read_it(), 0);
	t = w.topology;
	assert_int_equal(t->nr_caches, 2);
	assert_int_equal(t->caches[t->cpus[0].next].level, 2);
	assert_int_equal(t->caches[t->caches[t->cpus[0].next].next].level, 3);
}

/* As arm64 hosts without ACPI and without caches in their device tree have it: levels, no sizes. */
static void test_what_is_not_known_is_not_guessed(void **state)
{
	(void)state;
	/* Not pinned: they may be anywhere. */
	w.config.vcpus = 2;
	add_cpu(0, 0, -1, 0);
	add_cpu(1, 0, -1, 1);
	assert_int_equal(read_it(), 0);
	assert_null(w.topology);
	/* Two at one CPU. */
	pin(2, (const uint16_t[]){ 1, 1 });
	assert_int_equal(read_it(), 0);
	assert_null(w.topology);
	/* A CPU of which the host says nothing. */
	pin(2, (const uint16_t[]){ 0, 5 });
	assert_int_equal(read_it(), 0);
	assert_null(w.topology);

	pin(2, (const uint16_t[]){ 0, 1 });
	add_cache(0, 0, 1, "Data\n", NULL, "0\n");
	add_cache(0, 1, 1, "Instruction\n", "32K\n", "0\n");
	add_cache(0, 2, 2, "Unified\n", "1024K\n", "0\n");
	/* Nor what is behind a level that is missing, or has no size that can be read. */
	add_cache(1, 0, 1, "Data\n", "64K\n", "1\n");
	add_cache(1, 1, 1, "Instruction\n", "32K\n", "1\n");
	add_cache(1, 2, 2, "Unified\n", "lots\n", "1\n");
	add_cache(1, 3, 3, "Unified\n", "32768K\n", "1\n");
	assert_int_equal(read_it(), 0);
	assert_non_null(w.topology);
	assert_int_equal(w.topology->nr_caches, 0);
	assert_int_equal(w.topology->cpus[0].l1d.size, 0);
	assert_int_equal(w.topology->cpus[0].next, -1);
	assert_int_equal(w.topology->cpus[1].l1d.size, 64 * 1024);
	assert_int_equal(w.topology->cpus[1].next, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_places_are_numbered_without_gaps, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_threads_of_a_core_are_known, make, unmake),
		cmocka_unit_test_setup_teardown(test_caches_are_those_that_the_host_tells, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_two_levels_of_the_same_cpus_are_two_caches,
						make, unmake),
		cmocka_unit_test_setup_teardown(test_what_is_not_known_is_not_guessed, make,
						unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
