// SPDX-License-Identifier: MIT
/* The configurations that README.md and docs/tutorial.md show are configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "tests/unit/config/config_world.h"
#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"
#include "vmm/config/config.h"

#define INDENT "    "

/* From the line that says which kernel, as far as lines are indented or empty; the caller's to
 * free(). */
static char *shown_in(const char *path)
{
	_cleanup_free_ char *text = text_of(path);
	const char *begin = text ? strstr(text, "\n" INDENT "kernel  = ") : NULL;
	const char *end;

	if (!begin)
		fail_msg("%s shows no configuration", path);
	begin++;
	end = begin;
	while (strncmp(end, INDENT, strlen(INDENT)) == 0 || *end == '\n')
		end += strcspn(end, "\n") + 1;
	return strndup(begin, (size_t)(end - begin));
}

static void test_a_configuration_that_a_page_shows_is_one_of_a_guest_with_a_drive(void **state)
{
	static const char *const pages[] = { "README.md", "docs/tutorial.md" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		_cleanup_free_ char *shown = shown_in(pages[i]);
		struct config c;

		assert_non_null(shown);
		print_message("%s\n", pages[i]);
		config_parse_valid(shown, &c);
		assert_int_equal(c.nr_devices, 1);
		assert_string_equal(c.devices[0].name, "nvme0");
		assert_int_equal(c.vcpus, 2);
		config_fini(&c);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_configuration_that_a_page_shows_is_one_of_a_guest_with_a_drive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
