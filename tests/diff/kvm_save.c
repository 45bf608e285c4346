// SPDX-License-Identifier: MIT
/*
 * KVM's ITS is saved, and restored. Linux
 * Documentation/virt/kvm/devices/arm-vgic-its.rst: "ITS Restore Sequence".
 *
 * The vCPUs never run here, as both demand. What KVM wrote into the guest's
 * tables is taken out again after each: so what is found there later is what
 * was saved then, and no older state.
 */
#include <linux/kvm.h>

#include "tests/diff/kvm_priv.h"
#include "vitsmod/bits.h"

static int its_ctrl(struct kvm_side *side, uint64_t attr)
{
	return kvm_set_attr(side->its, KVM_DEV_ARM_VGIC_GRP_CTRL, attr, NULL);
}

static struct dte read_dte(struct kvm_side *side, uint64_t devid)
{
	uint64_t gpa;

	if (!abi_slot(&side->ram, kvm_port_read(side, GITS_BASER(0)), devid, &gpa))
		return (struct dte){ .valid = false };
	return abi_dte(ram_get64(&side->ram, gpa));
}

static bool itt_is_in_ram(struct kvm_side *side, const struct dte *dte)
{
	uint64_t last = dte->itt + (BIT64(dte->size + 1) - 1) * 8, raw;

	return ram_read(&side->ram, dte->itt, &raw, 8) == 0 &&
	       ram_read(&side->ram, last, &raw, 8) == 0;
}

/* Each lies in RAM to its end, and is one device's. */
static bool itts_are_whole(struct kvm_side *side)
{
	const struct numbers *devids = &side->guest.universe->devids;

	for (size_t i = 0; i < devids->nr; i++) {
		struct dte dte = read_dte(side, devids->at[i]);

		if (dte.valid && !itt_is_in_ram(side, &dte))
			return false;
		for (size_t j = 0; dte.valid && j < i; j++) {
			struct dte other = read_dte(side, devids->at[j]);

			if (other.valid && other.itt == dte.itt)
				return false;
		}
	}
	return true;
}

/* No ICID is beyond a table that took the place of a larger one. */
static bool collections_are_whole(struct kvm_side *side)
{
	uint64_t baser = kvm_port_read(side, GITS_BASER(1));
	uint64_t gpa, unused;

	for (uint64_t n = 0; abi_slot(&side->ram, baser, n, &gpa); n++) {
		struct cte cte = abi_cte(ram_get64(&side->ram, gpa));

		if (!cte.valid)
			break;
		if (!abi_slot(&side->ram, baser, cte.icid, &unused))
			return false;
	}
	return true;
}

/* All that the tables hold of what the script names, without their first levels. */
static void zero_tables(struct kvm_side *side)
{
	const struct universe *u = side->guest.universe;
	uint64_t devices = kvm_port_read(side, GITS_BASER(0));
	uint64_t collections = kvm_port_read(side, GITS_BASER(1));
	uint64_t gpa;

	for (size_t i = 0; i < u->devids.nr; i++) {
		if (abi_slot(&side->ram, devices, u->devids.at[i], &gpa))
			ram_set64(&side->ram, gpa, 0);
	}
	for (size_t i = 0; i <= u->icids.nr; i++) {
		if (abi_slot(&side->ram, collections, i, &gpa))
			ram_set64(&side->ram, gpa, 0);
	}
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++) {
			gpa = guest_itt(u->itts.at[i]) + u->eventids.at[e] * 8;
			if (u->eventids.at[e] <= UINT16_MAX)
				ram_set64(&side->ram, gpa, 0);
		}
	}
}

/* GITS_CTLR last: it is what lets the ITS use the others. */
static void restore(struct kvm_side *side)
{
	static const uint32_t offsets[] = { GITS_CBASER, GITS_CREADR, GITS_CWRITER, GITS_BASER(0),
					    GITS_BASER(1) };
	uint64_t ctlr = kvm_port_read(side, GITS_CTLR);
	uint64_t values[ARRAY_SIZE(offsets)];

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		values[i] = kvm_port_read(side, offsets[i]);
	kvm_expect(side, its_ctrl(side, KVM_DEV_ARM_ITS_CTRL_RESET) == 0,
		   "KVM_DEV_ARM_ITS_CTRL_RESET");
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		kvm_port_write(side, offsets[i], values[i]);
	kvm_expect(side, its_ctrl(side, KVM_DEV_ARM_ITS_RESTORE_TABLES) == 0,
		   "KVM_DEV_ARM_ITS_RESTORE_TABLES");
	kvm_port_write(side, GITS_CTLR, ctlr);
}

void kvm_port_save(void *ctx)
{
	struct kvm_side *side = ctx;
	int r;

	if (!guest_table_is_whole(&side->guest.shape[TABLE_DEVICES_STEP]))
		return;
	r = kvm_set_attr(side->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
			 NULL);
	kvm_expect(side, r == 0, "KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES");
	if (its_ctrl(side, KVM_DEV_ARM_ITS_SAVE_TABLES) == 0 && itts_are_whole(side) &&
	    collections_are_whole(side))
		restore(side);
	zero_tables(side);
	kvm_zero_pending(side);
}
