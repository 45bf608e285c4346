// SPDX-License-Identifier: MIT
/*
 * itsy check: what INTx costs on this kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/check/check.h"

static enum verdict verdict_on(const char *release, const struct config *config)
{
	struct check_host host = { .config = config };
	struct check_result result = { 0 };

	(void)snprintf(host.release, sizeof(host.release), "%s", release);
	check_intx(&host, &result);
	assert_int_equal(result.verdict == VERDICT_INFO, strstr(result.text, "INTx") != NULL);
	return result.verdict;
}

static void test_what_intx_costs_is_said_where_it_does(void **state)
{
	struct config none = { 0 }, one = { .nr_devices = 1 };

	(void)state;
	assert_int_equal(verdict_on("6.1.0-57-arm64", NULL), VERDICT_NONE);
	assert_int_equal(verdict_on("6.18.2", &one), VERDICT_NONE);
	assert_int_equal(verdict_on("6.19.0", NULL), VERDICT_INFO);
	assert_int_equal(verdict_on("7.3.1-arm64", &one), VERDICT_INFO);
	assert_int_equal(verdict_on("7.3.1-arm64", &none), VERDICT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_intx_costs_is_said_where_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
