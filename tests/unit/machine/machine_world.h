/* SPDX-License-Identifier: MIT */
/*
 * A machine on a fake KVM with a model of its ITS, and a guest that maps a vector and gets its
 * interrupts. For one file of a test program each, which wraps kvm_sys_kernel.
 */
#ifndef TESTS_UNIT_MACHINE_MACHINE_WORLD_H
#define TESTS_UNIT_MACHINE_MACHINE_WORLD_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

/* What the machine asks for as the kernel. */
static struct fake_kvm *the_kernel;

const struct kvm_sys *__wrap_kvm_sys_kernel(void);
const struct kvm_sys *__wrap_kvm_sys_kernel(void)
{
	return &the_kernel->sys;
}

/* ---- the rig ------------------------------------------------------------------------ */

static inline unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static inline void rig_power(struct rig *rig)
{
	fake_kvm_init(&rig->fake);
	rig->fake.pmu = rig->fake.steal_time = true;
	kvm_its_model_init(&rig->model, &rig->fake);
	the_kernel = &rig->fake;
	rig->nr_scripted = 0;
	rig->cwriter = 0;
	rig->nr_fds = count_fds();
}

static inline void rig_unpower(struct rig *rig)
{
	machine_destroy(rig->m);
	rig->m = NULL;
	assert_int_equal(count_fds(), rig->nr_fds);
	kvm_its_model_fini(&rig->model);
	fake_kvm_fini(&rig->fake);
}

static inline struct rig *rig_new(void)
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

static inline void rig_free(struct rig *rig)
{
	rig_unpower(rig);
	passthru_close(&rig->function);
	close(rig->wake_up);
	gmem_fini(&rig->mem);
	free(rig);
}

static inline int rig_create(struct rig *rig)
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

static inline void rig_start(struct rig *rig)
{
	assert_int_equal(rig_create(rig), 0);
	assert_int_equal(machine_write_fdt(rig->m, &rig->loaded, &rig->failure), 0);
	assert_int_equal(machine_start(rig->m, &rig->loaded, &rig->failure), 0);
}

static inline void nap(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static inline void wait_for_end(struct rig *rig, enum machine_end end)
{
	while (machine_end(rig->m) == MACHINE_RUNS)
		nap();
	assert_int_equal(machine_end(rig->m), end);
}

/* ---- a guest --------------------------------------------------------------------------- */

static inline void guest_does(struct rig *rig, const struct fake_exit *exit)
{
	fake_kvm_script(&rig->fake, 0, exit);
	fake_kvm_wait_done(&rig->fake, 0, ++rig->nr_scripted);
	fake_kvm_wait_idle(&rig->fake, 0);
}

static inline struct fake_exit write_of(uint32_t reg, uint64_t value)
{
	return (struct fake_exit){ .reason = KVM_EXIT_MMIO,
				   .address = LAYOUT_GITS_OF(0) + reg,
				   .len = reg == GITS_CTLR ? 4 : 8,
				   .is_write = true,
				   .data = value };
}

static inline void guest_writes(struct rig *rig, uint32_t reg, uint64_t value)
{
	const struct fake_exit write = write_of(reg, value);

	guest_does(rig, &write);
}

static inline void guest_commands(struct rig *rig, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
		words[i] = htole64(words[i]);
	assert_int_equal(gmem_write(&rig->mem, QUEUE + rig->cwriter, words, sizeof(words)), 0);
	rig->cwriter += GITS_CMD_SZ;
}

/* As Linux sets up its ITS: tables, queue, a collection, vector 2's event at vCPU 1. */
static inline void guest_maps_a_vector(struct rig *rig)
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

static inline void guest_sets_up_lpis(struct rig *rig)
{
	for (unsigned i = 0; i < NR_VCPUS; i++)
		rig->nr_scripted +=
			fake_kvm_script_lpis(&rig->fake, i, PROPERTIES | 15, PENDING(i));
	fake_kvm_wait_done(&rig->fake, 0, rig->nr_scripted);
	fake_kvm_wait_idle(&rig->fake, 0);
}

static inline void device_signals(struct rig *rig, unsigned vector)
{
	assert_int_equal(eventfd_write(irq_function_eventfd(&rig->function.irq, vector), 1), 0);
}

static inline void wait_for_lpi(struct rig *rig, uint32_t vcpu, uint32_t intid)
{
	uint32_t got;

	while (!(got = kvm_its_model_take(&rig->model, vcpu)))
		nap();
	assert_int_equal(got, intid);
}

#endif
