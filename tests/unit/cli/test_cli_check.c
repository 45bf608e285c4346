// SPDX-License-Identifier: MIT
/*
 * itsy check: each verdict and its cure, on a host that is a folder. KVM is
 * played by this file.
 */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/check/check_world.h"
#include "tests/unit/irq/refuse_io_uring.h"
#include "vmm/cli/commands.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vm.h"

static struct capture said;
static unsigned kvm_calls;

static void kvm_passes(struct check_result *ret)
{
	kvm_calls++;
	check_say(ret, VERDICT_PASS, NULL, "not looked at");
}

void check_kvm(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_passes(ret);
}

void check_kvm_extensions(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_passes(ret);
}

void check_kvm_gic(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_passes(ret);
}

void check_kvm_pmu(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_passes(ret);
}

void check_kvm_steal_time(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_passes(ret);
}

void check_kvm_its(const struct check_host *host, struct check_result *ret)
{
	(void)host;
	kvm_calls++;
	ret->verdict = VERDICT_NONE;
}

static void add_function(const char *bdf, const char *driver, int group, const char *reset,
			 bool has_msix)
{
	uint8_t config[256] = { 0 };
	const struct tree_function fn = { bdf,	 0x8086, 0x10d3, 0x020000, driver,
					  group, config, 256,	 reset };

	if (has_msix) {
		config[0x06] = 0x10;
		config[0x34] = 0x60;
		config[0x60] = 0x11;
		config[0x62] = 64;
	}
	tree_add_function(&w.tree, &fn);
}

static void test_only_arm64_hosts_pass(void **state)
{
	(void)state;
	check(check_architecture);
	expect(VERDICT_PASS, "aarch64", NULL);
	strcpy(w.host.machine, "x86_64");
	check(check_architecture);
	expect(VERDICT_FAIL, "itsy runs on arm64 hosts", "on this one use make demo");
}

static void test_kernel_versions(void **state)
{
	/* Which versions have the fix of CVE-2026-46316, and which never had the fault. */
	static const char never[] = "not in this one", fixed[] = "is fixed",
			  may[] = "may be in this version; no guest of itsy's reaches it",
			  unknown[] = "unknown for this kernel; no guest of itsy's reaches it";
	static const struct {
		const char *release;
		enum verdict kernel;
		const char *its;
	} cases[] = {
		{ "5.10.0-28-arm64", VERDICT_WARN, never },
		{ "6.0.19", VERDICT_WARN, never },
		{ "6.1.0-56-arm64", VERDICT_PASS, never },
		{ "6.9.12", VERDICT_PASS, never },
		{ "6.10.0", VERDICT_PASS, may },
		{ "6.11.11", VERDICT_PASS, may },
		{ "6.12.94+deb13-arm64", VERDICT_PASS, may },
		{ "6.12.95+deb12-arm64", VERDICT_PASS, fixed },
		{ "6.12.200+deb13-arm64", VERDICT_PASS, fixed },
		{ "6.13.117", VERDICT_PASS, may },
		{ "6.18.43", VERDICT_PASS, may },
		{ "6.18.44", VERDICT_PASS, fixed },
		{ "7.0.99", VERDICT_PASS, may },
		{ "7.2.12", VERDICT_PASS, may },
		{ "7.2.13", VERDICT_PASS, fixed },
		{ "7.3.3", VERDICT_PASS, may },
		{ "7.3.4", VERDICT_PASS, fixed },
		{ "7.4.0-rc1", VERDICT_PASS, fixed },
		{ "8.0.0", VERDICT_PASS, fixed },
		{ "6.12", VERDICT_PASS, may },
		{ "unknown", VERDICT_WARN, unknown },
		{ "", VERDICT_WARN, unknown },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].release);
		strcpy(w.host.release, cases[i].release);
		check(check_kernel);
		expect(cases[i].kernel, "", NULL);
		check(check_its_fix);
		expect(VERDICT_INFO, cases[i].its, NULL);
	}
}

static void test_the_sandbox_of_a_copy_is_nobodys_and_one_that_is_off_is_told(void **state)
{
	(void)state;
	check(check_sandbox);
	expect(VERDICT_NONE, "", NULL);
	w.host.fs.root[0] = '\0';
	w.host.config = &w.config;
	w.config.sandbox = SANDBOX_WISH_OFF;
	check(check_sandbox);
	expect(VERDICT_WARN, "switched off by the configuration", "leave out");
}

static void test_iommu_groups_are_counted(void **state)
{
	(void)state;
	check(check_iommu);
	expect(VERDICT_FAIL, "no IOMMU groups", "SMMU");
	tree_dir(&w.tree, "/sys/kernel/iommu_groups/");
	check(check_iommu);
	expect(VERDICT_FAIL, "no IOMMU groups", "SMMU");
	/* A guest without devices runs all the same. */
	w.host.config = &w.config;
	w.config.nr_devices = 0;
	check(check_iommu);
	expect(VERDICT_WARN, "no IOMMU groups", "SMMU");

	add_function("0000:00:02.0", NULL, 7, "flr", true);
	check(check_iommu);
	assert_string_equal(w.result.text, "1 group");
	add_function("0000:00:03.0", NULL, 8, "flr", true);
	check(check_iommu);
	expect(VERDICT_PASS, "2 groups", NULL);
}

static void test_vfio_needs_its_device_and_its_driver(void **state)
{
	(void)state;
	check(check_vfio);
	expect(VERDICT_FAIL, "/dev/vfio/vfio is not there", "modprobe vfio-pci");
	tree_write(&w.tree, "/dev/vfio/vfio", "");
	check(check_vfio);
	expect(VERDICT_FAIL, "driver vfio-pci is not loaded", "modprobe vfio-pci");
	w.host.config = &w.config;
	w.config.nr_devices = 0;
	check(check_vfio);
	expect(VERDICT_WARN, "driver vfio-pci is not loaded", "modprobe vfio-pci");
	tree_write(&w.tree, "/sys/bus/pci/drivers/vfio-pci/bind", "");
	check(check_vfio);
	expect(VERDICT_PASS, "vfio-pci", NULL);
}

/* What itsy run loads by itself is nothing that a host lacks. */
static void test_a_module_that_run_loads_is_not_missing(void **state)
{
	static const char path[] = "/lib/modules/6.1.0-50-arm64/modules.dep";

	(void)state;
	strcpy(w.host.release, "6.1.0-50-arm64");
	tree_write(&w.tree, path, "kernel/drivers/net/x.ko: kernel/drivers/vfio/pci/vfio-pci.ko\n");
	check(check_vfio);
	expect(VERDICT_FAIL, "/dev/vfio/vfio is not there", "modprobe vfio-pci");
	tree_write(&w.tree, path,
		   "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/vfio.ko.xz\n");
	check(check_vfio);
	if (geteuid() == 0)
		expect(VERDICT_PASS, "itsy run loads the module vfio-pci", NULL);
	else
		expect(VERDICT_FAIL, "/dev/vfio/vfio is not there", "modprobe vfio-pci");
}

static void test_unsafe_interrupts_are_warned_of(void **state)
{
	static const char path[] =
		"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

	(void)state;
	check(check_isolation);
	expect(VERDICT_PASS, "isolated", NULL);
	tree_write(&w.tree, path, "N\n");
	check(check_isolation);
	expect(VERDICT_PASS, "isolated", NULL);
	tree_write(&w.tree, path, "Y\n");
	check(check_isolation);
	expect(VERDICT_WARN, "forge", "allow_unsafe_interrupts");
}

static void *check_io_uring_refused(void *arg)
{
	(void)arg;
	assert_int_equal(refuse_io_uring(SYS_io_uring_setup, EPERM), 0);
	check(check_io_uring);
	return NULL;
}

/* Guests run on a host without: it is a warning, in the words of itsy run. */
static void test_io_uring_is_tried(void **state)
{
	pthread_t thread;

	(void)state;
	check(check_io_uring);
	/* Whatever this machine has: the answer is one of the two. */
	if (w.result.verdict == VERDICT_PASS)
		expect(VERDICT_PASS, "available", NULL);
	else
		expect(VERDICT_WARN, "interrupts go by epoll", NULL);

	tree_write(&w.tree, "/proc/sys/kernel/io_uring_disabled", "2\n");
	assert_int_equal(pthread_create(&thread, NULL, check_io_uring_refused, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	expect(VERDICT_WARN, "kernel.io_uring_disabled is 2", "sysctl kernel.io_uring_disabled=0");
}

static void test_locked_memory_is_compared_with_the_guests(void **state)
{
	static const struct {
		const char *why;
		bool config;
		size_t nr_devices;
		uint64_t memlock;
		enum verdict want;
	} cases[] = {
		{ "no limit", true, 1, UINT64_MAX, VERDICT_PASS },
		{ "just enough", true, 1, 512 * MiB, VERDICT_PASS },
		{ "one byte less", true, 1, 512 * MiB - 1, VERDICT_FAIL },
		{ "no devices, nothing is locked", true, 0, 64 * KiB, VERDICT_PASS },
		{ "no configuration", false, 0, 64 * KiB, VERDICT_WARN },
		{ "none at all", true, 1, 0, VERDICT_FAIL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		w.host.memlock = cases[i].memlock;
		w.host.config = cases[i].config ? &w.config : NULL;
		w.config.nr_devices = cases[i].nr_devices;
		check(check_memlock);
		expect(cases[i].want, "",
		       cases[i].want == VERDICT_PASS ? NULL : "ulimit -l unlimited");
	}
}

static void test_memory_is_compared_with_what_is_free(void **state)
{
	static const struct {
		const char *why;
		uint64_t mib;
		size_t nr_devices;
		enum verdict want;
	} cases[] = {
		{ "fits", 1000, 1, VERDICT_PASS },
		{ "almost", 1968, 1, VERDICT_PASS },
		{ "too much to be locked", 1969, 1, VERDICT_FAIL },
		{ "too much, but taken bit by bit", 1969, 0, VERDICT_WARN },
	};

	(void)state;
	check(check_memory);
	expect(VERDICT_NONE, NULL, NULL);
	w.host.config = &w.config;
	tree_write(&w.tree, "/proc/meminfo",
		   "MemTotal:        4194304 kB\nMemFree:  1 kB\nMemAvailable:    2097152 kB\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		w.config.memory = cases[i].mib * MiB;
		w.config.nr_devices = cases[i].nr_devices;
		check(check_memory);
		expect(cases[i].want, "2048 MiB",
		       cases[i].want == VERDICT_PASS ? NULL
						     : "give the guest 1968 MiB of memory at most");
	}
	w.config.memory = 4097 * MiB;
	check(check_memory);
	expect(VERDICT_FAIL, "4097 MiB are more than this host has: 4096 MiB", "less memory");
}

/* Both are told, as itsy run does. */
static void test_kernel_and_initrd_are_doubted_in_one_line(void **state)
{
	char image[4096] = { 0 }, kernel[256], initrd[256];

	(void)state;
	w.host.config = &w.config;
	w.config.kernel = kernel;
	w.config.initrd = initrd;
	(void)snprintf(initrd, sizeof(initrd), "%s/initrd", w.tree.fs.root);
	tree_write(&w.tree, "/initrd", "any text");
	(void)snprintf(kernel, sizeof(kernel), "%s/Image", w.tree.fs.root);
	memcpy(image + 56, "ARM\x64", 4);
	image[18] = 0x40; /* image_size: 4 MiB */
	tree_write_bytes(&w.tree, "/Image", image, sizeof(image));
	check(check_files);
	expect(VERDICT_WARN, "/Image: the kernel may be cut off", "copy it again");
	assert_non_null(strstr(w.result.text, "/initrd: the initrd is nothing that Linux unpacks"));
}

static void test_firmware_is_read_as_for_a_guest(void **state)
{
	static const uint8_t start[] = { 0x0a, 0, 0, 0x14, 0x1f, 0x20, 0x03, 0xd5 };
	uint8_t bytes[4096] = { 0 };
	char path[256];

	(void)state;
	w.host.config = &w.config;
	w.config.boot = BOOT_WISH_DISK;
	w.config.kernel = NULL;
	w.config.firmware = path;
	(void)snprintf(path, sizeof(path), "%s/u-boot.bin", w.tree.fs.root);
	check(check_files);
	expect(VERDICT_FAIL, "/u-boot.bin: the firmware cannot be opened", "configuration");
	tree_write_bytes(&w.tree, "/u-boot.bin", (const char *)bytes, sizeof(bytes));
	check(check_files);
	expect(VERDICT_FAIL, "/u-boot.bin: the firmware is no U-Boot for arm64", "u-boot-qemu");
	memcpy(bytes, start, sizeof(start));
	tree_write_bytes(&w.tree, "/u-boot.bin", (const char *)bytes, sizeof(bytes));
	check(check_files);
	expect(VERDICT_PASS, "4 KiB of firmware, which starts from a disk", NULL);
}

/* By the lock and the socket of the guest that has it. */
static void test_a_name_that_a_guest_has_is_told(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	check(check_name);
	expect(VERDICT_NONE, NULL, NULL);
	w.host.config = &w.config;
	strcpy(w.config.name, "box");
	check(check_name);
	expect(VERDICT_PASS, "box", NULL);
	tree_dir(&w.tree, "run/itsy");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/run/itsy/box.sock",
		       w.tree.fs.root);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	/* Nobody listens there: it was left behind. */
	check(check_name);
	expect(VERDICT_PASS, "box", NULL);
	assert_int_equal(listen(fd, 1), 0);
	check(check_name);
	expect(VERDICT_FAIL, "box: a guest of this name runs already", "--name");
	(void)close(fd);
}

static void test_files_are_loaded_as_for_a_guest(void **state)
{
	char image[4096] = { 0 };
	char kernel[256], initrd[256];

	(void)state;
	check(check_files);
	expect(VERDICT_NONE, NULL, NULL);

	w.host.config = &w.config;
	w.config.kernel = kernel;
	(void)snprintf(kernel, sizeof(kernel), "%s/Image", w.tree.fs.root);
	check(check_files);
	expect(VERDICT_FAIL, "/Image: the kernel cannot be opened", "configuration");

	tree_write_bytes(&w.tree, "/Image", image, sizeof(image));
	check(check_files);
	expect(VERDICT_FAIL, "/Image: the kernel is not an arm64 Image", "kernel-format");
	w.config.flat = true;
	check(check_files);
	expect(VERDICT_PASS, "MiB of kernel, 0 MiB of initrd", NULL);
	w.config.flat = false;

	memcpy(image + 56, "ARM\x64", 4);
	image[18] = 0x40; /* image_size: 4 MiB */
	tree_write_bytes(&w.tree, "/Image", image, sizeof(image));
	check(check_files);
	expect(VERDICT_WARN, "/Image: the kernel may be cut off", "copy it again");
	image[18] = 0;
	image[17] = 0x20; /* 8 KiB */
	tree_write_bytes(&w.tree, "/Image", image, sizeof(image));
	check(check_files);
	expect(VERDICT_PASS, "0 MiB of kernel, 0 MiB of initrd", NULL);

	w.config.initrd = initrd;
	(void)snprintf(initrd, sizeof(initrd), "%s/initrd", w.tree.fs.root);
	tree_write(&w.tree, "/initrd", "070701");
	check(check_files);
	expect(VERDICT_PASS, "0 MiB of kernel", NULL);
	w.config.initrd = kernel;
	check(check_files);
	expect(VERDICT_PASS, "0 MiB of kernel", NULL);
	tree_write(&w.tree, "/initrd", "07070");
	w.config.initrd = initrd;
	check(check_files);
	expect(VERDICT_WARN, "/initrd: the initrd is nothing that Linux unpacks", "newc");
	w.config.initrd = (char *)(uintptr_t) "/nowhere/initrd";
	check(check_files);
	expect(VERDICT_FAIL, "/nowhere/initrd: the initrd", NULL);
}

static void test_a_device_must_be_there_and_be_no_bridge(void **state)
{
	uint8_t config[256] = { 0 };
	const struct tree_function bridge = { "0000:00:02.0", 1,   2,	0x060400, NULL, 0,
					      config,	      256, NULL };

	(void)state;
	check_first(check_device);
	expect(VERDICT_FAIL, "no such PCI function", "itsy devices");
	config[0x0e] = 1;
	tree_add_function(&w.tree, &bridge);
	check_first(check_device);
	expect(VERDICT_FAIL, "a bridge", "behind it");
}

static void test_a_device_needs_a_group(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "e1000e", -1, "flr", true);
	check_first(check_device);
	expect(VERDICT_FAIL, "no IOMMU group", "SMMU");
}

static void test_a_device_alone_in_its_group_passes(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, "flr pm", true);
	check_first(check_device);
	expect(VERDICT_PASS, "bound to e1000e, itsy run takes it", NULL);
	assert_non_null(strstr(w.result.text, "reset by flr pm"));
	assert_non_null(strstr(w.result.text, "65 MSI-X vectors"));
	tree_set_driver(&w.tree, "0000:00:02.0", "vfio-pci");
	check_first(check_device);
	expect(VERDICT_PASS, "bound to vfio-pci", NULL);
	assert_null(strstr(w.result.text, "itsy run takes it"));
	tree_set_driver(&w.tree, "0000:00:02.0", NULL);
	check_first(check_device);
	expect(VERDICT_PASS, "bound to no driver", NULL);
}

static void test_a_group_is_blocked_by_functions_that_the_guest_does_not_get(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, "flr", true);
	add_function("0000:00:02.1", "e1000e", 2, "flr", true);
	check_first(check_device);
	expect(VERDICT_FAIL, "0000:00:02.1 of the same group is bound to e1000e",
	       "itsy bind 0000:00:02.0");

	/* The guest gets it too: itsy run binds both. */
	w.config.nr_devices = 2;
	check_first(check_device);
	expect(VERDICT_PASS, "itsy run takes it", NULL);

	/* A third one behind it is not hidden by the second. */
	add_function("0000:00:02.2", "snd_hda_intel", 2, "flr", true);
	check_first(check_device);
	expect(VERDICT_FAIL, "0000:00:02.2 of the same group is bound to snd_hda_intel",
	       "itsy bind 0000:00:02.0");
	tree_set_driver(&w.tree, "0000:00:02.2", "vfio-pci");
	check_first(check_device);
	expect(VERDICT_PASS, "itsy run takes it", NULL);
	tree_set_driver(&w.tree, "0000:00:02.2", NULL);
	check_first(check_device);
	expect(VERDICT_PASS, "itsy run takes it", NULL);
}

/* What itsy run refuses does not pass. */
static void test_a_device_that_the_host_uses_fails(void **state)
{
	static const char up[] = "sys/devices/pci0000:00/0000:00:02.0/net/eth0";
	char path[128];

	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, "flr", true);
	(void)snprintf(path, sizeof(path), "%s/operstate", up);
	tree_write(&w.tree, path, "up\n");
	tree_link(&w.tree, "sys/class/net/eth0", "../../devices/pci0000:00/0000:00:02.0/net/eth0");
	check_first(check_device);
	expect(VERDICT_FAIL, "the host is using it: eth0", "take it down");
	tree_write(&w.tree, path, "down\n");
	check_first(check_device);
	expect(VERDICT_PASS, "itsy run takes it", NULL);
}

/* On a host with a device tree its group comes with its first driver. */
static void test_a_device_that_no_driver_has_probed_passes(void **state)
{
	(void)state;
	add_function("0000:00:02.0", NULL, -1, "flr", true);
	check_first(check_device);
	expect(VERDICT_PASS, "bound to no driver, itsy run takes it", NULL);
	expect(VERDICT_PASS, "what shares its IOMMU group is known once it is bound", NULL);
}

static void test_a_bridge_with_a_driver_blocks_what_is_behind_it(void **state)
{
	uint8_t config[256] = { [0x0e] = 1 };
	const struct tree_function bridge = { "0000:00:01.0", 1,   2,	0x060400, "shpchp", 2,
					      config,	      256, NULL };

	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, "flr", true);
	tree_add_function(&w.tree, &bridge);
	check_first(check_device);
	expect(VERDICT_FAIL, "0000:00:01.0 of the same group is bound to shpchp",
	       "itsy bind 0000:00:02.0");
	tree_set_driver(&w.tree, "0000:00:01.0", "pcieport");
	check_first(check_device);
	expect(VERDICT_PASS, "itsy run takes it", NULL);
}

static void test_a_device_without_reset_is_warned_of(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, NULL, true);
	check_first(check_device);
	expect(VERDICT_WARN, "cannot be reset", "power-cycle");
}

static void test_a_device_without_interrupts_passes(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "e1000e", 2, "flr", false);
	check_first(check_device);
	expect(VERDICT_PASS, "reset by flr", NULL);
}

static void test_the_driver_that_takes_a_device_is_told(void **state)
{
	(void)state;
	add_function("0000:00:02.0", "mlx5_core", 3, "flr", true);
	tree_write(&w.tree, "proc/sys/kernel/osrelease", "6.12\n");
	tree_write(&w.tree, "lib/modules/6.12/modules.alias",
		   "alias vfio_pci:v00008086d000010D3sv*sd*bc*sc*i* mlx5_vfio_pci\n");
	check_first(check_device);
	expect(VERDICT_PASS, "bound to mlx5_core, itsy run takes it; ", NULL);
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:02.0/modalias",
		   "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00\n");
	check_first(check_device);
	expect(VERDICT_PASS, "bound to mlx5_core, itsy run takes it by mlx5_vfio_pci; ", NULL);
	w.config.devices[0].plain_driver = true;
	check_first(check_device);
	expect(VERDICT_PASS, "bound to mlx5_core, itsy run takes it; ", NULL);
	/* It has one of VFIO's. */
	tree_set_driver(&w.tree, "0000:00:02.0", "mlx5_vfio_pci");
	check_first(check_device);
	expect(VERDICT_PASS, "bound to mlx5_vfio_pci; ", NULL);
}

static enum exit_status run_check(const char *option)
{
	char *argv[] = { (char *)(uintptr_t) "check", (char *)(uintptr_t) "--root", w.tree.fs.root,
			 (char *)(uintptr_t)option, NULL };
	enum exit_status status;

	capture_begin(&said);
	status = cmd_check(option ? 4 : 3, argv);
	capture_end(&said);
	return status;
}

static bool is_arm64(void)
{
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	return strcmp(name.machine, "aarch64") == 0;
}

static void test_command_prints_a_line_each_and_a_cure_where_it_is_needed(void **state)
{
	(void)state;
	assert_int_equal(run_check(NULL), ITSY_ENVIRONMENT);
	assert_string_equal(said.err, "");
	/* Not a terminal: no colours. */
	assert_null(strchr(said.out, '\033'));
	if (is_arm64()) {
		assert_int_equal(strncmp(said.out, "PASS  architecture ", 19), 0);
		assert_non_null(strstr(said.out, "\nFAIL  VFIO "));
		assert_non_null(strstr(said.out, "-> modprobe vfio-pci\n"));
		assert_null(strstr(said.out, "  ITS  ")); /* NONE is not shown */
		assert_int_equal(kvm_calls, 6);
	} else {
		/* Elsewhere that one line says it all. */
		assert_int_equal(strncmp(said.out, "FAIL  architecture ", 19), 0);
		assert_non_null(strstr(said.out, "-> on this one use make demo"));
		assert_int_equal(kvm_calls, 0);
	}
}

static void test_on_a_terminal_lines_are_folded(void **state)
{
	(void)state;
	assert_int_equal(setenv("COLUMNS", "60", 1), 0);
	assert_int_equal(run_check(NULL), ITSY_ENVIRONMENT);
	assert_int_equal(unsetenv("COLUMNS"), 0);
	/* The text is in its column, behind the name and, of a cure, the arrow. */
	assert_non_null(strstr(said.out, "\n                           -> "));
	assert_non_null(strstr(said.out, "\n                              "));
	for (const char *p = said.out; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 60);
}

static void test_command_speaks_json(void **state)
{
	json_t *root, *first;

	(void)state;
	assert_int_equal(run_check("--json"), ITSY_ENVIRONMENT);
	root = json_loads(said.out, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	assert_true(json_is_false(json_object_get(root, "ok")));
	first = json_array_get(json_object_get(root, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "architecture");
	assert_string_equal(json_string_value(json_object_get(first, "verdict")),
			    is_arm64() ? "PASS" : "FAIL");
	assert_int_equal(json_object_get(first, "cure") == NULL, is_arm64());
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_arm64_hosts_pass),
		TEST(test_the_driver_that_takes_a_device_is_told),
		TEST(test_kernel_versions),
		TEST(test_the_sandbox_of_a_copy_is_nobodys_and_one_that_is_off_is_told),
		TEST(test_iommu_groups_are_counted),
		TEST(test_vfio_needs_its_device_and_its_driver),
		TEST(test_a_module_that_run_loads_is_not_missing),
		TEST(test_unsafe_interrupts_are_warned_of),
		TEST(test_io_uring_is_tried),
		TEST(test_locked_memory_is_compared_with_the_guests),
		TEST(test_memory_is_compared_with_what_is_free),
		TEST(test_kernel_and_initrd_are_doubted_in_one_line),
		TEST(test_a_name_that_a_guest_has_is_told),
		TEST(test_files_are_loaded_as_for_a_guest),
		TEST(test_firmware_is_read_as_for_a_guest),
		TEST(test_a_device_must_be_there_and_be_no_bridge),
		TEST(test_a_device_needs_a_group),
		TEST(test_a_device_alone_in_its_group_passes),
		TEST(test_a_group_is_blocked_by_functions_that_the_guest_does_not_get),
		TEST(test_a_device_that_the_host_uses_fails),
		TEST(test_a_device_that_no_driver_has_probed_passes),
		TEST(test_a_bridge_with_a_driver_blocks_what_is_behind_it),
		TEST(test_a_device_without_reset_is_warned_of),
		TEST(test_a_device_without_interrupts_passes),
		TEST(test_command_prints_a_line_each_and_a_cure_where_it_is_needed),
		TEST(test_on_a_terminal_lines_are_folded),
		TEST(test_command_speaks_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
