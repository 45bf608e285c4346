// SPDX-License-Identifier: MIT
/*
 * A machine's life on a fake KVM with a model of its ITS: creation that fails at any
 * step, a guest that maps a vector and gets its interrupts, every end, and reset.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/its/kvm_its_model.h"
#include "vitsmod/gits.h"
#include "vmm/machine/machine.h"

#define NR_VCPUS   2u
#define NR_VECTORS 4u
#define DEVID	   0x42u
#define LPI	   (VITS_LPI_BASE + 5)
#define RAM_SZ	   (64 * MiB)

/* The guest's tables, from the start of RAM on. */
#define QUEUE	    LAYOUT_RAM
#define DEVICES	    (LAYOUT_RAM + 0x10000)
#define COLLECTIONS (LAYOUT_RAM + 0x20000)
#define ITT	    (LAYOUT_RAM + 0x30000)
#define PROPERTIES  (LAYOUT_RAM + 0x40000)
#define PENDING(n)  (LAYOUT_RAM + 0x50000 + (n)*UINT64_C(0x10000))

struct rig {
	struct fake_kvm fake;
	struct kvm_its_model model;
	struct gmem mem;
	struct config config;
	struct passthru function;
	struct machine *m;
	struct loaded loaded;
	struct failure failure;
	int wake_up;
	unsigned nr_fds; /* of this process, before there is a machine */
	unsigned nr_scripted;
	uint32_t cwriter;
};

/* ---- what is wrapped -------------------------------------------------------------- */

/* What the machine asks for as the kernel. */
static struct fake_kvm *the_kernel;
static unsigned fail_calloc_at;

const struct kvm_sys *__wrap_kvm_sys_kernel(void);
const struct kvm_sys *__wrap_kvm_sys_kernel(void)
{
	return &the_kernel->sys;
}

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size)
{
	if (fail_calloc_at && --fail_calloc_at == 0)
		return NULL;
	return __real_calloc(nr, size);
}

static unsigned fail_thread_at;

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

/* ---- the rig ------------------------------------------------------------------------ */

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void rig_power(struct rig *rig)
{
	fake_kvm_init(&rig->fake);
	rig->fake.pmu = rig->fake.steal_time = true;
	kvm_its_model_init(&rig->model, &rig->fake);
	the_kernel = &rig->fake;
	rig->nr_scripted = 0;
	rig->cwriter = 0;
	rig->nr_fds = count_fds();
}

static void rig_unpower(struct rig *rig)
{
	machine_destroy(rig->m);
	rig->m = NULL;
	assert_int_equal(count_fds(), rig->nr_fds);
	kvm_its_model_fini(&rig->model);
	fake_kvm_fini(&rig->fake);
}

static struct rig *rig_new(void)
{
	static const uint32_t image[] = { 0x14000000 }; /* b . */
	static const struct gmem_range banks[] = { { LAYOUT_RAM, RAM_SZ }, { GiB * 5, MiB } };
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->config = (struct config){
		.cmdline = (char *)(uintptr_t) "quiet",
		.vcpus = NR_VCPUS,
		.memory = RAM_SZ,
		.router.cpu = -1,
		.spin.cpu = -1,
		.vcpu.cpu = -1,
		.its = { { .devid_bits = 16, .eventid_bits = 16 } },
		.nr_its = 1,
	};
	assert_int_equal(gmem_init_banks(&rig->mem, banks, ARRAY_SIZE(banks), 0), 0);
	assert_int_equal(
		loader_load_flat(&rig->mem, image, sizeof(image), &rig->loaded, &rig->failure), 0);
	assert_int_equal(
		passthru_open_bare(&rig->function, "bare", DEVID, NR_VECTORS, &rig->failure), 0);
	rig->wake_up = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig_power(rig);
	return rig;
}

static void rig_free(struct rig *rig)
{
	rig_unpower(rig);
	passthru_close(&rig->function);
	close(rig->wake_up);
	gmem_fini(&rig->mem);
	free(rig);
}

static int rig_create(struct rig *rig)
{
	const struct machine_config config = {
		.config = &rig->config,
		.mem = &rig->mem,
		.functions = &rig->function,
		.nr_functions = 1,
		.wake_up = rig->wake_up,
	};

	return machine_create(&config, &rig->m, &rig->failure);
}

static void rig_start(struct rig *rig)
{
	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(machine_write_fdt(rig->m, &rig->loaded, &rig->failure), 0);
	assert_int_equal(machine_start(rig->m, &rig->loaded, &rig->failure), 0);
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void wait_for_end(struct rig *rig, enum machine_end end)
{
	while (machine_end(rig->m) == MACHINE_RUNS)
		nap();
	assert_int_equal(machine_end(rig->m), end);
}

/* ---- a guest --------------------------------------------------------------------------- */

static void guest_does(struct rig *rig, const struct fake_exit *exit)
{
	fake_kvm_script(&rig->fake, 0, exit);
	fake_kvm_wait_done(&rig->fake, 0, ++rig->nr_scripted);
	fake_kvm_wait_idle(&rig->fake, 0);
}

static struct fake_exit write_of(uint32_t reg, uint64_t value)
{
	return (struct fake_exit){ .reason = KVM_EXIT_MMIO,
				   .address = LAYOUT_GITS_OF(0) + reg,
				   .len = reg == GITS_CTLR ? 4 : 8,
				   .is_write = true,
				   .data = value };
}

static void guest_writes(struct rig *rig, uint32_t reg, uint64_t value)
{
	const struct fake_exit write = write_of(reg, value);

	guest_does(rig, &write);
}

static void guest_commands(struct rig *rig, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
		words[i] = htole64(words[i]);
	assert_int_equal(gmem_write(&rig->mem, QUEUE + rig->cwriter, words, sizeof(words)), 0);
	rig->cwriter += GITS_CMD_SZ;
}

/* As Linux sets up its ITS: tables, queue, a collection, vector 2's event at vCPU 1. */
static void guest_maps_a_vector(struct rig *rig)
{
	const struct gits_cmd mapc = {
		.opcode = GITS_CMD_MAPC, .icid = 0, .rdbase = 1, .valid = true
	};
	const struct gits_cmd mapd = {
		.opcode = GITS_CMD_MAPD, .devid = DEVID, .size = 2, .itt = ITT, .valid = true
	};
	const struct gits_cmd mapti = {
		.opcode = GITS_CMD_MAPTI, .devid = DEVID, .eventid = 2, .pintid = LPI, .icid = 0
	};
	uint8_t enabled = 0xa1;

	assert_int_equal(gmem_write(&rig->mem, PROPERTIES + LPI - VITS_LPI_BASE, &enabled, 1), 0);
	guest_writes(rig, GITS_BASER(0),
		     GITS_BASER_VALID | FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K) | DEVICES);
	guest_writes(rig, GITS_BASER(1),
		     GITS_BASER_VALID | FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K) |
			     COLLECTIONS);
	guest_writes(rig, GITS_CBASER, GITS_CBASER_VALID | QUEUE | 0xf);
	guest_writes(rig, GITS_CTLR, GITS_CTLR_ENABLED);
	guest_commands(rig, &mapc);
	guest_commands(rig, &mapd);
	guest_commands(rig, &mapti);
	guest_writes(rig, GITS_CWRITER, rig->cwriter);
}

static void guest_sets_up_lpis(struct rig *rig)
{
	for (unsigned i = 0; i < NR_VCPUS; i++)
		rig->nr_scripted +=
			fake_kvm_script_lpis(&rig->fake, i, PROPERTIES | 15, PENDING(i));
	fake_kvm_wait_done(&rig->fake, 0, rig->nr_scripted);
	fake_kvm_wait_idle(&rig->fake, 0);
}

static void device_signals(struct rig *rig, unsigned vector)
{
	assert_int_equal(eventfd_write(irq_function_eventfd(&rig->function.irq, vector), 1), 0);
}

static void wait_for_lpi(struct rig *rig, uint32_t vcpu, uint32_t intid)
{
	uint32_t got;

	while (!(got = kvm_its_model_take(&rig->model, vcpu)))
		nap();
	assert_int_equal(got, intid);
}

/* ---- creation ------------------------------------------------------------------------------ */

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
			assert_true(rig->failure.object[0] && rig->failure.cause[0]);
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
			assert_true(rig->failure.cause[0]);
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
			assert_true(rig->failure.object[0] && rig->failure.cause[0]);
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
		cmocka_unit_test(test_a_machine_leaves_nothing_behind),
		cmocka_unit_test(test_nothing_stays_whichever_call_of_the_host_fails),
		cmocka_unit_test(test_no_memory_is_told_at_each_step),
		cmocka_unit_test(test_a_machine_that_cannot_start_leaves_nothing_running),
		cmocka_unit_test(test_a_thread_that_cannot_be_made_is_told_and_no_other_stays),
		cmocka_unit_test(test_a_device_tree_is_written_where_there_is_room),
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
