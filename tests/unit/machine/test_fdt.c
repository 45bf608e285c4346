// SPDX-License-Identifier: MIT
/*
 * The device tree, read back with libfdt as a guest reads it, and by dtc. test_fdt_pci.c has PCI.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/machine/fdt_world.h"
#include "vmm/config/config.h"
#include "vmm/its/kernel_ids.h"
#include "vmm/kvm/pmu.h"

static void test_root_has_wide_cells_and_the_gic_as_parent(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	HAS_CELLS("/", "#address-cells", 2);
	HAS_CELLS("/", "#size-cells", 2);
	HAS_CELLS("/", "interrupt-parent", fdt_get_phandle(tree, node("/interrupt-controller")));
	assert_int_equal(fdt_num_mem_rsv(tree), 0);
}

static void test_memory_is_one_range_beyond_32_bits(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	has_string("/memory", "device_type", "memory");
	HAS_CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, 0xc0010000);
}

static void test_memory_is_as_many_ranges_as_there_are_banks(void **state)
{
	struct gmem_range banks[GMEM_MAX_BANKS] = { { LAYOUT_RAM, 256 * MiB },
						    { 2 * GiB, 5 * GiB } };
	struct fdt_machine m = machine_of(1);

	(void)state;
	m.ram = banks;
	m.nr_ram = 2;
	build(&m);
	HAS_CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, 0x10000000, 0, 0x80000000, 1,
		  0x40000000);
	/* It is named after the first, wherever that is. */
	for (size_t i = 0; i < GMEM_MAX_BANKS; i++)
		banks[i] = (struct gmem_range){ (i + 5) * GiB, 64 * MiB };
	m.nr_ram = GMEM_MAX_BANKS;
	build(&m);
	(void)property("/memory@140000000", "reg", GMEM_MAX_BANKS * 16);
}

static void test_chosen_carries_command_line_console_and_seeds(void **state)
{
	struct fdt_machine m = machine_of(1);
	const uint8_t *rng;

	(void)state;
	build(&m);
	has_string("/chosen", "bootargs", "console=ttyS0 x=\"y\"");
	has_string("/chosen", "stdout-path", "/serial@9000000");
	assert_int_equal(node("/serial@9000000"), node("/serial"));
	assert_int_equal(u64_at(property("/chosen", "kaslr-seed", 8)), 0x1122334455667788);
	/* No byte of one seed is known from the other. */
	rng = property("/chosen", "rng-seed", 56);
	assert_memory_equal(rng, &m.seed[1], 56);
}

static void test_initrd_is_described_only_where_there_is_one(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	m.initrd = m.initrd_end = 0x44000000;
	build(&m);
	assert_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-start", NULL));
	assert_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-end", NULL));

	m.initrd = 0x144000000;
	m.initrd_end = 0x144000001;
	build(&m);
	assert_int_equal(u64_at(property("/chosen", "linux,initrd-start", 8)), 0x144000000);
	assert_int_equal(u64_at(property("/chosen", "linux,initrd-end", 8)), 0x144000001);
}

static void test_each_vcpu_has_a_node_with_its_mpidr_and_psci(void **state)
{
	struct fdt_machine m = machine_of(LAYOUT_MAX_VCPUS);
	uint32_t nr = 0;
	int cpu;

	(void)state;
	mpidr[3] = UINT64_C(0x0100000203); /* Aff3 too */
	build(&m);
	HAS_CELLS("/cpus", "#address-cells", 2);
	HAS_CELLS("/cpus", "#size-cells", 0);
	fdt_for_each_subnode(cpu, tree, node("/cpus"))
	{
		const void *reg = fdt_getprop(tree, cpu, "reg", NULL);
		char name[32];

		assert_non_null(reg);
		assert_int_equal(u64_at(reg), mpidr[nr]);
		(void)snprintf(name, sizeof(name), "cpu@%" PRIx64, mpidr[nr]);
		assert_string_equal(fdt_get_name(tree, cpu, NULL), name);
		assert_string_equal(fdt_getprop(tree, cpu, "device_type", NULL), "cpu");
		assert_string_equal(fdt_getprop(tree, cpu, "enable-method", NULL), "psci");
		nr++;
	}
	assert_int_equal(nr, LAYOUT_MAX_VCPUS);
	has_string("/psci", "method", "hvc");
	assert_int_equal(
		fdt_stringlist_contains(property("/psci", "compatible", -1), 26, "arm,psci-1.0"),
		1);
	HAS_CELLS("/interrupt-controller", "reg", 0, 0x8000000, 0, 0x10000, 0, 0xa000000, 0,
		  LAYOUT_MAX_VCPUS * 0x20000);
}

static void test_gic_has_its_frames_and_the_its_as_a_child(void **state)
{
	struct fdt_machine m = machine_of(4);
	static const char gic[] = "/interrupt-controller@8000000";
	static const char its[] = "/interrupt-controller@8000000/msi-controller@8080000";

	(void)state;
	build(&m);
	has_string(gic, "compatible", "arm,gic-v3");
	has_flag(gic, "interrupt-controller");
	has_flag(gic, "ranges");
	HAS_CELLS(gic, "#interrupt-cells", 3);
	HAS_CELLS(gic, "#redistributor-regions", 1);
	HAS_CELLS(gic, "reg", 0, 0x8000000, 0, 0x10000, 0, 0xa000000, 0, 0x80000);

	has_string(its, "compatible", "arm,gic-v3-its");
	has_flag(its, "msi-controller");
	HAS_CELLS(its, "#msi-cells", 1);
	HAS_CELLS(its, "reg", 0, 0x8080000, 0, 0x20000);
}

static void test_one_region_has_the_redistributors_of_as_many_vcpus_as_kvm_runs(void **state)
{
	struct fdt_machine m = machine_of(LAYOUT_MAX_VCPUS);
	const uint64_t end = 0x0e000000;

	(void)state;
	m.nr_its = KERNEL_ITS_MAX_ITS;
	build(&m);
	HAS_CELLS("/interrupt-controller", "#redistributor-regions", 1);
	HAS_CELLS("/interrupt-controller", "reg", 0, 0x8000000, 0, 0x10000, 0, 0xa000000, 0,
		  end - 0xa000000);
	/* All else that a configuration may have more of. */
	assert_true(LAYOUT_GITS_OF(KERNEL_ITS_MAX_ITS) <= LAYOUT_UART);
	assert_true(LAYOUT_GPIO + LAYOUT_GPIO_SZ <= LAYOUT_GICR);
	assert_true(LAYOUT_ECAM >= end);
	assert_true(LAYOUT_RAM >= end);
}

static void test_timer_interrupts_are_the_architected_ppis(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	has_string("/timer", "compatible", "arm,armv8-timer");
	has_flag("/timer", "always-on");
	HAS_CELLS("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
}

static void test_uart_is_an_ns16550a_of_single_bytes(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	has_string("/serial", "compatible", "ns16550a");
	HAS_CELLS("/serial", "reg", 0, 0x9000000, 0, 0x1000);
	HAS_CELLS("/serial", "interrupts", 0, LAYOUT_UART_INTID - 32, 4);
	HAS_CELLS("/serial", "clock-frequency", 1843200);
	HAS_CELLS("/serial", "reg-shift", 0);
	HAS_CELLS("/serial", "reg-io-width", 1);
}

static void test_the_power_button_is_a_key_at_a_pl061(void **state)
{
	static const char compatible[] = "arm,pl061\0arm,primecell";
	struct fdt_machine m = machine_of(1);
	const char *gpio = "/gpio@9010000";

	(void)state;
	build(&m);
	assert_memory_equal(property(gpio, "compatible", sizeof(compatible)), compatible,
			    sizeof(compatible));
	HAS_CELLS(gpio, "reg", 0, 0x9010000, 0, 0x1000);
	HAS_CELLS(gpio, "interrupts", 0, LAYOUT_GPIO_INTID - 32, 4);
	HAS_CELLS(gpio, "#gpio-cells", 2);
	HAS_CELLS(gpio, "#interrupt-cells", 2);
	HAS_CELLS(gpio, "#address-cells", 0);
	has_flag(gpio, "gpio-controller");
	has_flag(gpio, "interrupt-controller");
	/* drivers/amba/bus.c: amba_get_enable_pclk() */
	HAS_CELLS(gpio, "clocks", fdt_get_phandle(tree, node("/apb-pclk")));
	has_string(gpio, "clock-names", "apb_pclk");
	has_string("/apb-pclk", "compatible", "fixed-clock");
	HAS_CELLS("/apb-pclk", "#clock-cells", 0);
	HAS_CELLS("/apb-pclk", "clock-frequency", 24000000);

	has_string("/gpio-keys", "compatible", "gpio-keys");
	HAS_CELLS("/gpio-keys/button-power", "linux,code", 116);
	HAS_CELLS("/gpio-keys/button-power", "gpios", fdt_get_phandle(tree, node(gpio)),
		  LAYOUT_GPIO_POWER, 0);
}

/* leds/leds-gpio.yaml, leds/common.yaml */
static void test_the_panic_light_is_an_led_at_the_same_pl061(void **state)
{
	struct fdt_machine m = machine_of(1);
	const char *led = "/gpio-leds/led-panic";

	(void)state;
	build(&m);
	has_string("/gpio-leds", "compatible", "gpio-leds");
	HAS_CELLS(led, "gpios", fdt_get_phandle(tree, node("/gpio@9010000")), LAYOUT_GPIO_PANIC, 0);
	has_string(led, "default-state", "off");
	has_flag(led, "panic-indicator");
}

static void test_the_clock_is_a_pl031(void **state)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	struct fdt_machine m = machine_of(1);
	const char *rtc = "/rtc@9020000";

	(void)state;
	build(&m);
	assert_memory_equal(property(rtc, "compatible", sizeof(compatible)), compatible,
			    sizeof(compatible));
	HAS_CELLS(rtc, "reg", 0, 0x9020000, 0, 0x1000);
	HAS_CELLS(rtc, "interrupts", 0, LAYOUT_RTC_INTID - 32, 4);
	HAS_CELLS(rtc, "clocks", fdt_get_phandle(tree, node("/apb-pclk")));
	has_string(rtc, "clock-names", "apb_pclk");
}

static void test_counters_are_described_where_there_are_any(void **state)
{
	struct fdt_machine m = machine_of(1);

	(void)state;
	build(&m);
	assert_int_equal(fdt_path_offset(tree, "/pmu"), -FDT_ERR_NOTFOUND);
	m.pmu = true;
	build(&m);
	has_string("/pmu", "compatible", "arm,armv8-pmuv3");
	/* A private interrupt, the first of which is 16; a level, high. */
	HAS_CELLS("/pmu", "interrupts", 1, PMU_INTID - 16, 4);
}

/* As many as there can be, each elsewhere. */
static void spread(struct fdt_machine *m, struct fdt_function functions[CONFIG_MAX_DEVICES])
{
	for (uint32_t i = 0; i < CONFIG_MAX_DEVICES; i++)
		functions[i] = (struct fdt_function){ i << 3, i % CONFIG_MAX_ITS, i << 16,
						      .behind = i % 2, .port = i };
	m->nr_its = CONFIG_MAX_ITS;
	m->root_ports = 0xaaaaaaaa;
	m->functions = functions;
	m->nr_functions = CONFIG_MAX_DEVICES;
}

static void test_no_ranges_of_the_machine_overlap(void **state)
{
	static const struct {
		const char *what;
		uint64_t at, size;
	} ranges[] = {
		{ "firmware", LAYOUT_FIRMWARE, LAYOUT_FIRMWARE_SZ },
		{ "GICD", LAYOUT_GICD, LAYOUT_GICD_SZ },
		{ "GITS", LAYOUT_GITS, CONFIG_MAX_ITS * LAYOUT_GITS_SZ },
		{ "UART", LAYOUT_UART, LAYOUT_UART_SZ },
		{ "GPIO", LAYOUT_GPIO, LAYOUT_GPIO_SZ },
		{ "RTC", LAYOUT_RTC, LAYOUT_RTC_SZ },
		{ "stolen time", LAYOUT_STEAL_TIME, LAYOUT_STEAL_TIME_SZ },
		{ "PL011", LAYOUT_PL011, LAYOUT_PL011_SZ },
		{ "GICR", LAYOUT_GICR, LAYOUT_MAX_VCPUS * LAYOUT_GICR_SZ_VCPU },
		{ "ECAM", LAYOUT_ECAM, LAYOUT_MAX_BUSES * LAYOUT_ECAM_SZ },
		{ "I/O ports", LAYOUT_PCI_IO, LAYOUT_PCI_IO_SZ },
		{ "32-bit window", LAYOUT_PCI32, LAYOUT_PCI32_SZ },
		{ "sealed frame", LAYOUT_KERNEL_ITS_FRAME, 0x20000 },
		{ "RAM", LAYOUT_RAM, LAYOUT_RAM_MAX },
		{ "64-bit window", LAYOUT_PCI64, LAYOUT_PCI64_SZ },
	};

	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(ranges); i++) {
		print_message("%s\n", ranges[i].what);
		assert_true(ranges[i - 1].at + ranges[i - 1].size <= ranges[i].at);
	}
	assert_true(LAYOUT_PCI64 + LAYOUT_PCI64_SZ <= UINT64_C(1) << 40);
}

static void test_too_small_a_buffer_is_no_space_and_not_overrun(void **state)
{
	struct fdt_function functions[CONFIG_MAX_DEVICES];
	struct fdt_machine m = machine_of(2);
	size_t need;

	(void)state;
	spread(&m, functions);
	build(&m);
	need = fdt_totalsize(tree);
	for (size_t cap = 0; cap < need; cap += cap < 128 ? 1 : 61) {
		uint8_t *small = malloc(cap ? cap : 1); /* the sanitizer sees its end */

		assert_non_null(small);
		assert_int_equal(fdt_build(&m, small, cap), -ENOSPC);
		free(small);
	}
}

static void test_a_command_line_that_fills_the_room_is_no_space(void **state)
{
	struct fdt_machine m = machine_of(1);
	char *line = malloc(TREE_SZ + 1);

	(void)state;
	assert_non_null(line);
	memset(line, 'x', TREE_SZ);
	line[TREE_SZ] = '\0';
	m.cmdline = line;
	assert_int_equal(fdt_build(&m, tree, sizeof(tree)), -ENOSPC);
	line[2047] = '\0';
	build(&m);
	has_string("/chosen", "bootargs", line);
	free(line);
}

/* Of four vCPUs two are threads of a core; each core has an L2, the L3 is of the first package. */
static struct guest_cpu topology_cpus[] = {
	{ .at = { 0, 0, 0 }, .nr_threads = 2, .thread = 0, .next = 0 },
	{ .at = { 0, 0, 0 }, .nr_threads = 2, .thread = 1, .next = 0 },
	{ .at = { 0, 1, 0 }, .nr_threads = 1, .next = 2 },
	{ .at = { 1, 0, 0 }, .nr_threads = 1, .next = -1 },
};
static struct guest_cache topology_caches[] = {
	{ .level = 2, .size = 0x100000, .line = 64, .sets = 2048, .next = 1 },
	{ .level = 3, .size = 0x2000000, .next = -1 },
	{ .level = 2, .size = 0x80000, .line = 64, .next = 1 },
};

static struct guest_topology small_topology(void)
{
	topology_cpus[0].l1d = (struct guest_cache){ 1, 0x10000, 64, 256, -1 };
	topology_cpus[0].l1i = (struct guest_cache){ 1, 0x8000, 32, 128, -1 };
	return (struct guest_topology){ .nr_cpus = 4,
					.nr_packages = 2,
					.cpus = topology_cpus,
					.caches = topology_caches,
					.nr_caches = 3 };
}

static void cpu_is_at(uint32_t vcpu, const char *path)
{
	char cpu[32];

	(void)snprintf(cpu, sizeof(cpu), "/cpus/cpu@%x", vcpu);
	HAS_CELLS(path, "cpu", fdt_get_phandle(tree, node(cpu)));
}

static void test_cpus_have_the_places_and_caches_that_are_known(void **state)
{
	struct guest_topology topology = small_topology();
	struct fdt_machine m = machine_of(4);
	uint32_t l2, l3;

	(void)state;
	build(&m);
	assert_int_equal(fdt_path_offset(tree, "/cpus/cpu-map"), -FDT_ERR_NOTFOUND);
	m.topology = &topology;
	build(&m);
	cpu_is_at(0, "/cpus/cpu-map/socket0/cluster0/core0/thread0");
	cpu_is_at(1, "/cpus/cpu-map/socket0/cluster0/core0/thread1");
	cpu_is_at(2, "/cpus/cpu-map/socket0/cluster1/core0");
	cpu_is_at(3, "/cpus/cpu-map/socket1/cluster0/core0");

	HAS_CELLS("/cpus/cpu@0", "d-cache-size", 0x10000);
	HAS_CELLS("/cpus/cpu@0", "d-cache-sets", 256);
	HAS_CELLS("/cpus/cpu@0", "i-cache-line-size", 32);
	assert_null(fdt_getprop(tree, node("/cpus/cpu@1"), "d-cache-size", NULL));
	assert_null(fdt_getprop(tree, node("/cpus/cpu@3"), "next-level-cache", NULL));
	l2 = fdt_get_phandle(tree, node("/cpus/l2-cache0"));
	l3 = fdt_get_phandle(tree, node("/cpus/l3-cache1"));
	HAS_CELLS("/cpus/cpu@0", "next-level-cache", l2);
	HAS_CELLS("/cpus/cpu@1", "next-level-cache", l2);
	HAS_CELLS("/cpus/l2-cache0", "cache-level", 2);
	HAS_CELLS("/cpus/l2-cache0", "cache-size", 0x100000);
	HAS_CELLS("/cpus/l2-cache0", "cache-sets", 2048);
	HAS_CELLS("/cpus/l2-cache0", "next-level-cache", l3);
	HAS_CELLS("/cpus/l2-cache2", "next-level-cache", l3);
	has_string("/cpus/l3-cache1", "compatible", "cache");
	has_flag("/cpus/l3-cache1", "cache-unified");
	assert_null(fdt_getprop(tree, node("/cpus/l3-cache1"), "cache-sets", NULL));

	/* One package needs no node of its own. */
	topology.nr_cpus = m.nr_vcpus = 3;
	topology.nr_packages = 1;
	build(&m);
	cpu_is_at(2, "/cpus/cpu-map/cluster1/core0");
}

static void test_dtc_has_nothing_to_say(void **state)
{
	struct fdt_function functions[CONFIG_MAX_DEVICES];
	struct guest_topology topology = small_topology();
	struct fdt_machine m = machine_of(4);
	char command[160], said[4096];
	FILE *out;
	size_t n;
	int fd;

	(void)state;
	if (system("command -v dtc >/dev/null 2>&1") != 0)
		skip();
	m.initrd = 0x44000000;
	m.initrd_end = 0x44100000;
	m.pmu = true;
	m.pl011 = true;
	m.topology = &topology;
	spread(&m, functions);
	build(&m);
	(void)property("/pcie", "msi-map", 4 * 4 * CONFIG_MAX_DEVICES);
	fd = memfd_create("dtb", 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, tree, fdt_totalsize(tree)), (ssize_t)fdt_totalsize(tree));
	/* Warnings go to stderr, and dtc succeeds all the same. */
	(void)snprintf(command, sizeof(command),
		       "dtc -I dtb -O dts -o /dev/null /proc/%d/fd/%d 2>&1", (int)getpid(), fd);
	out = popen(command, "r");
	assert_non_null(out);
	n = fread(said, 1, sizeof(said) - 1, out);
	said[n] = '\0';
	assert_int_equal(pclose(out), 0);
	(void)close(fd);
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_has_wide_cells_and_the_gic_as_parent),
		cmocka_unit_test(test_memory_is_one_range_beyond_32_bits),
		cmocka_unit_test(test_memory_is_as_many_ranges_as_there_are_banks),
		cmocka_unit_test(test_chosen_carries_command_line_console_and_seeds),
		cmocka_unit_test(test_initrd_is_described_only_where_there_is_one),
		cmocka_unit_test(test_each_vcpu_has_a_node_with_its_mpidr_and_psci),
		cmocka_unit_test(test_gic_has_its_frames_and_the_its_as_a_child),
		cmocka_unit_test(
			test_one_region_has_the_redistributors_of_as_many_vcpus_as_kvm_runs),
		cmocka_unit_test(test_timer_interrupts_are_the_architected_ppis),
		cmocka_unit_test(test_uart_is_an_ns16550a_of_single_bytes),
		cmocka_unit_test(test_the_power_button_is_a_key_at_a_pl061),
		cmocka_unit_test(test_the_panic_light_is_an_led_at_the_same_pl061),
		cmocka_unit_test(test_the_clock_is_a_pl031),
		cmocka_unit_test(test_counters_are_described_where_there_are_any),
		cmocka_unit_test(test_cpus_have_the_places_and_caches_that_are_known),
		cmocka_unit_test(test_no_ranges_of_the_machine_overlap),
		cmocka_unit_test(test_too_small_a_buffer_is_no_space_and_not_overrun),
		cmocka_unit_test(test_a_command_line_that_fills_the_room_is_no_space),
		cmocka_unit_test(test_dtc_has_nothing_to_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
