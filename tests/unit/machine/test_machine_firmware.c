// SPDX-License-Identifier: MIT
/*
 * A machine that starts from a disk: what it has beside others, on a fake KVM.
 */
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/its/kvm_its_model.h"
#include "vmm/machine/machine.h"

#define RAM_SZ (64 * MiB)

static struct {
	struct fake_kvm fake;
	struct kvm_its_model model;
	struct gmem mem;
	struct config config;
	void *firmware;
	struct machine *m;
	struct failure failure;
	int wake_up;
} w;

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.config = (struct config){
		.cmdline = (char *)(uintptr_t) "",
		.vcpus = 1,
		.memory = RAM_SZ,
		.router.cpu = -1,
		.spin.cpu = -1,
		.vcpu.cpu = -1,
		.its = { { .devid_bits = 16, .eventid_bits = 16 } },
		.nr_its = 1,
	};
	w.firmware = mmap(NULL, LAYOUT_FIRMWARE_SZ, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(w.firmware, MAP_FAILED);
	w.wake_up = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return gmem_init(&w.mem, LAYOUT_RAM, RAM_SZ);
}

static int unmake(void **state)
{
	(void)state;
	gmem_fini(&w.mem);
	(void)close(w.wake_up);
	return munmap(w.firmware, LAYOUT_FIRMWARE_SZ);
}

static void power_on(void *firmware)
{
	const struct machine_config config = {
		.config = &w.config,
		.mem = &w.mem,
		.wake_up = w.wake_up,
		.kvm = &w.fake.sys,
		.firmware = firmware,
	};

	fake_kvm_init(&w.fake);
	kvm_its_model_init(&w.model, &w.fake);
	assert_int_equal(machine_create(&config, &w.m, &w.failure), 0);
}

static void power_off(void)
{
	machine_destroy(w.m);
	kvm_its_model_fini(&w.model);
	fake_kvm_fini(&w.fake);
}

/* The guest executes it, and cannot change it: a machine after a reset has the same. */
static void test_firmware_lies_at_0_and_is_read_only(void **state)
{
	const struct fake_slot *slot = &w.fake.slots[VM_SLOT_FIRMWARE];

	(void)state;
	power_on(NULL);
	assert_int_equal(slot->size, 0);
	power_off();
	for (int boot = 0; boot < 2; boot++) {
		power_on(w.firmware);
		assert_int_equal(slot->gpa, 0);
		assert_int_equal(slot->size, LAYOUT_FIRMWARE_SZ);
		assert_ptr_equal(slot->va, w.firmware);
		assert_true(slot->readonly);
		power_off();
	}
}

static bool has(const void *tree, const char *path, const char *name, const void *want, size_t len)
{
	int got = 0;
	const void *value = fdt_getprop(tree, fdt_path_offset(tree, path), name, &got);

	return value && got == (int)len && memcmp(value, want, len) == 0;
}

static const void *tree_of(void *firmware)
{
	const struct loaded loaded = { .fdt = LAYOUT_RAM, .fdt_max_sz = 2 * MiB };

	power_on(firmware);
	assert_int_equal(machine_write_fdt(w.m, &loaded, &w.failure), 0);
	power_off();
	return gmem_host(&w.mem, LAYOUT_RAM, 2 * MiB);
}

/* Where U-Boot looks for it: at the start of memory (board_fdt_blob_setup()). */
static void test_with_firmware_there_is_a_pl011_too_and_it_is_the_console(void **state)
{
	static const char uart[] = "/serial@9000000", pl011[] = "/serial@9040000";
	static const char compatible[] = "arm,pl011\0arm,primecell", clocks[] = "uartclk\0apb_pclk";
	const fdt32_t reg[] = { 0, cpu_to_fdt32(LAYOUT_PL011), 0, cpu_to_fdt32(LAYOUT_PL011_SZ) };
	const fdt32_t interrupts[] = { 0, cpu_to_fdt32(LAYOUT_PL011_INTID - 32), cpu_to_fdt32(4) };
	const void *tree = tree_of(NULL);

	(void)state;
	assert_true(fdt_path_offset(tree, pl011) < 0);
	assert_true(has(tree, "/chosen", "stdout-path", uart, sizeof(uart)));
	tree = tree_of(w.firmware);
	assert_true(fdt_path_offset(tree, uart) > 0);
	assert_true(has(tree, "/chosen", "stdout-path", pl011, sizeof(pl011)));
	assert_true(has(tree, pl011, "compatible", compatible, sizeof(compatible)));
	assert_true(has(tree, pl011, "reg", reg, sizeof(reg)));
	assert_true(has(tree, pl011, "interrupts", interrupts, sizeof(interrupts)));
	assert_true(has(tree, pl011, "clock-names", clocks, sizeof(clocks)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
	const struct CMUnitTest tests[] = {
		TEST(test_firmware_lies_at_0_and_is_read_only),
		TEST(test_with_firmware_there_is_a_pl011_too_and_it_is_the_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
