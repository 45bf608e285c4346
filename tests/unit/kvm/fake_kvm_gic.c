// SPDX-License-Identifier: MIT
/*
 * KVM without a kernel: GICv3 and ITS, as devices with attributes.
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst, arm-vgic-its.rst.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/kvm/fake_kvm_priv.h"

int fake_kvm_create_device(struct fake_kvm *fake, struct kvm_create_device *create)
{
	bool has_gic = false;

	for (unsigned i = 0; i < fake->nr_fds; i++)
		has_gic = has_gic || fake->fds[i].kind == FAKE_KVM_GIC;
	if (create->type == KVM_DEV_TYPE_ARM_VGIC_V3) {
		if (fake->no_gic)
			return -ENODEV;
		if (has_gic)
			return -EEXIST;
		create->fd = (uint32_t)fake_kvm_new_fd(fake, FAKE_KVM_GIC, 0);
		return 0;
	}
	if (create->type != KVM_DEV_TYPE_ARM_VGIC_ITS || !has_gic)
		return -ENODEV;
	fake->has_its = true;
	create->fd = (uint32_t)fake_kvm_new_fd(fake, FAKE_KVM_ITS, 0);
	return 0;
}

/* ---- attributes ------------------------------------------------------------------ */

static uint64_t read_value(const struct kvm_device_attr *attr, size_t len)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)attr->addr, len);
	return value;
}

static void write_value(const struct kvm_device_attr *attr, uint64_t value, size_t len)
{
	memcpy((void *)(uintptr_t)attr->addr, &value, len);
}

/* An address is given once. */
static int place(uint64_t *at, uint64_t value)
{
	if (*at)
		return -EEXIST;
	if (value % 0x10000)
		return -EINVAL;
	*at = value;
	return 0;
}

static int place_redists(struct fake_kvm *fake, uint64_t region)
{
	unsigned count = (unsigned)(region >> 52);
	int r;

	/* Bits [15:12] are flags, [11:0] the region's index. */
	if (!count || region & 0xffff)
		return -EINVAL;
	r = place(&fake->gicr, region & UINT64_C(0x000fffffffff0000));
	if (!r)
		fake->gicr_count = count;
	return r;
}

static int gic_init(struct fake_kvm *fake)
{
	if (!fake->nr_irqs || !fake->gicd || fake->gicr_count < fake->nr_vcpus || !fake->nr_vcpus)
		return -ENXIO;
	fake->gic_initialised = true;
	return 0;
}

static int gic_set(struct fake_kvm *fake, const struct kvm_device_attr *attr)
{
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_NR_IRQS) {
		uint32_t nr = (uint32_t)read_value(attr, 4);

		if (nr < 64 || nr > 1024 || nr % 32)
			return -EINVAL;
		if (fake->nr_irqs)
			return -EBUSY;
		fake->nr_irqs = nr;
		return 0;
	}
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_ADDR && attr->attr == KVM_VGIC_V3_ADDR_TYPE_DIST)
		return place(&fake->gicd, read_value(attr, 8));
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_ADDR &&
	    attr->attr == KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION)
		return place_redists(fake, read_value(attr, 8));
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_CTRL && attr->attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		return gic_init(fake);
	return -ENXIO;
}

/* The registers of an ITS that only keeps what it is told. */
static uint64_t *plain_register(struct fake_kvm *fake, uint64_t offset)
{
	assert(offset % 8 == 0);
	assert(offset < sizeof(fake->its_regs));
	return &fake->its_regs[offset / 8];
}

static int its_regs(struct fake_kvm *fake, const struct kvm_device_attr *attr, bool set)
{
	const struct fake_its_ops *ops = &fake->its_ops;
	uint64_t value = 0;
	int r = 0;

	if (!fake->gits)
		return -ENXIO;
	if (set) {
		value = read_value(attr, 8);
		if (ops->set)
			return ops->set(ops->ctx, attr->attr, value);
		*plain_register(fake, attr->attr) = value;
		return 0;
	}
	if (ops->get)
		r = ops->get(ops->ctx, attr->attr, &value);
	else
		value = *plain_register(fake, attr->attr);
	if (!r)
		write_value(attr, value, 8);
	return r;
}

/* ---- registers: while no vCPU is in any ioctl ----------------------------------- */

static unsigned lock_all(struct fake_kvm *fake)
{
	unsigned n = 0;

	while (n < fake->nr_vcpus && !pthread_mutex_trylock(&fake->vcpus[n].mutex))
		n++;
	return n;
}

static void unlock_first(struct fake_kvm *fake, unsigned n)
{
	while (n-- > 0)
		pthread_mutex_unlock(&fake->vcpus[n].mutex);
}

static int redist_regs(struct fake_kvm *fake, const struct kvm_device_attr *attr, bool set)
{
	int r;

	pthread_mutex_lock(&fake->lock);
	r = fake_kvm_redist_attr(fake, attr, set);
	pthread_mutex_unlock(&fake->lock);
	return r;
}

static int registers(struct fake_kvm *fake, enum fake_kvm_kind kind,
		     const struct kvm_device_attr *attr, bool set)
{
	unsigned n = lock_all(fake);
	int r = -EBUSY;

	if (n < fake->nr_vcpus) {
		fake->nr_met++;
	} else if (fake->busy_for) {
		fake->busy_for--;
	} else {
		fake->serving = true;
		r = kind == FAKE_KVM_ITS ? its_regs(fake, attr, set) : redist_regs(fake, attr, set);
		fake->serving = false;
	}
	unlock_first(fake, n);
	return r;
}

static bool is_registers(enum fake_kvm_kind kind, uint32_t group)
{
	if (kind == FAKE_KVM_ITS)
		return group == KVM_DEV_ARM_VGIC_GRP_ITS_REGS;
	return group == KVM_DEV_ARM_VGIC_GRP_REDIST_REGS ||
	       group == KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO;
}

int fake_kvm_device_ioctl(struct fake_kvm *fake, enum fake_kvm_kind kind, unsigned long request,
			  const struct kvm_device_attr *attr)
{
	bool set = request == KVM_SET_DEVICE_ATTR;
	int r = -ENXIO;

	if (!set && request != KVM_GET_DEVICE_ATTR)
		return -ENOTTY;
	if (is_registers(kind, attr->group))
		return registers(fake, kind, attr, set);
	pthread_mutex_lock(&fake->lock);
	if (kind == FAKE_KVM_GIC && set)
		r = gic_set(fake, attr);
	else if (set && attr->group == KVM_DEV_ARM_VGIC_GRP_ADDR &&
		 attr->attr == KVM_VGIC_ITS_ADDR_TYPE)
		r = place(&fake->gits, read_value(attr, 8));
	pthread_mutex_unlock(&fake->lock);
	return r;
}

int fake_kvm_signal_msi(struct fake_kvm *fake, const struct kvm_msi *msi)
{
	uint64_t doorbell = (uint64_t)msi->address_hi << 32 | msi->address_lo;

	if (msi->flags != KVM_MSI_VALID_DEVID || !fake->gits || doorbell != fake->gits + 0x10040)
		return -EINVAL;
	fake->nr_msis++;
	return fake->its_ops.msi ? fake->its_ops.msi(fake->its_ops.ctx, msi->devid, msi->data) : 1;
}

/* ---- what the guest does ------------------------------------------------------------ */

void fake_kvm_set_propbaser(struct fake_kvm *fake, uint64_t value)
{
	fake->propbaser = value;
}

void fake_kvm_set_pendbaser(struct fake_kvm *fake, unsigned vcpu, uint64_t value)
{
	fake->vcpus[vcpu].pendbaser = value;
}

void fake_kvm_set_gicr_ctlr(struct fake_kvm *fake, unsigned vcpu, uint32_t value)
{
	fake->vcpus[vcpu].gicr_ctlr = value;
}
