// SPDX-License-Identifier: MIT
/*
 * Lists of CPUs, and threads that are put on one. What the host refuses is told only
 * where the configuration asked for it.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vmm/base/bits.h"
#include "vmm/base/placement.h"

static void test_a_list_of_cpus_is_read_as_the_kernel_writes_it(void **state)
{
	static const struct {
		const char *list;
		int nr;
		uint16_t cpus[4];
	} cases[] = {
		{ "0", 1, { 0 } },	     { "2-5", 4, { 2, 3, 4, 5 } },
		{ "7,2-3", 3, { 7, 2, 3 } }, { "1023", 1, { PLACEMENT_MAX_CPU } },
		{ "3-3", 1, { 3 } },
	};
	uint16_t cpus[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(placement_parse_cpus(cases[i].list, cpus, 4), cases[i].nr);
		for (int n = 0; n < cases[i].nr; n++)
			assert_int_equal(cpus[n], cases[i].cpus[n]);
	}
}

static void test_what_is_no_list_of_cpus_is_refused(void **state)
{
	static const char *const lists[] = { "",
					     ",",
					     "1,",
					     "x",
					     "-1",
					     "1-",
					     "1-2-",
					     "5-2",
					     "1024",
					     "0x1",
					     " 1",
					     "1 ",
					     "99999999999999999999" };
	uint16_t cpus[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		assert_int_equal(placement_parse_cpus(lists[i], cpus, 4), -EINVAL);
	assert_int_equal(placement_parse_cpus("0-4", cpus, 4), -E2BIG);
	assert_int_equal(placement_parse_cpus("1,2,3,4,5", cpus, 4), -E2BIG);
}

static int first_allowed(cpu_set_t *ret_allowed)
{
	assert_int_equal(sched_getaffinity(0, sizeof(*ret_allowed), ret_allowed), 0);
	for (int cpu = 0; cpu <= PLACEMENT_MAX_CPU; cpu++)
		if (CPU_ISSET((size_t)cpu, ret_allowed))
			return cpu;
	fail_msg("this thread may run nowhere");
	return -1;
}

/* Applies it; what it printed is in c->err. */
static void apply(const struct placement *placement, struct capture *c)
{
	capture_begin(c);
	placement_apply(placement, "vcpu 3");
	capture_end(c);
}

static void test_a_thread_gets_the_cpu_that_it_is_given(void **state)
{
	struct capture c;
	cpu_set_t before, after;
	int cpu = first_allowed(&before);
	const struct placement placement = { .cpu = cpu, .asked = true };

	(void)state;
	apply(&placement, &c);
	assert_string_equal(c.err, "");
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_int_equal(CPU_COUNT(&after), 1);
	assert_true(CPU_ISSET((size_t)cpu, &after));
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static void test_nothing_asked_for_changes_nothing(void **state)
{
	const struct placement anywhere = { .cpu = -1, .asked = true };
	struct capture c;
	cpu_set_t before, after;

	(void)state;
	(void)first_allowed(&before);
	apply(NULL, &c);
	apply(&anywhere, &c);
	assert_string_equal(c.err, "");
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void test_a_cpu_that_the_host_lacks_is_told_where_it_was_asked_for(void **state)
{
	struct placement placement = { .cpu = PLACEMENT_MAX_CPU };
	struct capture c;
	cpu_set_t before, after;

	(void)state;
	(void)first_allowed(&before);
	if (CPU_ISSET(PLACEMENT_MAX_CPU, &before))
		skip();
	apply(&placement, &c);
	assert_string_equal(c.err, "");
	placement.asked = true;
	apply(&placement, &c);
	assert_string_equal(
		c.err, "itsy: warning: vcpu 3: the host refuses it CPU 1023 (Invalid argument)\n");
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

/* With CAP_SYS_NICE the thread has it; without, somebody is told. */
static void test_fifo_is_had_or_told(void **state)
{
	const struct placement placement = { .cpu = -1, .fifo = 1, .asked = true };
	const struct sched_param ordinary = { 0 };
	struct capture c;

	(void)state;
	apply(&placement, &c);
	if (sched_getscheduler(0) == SCHED_FIFO)
		assert_string_equal(c.err, "");
	else
		assert_non_null(strstr(c.err, "vcpu 3: the host refuses it SCHED_FIFO priority 1"));
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &ordinary), 0);
}

static void test_trying_a_cpu_changes_nothing(void **state)
{
	cpu_set_t before, after;
	int cpu = first_allowed(&before);

	(void)state;
	assert_int_equal(placement_try_cpu(cpu), 0);
	if (!CPU_ISSET(PLACEMENT_MAX_CPU, &before))
		assert_int_equal(placement_try_cpu(PLACEMENT_MAX_CPU), -EINVAL);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_of_cpus_is_read_as_the_kernel_writes_it),
		cmocka_unit_test(test_what_is_no_list_of_cpus_is_refused),
		cmocka_unit_test(test_a_thread_gets_the_cpu_that_it_is_given),
		cmocka_unit_test(test_nothing_asked_for_changes_nothing),
		cmocka_unit_test(test_a_cpu_that_the_host_lacks_is_told_where_it_was_asked_for),
		cmocka_unit_test(test_fifo_is_had_or_told),
		cmocka_unit_test(test_trying_a_cpu_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
