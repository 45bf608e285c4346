/* SPDX-License-Identifier: MIT */
/*
 * Owed mappings: those of live events that the sealed kernel ITS would not take
 * yet (vmm/seal.c says when, and tries them again). A list without gaps, in
 * which each event is found in the same time however many there are.
 */
#ifndef VMM_OWED_H
#define VMM_OWED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vitsmod/vits.h"

struct owed {
	uint32_t devid; /* the kernel ITS's */
	uint32_t eventid, intid, vcpu;
	bool pending; /* signalled meanwhile: raised once it is mapped */
};

struct owed_list {
	struct owed *at; /* [nr] */
	_Atomic size_t nr;
	_Atomic size_t nr_waiting; /* of them: pending */
	bool changed; /* one came or went since the owner of the list set this to false */

	uint32_t
		*place_of; /* [cap], of each event: 1 + its place in the list; 0: it is not there */
	uint32_t first[VITS_MAX_FUNCTIONS + 1]; /* of a function's events there, and one behind */
	size_t cap;
};

/*
 * Nothing is owed; there is room for each event of functions 0 to nr_functions-1,
 * whose numbers of events nr_events are. 0, or -ENOMEM. owed_fini() in any case.
 */
int owed_init(struct owed_list *list, const uint32_t nr_events[], size_t nr_functions)
	__attribute__((warn_unused_result));
void owed_fini(struct owed_list *list);

/* NULL: the event's mapping is not owed. devid is a function's number. */
struct owed *owed_find(struct owed_list *list, uint32_t devid, uint32_t eventid);
/* The event must not be in the list. */
void owed_add(struct owed_list *list, const struct owed *owed);
/* The last in the list takes its place. */
void owed_drop(struct owed_list *list, struct owed *owed);
void owed_set_pending(struct owed_list *list, struct owed *owed, bool pending);

#endif
