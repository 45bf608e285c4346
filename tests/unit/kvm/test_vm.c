// SPDX-License-Identifier: MIT
/*
 * The VM: what it asks of KVM, what it says where KVM refuses, and that nothing
 * stays open whatever fails.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/kvm/fake_kvm.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vm.h"

struct rig {
	struct fake_kvm fake;
	struct vm vm;
	struct failure failure;
};

static struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	fake_kvm_init(&rig->fake);
	return rig;
}

static struct rig *rig_with_vm(void)
{
	struct rig *rig = rig_new();

	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	return rig;
}

static void rig_free(struct rig *rig)
{
	vm_fini(&rig->vm);
	fake_kvm_fini(&rig->fake);
	free(rig);
}

static void expect_refusal(struct rig *rig, int error, const char *cause)
{
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), -error);
	assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
	assert_string_equal(rig->failure.object, "/dev/kvm");
	assert_non_null(strstr(rig->failure.cause, cause));
	assert_true(rig->failure.cure[0]);
	rig_free(rig);
}

static void test_a_vm_has_40_bit_addresses(void **state)
{
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(rig->fake.vm_type, 40);
	assert_int_equal(rig->vm.run_sz, rig->fake.run_size);
	assert_int_equal(fake_kvm_nr_open(&rig->fake), 2);
	vm_fini(&rig->vm);
	assert_int_equal(fake_kvm_nr_open(&rig->fake), 0);
	vm_fini(&rig->vm);
	rig_free(rig);
	vm_fini(NULL);
}

static void test_a_host_without_the_capability_gets_the_fixed_size(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.ipa_bits = 0;
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	assert_int_equal(rig->fake.vm_type, 0);
	rig_free(rig);
}

static void test_each_reason_to_refuse_is_told(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->fake.open_errno = ENOENT;
	expect_refusal(rig, ENOENT, "the host has no KVM");
	rig = rig_new();
	rig->fake.open_errno = EACCES;
	expect_refusal(rig, EACCES, "permission denied");
	rig = rig_new();
	rig->fake.open_errno = EPERM;
	expect_refusal(rig, EPERM, "permission denied");
	rig = rig_new();
	rig->fake.api_version = 11;
	expect_refusal(rig, ENOTSUP, "KVM API version 11");
	rig = rig_new();
	rig->fake.ipa_bits = 36;
	expect_refusal(rig, ENOTSUP, "36-bit");
	rig = rig_new();
	rig->fake.run_size = -EINVAL;
	expect_refusal(rig, EINVAL, "KVM_GET_VCPU_MMAP_SIZE");
	rig = rig_new();
	rig->fake.run_size = 0;
	expect_refusal(rig, EIO, "KVM_GET_VCPU_MMAP_SIZE");
}

static void test_nothing_stays_open_whichever_call_fails(void **state)
{
	unsigned nr;

	(void)state;
	for (nr = 1;; nr++) {
		struct rig *rig = rig_new();
		int r;

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = ENOMEM;
		r = vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure);
		if (!rig->fake.failed_call) {
			assert_int_equal(r, 0);
			rig_free(rig);
			break;
		}
		assert_true(r < 0);
		assert_int_equal(rig->failure.status, ITSY_ENVIRONMENT);
		rig_free(rig);
	}
	assert_int_equal(nr, 5); /* open, version, VM, size */
}

static void test_an_interrupted_ioctl_is_done_again(void **state)
{
	(void)state;
	/* open() is the first, and is not an ioctl. */
	for (unsigned nr = 2; nr <= 4; nr++) {
		struct rig *rig = rig_new();

		rig->fake.fail_at = nr;
		rig->fake.fail_errno = EINTR;
		assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
		assert_non_null(rig->fake.failed_call);
		rig_free(rig);
	}
}

static void test_slots_are_put_and_removed(void **state)
{
	struct rig *rig = rig_with_vm();
	static _Alignas(4096) uint8_t memory[8192];
	const struct vm *vm = &rig->vm;

	(void)state;
	assert_int_equal(vm_set_slot(vm, 3, LAYOUT_RAM, sizeof(memory), memory, false), 0);
	assert_ptr_equal(fake_kvm_memory(&rig->fake, LAYOUT_RAM + 4096, 1, true), memory + 4096);
	assert_int_equal(vm_set_slot(vm, 4, LAYOUT_RAM + 4096, 4096, memory, false), -EEXIST);
	assert_int_equal(vm_set_slot(vm, 3, LAYOUT_RAM, 0, NULL, false), 0);
	assert_null(fake_kvm_memory(&rig->fake, LAYOUT_RAM, 1, false));
	assert_int_equal(vm_set_slot(vm, 4, LAYOUT_RAM, 4096, memory, true), 0);
	assert_non_null(fake_kvm_memory(&rig->fake, LAYOUT_RAM, 1, false));
	assert_null(fake_kvm_memory(&rig->fake, LAYOUT_RAM, 1, true));
	rig_free(rig);
}

static void test_a_line_is_that_of_the_shared_interrupt(void **state)
{
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(vm_irq_line(&rig->vm, LAYOUT_UART_INTID, true), 0);
	assert_true(rig->fake.lines[LAYOUT_UART_INTID]);
	assert_int_equal(vm_irq_line(&rig->vm, LAYOUT_UART_INTID, false), 0);
	assert_false(rig->fake.lines[LAYOUT_UART_INTID]);
	assert_int_equal(rig->fake.nr_line_changes, 2);
	rig_free(rig);
}

static void test_routes_are_messages_in_the_order_of_their_gsis(void **state)
{
	const uint64_t doorbell = UINT64_C(0x123456789ab0);
	const struct vm_route routes[] = { { doorbell, 7, 3, 0 }, { doorbell, 8, 4, 0 } };
	const struct kvm_irq_routing_entry *second;
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(vm_set_routes(&rig->vm, routes, 2), 0);
	assert_int_equal(rig->fake.nr_routes, 2);
	second = &rig->fake.routes[1];
	assert_int_equal(second->gsi, 1);
	assert_int_equal(second->type, KVM_IRQ_ROUTING_MSI);
	assert_int_equal(second->flags, KVM_MSI_VALID_DEVID);
	assert_int_equal(second->u.msi.address_lo, (uint32_t)doorbell);
	assert_int_equal(second->u.msi.address_hi, doorbell >> 32);
	assert_int_equal(second->u.msi.devid, 8);
	assert_int_equal(second->u.msi.data, 4);
	assert_int_equal(vm_set_routes(&rig->vm, routes, 0), 0);
	assert_int_equal(rig->fake.nr_routes, 0);
	rig_free(rig);
}

static void test_a_gsi_may_be_a_line_and_its_end_is_told(void **state)
{
	const struct vm_route routes[] = { { UINT64_C(0x1000), 7, 3, 0 }, { .intid = 37 } };
	const struct kvm_irq_routing_entry *second;
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(vm_set_routes(&rig->vm, routes, 2), 0);
	assert_int_equal(rig->fake.routes[0].type, KVM_IRQ_ROUTING_MSI);
	second = &rig->fake.routes[1];
	assert_int_equal(second->gsi, 1);
	assert_int_equal(second->type, KVM_IRQ_ROUTING_IRQCHIP);
	assert_int_equal(second->flags, 0);
	assert_int_equal(second->u.irqchip.irqchip, 0);
	assert_int_equal(second->u.irqchip.pin, 5);
	assert_int_equal(vm_irqfd_level(&rig->vm, 77, 78, 1, true), 0);
	assert_int_equal(rig->fake.irqfds[0].fd, 77);
	assert_int_equal(rig->fake.irqfds[0].resample, 78);
	assert_int_equal(rig->fake.irqfds[0].gsi, 1);
	assert_int_equal(vm_irqfd_level(&rig->vm, 77, 78, 1, false), 0);
	assert_int_equal(rig->fake.nr_irqfds, 0);
	rig_free(rig);
}

static void test_an_eventfd_is_tied_once(void **state)
{
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(vm_irqfd(&rig->vm, 77, 5, true), 0);
	assert_int_equal(vm_irqfd(&rig->vm, 77, 6, true), -EBUSY);
	assert_int_equal(rig->fake.nr_irqfds, 1);
	assert_int_equal(vm_irqfd(&rig->vm, 77, 5, false), 0);
	assert_int_equal(rig->fake.nr_irqfds, 0);
	rig_free(rig);
}

static int msi_answer(void *ctx, uint32_t devid, uint32_t eventid)
{
	assert_int_equal(devid, 0x1234);
	assert_int_equal(eventid, 9);
	return *(const int *)ctx;
}

static void test_a_message_gets_kvms_answer(void **state)
{
	static const int answers[] = { 1, 0, -EBUSY };
	struct rig *rig = rig_with_vm();
	uint64_t frame = LAYOUT_KERNEL_ITS_FRAME, doorbell = frame + 0x10040;
	int gic, its;

	(void)state;
	gic = vm_create_device(&rig->vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	its = vm_create_device(&rig->vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
	assert_true(gic >= 0 && its >= 0);
	assert_int_equal(vm_device_set(&rig->vm, its, KVM_DEV_ARM_VGIC_GRP_ADDR,
				       KVM_VGIC_ITS_ADDR_TYPE, &frame),
			 0);
	rig->fake.its_ops.msi = msi_answer;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		rig->fake.its_ops.ctx = (void *)(uintptr_t)&answers[i];
		assert_int_equal(vm_signal_msi(&rig->vm, doorbell, 0x1234, 9), answers[i]);
	}
	close(its);
	close(gic);
	rig_free(rig);
}

static void test_what_kvm_lacks_is_no_extension(void **state)
{
	struct rig *rig = rig_with_vm();

	(void)state;
	assert_int_equal(vm_extension(&rig->vm, KVM_CAP_MAX_VCPUS), FAKE_KVM_VCPUS);
	assert_int_equal(vm_extension(&rig->vm, KVM_CAP_ARM_SVE), 0);
	rig->fake.max_vcpus = -EINVAL;
	assert_int_equal(vm_extension(&rig->vm, KVM_CAP_MAX_VCPUS), 0);
	assert_int_equal(vm_enable(&rig->vm, KVM_CAP_ARM_NISV_TO_USER), 0);
	assert_true(rig->fake.nisv_enabled);
	assert_int_equal(vm_enable(&rig->vm, KVM_CAP_ARM_MTE), -EINVAL);
	rig_free(rig);
}

static void test_the_kernels_table_opens_what_is_there(void **state)
{
	const struct kvm_sys *sys = kvm_sys_kernel();
	int fd, flags = 0;
	void *map;

	(void)state;
	assert_int_equal(sys->open(sys->ctx, "/nowhere/kvm"), -ENOENT);
	fd = sys->open(sys->ctx, "/dev/null");
	assert_true(fd >= 0);
	assert_int_equal(sys->ioctl(sys->ctx, fd, KVM_GET_API_VERSION, &flags), -ENOTTY);
	assert_int_equal(sys->mmap(sys->ctx, fd, 4096, &map), -ENODEV);
	close(fd);
	assert_int_equal(sys->ioctl(sys->ctx, -1, KVM_GET_API_VERSION, &flags), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_vm_has_40_bit_addresses),
		cmocka_unit_test(test_a_host_without_the_capability_gets_the_fixed_size),
		cmocka_unit_test(test_each_reason_to_refuse_is_told),
		cmocka_unit_test(test_nothing_stays_open_whichever_call_fails),
		cmocka_unit_test(test_an_interrupted_ioctl_is_done_again),
		cmocka_unit_test(test_slots_are_put_and_removed),
		cmocka_unit_test(test_a_line_is_that_of_the_shared_interrupt),
		cmocka_unit_test(test_routes_are_messages_in_the_order_of_their_gsis),
		cmocka_unit_test(test_a_gsi_may_be_a_line_and_its_end_is_told),
		cmocka_unit_test(test_an_eventfd_is_tied_once),
		cmocka_unit_test(test_a_message_gets_kvms_answer),
		cmocka_unit_test(test_what_kvm_lacks_is_no_extension),
		cmocka_unit_test(test_the_kernels_table_opens_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
