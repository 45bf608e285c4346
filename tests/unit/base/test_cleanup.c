// SPDX-License-Identifier: MIT
/* What is freed is forgotten: freed again, it is not somebody else's that goes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/base/cleanup.h"

static void test_a_descriptor_that_was_closed_is_forgotten(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), next;

	(void)state;
	assert_true(fd >= 0);
	cleanup_fd(&fd);
	assert_int_equal(fd, -1);
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cleanup_fd(&fd);
	assert_int_equal(close(next), 0);
}

static void test_memory_and_streams_that_were_freed_are_forgotten(void **state)
{
	void *p = malloc(1);
	FILE *f = fopen("/dev/null", "re");
	DIR *d = opendir("/");

	(void)state;
	for (int i = 0; i < 2; i++) {
		cleanup_free(&p);
		cleanup_file(&f);
		cleanup_dir(&d);
	}
	assert_null(p);
	assert_null(f);
	assert_null(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_descriptor_that_was_closed_is_forgotten),
		cmocka_unit_test(test_memory_and_streams_that_were_freed_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
