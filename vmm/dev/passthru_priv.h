/* SPDX-License-Identifier: MIT */
/*
 * What passthru.c and passthru_change.c share.
 */
#ifndef VMM_DEV_PASSTHRU_PRIV_H
#define VMM_DEV_PASSTHRU_PRIV_H

#include "vmm/dev/passthru.h"

/* What came of a function's reset when it was opened: negative errno where that is a failure. */
int passthru_look_at_opened(struct passthru *p, const struct vfio_reset_result *result,
			    struct failure *ret_failure) _must_check_;
/* The host's interrupts of the function go to where they went before. */
void passthru_put_interrupts_back(struct passthru *p);
/* A warning. */
void passthru_not_given_back(const struct passthru *p, const struct vfio_failure *why);

#endif
