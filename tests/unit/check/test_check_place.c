// SPDX-License-Identifier: MIT
/*
 * itsy check: where threads and interrupts go, and what the host says to that; on a host that is a
 * folder.
 */
#include <errno.h>

#include "tests/unit/check/check_world.h"
#include "vmm/kvm/vm.h"

/* On this host, of which no CPU is this process's to use. */
int __wrap_placement_try_cpu(int cpu);
int __wrap_placement_try_cpu(int cpu)
{
	(void)cpu;
	return -EINVAL;
}

static void test_a_cpu_that_this_process_may_not_use_fails(void **state)
{
	struct config *c = &w.config;

	(void)state;
	w.host.fs = (struct pci_host_fs){ "" };
	w.host.config = c;
	w.host.max_fifo = 99;
	c->router = (struct placement){ .cpu = 0 };
	check(check_router);
	expect(VERDICT_FAIL, "CPU 0, which this process may not use", "taskset");
	c->vcpu = (struct placement){ .cpu = -1 };
	c->vcpu_cpus.nr = 1;
	c->vcpu_cpus.list[0] = 0;
	check(check_vcpus);
	expect(VERDICT_FAIL, "CPU 0 for vCPU 0 this process may not use", "taskset");
	/* An interrupt can be sent there all the same. */
	c->devices[0].msi_cpu = 0;
	check_first(check_interrupts);
	assert_int_equal(w.result.verdict, VERDICT_PASS);
}

static void test_placement_is_compared_with_the_hosts_cpus_and_rights(void **state)
{
	struct config *c = &w.config;

	(void)state;
	tree_write(&w.tree, "/sys/devices/system/cpu/online", "0-3\n");
	tree_write(&w.tree, "/sys/devices/system/cpu/isolated", "2-3\n");
	c->router = (struct placement){ .cpu = -1, .fifo = 1 };
	c->spin = c->vcpu = (struct placement){ .cpu = -1 };
	w.host.config = c;
	w.host.max_fifo = 99;
	check(check_router);
	expect(VERDICT_PASS, "any CPU; SCHED_FIFO 1", NULL);
	w.host.max_fifo = 0;
	check(check_router);
	expect(VERDICT_WARN, "SCHED_FIFO 1 is not permitted", "CAP_SYS_NICE");
	c->router = (struct placement){ .cpu = 2 };
	check(check_router);
	expect(VERDICT_PASS, "CPU 2, isolated; an ordinary thread", NULL);
	c->router.cpu = 1;
	check(check_router);
	expect(VERDICT_PASS, "CPU 1, not isolated", NULL);
	c->router.cpu = 4;
	check(check_router);
	expect(VERDICT_FAIL, "CPU 4, which is not online", "name one of 0-3");
	c->router = (struct placement){ .cpu = -1 };
	check(check_router);
	expect(VERDICT_INFO, "any CPU; an ordinary thread", NULL);

	check(check_spinner);
	expect(VERDICT_NONE, NULL, NULL);
	/* Whoever names a CPU wants it, also before a vector is on that route. */
	c->spin.cpu = 4;
	check(check_spinner);
	expect(VERDICT_FAIL, "CPU 4, which is not online", "name one of 0-3");
	c->spin.cpu = -1;
	c->devices[0].route = ROUTE_SPIN;
	check(check_spinner);
	expect(VERDICT_WARN, "never sleeps", "spin-cpu");
	c->spin.cpu = 3;
	check(check_spinner);
	expect(VERDICT_PASS, "CPU 3, isolated", NULL);

	check(check_vcpus);
	expect(VERDICT_INFO, "any CPU", NULL);
	c->vcpu_cpus.nr = 2;
	c->vcpu_cpus.list[0] = 1;
	c->vcpu_cpus.list[1] = 2;
	check(check_vcpus);
	expect(VERDICT_PASS, "a CPU for each, 1 of 2 isolated", NULL);
	c->vcpu_cpus.list[1] = 9;
	check(check_vcpus);
	expect(VERDICT_FAIL, "CPU 9 for vCPU 1", "name one of 0-3");
	c->nr_devices = 0;
	check(check_router);
	expect(VERDICT_NONE, NULL, NULL);
}

static void test_route_and_policy_of_a_device_are_shown(void **state)
{
	struct config_device *d = &w.config.devices[0];

	(void)state;
	tree_write(&w.tree, "/sys/devices/system/cpu/online", "0-3\n");
	w.host.config = &w.config;
	d->msi_cpu = -1;
	check_first(check_interrupts);
	expect(VERDICT_INFO, "by uring; taken by any CPU", NULL);
	d->policy = (struct policy){ 4000000000u, 4000000000u, 4000000000u, 4000000000u };
	d->msi_cpu = 3;
	check_first(check_interrupts);
	expect(VERDICT_PASS,
	       "taken by CPU 3, not isolated; at most 4000000000 per second and vector, "
	       "4000000000 at once, else silent for 4000000000 us; one in 4000000000 us",
	       NULL);
	d->route = ROUTE_IRQFD;
	check_first(check_interrupts);
	expect(VERDICT_WARN, "hold-us does not hold", "uring");
	d->policy.hold_us = 0;
	check_first(check_interrupts);
	expect(VERDICT_PASS, "a storm is seen within a tenth of a second", NULL);
	d->route = ROUTE_AUTO;
	check_first(check_interrupts);
	expect(VERDICT_PASS, "by uring, for these limits", NULL);
	d->route = ROUTE_IRQFD;
	d->policy = (struct policy){ 0 };
	check_first(check_interrupts);
	expect(VERDICT_PASS, "by irqfd", NULL);
	d->msi_cpu = 8;
	check_first(check_interrupts);
	expect(VERDICT_FAIL, "CPU 8, which is not online", "name one of 0-3");
}

static void test_events_beyond_kvms_interrupt_numbers_are_told(void **state)
{
	(void)state;
	w.host.config = &w.config;
	check(check_gsis);
	expect(VERDICT_NONE, NULL, NULL);
	w.config.devices[0].route = ROUTE_AUTO;
	w.config.devices[0].events = VM_MAX_ROUTES;
	check(check_gsis);
	expect(w.config.nr_devices > 1 ? VERDICT_WARN : VERDICT_NONE, NULL, NULL);
	w.config.devices[0].events = VM_MAX_ROUTES + 1;
	check(check_gsis);
	expect(VERDICT_WARN, "KVM has 4096 for ", "first");
	w.config.devices[0].route = ROUTE_URING;
	check(check_gsis);
	expect(VERDICT_NONE, NULL, NULL);
}

static void test_direct_injection_is_told_as_far_as_it_is_known(void **state)
{
	static const struct {
		const char *cmdline, *text;
	} cases[] = {
		{ "quiet\n", "no: " },
		{ "quiet kvm-arm.vgic_v4_enable=0\n", "no: " },
		{ "kvm-arm.vgic_v4_enable=1 kvm-arm.vgic_v4_enable=0\n", "no: " },
		{ "kvm-arm.vgic_v4_enable=1 quiet\n", "cannot tell: the kernel is asked" },
		{ "kvm-arm.vgic_v4_enable=on\n", "cannot tell: the kernel is asked" },
	};

	(void)state;
	w.host.config = &w.config;
	check(check_direct);
	expect(VERDICT_NONE, NULL, NULL);
	w.config.devices[0].route = ROUTE_IRQFD;
	check(check_direct);
	expect(VERDICT_INFO, "cannot tell", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		tree_write(&w.tree, "/proc/cmdline", cases[i].cmdline);
		check(check_direct);
		expect(VERDICT_INFO, cases[i].text, NULL);
	}
}

static void test_the_kernels_log_tells_whether_there_is_direct_injection(void **state)
{
	static const struct {
		const char *log, *text;
	} cases[] = {
		{ "6,1,0,-;GICv3: GICv4 features: DirectLPI\n6,2,1,-;kvm [1]: GICv4 support "
		  "enabled\n",
		  "yes, by irqfd: GICv4 support enabled" },
		{ "6,2,1,-;kvm [1]: GICv4.1 support enabled\n", "yes, by irqfd: GICv4.1 support" },
		{ "6,2,1,-;kvm [1]: GICv4 support disabled\n", "no: the hardware has GICv4, and" },
		{ "6,2,1,-;kvm [1]: vgic interrupt IRQ9\n", "the hardware has no GICv4" },
		{ "6,2,1,-;another's\n", "cannot tell" },
	};

	(void)state;
	tree_write(&w.tree, "/proc/cmdline", "kvm-arm.vgic_v4_enable=1\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		tree_write(&w.tree, "/dev/kmsg", cases[i].log);
		check(check_direct);
		expect(VERDICT_INFO, cases[i].text, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_cpu_that_this_process_may_not_use_fails),
		TEST(test_placement_is_compared_with_the_hosts_cpus_and_rights),
		TEST(test_route_and_policy_of_a_device_are_shown),
		TEST(test_events_beyond_kvms_interrupt_numbers_are_told),
		TEST(test_direct_injection_is_told_as_far_as_it_is_known),
		TEST(test_the_kernels_log_tells_whether_there_is_direct_injection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
