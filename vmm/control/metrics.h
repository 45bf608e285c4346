/* SPDX-License-Identifier: MIT */
/*
 * A running guest's counters in the text format of Prometheus, version 0.0.4: for itsy ctl, of
 * the guest's answers to "metrics" and to "irqs".
 */
#ifndef VMM_CONTROL_METRICS_H
#define VMM_CONTROL_METRICS_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"
#include "vmm/control/irqview.h"

/*
 * Counters that the answers do not have are left out, and so is what this itsy does not know. 0,
 * or -EPROTO where it is no answer to "metrics"; nothing is printed then.
 */
int metrics_print(const json_t *reply, const struct irq_sample *vectors, FILE *out) _must_check_;

#endif
