// SPDX-License-Identifier: MIT
/*
 * The guest's redistributors, and KVM's behind them. IHI 0069 12.10, 12.11;
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst for the attributes; linux
 * arch/arm64/kvm/vgic/vgic-mmio-v3.c for what each of them really does.
 *
 * What an attribute does other than a guest's access:
 *  - GICR_ISPENDR0 is the latch alone, of edges and of what software set; the level of
 *    a line is an attribute of its own, and of timers' lines as old as the last KVM_RUN:
 *    the timers are asked (vcpus_timer_lines()). A write replaces all 32 latches, and
 *    GICR_ICPENDR0 ignores writes. With all vCPUs paused nobody else changes a latch.
 *  - GICR_ICACTIVER0 ignores interrupts that are tied to one of the host's, as the
 *    timer's is (vgic_hw_irq_change_active()), and a kernel that was started from inside
 *    a timer interrupt (kdump) would have no timer. There is a way that has the host's
 *    deactivated as well, a write of ICC_DIR_EL1, and none but the vCPU to do it: it
 *    takes a detour (vmm/kvm/vcpu.h). GICR_ISACTIVER0 ignores them too: they stay as
 *    they are, as does what a vCPU wants to deactivate of another one's.
 *  - All others do what the guest's access does.
 *
 * Locks: none of its own. vcpus_pause() is what vgicr calls begin(); until end() neither
 * kernel_its.lock nor vector_routes.lock is taken (kernel_its.c says why).
 */
#include "vmm/its/kernel_redist.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vgicrmod/gicr.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"

/* KVM's VGIC_PRI_BITS, which is what its CPU interface has. */
#define PRIORITY_BITS 5u

_Static_assert(LAYOUT_GICR_SZ_VCPU == GICR_FRAMES_SZ, "two frames each, side by side");
_Static_assert(LAYOUT_MAX_VCPUS <= VGICR_MAX_VCPUS, "vgicr takes as many vCPUs as the layout");

struct kernel_redist {
	/* Constant. */
	struct kernel_redist_config cfg;
	struct vgicr *vgicr;
	uint8_t *cover; /* PROT_NONE, over KVM's */
	size_t size;	/* of all frames, KVM's and the guest's */
	uint8_t *code;	/* deactivate_x0, at LAYOUT_KERNEL_CODE */

	_Atomic int error; /* the first thing that the host refused: it was told */
	_Atomic uint64_t still_active;
};

/* ---- KVM's registers, with the vCPUs paused ------------------------------ */

static void check(struct kernel_redist *k, int r)
{
	int none = 0;

	if (r < 0 && atomic_compare_exchange_strong(&k->error, &none, r))
		k->cfg.failed(k->cfg.ctx, "the kernel's redistributors refused an access");
}

static uint64_t mpidr_of(const struct kernel_redist *k, uint32_t vcpu)
{
	return vcpus_mpidr(k->cfg.vcpus)[vcpu];
}

static uint32_t get(struct kernel_redist *k, uint32_t vcpu, uint32_t reg)
{
	uint32_t value = 0;

	check(k, gic_redist_read32(k->cfg.vm, k->cfg.gic, mpidr_of(k, vcpu), reg, &value));
	return value;
}

static void set(struct kernel_redist *k, uint32_t vcpu, uint32_t reg, uint32_t value)
{
	check(k, gic_redist_write32(k->cfg.vm, k->cfg.gic, mpidr_of(k, vcpu), reg, value));
}

static uint32_t levels(struct kernel_redist *k, uint32_t vcpu)
{
	uint32_t value = 0, timers, high;

	check(k, gic_redist_levels(k->cfg.vm, k->cfg.gic, mpidr_of(k, vcpu), &value));
	check(k, vcpus_timer_lines(k->cfg.vcpus, vcpu, &timers, &high));
	return (value & ~timers) | high;
}

/*
 * Deactivate the interrupt in x0, whatever ICC_CTLR_EL1.EOImode is, and store to where
 * that cannot be done. The guest can read and run it, and do no more by it than by its
 * own instructions.
 */
static const uint32_t deactivate_x0[] = {
	0xd538cc81, /* mrs  x1, ICC_CTLR_EL1 */
	0xb27f0022, /* orr  x2, x1, #2		EOImode: ICC_DIR_EL1 may be written */
	0xd518cc82, /* msr  ICC_CTLR_EL1, x2 */
	0xd5033fdf, /* isb */
	0xd518cb20, /* msr  ICC_DIR_EL1, x0 */
	0xd5033fdf, /* isb */
	0xd518cc81, /* msr  ICC_CTLR_EL1, x1 */
	0xd5033fdf, /* isb */
	0x10000003, /* adr  x3, . */
	0xb900007f, /* str  wzr, [x3] */
};

/* Of an interrupt that KVM has left active. */
static bool deactivate_by_itself(struct kernel_redist *k, uint32_t vcpu, uint32_t intid)
{
	int r = vcpus_detour(k->cfg.vcpus, vcpu, LAYOUT_KERNEL_CODE, intid);

	return !r && !(get(k, vcpu, GICR_ISACTIVER0) & BIT64(intid));
}

static void deactivate(struct kernel_redist *k, uint32_t vcpu, uint32_t bits)
{
	uint32_t left;

	set(k, vcpu, GICR_ICACTIVER0, bits);
	left = get(k, vcpu, GICR_ISACTIVER0) & bits;
	for (uint32_t intid = 0; intid < 32; intid++)
		if ((left & BIT64(intid)) && !deactivate_by_itself(k, vcpu, intid))
			atomic_fetch_add_explicit(&k->still_active, 1, memory_order_relaxed);
}

/* ---- the backend of vgicr -------------------------------------------------- */

static void on_begin(void *ctx)
{
	struct kernel_redist *k = ctx;

	vcpus_pause(k->cfg.vcpus);
}

static void on_end(void *ctx)
{
	struct kernel_redist *k = ctx;

	vcpus_resume_soon(k->cfg.vcpus);
}

static uint32_t on_read(void *ctx, uint32_t vcpu, uint32_t reg)
{
	struct kernel_redist *k = ctx;
	uint32_t value = get(k, vcpu, reg);

	return reg == GICR_ISPENDR0 ? value | levels(k, vcpu) : value;
}

static void on_write(void *ctx, uint32_t vcpu, uint32_t reg, uint64_t value)
{
	struct kernel_redist *k = ctx;
	uint32_t low = (uint32_t)value;

	switch (reg) {
	case GICR_PROPBASER:
	case GICR_PENDBASER:
		set(k, vcpu, reg, low);
		set(k, vcpu, reg + 4, (uint32_t)(value >> 32));
		break;
	case GICR_ISPENDR0:
		set(k, vcpu, reg, get(k, vcpu, reg) | low);
		break;
	case GICR_ICPENDR0:
		set(k, vcpu, GICR_ISPENDR0, get(k, vcpu, GICR_ISPENDR0) & ~low);
		break;
	case GICR_ICACTIVER0:
		deactivate(k, vcpu, low);
		break;
	default:
		set(k, vcpu, reg, low);
		break;
	}
}

static void on_lpis_switched(void *ctx, uint32_t vcpu)
{
	const struct kernel_redist *k = ctx;

	(void)vcpu;
	k->cfg.lpis_switched(k->cfg.ctx);
}

static const struct vgicr_ops ops = {
	.begin = on_begin,
	.end = on_end,
	.read = on_read,
	.write = on_write,
	.lpis_switched = on_lpis_switched,
};

/* ---- the guest's accesses ---------------------------------------------------- */

static uint64_t on_bus_read(void *ctx, uint64_t offset, unsigned len)
{
	const struct kernel_redist *k = ctx;

	return vgicr_mmio_read(k->vgicr, (uint32_t)(offset / GICR_FRAMES_SZ),
			       offset % GICR_FRAMES_SZ, len);
}

static void on_bus_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	const struct kernel_redist *k = ctx;

	vgicr_mmio_write(k->vgicr, (uint32_t)(offset / GICR_FRAMES_SZ), offset % GICR_FRAMES_SZ,
			 len, value);
}

int kernel_redist_add_to_bus(struct kernel_redist *k, struct bus *bus)
{
	const struct bus_region region = {
		.name = "redistributors",
		.base = LAYOUT_GICR,
		.size = k->size,
		.read = on_bus_read,
		.write = on_bus_write,
		.ctx = k,
	};

	return bus_add(bus, &region);
}

void kernel_redist_stats_get(struct kernel_redist *k, struct kernel_redist_stats *ret_stats)
{
	vgicr_stats_get(k->vgicr, &ret_stats->vgicr);
	ret_stats->still_active = k->still_active;
}

/* ---- set-up -------------------------------------------------------------------- */

static void kernel_redist_destroyp(struct kernel_redist **k)
{
	kernel_redist_destroy(*k);
}

/* Read-write, or guest writes would pass the slot and reach them. */
static int cover(struct kernel_redist *k)
{
	void *va =
		mmap(NULL, k->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (va == MAP_FAILED)
		return -errno;
	k->cover = va;
	return vm_set_slot(k->cfg.vm, VM_SLOT_KERNEL_GICR, LAYOUT_KERNEL_GICR, k->size, k->cover,
			   false);
}

static int place_code(struct kernel_redist *k)
{
	void *va = mmap(NULL, LAYOUT_KERNEL_CODE_SZ, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED)
		return -errno;
	k->code = va;
	memcpy(k->code, deactivate_x0, sizeof(deactivate_x0));
	return vm_set_slot(k->cfg.vm, VM_SLOT_KERNEL_CODE, LAYOUT_KERNEL_CODE,
			   LAYOUT_KERNEL_CODE_SZ, k->code, true);
}

int kernel_redist_create(const struct kernel_redist_config *config,
			 struct kernel_redist **ret_redist, struct failure *ret_failure)
{
	_cleanup_(kernel_redist_destroyp) struct kernel_redist *k = calloc(1, sizeof(*k));
	const struct vgicr_config vgicr_config = {
		.nr_vcpus = config->nr_vcpus,
		.mpidr = vcpus_mpidr(config->vcpus),
		.priority_bits = PRIORITY_BITS,
	};
	int r;

	if (!k)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "redistributors", NULL,
				   "out of memory");
	k->cfg = *config;
	k->size = config->nr_vcpus * (size_t)GICR_FRAMES_SZ;
	r = cover(k);
	if (!r)
		r = place_code(k);
	if (!r)
		r = vgicr_create(&vgicr_config, &ops, k, &k->vgicr);
	if (!r)
		r = k->error;
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "redistributors",
				   failure_cure(-r, CURE_KERNEL_LOG),
				   "KVM refused to have them covered and set up (%s)",
				   strerror(-r));
	*ret_redist = TAKE_PTR(k);
	return 0;
}

void kernel_redist_destroy(struct kernel_redist *k)
{
	if (!k)
		return;
	vgicr_destroy(k->vgicr);
	if (k->cover)
		(void)munmap(k->cover, k->size);
	if (k->code)
		(void)munmap(k->code, LAYOUT_KERNEL_CODE_SZ);
	free(k);
}
