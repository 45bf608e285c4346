/* SPDX-License-Identifier: MIT */
/*
 * KVM's in-kernel ITS as an ITS that scripts can be played on. Its vCPUs never
 * run: commands go in through device attributes (Linux
 * Documentation/virt/kvm/devices/arm-vgic-its.rst), LPI tables as well
 * (arm-vgic-v3.rst), and MSIs through KVM_SIGNAL_MSI.
 */
#ifndef TESTS_DIFF_KVM_H
#define TESTS_DIFF_KVM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/observed.h"
#include "tests/oracle/guest.h"

#define KVM_SIDE_VCPUS 8u

struct kvm_side {
	int kvm;
	int vm;
	int gic;
	int its;
	int state; /* vgic-state in debugfs, or -1 */
	int vcpus[KVM_SIDE_VCPUS];
	uint32_t nr_vcpus;
	uint64_t idbits; /* of GICR_PROPBASER; 0: not set up */
	bool group;	 /* GICD_CTLR.EnableGrp1 */
	struct ram ram;
	struct guest guest;
	const char *broken; /* an access that KVM refused, NULL if none */
};

/* An LPI, as KVM's debugfs has it. */
struct kvm_lpi {
	bool exists;
	uint32_t vcpu; /* NOBODY: none */
	bool pending;
	bool enabled;
	bool listed; /* on a list of a vCPU's */
};

/*
 * A VM with so many vCPUs. Negative errno; *ret_what says what KVM refused.
 * -ENOENT, -EACCES or -ENODEV: there is no KVM, or it has no GICv3.
 */
int kvm_side_create(uint32_t nr_vcpus, struct kvm_side **ret_side, const char **ret_what)
	__attribute__((warn_unused_result));
void kvm_side_destroy(struct kvm_side *side);

/* Back to the state after creation, set up for the configuration of a script. */
void kvm_side_begin(struct kvm_side *side, const struct script *script,
		    const struct universe *universe);

/*
 * Set up GICR_PROPBASER, GICR_PENDBASER and GICR_CTLR of a VM that somebody else
 * made, and find its debugfs. What is needed of side: vm, gic, nr_vcpus. 0 or
 * negative errno.
 */
int kvm_side_set_up_lpis(struct kvm_side *side, const struct script *script)
	__attribute__((warn_unused_result));

/* Where LPIs of the universe are pending, or NOBODY. */
void kvm_side_pending(struct kvm_side *side, uint32_t ret_pending[UNIVERSE_MAX]);

/* As those of observed.h. save: have KVM save its tables, too. */
void observe_kvm(struct kvm_side *side, bool save, struct observed *ret_observed);
void observe_kvm_probed(struct kvm_side *side, struct observed *observed);

/* LPIs as debugfs has them, by their place in the universe. False: it has not. */
bool kvm_side_lpis(struct kvm_side *side, struct kvm_lpi ret_lpis[UNIVERSE_MAX]);

#endif
