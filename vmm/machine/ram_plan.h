/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's RAM lies: in banks, around what is in the way. Arithmetic alone; who knows
 * what is in the way is vmm/machine/guest_memory.h.
 */
#ifndef VMM_MACHINE_RAM_PLAN_H
#define VMM_MACHINE_RAM_PLAN_H

#include "vmm/kvm/gmem.h"

/* A bank that is smaller, but for the last one's rest, is not worth a memory slot. */
#define RAM_MIN_BANK (UINT64_C(16) << 20)

/* Addresses where no RAM may be. */
struct ram_hole {
	uint64_t first, last; /* inclusive */
};

struct ram_question {
	uint64_t from, to;	      /* RAM may be in [from, to) */
	uint64_t size;		      /* of all banks, bytes; more than 0 */
	uint64_t align;		      /* a power of two, where banks begin, and end at a hole */
	const struct ram_hole *holes; /* in any order; they may overlap, and lie anywhere */
	size_t nr_holes;
};

struct ram_plan {
	struct gmem_range banks[GMEM_MAX_BANKS]; /* ascending, apart from each other */
	size_t nr;
	uint64_t room; /* what they could have had of memory, where that is not enough */
};

/*
 * RAM begins as low as it can, and goes on behind each hole. Where there would be more than
 * GMEM_MAX_BANKS banks, the smallest are left out. 0; or -ENOSPC, with the banks that have most
 * room.
 */
int ram_plan_make(const struct ram_question *question, struct ram_plan *ret_plan) _must_check_;

#endif
