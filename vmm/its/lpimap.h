/* SPDX-License-Identifier: MIT */
/*
 * Which LPIs the kernel ITS maps, by which of its events, and to which
 * vCPU. All that is asked takes the same time however many there are, and the
 * list of those that are mapped is without gaps.
 */
#ifndef VMM_ITS_LPIMAP_H
#define VMM_ITS_LPIMAP_H

#include <stdint.h>

#include "vitsmod/vits.h"

struct lpimap_entry {
	uint16_t n;		 /* the INTID, less the first LPI's */
	uint16_t devid, eventid; /* as kernel_its.c has them: the function's index, its event */
	uint16_t vcpu;
};

/*
 * All zero: nothing is mapped. Pages are touched as LPIs are: 2 bytes for each
 * that was ever mapped, and 8 for each of the most that were at a time.
 */
struct lpimap {
	uint32_t nr;
	struct lpimap_entry list[VITS_MAX_LPIS]; /* [nr] */
	uint16_t place[VITS_MAX_LPIS];		 /* of LPI n in the list, if it is there */
};

/* NULL: the LPI is not mapped. intid must be an LPI that vits can have. */
struct lpimap_entry *lpimap_find(struct lpimap *map, uint32_t intid);
/* The LPI is mapped by this event from now on, whatever it was before. Its vCPU is the caller's to
 * set. */
struct lpimap_entry *lpimap_set(struct lpimap *map, uint32_t intid, uint32_t devid,
				uint32_t eventid);
/* It is mapped no more; it need not have been. The last in the list takes its place there. */
void lpimap_drop(struct lpimap *map, uint32_t intid);
/* The INTID at a place in the list, below map->nr. */
uint32_t lpimap_intid(const struct lpimap *map, uint32_t place);

#endif
