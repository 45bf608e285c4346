// SPDX-License-Identifier: MIT
/*
 * Whether the host has io_uring, and the words where it has not: each refusal by a
 * seccomp filter, on a host that is a folder.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/irq/refuse_io_uring.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/irq/io_uring_host.h"
#include "vmm/irq/router_ring.h"

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

static void expect_result(struct io_uring *ring, int result)
{
	struct io_uring_cqe *cqe;

	assert_in_range(io_uring_submit(ring), 0, 1);
	assert_int_equal(io_uring_wait_cqe(ring, &cqe), 0);
	assert_int_equal(cqe->res, result);
	io_uring_cqe_seen(ring, cqe);
}

static void test_a_ring_of_the_routers_polls_and_does_nothing_else(void **state)
{
	struct io_uring ring;
	int r = ring_create_for_polls(&ring, 64), fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	if (ring_engine_is_refused(r))
		skip();
	assert_int_equal(r, 0);
	io_uring_prep_poll_add(io_uring_get_sqe(&ring), fd, POLLIN);
	expect_result(&ring, POLLIN);
	io_uring_prep_openat(io_uring_get_sqe(&ring), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	expect_result(&ring, -EACCES);
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	expect_result(&ring, -EACCES);
	io_uring_queue_exit(&ring);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_refusal_has_its_cause_and_its_cure),
		cmocka_unit_test(test_a_ring_of_the_routers_polls_and_does_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
