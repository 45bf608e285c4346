// SPDX-License-Identifier: MIT
/*
 * vCPUs on a fake KVM.
 */
#include "tests/unit/kvm/vcpu_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/kvm/gic.h"

static uint64_t device_read(void *ctx, uint64_t offset, unsigned len)
{
	struct vcpu_rig *rig = ctx;

	rig->last_offset = offset;
	rig->last_len = len;
	rig->nr_reads++;
	return rig->answer;
}

static void device_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct vcpu_rig *rig = ctx;

	rig->last_offset = offset;
	rig->last_len = len;
	rig->last_value = value;
	if (rig->on_write)
		rig->on_write(rig);
	rig->nr_writes++;
}

static void on_event(void *ctx, enum vcpu_event event, const char *why)
{
	struct vcpu_rig *rig = ctx;

	if (why)
		(void)snprintf(rig->why, sizeof(rig->why), "%s", why);
	rig->events[event]++;
}

const struct vcpu_ops vcpu_rig_ops = { .event = on_event };

struct vcpu_rig *vcpu_rig_new(void)
{
	struct vcpu_rig *rig = calloc(1, sizeof(*rig));
	const struct bus_region device = { "device",	DEVICE,	      DEVICE_SZ,
					   device_read, device_write, rig };

	assert_non_null(rig);
	fake_kvm_init(&rig->fake);
	assert_int_equal(bus_add(&rig->bus, &device), 0);
	assert_int_equal(vm_init_with(&rig->vm, &rig->fake.sys, &rig->failure), 0);
	assert_int_equal(gic_create(&rig->vm, &rig->gic, &rig->failure), 0);
	return rig;
}

int vcpu_rig_create(struct vcpu_rig *rig, unsigned nr)
{
	return vcpus_create(&rig->vm, &rig->bus, nr, &rig->vcpus, &rig->failure);
}

struct vcpu_rig *vcpu_rig_with(unsigned nr)
{
	struct vcpu_rig *rig = vcpu_rig_new();

	assert_int_equal(vcpu_rig_create(rig, nr), 0);
	return rig;
}

void vcpu_rig_start(struct vcpu_rig *rig)
{
	assert_int_equal(
		vcpus_start(rig->vcpus, 0x40080000, 0x48000000, &vcpu_rig_ops, rig, &rig->failure),
		0);
}

struct vcpu_rig *vcpu_rig_running(unsigned nr)
{
	struct vcpu_rig *rig = vcpu_rig_with(nr);

	vcpu_rig_start(rig);
	return rig;
}

void vcpu_rig_free(struct vcpu_rig *rig)
{
	vcpus_destroy(rig->vcpus);
	close(rig->gic);
	vm_fini(&rig->vm);
	fake_kvm_fini(&rig->fake);
	free(rig);
}

void vcpu_rig_script_write(struct vcpu_rig *rig, unsigned vcpu, uint64_t at, unsigned len,
			   uint64_t data)
{
	const struct fake_exit write = {
		.reason = KVM_EXIT_MMIO, .address = at, .len = len, .is_write = true, .data = data
	};

	fake_kvm_script(&rig->fake, vcpu, &write);
}

void vcpu_rig_script_event(struct vcpu_rig *rig, unsigned vcpu, uint32_t event)
{
	const struct fake_exit exit = { .reason = KVM_EXIT_SYSTEM_EVENT, .event = event };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

void vcpu_rig_script_error(struct vcpu_rig *rig, unsigned vcpu, int error)
{
	const struct fake_exit exit = { .error = error };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

void vcpu_rig_script_reason(struct vcpu_rig *rig, unsigned vcpu, uint32_t reason)
{
	const struct fake_exit exit = { .reason = reason };

	fake_kvm_script(&rig->fake, vcpu, &exit);
}

void vcpu_rig_nap(void)
{
	const struct timespec short_time = { .tv_nsec = 100000 };

	(void)nanosleep(&short_time, NULL);
}

void vcpu_rig_wait_for(const _Atomic unsigned *counter, unsigned nr)
{
	while (*counter < nr)
		vcpu_rig_nap();
}

int vcpu_rig_read_redist(struct vcpu_rig *rig)
{
	uint32_t ctlr;
	/* GICR_CTLR of affinity 0.0.0.0, asked for once: vm_device_get() is patient. */
	struct kvm_device_attr attr = {
		.group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
		.addr = (uintptr_t)&ctlr,
	};

	return vm_ioctl(&rig->vm, rig->gic, KVM_GET_DEVICE_ATTR, &attr);
}
