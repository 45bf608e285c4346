/* SPDX-License-Identifier: MIT */
/*
 * vits against the model: the same script, step by step, with a look at all
 * that can be seen after each.
 */
#ifndef TESTS_ORACLE_COMPARE_H
#define TESTS_ORACLE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/oracle/model.h"
#include "tests/oracle/script.h"
#include "tests/oracle/shadow.h"

/* The first thing that was not as it should be. */
struct difference {
	size_t step; /* that had been taken; the script's length for those that probe it */
	char text[240];
};

/*
 * Play the script on side and on the model. side was made for a script of the
 * same configuration. True: they differ, and *ret_difference says where.
 */
bool shadow_differs(struct shadow_side *side, struct model *model, const struct script *script,
		    uint64_t rules, struct difference *ret_difference);

#endif
