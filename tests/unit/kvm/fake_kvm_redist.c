// SPDX-License-Identifier: MIT
/*
 * KVM without a kernel: the redistributors, by attributes. What an attribute does and
 * a guest's access does not is as in linux arch/arm64/kvm/vgic/vgic-mmio-v3.c.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/kvm/fake_kvm_priv.h"
#include "vgicrmod/gicr.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/layout.h"

#define SGIS	  0x0000ffffu
#define PRIO_BITS 0xf8f8f8f8u

/* Of KVM: SGIs are enabled, all are in Group 1. */
void fake_kvm_redist_init(struct fake_redist *redist)
{
	*redist = (struct fake_redist){ .group = ~0u, .enabled = SGIS };
}

/* Bits [63:32] of the attribute are an affinity, as GICR_TYPER has it. */
static struct fake_vcpu *vcpu_of(struct fake_kvm *fake, uint64_t attr)
{
	uint64_t affinity = attr >> 32, n = (affinity & 0xf) | (affinity >> 8 & 0xff) << 4;

	return affinity & ~UINT64_C(0xff0f) || n >= fake->nr_vcpus ? NULL : &fake->vcpus[n];
}

static int get_lpis(struct fake_kvm *fake, const struct fake_vcpu *vcpu, uint32_t reg,
		    uint32_t *ret_value)
{
	uint64_t value;

	if (reg == GICR_CTLR)
		value = vcpu->gicr_ctlr;
	else if ((reg & ~4u) == GICR_PROPBASER)
		value = fake->propbaser;
	else if ((reg & ~4u) == GICR_PENDBASER)
		value = vcpu->pendbaser;
	else
		return -ENXIO;
	*ret_value = (uint32_t)(reg & 4 ? value >> 32 : value);
	return 0;
}

/* Half of it; the tables stand still while LPIs are on. */
static void set_half(const struct fake_vcpu *vcpu, _Atomic uint64_t *base, uint32_t reg,
		     uint32_t value)
{
	unsigned shift = reg & 4 ? 32 : 0;

	if (!(vcpu->gicr_ctlr & 1))
		*base = (*base & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static int set_lpis(struct fake_kvm *fake, struct fake_vcpu *vcpu, uint32_t reg, uint32_t value)
{
	if (reg == GICR_CTLR)
		vcpu->gicr_ctlr = value & 1;
	else if ((reg & ~4u) == GICR_PROPBASER)
		set_half(vcpu, &fake->propbaser, reg, value);
	else if ((reg & ~4u) == GICR_PENDBASER)
		set_half(vcpu, &vcpu->pendbaser, reg, value);
	else
		return -ENXIO;
	return 0;
}

static uint32_t *priority_of(struct fake_redist *r, uint32_t reg)
{
	uint32_t n = (reg - GICR_IPRIORITYR(0)) / 4;

	return reg >= GICR_IPRIORITYR(0) && n < 8 && reg % 4 == 0 ? &r->prio[n] : NULL;
}

static int get_private(struct fake_redist *r, uint32_t reg, uint32_t *ret_value)
{
	const uint32_t *prio = priority_of(r, reg);

	if (prio)
		*ret_value = *prio;
	else if (reg == GICR_IGROUPR0)
		*ret_value = r->group;
	else if (reg == GICR_ISENABLER0 || reg == GICR_ICENABLER0)
		*ret_value = r->enabled;
	else if (reg == GICR_ISPENDR0)
		*ret_value = r->latch;
	else if (reg == GICR_ICPENDR0)
		*ret_value = 0;
	else if (reg == GICR_ISACTIVER0 || reg == GICR_ICACTIVER0)
		*ret_value = r->active;
	else
		return -ENXIO;
	return 0;
}

static int set_private(struct fake_redist *r, uint32_t reg, uint32_t value)
{
	uint32_t *prio = priority_of(r, reg);

	if (prio)
		*prio = value & PRIO_BITS;
	else if (reg == GICR_IGROUPR0)
		r->group = value;
	else if (reg == GICR_ISENABLER0)
		r->enabled |= value;
	else if (reg == GICR_ICENABLER0)
		r->enabled &= ~value;
	else if (reg == GICR_ISPENDR0)
		r->latch = value;
	else if (reg == GICR_ISACTIVER0)
		r->active |= value & ~r->tied;
	else if (reg == GICR_ICACTIVER0)
		r->active &= ~value | r->tied;
	else if (reg != GICR_ICPENDR0)
		return -ENXIO;
	return 0;
}

static int level_info(const struct fake_redist *r, const struct kvm_device_attr *attr, bool set)
{
	const uint32_t what = (uint32_t)attr->attr;

	if (set || what != VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT)
		return -EINVAL;
	memcpy((void *)(uintptr_t)attr->addr, &r->level, sizeof(r->level));
	return 0;
}

int fake_kvm_redist_attr(struct fake_kvm *fake, const struct kvm_device_attr *attr, bool set)
{
	struct fake_vcpu *vcpu = vcpu_of(fake, attr->attr);
	uint32_t reg = (uint32_t)attr->attr, value = 0;
	int r;

	if (!vcpu)
		return -EINVAL;
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO)
		return level_info(&vcpu->redist, attr, set);
	if (set) {
		memcpy(&value, (const void *)(uintptr_t)attr->addr, sizeof(value));
		return reg < GICR_SGI_BASE ? set_lpis(fake, vcpu, reg, value)
					   : set_private(&vcpu->redist, reg, value);
	}
	r = reg < GICR_SGI_BASE ? get_lpis(fake, vcpu, reg, &value)
				: get_private(&vcpu->redist, reg, &value);
	if (!r)
		memcpy((void *)(uintptr_t)attr->addr, &value, sizeof(value));
	return r;
}

unsigned fake_kvm_script_lpis(struct fake_kvm *fake, unsigned vcpu, uint64_t propbaser,
			      uint64_t pendbaser)
{
	const struct {
		uint32_t reg, len;
		uint64_t value;
	} writes[] = {
		{ GICR_PROPBASER, 8, propbaser },
		{ GICR_PENDBASER, 8, pendbaser },
		{ GICR_CTLR, 4, GICR_CTLR_LPIS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		fake_kvm_script(fake, 0,
				&(struct fake_exit){
					.reason = KVM_EXIT_MMIO,
					.address = LAYOUT_GICR +
						   vcpu * (uint64_t)LAYOUT_GICR_SZ_VCPU +
						   writes[i].reg,
					.len = writes[i].len,
					.is_write = true,
					.data = writes[i].value,
				});
	return ARRAY_SIZE(writes);
}
