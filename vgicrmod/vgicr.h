/* SPDX-License-Identifier: MIT */
/*
 * vgicr: a model of a GICv3's redistributors, as software sees them.
 *
 * Rests on the Arm Generic Interrupt Controller Architecture Specification
 * (IHI 0069), sections 12.10 (RD_base) and 12.11 (SGI_base).
 *
 * The model has the guest on one side, through vgicr_mmio_read() and
 * vgicr_mmio_write(), and on the other, through struct vgicr_ops, the *backend*:
 * the redistributors that really bring interrupts to vCPUs. What only software
 * changes is kept here; the backend is called where something of its own is asked
 * for, or changes. It may have to stop the whole guest for that, so it is called
 * as seldom as can be: README.md has the rules.
 *
 * Neither the backend's tables of LPIs nor the ITS is looked at.
 */
#ifndef VGICRMOD_VGICR_H
#define VGICRMOD_VGICR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vgicr;

#define VGICR_MAX_VCPUS 512u

/*
 * The backend is told what to do by registers of gicr.h, and does what a redistributor
 * does at such an access: a write to GICR_ICPENDR0 with bits set ends those interrupts'
 * pending state and no other's. It cannot fail as far as the model is concerned.
 */
struct vgicr_ops {
	/*
	 * begin: have the backend ready to be read and written, until end. One thread
	 * at a time has it, and others wait in begin: so it is a lock, outside of all
	 * those of the model. The thread of the vCPU that made the access, or the
	 * caller of vgicr_create() or vgicr_reset().
	 */
	void (*begin)(void *ctx);
	void (*end)(void *ctx);

	/*
	 * Between begin and end, with a lock of the model's held; they must not call
	 * the model. vcpu is below config.nr_vcpus.
	 *
	 * read:  GICR_ISPENDR0, GICR_ISACTIVER0
	 * write: GICR_IGROUPR0, GICR_IPRIORITYR(n) with whole values; bits to
	 *	  GICR_ISENABLER0, GICR_ICENABLER0, GICR_ISPENDR0, GICR_ICPENDR0,
	 *	  GICR_ISACTIVER0, GICR_ICACTIVER0; GICR_PROPBASER and GICR_PENDBASER
	 *	  (64 bits, with PTZ), and GICR_CTLR with EnableLPIs set right after
	 *	  them, or clear.
	 */
	uint32_t (*read)(void *ctx, uint32_t vcpu, uint32_t reg);
	void (*write)(void *ctx, uint32_t vcpu, uint32_t reg, uint64_t value);

	/*
	 * GICR_CTLR.EnableLPIs of vcpu has changed: an ITS may have waited for it. After
	 * end, with no lock held, so that it may begin again; by then vgicr_lpis_on() may
	 * say something else again. Optional (NULL).
	 */
	void (*lpis_switched)(void *ctx, uint32_t vcpu);
};

struct vgicr_config {
	uint32_t nr_vcpus;     /* 1..VGICR_MAX_VCPUS */
	const uint64_t *mpidr; /* [nr_vcpus], of which the affinity fields count; copied */
	/*
	 * How many redistributors lie side by side in each region that the guest is told
	 * of, in order of vCPUs: at least 1 each, nr_vcpus in all. Copied. NULL: one region.
	 */
	const uint32_t *region_sizes;
	size_t nr_regions;
	unsigned priority_bits; /* that the CPU interfaces have: 4..8 */
};

/*
 * Make redistributors in their reset state. ops and ctx are borrowed and must outlive
 * them. The backend has to be in its own reset state (nothing pending or active, LPIs
 * off, priorities 0, all in Group 1), and is told to disable all SGIs and PPIs.
 * 0, -EINVAL (config out of range), -ENOMEM.
 */
int vgicr_create(const struct vgicr_config *config, const struct vgicr_ops *ops, void *ctx,
		 struct vgicr **ret_vgicr) __attribute__((warn_unused_result));
/* NULL is allowed. No other thread may be inside. */
void vgicr_destroy(struct vgicr *v);

/*
 * Back to the reset state, as when the machine reboots, the backend's part included;
 * counters stay. No vCPU may run. Lines of level-sensitive PPIs are their devices'.
 */
void vgicr_reset(struct vgicr *v);

/*
 * A guest access of size 1, 2, 4 or 8 bytes to the redistributor of a vCPU, at an
 * offset below GICR_FRAMES_SZ, in the byte order of the host's integers. Any vCPU's
 * thread, several at a time, to whichever redistributors. Offsets and widths without
 * a register read as zero and ignore writes, and are counted.
 */
uint64_t vgicr_mmio_read(struct vgicr *v, uint32_t vcpu, uint64_t offset, unsigned size);
void vgicr_mmio_write(struct vgicr *v, uint32_t vcpu, uint64_t offset, unsigned size,
		      uint64_t value);

/* GICR_CTLR.EnableLPIs of a vCPU's redistributor, and of the backend's. Any thread. */
bool vgicr_lpis_on(struct vgicr *v, uint32_t vcpu);

struct vgicr_stats {
	uint64_t reads, writes; /* accesses, those that were ignored included */
	uint64_t ignored;	/* without a register, or of a wrong width */
	uint64_t visits;	/* accesses that needed the backend: begin() to end() */
};

/* Each counter by itself. Any thread. */
void vgicr_stats_get(struct vgicr *v, struct vgicr_stats *ret_stats);

#endif
