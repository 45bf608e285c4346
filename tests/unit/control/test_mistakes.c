// SPDX-License-Identifier: MIT
/* The guest's mistakes are told rarely, with their numbers, and where somebody sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vmm/base/log.h"
#include "vmm/control/mistakes.h"

#define S UINT64_C(1000000000)

static struct {
	struct machine_stats stats;
	struct mistakes mistakes;
	struct capture said;
} w;

void machine_stats_get(struct machine *m, struct machine_stats *ret_stats)
{
	(void)m;
	*ret_stats = w.stats;
}

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	return 0;
}

static int service(uint64_t now_ns)
{
	int ms;

	capture_begin(&w.said);
	ms = mistakes_service(&w.mistakes, NULL, now_ns);
	capture_end(&w.said);
	return ms;
}

static void test_they_are_told_every_five_seconds_with_how_many(void **state)
{
	(void)state;
	assert_in_range(service(100 * S), 4999, 5001);
	w.stats.unclaimed = 3;
	w.stats.vits.cmd[10].skipped = 7;
	w.stats.vits.cmd_unreadable = 1;
	assert_in_range(service(102 * S), 2999, 3001);
	assert_string_equal(w.said.err, "");
	assert_in_range(service(105 * S), 4999, 5001);
	assert_string_equal(
		w.said.err,
		"itsy: guest: ITS commands skipped: 8 more, 8 in all\n"
		"itsy: guest: accesses to addresses where nothing is: 3 more, 3 in all\n");
	w.stats.unclaimed = 1000000;
	(void)service(107 * S);
	assert_string_equal(w.said.err, "");
	(void)service(110 * S);
	assert_string_equal(w.said.err, "itsy: guest: accesses to addresses where nothing is: "
					"999997 more, 1000000 in all\n");
	(void)service(115 * S);
	assert_string_equal(w.said.err, "");
}

static void test_what_is_no_mistake_is_not_told(void **state)
{
	(void)state;
	w.stats.router_reaps = w.stats.kernel_its.pauses = w.stats.vits.cmd[10].done = 5;
	capture_begin(&w.said);
	mistakes_tell(&w.mistakes, &w.stats);
	capture_end(&w.said);
	assert_string_equal(w.said.err, "");
}

static void test_nobody_looks_where_nobody_would_see_it(void **state)
{
	(void)state;
	assert_int_equal(log_open(&(struct log_wish){ .level = LOG_NOTICE }), 0);
	assert_int_equal(service(100 * S), -1);
	w.stats.unclaimed = 3;
	assert_int_equal(service(200 * S), -1);
	assert_string_equal(w.said.err, "");
	log_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_they_are_told_every_five_seconds_with_how_many, begin),
		cmocka_unit_test_setup(test_what_is_no_mistake_is_not_told, begin),
		cmocka_unit_test_setup(test_nobody_looks_where_nobody_would_see_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
