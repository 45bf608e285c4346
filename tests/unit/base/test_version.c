// SPDX-License-Identifier: MIT
/* The version names the commit where there is one. Unit tests are built without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/base/version.h"

static void test_without_a_commit_the_version_is_a_number(void **state)
{
	(void)state;
	assert_string_equal(version_commit(), "");
	assert_string_equal(version_text(), ITSY_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_commit_the_version_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
