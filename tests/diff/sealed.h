/* SPDX-License-Identifier: MIT */
/*
 * vits on the kernel ITS (vmm/its/kernel_its.h), as a guest of itsy's has it, as an
 * ITS that scripts can be played on: what reaches KVM in the end is what counts.
 * Its vCPUs never run.
 */
#ifndef TESTS_DIFF_SEALED_H
#define TESTS_DIFF_SEALED_H

#include "tests/diff/kvm.h"
#include "tests/oracle/script.h"

struct sealed_side;

/*
 * A VM of its own for one script, whose GICR_PROPBASER is set up whatever the
 * script says. Negative errno; *ret_what says what failed.
 */
int sealed_side_create(const struct script *script, const struct universe *universe,
		       struct sealed_side **ret_side, const char **ret_what)
	__attribute__((warn_unused_result));
void sealed_side_destroy(struct sealed_side *side);

/* The guest that plays, and the kernel's side of the VM to look at. */
struct kvm_side *sealed_side_kvm(struct sealed_side *side);

#endif
