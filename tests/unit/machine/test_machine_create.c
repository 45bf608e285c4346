// SPDX-License-Identifier: MIT
/*
 * A machine's creation and start, on a fake KVM with a model of its ITS: it fails at any step, is
 * told and leaves nothing behind.
 */
#include <errno.h>
#include <pthread.h>

#include "tests/unit/machine/machine_world.h"

static unsigned fail_calloc_at, fail_thread_at;

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size)
{
	if (fail_calloc_at && --fail_calloc_at == 0)
		return NULL;
	return __real_calloc(nr, size);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
			  void *arg)
{
	if (fail_thread_at && --fail_thread_at == 0)
		return EAGAIN;
	return __real_pthread_create(thread, attr, run, arg);
}

static void test_a_machine_leaves_nothing_behind(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(machine_end(rig->m), MACHINE_RUNS);
	assert_string_equal(machine_failure(rig->m), "");
	assert_true(rig->fake.gic_initialised);
	assert_int_equal(rig->model.nr_commands, NR_VCPUS);
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(rig->fake.slots[VM_SLOT_RAM + i].va, rig->mem.banks[i].va);
	assert_non_null(machine_its(rig->m, 0));
	assert_int_equal(machine_service(rig->m), -1);
	rig_free(rig);
	machine_destroy(NULL);
}

static void test_nothing_stays_whichever_call_of_the_host_fails(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		bool failed;
		int r;

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EPERM;
		r = rig_create(rig);
		failed = rig->fake.failed_call;
		if (failed) {
			assert_true(r < 0);
			assert_null(rig->m);
			assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
			assert_true(rig->failure.object[0] && rig->failure.cause[0] &&
				    rig->failure.cure[0]);
		} else {
			assert_int_equal(r, 0);
		}
		rig_free(rig);
		if (!failed)
			break;
	}
	/* VM 4, RAM 2, GIC, vCPUs 2 + 2 * 4, ITS 4, GIC 4, tables 5, commands 1, redistributors 2
	 * + 2, counters 2 * 2, stolen time 1 + 2. */
	assert_int_equal(nr, 4 + 2 + 1 + 10 + 4 + 4 + 5 + 1 + 4 + 4 + 3 + 1);
}

static void test_no_memory_is_told_at_each_step(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		int r;

		fail_calloc_at = nr;
		r = rig_create(rig);
		if (fail_calloc_at) {
			fail_calloc_at = 0;
			assert_int_equal(r, 0);
			rig_free(rig);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(rig->m);
		assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
		rig_free(rig);
	}
	assert_true(nr > 10);
}

static void test_a_machine_that_cannot_start_leaves_nothing_running(void **state)
{
	unsigned nr, nr_failed = 0;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		bool failed;
		int r;

		assert_int_equal(rig_create(rig), 0);
		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EPERM;
		r = machine_start(rig->m, &rig->loaded, &rig->failure);
		failed = rig->fake.failed_call;
		nr_failed += r < 0;
		assert_true(failed || !r);
		if (r < 0)
			assert_true(rig->failure.cause[0] && rig->failure.cure[0]);
		rig_free(rig);
		if (!failed)
			break;
	}
	assert_true(nr_failed >= 2); /* PC and x0 */
}

static void test_a_thread_that_cannot_be_made_is_told_and_no_other_stays(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		bool failed;
		int r;

		assert_int_equal(rig_create(rig), 0);
		fail_thread_at = nr;
		r = machine_start(rig->m, &rig->loaded, &rig->failure);
		failed = !fail_thread_at;
		fail_thread_at = 0;
		assert_int_equal(r < 0, failed);
		if (failed)
			assert_true(rig->failure.object[0] && rig->failure.cause[0] &&
				    rig->failure.cure[0]);
		rig_free(rig);
		if (!failed)
			break;
	}
	/* Two routers, its, the vCPUs. */
	assert_int_equal(nr, 2 + 1 + NR_VCPUS + 1);
}

static void test_a_device_tree_is_written_where_there_is_room(void **state)
{
	struct rig *rig = rig_new();
	const void *tree = gmem_host(&rig->mem, rig->loaded.fdt, rig->loaded.fdt_max_sz);

	(void)state;
	strcpy(rig->loaded.cmdline, "inside");
	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(machine_write_fdt(rig->m, &rig->loaded, &rig->failure), 0);
	assert_null(memmem(tree, rig->loaded.fdt_max_sz, "inside", 7));
	rig->config.cmdline = (char *)(uintptr_t) "";
	assert_int_equal(machine_write_fdt(rig->m, &rig->loaded, &rig->failure), 0);
	assert_non_null(memmem(tree, rig->loaded.fdt_max_sz, "inside", 7));
	assert_memory_equal(tree, "\xd0\x0d\xfe\xed", 4);
	rig->loaded.fdt_max_sz = 64;
	assert_true(machine_write_fdt(rig->m, &rig->loaded, &rig->failure) < 0);
	assert_int_equal(rig->failure.status, ITSY_CONFIG);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_machine_leaves_nothing_behind),
		cmocka_unit_test(test_nothing_stays_whichever_call_of_the_host_fails),
		cmocka_unit_test(test_no_memory_is_told_at_each_step),
		cmocka_unit_test(test_a_machine_that_cannot_start_leaves_nothing_running),
		cmocka_unit_test(test_a_thread_that_cannot_be_made_is_told_and_no_other_stays),
		cmocka_unit_test(test_a_device_tree_is_written_where_there_is_room),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
