/* SPDX-License-Identifier: MIT */
/*
 * The guest's tables beside the shadow (IHI 0069 5.2): what vits_audit() lists,
 * for those who own the command side already.
 */
#ifndef VITSMOD_AUDIT_H
#define VITSMOD_AUDIT_H

#include "vits.h"

typedef void audit_report(void *arg, const struct vits_difference *difference);

/*
 * Call report for each entry of the guest's tables that is not what the shadow
 * says. It may write the entry. Owner.
 */
void audit_tables(struct vits *v, audit_report *report, void *arg);

#endif
