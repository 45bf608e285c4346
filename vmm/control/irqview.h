/* SPDX-License-Identifier: MIT */
/*
 * A guest's interrupts as tables: what its control socket says of its vectors, at
 * two times, with the rates between them.
 */
#ifndef VMM_CONTROL_IRQVIEW_H
#define VMM_CONTROL_IRQVIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"
#include "vmm/irq/counters.h"

#define IRQVIEW_NAME_SZ 32u
#define IRQVIEW_NONE	UINT64_MAX

struct irq_row {
	char device[IRQVIEW_NAME_SZ];
	uint64_t vector, devid;
	uint64_t eventid, lpi, vcpu; /* IRQVIEW_NONE: not known */
	char route[8], asked[8];
	bool changing;
	uint64_t counts[NR_VECTOR_COUNTERS]; /* IRQVIEW_NONE: not told */
	uint64_t last_ns;		     /* IRQVIEW_NONE: none yet */
	double rate;			     /* of those taken, in a second; negative: not known */
};

struct irq_sample {
	uint64_t now_ns;
	size_t nr;
	struct irq_row *rows; /* owned */
};

/* From the reply to "irqs": 0, -EPROTO where it is none, -ENOMEM. */
int irqview_read(const json_t *reply, struct irq_sample *ret_sample) _must_check_;
void irqview_fini(struct irq_sample *sample);

/* The rates since `before`; vectors are told by device and number. */
void irqview_rates(struct irq_sample *sample, const struct irq_sample *before);
/* The busiest first. */
void irqview_sort(struct irq_sample *sample);
/* Of all vectors together. */
double irqview_total_rate(const struct irq_sample *sample);

/* Those that took an interrupt, or whose interrupts are not counted. 0, or -ENOMEM. */
int irqview_print(const struct irq_sample *sample, FILE *out) _must_check_;
/* From the reply to "histogram". The same, and -EPROTO. */
int irqview_print_histogram(const json_t *reply, FILE *out) _must_check_;

/* Times for people: "850 ns", "1.2 us", "34 ms", "5.0 s", "12 min", "3 h", "2 d". */
#define IRQVIEW_TIME_SZ 32u
const char *irqview_time(uint64_t ns, char text[IRQVIEW_TIME_SZ]);

#endif
