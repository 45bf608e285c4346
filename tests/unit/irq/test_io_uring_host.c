// SPDX-License-Identifier: MIT
/*
 * Whether the host has io_uring, and the words where it has not: each refusal by a
 * seccomp filter, on a host that is a folder.
 */
#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/irq/refuse_io_uring.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/irq/io_uring_host.h"

#define EPOLL ": interrupts go by epoll, which costs more, and by irqfd"
#define CALLS "io_uring_setup, io_uring_enter and io_uring_register"

struct trial {
	unsigned first; /* of the system calls that are refused */
	uint16_t error;
	const char *disabled; /* /proc/sys/kernel/io_uring_disabled; NULL: an older kernel */
	const char *root;
	enum io_uring_host is;
	struct failure failure;
};

/* A filter is the thread's for ever. */
static void *trial_thread(void *arg)
{
	struct trial *trial = arg;

	if (refuse_io_uring(trial->first, trial->error) == 0)
		trial->is = io_uring_host_try(trial->root, &trial->failure);
	return NULL;
}

static void try(struct trial *trial)
{
	struct host_tree tree;
	pthread_t thread;

	tree_init(&tree);
	if (trial->disabled)
		tree_write(&tree, "/proc/sys/kernel/io_uring_disabled", trial->disabled);
	trial->root = tree.fs.root;
	assert_int_equal(pthread_create(&thread, NULL, trial_thread, trial), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	tree_fini(&tree);
}

static void test_each_refusal_has_its_cause_and_its_cure(void **state)
{
	static const struct {
		struct trial trial;
		const char *cause, *cure;
	} cases[] = {
		{ { SYS_io_uring_setup, EPERM, "2\n", .is = IO_URING_REFUSED },
		  "switched off (kernel.io_uring_disabled is 2)" EPOLL,
		  "sysctl kernel.io_uring_disabled=0" },
		{ { SYS_io_uring_setup, EPERM, "1\n", .is = IO_URING_REFUSED },
		  "switched off for who is not root (kernel.io_uring_disabled is 1)" EPOLL,
		  "sysctl kernel.io_uring_disabled=0, or run itsy as root" },
		{ { SYS_io_uring_setup, EPERM, "0\n", .is = IO_URING_REFUSED },
		  "forbidden here" EPOLL,
		  "the container's seccomp profile must allow " CALLS },
		{ { SYS_io_uring_enter, EPERM, NULL, .is = IO_URING_REFUSED },
		  "forbidden here" EPOLL,
		  "the container's seccomp profile must allow " CALLS },
		{ { SYS_io_uring_setup, ENOSYS, "0\n", .is = IO_URING_REFUSED },
		  "not there" EPOLL,
		  "use a kernel with CONFIG_IO_URING; in a container, its seccomp profile must "
		  "allow " CALLS },
		{ { SYS_io_uring_setup, EACCES, NULL, .is = IO_URING_REFUSED },
		  "forbidden by the host's security module" EPOLL,
		  "allow it there (SELinux: io_uring)" },
		{ { SYS_io_uring_setup, EMFILE, NULL, .is = IO_URING_FAILS },
		  "cannot be set up (Too many open files)",
		  "free memory or file descriptors (ulimit -n)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trial trial = cases[i].trial;

		trial.is = IO_URING_WORKS;
		try(&trial);
		assert_int_equal(trial.is, cases[i].trial.is);
		assert_string_equal(trial.failure.object, "io_uring");
		assert_string_equal(trial.failure.cause, cases[i].cause);
		assert_string_equal(trial.failure.cure, cases[i].cure);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_refusal_has_its_cause_and_its_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
