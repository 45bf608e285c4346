// SPDX-License-Identifier: MIT
/*
 * A machine's life on a fake KVM with a model of its ITS: a guest that maps a vector and gets its
 * interrupts, every end, and reset.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "tests/unit/machine/machine_world.h"

/* ---- life ------------------------------------------------------------------------------------ */

static void test_an_interrupt_reaches_the_guest(void **state)
{
	struct rig *rig = rig_new();
	struct machine_stats stats;

	(void)state;
	rig_start(rig);
	guest_sets_up_lpis(rig);
	guest_maps_a_vector(rig);
	for (unsigned i = 0; i < 3; i++) {
		device_signals(rig, 2);
		wait_for_lpi(rig, 1, LPI);
	}
	/* One that has no mapping gets nothing. */
	device_signals(rig, 3);
	while (!rig->function.irq.vectors[3].dropped)
		nap();
	machine_stats_get(rig->m, &stats);
	assert_int_equal(stats.kernel_its.commands, rig->model.nr_commands);
	assert_int_equal(stats.vits.mmio_ignored, 0);
	assert_true(stats.router_completions >= 4);
	assert_string_equal(rig->model.broken, "");
	machine_stop(rig->m);
	assert_null(machine_routes(rig->m));
	rig_free(rig);
}

/* The thread of this process with that name, or 0. */
static pid_t thread_named(const char *name)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	pid_t found = 0;

	assert_non_null(dir);
	while (!found && (entry = readdir(dir))) {
		char path[300], comm[32] = "";
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file) && !strncmp(comm, name, strlen(name)) &&
		    comm[strlen(name)] == '\n')
			found = (pid_t)strtol(entry->d_name, NULL, 10);
		(void)fclose(file);
	}
	(void)closedir(dir);
	return found;
}

/* ---- with nobody at the main thread: no machine_service() ---------------------------------------
 */

#define NR_LONG 2000u /* commands: more than a vCPU runs, and than one part of the rest is */

/* The LPI's byte is read anew, so often. */
static void guest_fills_its_queue(struct rig *rig)
{
	const struct gits_cmd inv = { .opcode = GITS_CMD_INV, .devid = DEVID, .eventid = 2 };
	struct fake_exit write;

	while (rig->cwriter < NR_LONG * GITS_CMD_SZ)
		guest_commands(rig, &inv);
	write = write_of(GITS_CWRITER, rig->cwriter);
	fake_kvm_script(&rig->fake, 0, &write);
	fake_kvm_wait_done(&rig->fake, 0, ++rig->nr_scripted);
}

static uint64_t creadr(struct rig *rig)
{
	return vits_mmio_read(machine_its(rig->m, 0), GITS_CREADR, 8);
}

static void test_a_long_queue_is_run_to_its_end(void **state)
{
	struct rig *rig = rig_new();
	struct machine_stats stats;
	eventfd_t ignored;

	(void)state;
	rig_start(rig);
	guest_sets_up_lpis(rig);
	guest_maps_a_vector(rig);
	guest_fills_its_queue(rig);
	while (creadr(rig) != rig->cwriter)
		nap();
	machine_stats_get(rig->m, &stats);
	assert_int_equal(stats.vits.cmd[GITS_CMD_INV].done, NR_LONG - 3);
	/* Nor was anybody asked to call it. */
	assert_int_equal(eventfd_read(rig->wake_up, &ignored), -1);
	assert_string_equal(rig->model.broken, "");
	rig_free(rig);
}

/* A write of the kernel ITS's GITS_CWRITER, which takes place in a pause, and "its" is held in it.
 */
static struct {
	struct fake_its_ops model;
	_Atomic bool is_held, goes_on, is_told_to_stop;
} held;

/* Whoever waits for "its" to end has told it to. */
int __real_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_join(pthread_t thread, void **ret)
{
	char name[16];

	if (pthread_getname_np(thread, name, sizeof(name)) == 0 && !strcmp(name, "its"))
		held.is_told_to_stop = true;
	return __real_pthread_join(thread, ret);
}

static int set_and_hold(void *ctx, uint64_t reg, uint64_t value)
{
	char name[16];

	(void)pthread_getname_np(pthread_self(), name, sizeof(name));
	if (reg == GITS_CWRITER && !strcmp(name, "its")) {
		held.is_held = true;
		while (!held.goes_on)
			nap();
	}
	return held.model.set(ctx, reg, value);
}

static void *stop_machine(void *arg)
{
	struct rig *rig = arg;

	machine_stop(rig->m);
	return NULL;
}

static void test_a_machine_stops_in_the_middle_of_a_long_queue(void **state)
{
	struct rig *rig = rig_new();
	pthread_t stopper;

	(void)state;
	held.model = rig->fake.its_ops;
	held.is_held = held.goes_on = held.is_told_to_stop = false;
	rig->fake.its_ops.set = set_and_hold;
	rig_start(rig);
	guest_sets_up_lpis(rig);
	guest_maps_a_vector(rig);
	guest_fills_its_queue(rig);
	while (!held.is_held)
		nap();
	assert_int_equal(pthread_create(&stopper, NULL, stop_machine, rig), 0);
	/* All vCPUs are out, and theirs is the pause that is under way. */
	while (!held.is_told_to_stop)
		nap();
	held.goes_on = true;
	assert_int_equal(pthread_join(stopper, NULL), 0);
	assert_in_range(creadr(rig), 1, rig->cwriter - 1);
	assert_string_equal(rig->model.broken, "");
	rig_free(rig);
}

static void test_a_machine_stops_whenever_it_is_told_to(void **state)
{
	(void)state;
	for (unsigned naps = 0; naps < 8; naps++) {
		struct rig *rig = rig_new();

		rig_start(rig);
		guest_sets_up_lpis(rig);
		guest_maps_a_vector(rig);
		guest_fills_its_queue(rig);
		for (unsigned i = 0; i < naps; i++)
			nap();
		machine_stop(rig->m);
		/* Nobody is left who could use what goes now. */
		while (thread_named("its"))
			nap();
		assert_string_equal(rig->model.broken, "");
		rig_free(rig);
	}
}

static void test_an_interrupt_waits_until_the_guest_has_its_lpis_on(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	guest_maps_a_vector(rig);
	device_signals(rig, 2);
	while (!rig->function.irq.vectors[2].injected)
		nap();
	guest_sets_up_lpis(rig);
	wait_for_lpi(rig, 1, LPI);
	rig_free(rig);
}

/* A vCPU that polls for the end of its commands may have the CPU: its is scheduled before it. */
static void expect_priority(int of_vcpus, int expected)
{
	struct rig *rig = rig_new();
	struct sched_param param = { 0 };
	pid_t its;

	rig->config.vcpu.fifo = of_vcpus;
	rig_start(rig);
	while (!(its = thread_named("its")))
		nap();
	do {
		nap();
		assert_int_equal(sched_getparam(its, &param), 0);
	} while (param.sched_priority != expected);
	assert_int_equal(sched_getscheduler(its), expected ? SCHED_FIFO : SCHED_OTHER);
	rig_free(rig);
}

static void test_commands_run_at_a_priority_above_the_vcpus(void **state)
{
	const struct sched_param fifo = { .sched_priority = 99 }, other = { 0 };

	(void)state;
	expect_priority(0, 0);
	if (sched_setscheduler(0, SCHED_FIFO, &fifo) < 0)
		skip(); /* the host grants no such priority */
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &other), 0);
	expect_priority(5, 6);
	expect_priority(99, 99);
}

/* ---- what is counted ------------------------------------------------------------------------- */

static void test_aborts_and_unclaimed_addresses_are_counted(void **state)
{
	static const struct fake_exit frame = { .error = EFAULT };
	static const struct fake_exit pair = { .reason = KVM_EXIT_ARM_NISV };
	static const struct fake_exit nowhere = { .reason = KVM_EXIT_MMIO,
						  .address = 0x1000,
						  .len = 4 };
	struct rig *rig = rig_new();
	struct machine_stats stats;

	(void)state;
	rig_start(rig);
	guest_does(rig, &frame);
	guest_does(rig, &pair);
	guest_does(rig, &nowhere);
	machine_stop(rig->m);
	machine_stats_get(rig->m, &stats);
	assert_int_equal(stats.vcpus.unreachable, 1);
	assert_int_equal(stats.vcpus.unemulated, 1);
	assert_int_equal(stats.unclaimed, 1);
	assert_int_equal(machine_type(rig->m, (const uint8_t *)"x", 1), 0);
	rig_free(rig);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void script_event(struct rig *rig, unsigned vcpu, uint32_t event)
{
	const struct fake_exit exit = { .reason = KVM_EXIT_SYSTEM_EVENT, .event = event };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

static void test_the_first_end_is_the_one_that_counts(void **state)
{
	struct rig *rig = rig_new();
	eventfd_t nr;

	(void)state;
	rig_start(rig);
	assert_int_equal(machine_end(rig->m), MACHINE_RUNS);
	(void)eventfd_read(rig->wake_up, &nr);
	script_event(rig, 0, KVM_SYSTEM_EVENT_SHUTDOWN);
	wait_for_end(rig, MACHINE_OFF);
	/* Whoever waits for it is woken, if after the end was set. */
	while (eventfd_read(rig->wake_up, &nr) < 0)
		nap();
	script_event(rig, 1, KVM_SYSTEM_EVENT_RESET);
	fake_kvm_wait_done(&rig->fake, 1, 1);
	machine_reset(rig->m);
	machine_stop(rig->m);
	assert_int_equal(machine_end(rig->m), MACHINE_OFF);
	rig_free(rig);
}

static void test_a_host_that_fails_says_how(void **state)
{
	static const struct fake_exit unknown = { .reason = KVM_EXIT_INTERNAL_ERROR };
	struct rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	fake_kvm_script(&rig->fake, 1, &unknown);
	wait_for_end(rig, MACHINE_FAILED);
	assert_non_null(strstr(machine_failure(rig->m), "vCPU 1: KVM_RUN"));
	rig_free(rig);
}

static void test_a_kernel_its_that_fails_ends_the_machine(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	guest_sets_up_lpis(rig);
	/* The commands that the guest's MAPTI leads to: four reads of registers come first. */
	guest_maps_a_vector(rig);
	rig->fake.fail_errno = EIO;
	rig->fake.fail_at = 1;
	guest_commands(rig,
		       &(struct gits_cmd){ .opcode = GITS_CMD_INV, .devid = DEVID, .eventid = 2 });
	guest_writes(rig, GITS_CWRITER, rig->cwriter);
	wait_for_end(rig, MACHINE_FAILED);
	assert_non_null(strstr(machine_failure(rig->m), "refused commands"));
	rig_free(rig);
}

static void test_a_function_outlives_the_machines_that_it_is_in(void **state)
{
	struct rig *rig = rig_new();
	int fd = irq_function_eventfd(&rig->function.irq, 2);

	(void)state;
	for (unsigned boot = 0; boot < 3; boot++) {
		rig_start(rig);
		/* What came between two boots has no mapping in this one. */
		guest_sets_up_lpis(rig);
		guest_maps_a_vector(rig);
		assert_int_equal(irq_function_eventfd(&rig->function.irq, 2), fd);
		device_signals(rig, 2);
		wait_for_lpi(rig, 1, LPI);
		/* By the guest, and from outside. */
		if (boot < 2)
			script_event(rig, 0, KVM_SYSTEM_EVENT_RESET);
		else
			machine_reset(rig->m);
		wait_for_end(rig, MACHINE_RESET);
		rig_unpower(rig);
		memset(rig->mem.banks[0].va, 0, 0x80000);
		rig_power(rig);
	}
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_interrupt_reaches_the_guest),
		cmocka_unit_test(test_a_long_queue_is_run_to_its_end),
		cmocka_unit_test(test_a_machine_stops_in_the_middle_of_a_long_queue),
		cmocka_unit_test(test_a_machine_stops_whenever_it_is_told_to),
		cmocka_unit_test(test_an_interrupt_waits_until_the_guest_has_its_lpis_on),
		cmocka_unit_test(test_commands_run_at_a_priority_above_the_vcpus),
		cmocka_unit_test(test_aborts_and_unclaimed_addresses_are_counted),
		cmocka_unit_test(test_the_first_end_is_the_one_that_counts),
		cmocka_unit_test(test_a_host_that_fails_says_how),
		cmocka_unit_test(test_a_kernel_its_that_fails_ends_the_machine),
		cmocka_unit_test(test_a_function_outlives_the_machines_that_it_is_in),
	};

	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
