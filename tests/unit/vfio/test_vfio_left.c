// SPDX-License-Identifier: MIT
/*
 * What a process has bound for as long as it lives and has left bound: who is gone, and who gives
 * it back, or has it.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/left_priv.h"
#include "vfio/record.h"

#define BDF "0000:00:01.0"

static const struct pci_bdf bdf = { .dev = 1 };

static struct {
	struct bindhost h;
	struct vfio_failure failure;
	struct bind_owner self;
	unsigned naps_open; /* so long a process has the group open */
} w;

/* A process as /proc has it; state 0: it is not there. */
static void show_process(int pid, char state, uint64_t start)
{
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "proc/%d/stat", pid);
	(void)snprintf(text, sizeof(text),
		       "%d (a ) b) %c 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %" PRIu64
		       " 99 98\n",
		       pid, state, start);
	if (state)
		tree_write(&w.h.tree, path, text);
	else if (tree_has(&w.h.tree, path))
		tree_remove(&w.h.tree, path);
}

static void show_space(uint64_t space)
{
	char text[64];

	if (tree_has(&w.h.tree, "proc/self/ns"))
		tree_remove(&w.h.tree, "proc/self/ns/pid");
	(void)snprintf(text, sizeof(text), "pid:[%" PRIu64 "]", space);
	tree_link(&w.h.tree, "proc/self/ns/pid", text);
}

/* A host where this process has bound the function for its life, and is seen. */
static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	owner_self(&w.self);
	assert_int_equal(w.self.pid, getpid());
	assert_int_not_equal(w.self.start, 0);
	bindhost_init(&w.h, BDF, "nvme");
	show_space(w.self.space);
	show_process(1, 'S', 5);
	show_process(w.self.pid, 'R', w.self.start);
	assert_int_equal(
		vfio_bind_with(&w.h.host, &w.h.tree.fs, &bdf, VFIO_BIND_FOR_LIFE, &w.failure), 1);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	bindhost_fini(&w.h);
	return 0;
}

static int nr_left(void)
{
	struct vfio_left left[2] = { 0 };
	int nr = vfio_left_list(&w.h.tree.fs, left, 2);

	if (nr == 1) {
		assert_true(pci_bdf_equal(&left[0].bdf, &bdf));
		assert_int_equal(left[0].pid, w.self.pid);
	}
	return nr;
}

static int give_back(void)
{
	w.failure = (struct vfio_failure){ 0 };
	w.h.writes = 0;
	return vfio_left_give_back_with(&w.h.host, &w.h.tree.fs, &bdf, &w.failure);
}

static int bind(unsigned flags)
{
	w.failure = (struct vfio_failure){ 0 };
	return vfio_bind_with(&w.h.host, &w.h.tree.fs, &bdf, flags, &w.failure);
}

static void expect_driver(const char *driver)
{
	char text[PCI_DRIVER_STRLEN];

	assert_string_equal(bindhost_driver(&w.h, text), driver);
}

static void test_a_process_is_gone_when_its_number_or_its_start_is_another(void **state)
{
	(void)state;
	assert_int_equal(nr_left(), 0);
	assert_int_equal(give_back(), 0);
	expect_driver("vfio-pci");
	show_process(w.self.pid, 0, 0);
	assert_int_equal(nr_left(), 1);
	show_process(w.self.pid, 'S', w.self.start + 1);
	assert_int_equal(nr_left(), 1);
	/* Nobody has waited for it yet. */
	show_process(w.self.pid, 'Z', w.self.start);
	assert_int_equal(nr_left(), 1);
	show_process(w.self.pid, 'D', w.self.start);
	assert_int_equal(nr_left(), 0);
}

static void test_what_cannot_be_seen_is_not_gone(void **state)
{
	(void)state;
	show_process(w.self.pid, 0, 0);
	show_process(1, 0, 0);
	assert_int_equal(nr_left(), 0);
	show_process(1, 'S', 5);
	show_space(w.self.space + 1);
	assert_int_equal(nr_left(), 0);
	show_space(w.self.space);
	assert_int_equal(nr_left(), 1);
}

static void test_what_was_left_is_given_back_once(void **state)
{
	(void)state;
	show_process(w.self.pid, 0, 0);
	assert_int_equal(give_back(), 1);
	expect_driver("nvme");
	assert_false(bindhost_recorded(&w.h));
	/* Who has found it at the same time comes too late. */
	assert_int_equal(give_back(), 0);
	assert_int_equal(w.h.writes, 0);
	expect_driver("nvme");
	assert_int_equal(nr_left(), 0);
}

static void test_who_comes_next_has_it(void **state)
{
	struct bind_record record;

	(void)state;
	show_process(w.self.pid, 'S', w.self.start + 1);
	w.h.writes = 0;
	assert_int_equal(bind(VFIO_BIND_FOR_LIFE), 1);
	assert_int_equal(w.failure.code, VFIO_FAILURE_LEFT);
	assert_int_equal(w.failure.have, w.self.pid);
	assert_int_equal(w.h.writes, 0);
	/* What is put back in the end is what there was in the beginning. */
	assert_int_equal(record_read(&w.h.tree.fs, &bdf, &record), 0);
	assert_string_equal(record.driver, "nvme");
	show_process(w.self.pid, 'S', w.self.start);
	assert_int_equal(nr_left(), 0);
	assert_int_equal(bind(VFIO_BIND_FOR_LIFE), 0);
	assert_int_equal(w.failure.code, VFIO_FAILURE_NONE);
	assert_int_equal(vfio_release_with(&w.h.host, &w.h.tree.fs, &bdf, &w.failure), 0);
	expect_driver("nvme");
}

/* By who gives it to a guest that runs. */
static void test_what_was_bound_for_another_process_is_that_ones(void **state)
{
	enum { OTHER = 4321 };
	struct vfio_left left[2] = { 0 };

	(void)state;
	show_process(w.self.pid, 0, 0);
	show_process(OTHER, 'S', 77);
	w.failure = (struct vfio_failure){ 0 };
	assert_int_equal(vfio_bind_for_with(&w.h.host, &w.h.tree.fs, &bdf, OTHER, &w.failure), 1);
	assert_int_equal(w.failure.code, VFIO_FAILURE_LEFT);
	assert_int_equal(nr_left(), 0);
	show_process(OTHER, 'S', 78);
	assert_int_equal(vfio_left_list(&w.h.tree.fs, left, 2), 1);
	assert_int_equal(left[0].pid, OTHER);
	/* For one that is not there it is bound to stay. */
	show_process(OTHER, 0, 0);
	assert_int_equal(vfio_bind_for_with(&w.h.host, &w.h.tree.fs, &bdf, OTHER, &w.failure), 1);
	assert_int_equal(vfio_left_list(&w.h.tree.fs, left, 2), 0);
}

static void test_what_was_bound_to_stay_stays(void **state)
{
	struct bind_record record;

	(void)state;
	show_process(w.self.pid, 0, 0);
	assert_int_equal(bind(0), 1);
	assert_int_equal(w.failure.code, VFIO_FAILURE_LEFT);
	assert_int_equal(nr_left(), 0);
	assert_int_equal(record_read(&w.h.tree.fs, &bdf, &record), 0);
	assert_int_equal(record.owner.pid, 0);
	/* A guest that uses it does not make it its own. */
	assert_int_equal(bind(VFIO_BIND_FOR_LIFE), 0);
	assert_int_equal(w.failure.code, VFIO_FAILURE_NONE);
	assert_int_equal(nr_left(), 0);
	assert_int_equal(give_back(), 0);
	expect_driver("vfio-pci");
}

/* Whatever the file says, a process is a number with its start and its namespace, or none. */
static void test_a_record_with_no_sound_owner_has_none(void **state)
{
	static const char *const owners[] = { "",	   "812",   "812 5", "812 5 x",
					      "812 5 7 9", "x 5 7", "-1 5 7" };

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "driver=nvme\nowner=%s\n", owners[i]);
		tree_write(&w.h.tree, "run/itsy/bound/" BDF, text);
		assert_int_equal(nr_left(), 0);
	}
}

/* Root may write everywhere: it is somebody else meanwhile. */
static void test_another_users_is_told_and_stays(void **state)
{
	const bool is_root = geteuid() == 0;
	char path[512];

	(void)state;
	show_process(w.self.pid, 0, 0);
	(void)snprintf(path, sizeof(path), "%s/run/itsy/bound/.lock", w.h.tree.fs.root);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(w.h.tree.fs.root, 0755), 0);
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(bind(VFIO_BIND_FOR_LIFE), 0);
	assert_int_equal(w.failure.code, VFIO_FAILURE_LEFT_SO);
	assert_int_equal(w.failure.have, w.self.pid);
	assert_int_equal(give_back(), -EACCES);
	assert_int_equal(w.failure.code, VFIO_FAILURE_PERMISSION);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	expect_driver("vfio-pci");
}

/* A process that has the group open, and closes it after some time. */
static void close_later(struct bindhost *h)
{
	if (h->naps == w.naps_open)
		tree_remove(&h->tree, "proc/77/fd/3");
}

static void open_group(unsigned naps)
{
	w.naps_open = w.h.naps + naps;
	w.h.on_nap = close_later;
	tree_link(&w.h.tree, "proc/77/fd/3", "/dev/vfio/0");
	tree_write(&w.h.tree, "proc/77/comm", "itsy\n");
}

static void test_the_kernel_is_waited_for(void **state)
{
	(void)state;
	show_process(w.self.pid, 0, 0);
	open_group(20);
	vfio_left_wait_with(&w.h.host, &w.h.tree.fs, &bdf);
	assert_int_equal(w.h.naps, w.naps_open);
	expect_driver("vfio-pci");
	open_group(20);
	assert_int_equal(give_back(), 1);
	assert_true(w.h.naps >= w.naps_open);
	expect_driver("nvme");
}

static void test_what_stays_open_is_told_and_tried_again_by_the_next(void **state)
{
	(void)state;
	show_process(w.self.pid, 0, 0);
	open_group(100000);
	assert_int_equal(give_back(), -EBUSY);
	assert_int_equal(w.failure.code, VFIO_FAILURE_BUSY);
	assert_int_equal(nr_left(), 1);
	tree_remove(&w.h.tree, "proc/77/fd/3");
	assert_int_equal(give_back(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_process_is_gone_when_its_number_or_its_start_is_another),
		TEST(test_what_cannot_be_seen_is_not_gone),
		TEST(test_what_was_left_is_given_back_once),
		TEST(test_who_comes_next_has_it),
		TEST(test_what_was_bound_for_another_process_is_that_ones),
		TEST(test_what_was_bound_to_stay_stays),
		TEST(test_a_record_with_no_sound_owner_has_none),
		TEST(test_another_users_is_told_and_stays),
		TEST(test_the_kernel_is_waited_for),
		TEST(test_what_stays_open_is_told_and_tried_again_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
