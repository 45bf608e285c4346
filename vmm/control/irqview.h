/* SPDX-License-Identifier: MIT */
/*
 * A guest's interrupts as tables, in itsy ctl and itsy top: what two replies to "irqs"
 * say of its vectors, and the rates that follow from them.
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
	char why[12];	   /* it is on that route; "" not in the reply */
	uint64_t since_ns; /* likewise; IRQVIEW_NONE */
	char tied_is[12];  /* instead of COUNTER_TIED; "": that is exact */
	bool changing;
	uint64_t counts[NR_VECTOR_COUNTERS]; /* IRQVIEW_NONE: not in the reply */
	uint64_t last_ns;		     /* IRQVIEW_NONE: none yet */
	double rate;			     /* interrupts taken in a second; negative: not known */
};

struct irq_sample {
	uint64_t now_ns;
	size_t nr;
	struct irq_row *rows; /* owned */
};

/*
 * Read a reply to "irqs". 0, and the sample is for irqview_fini(); -EPROTO where it is
 * no such reply; -ENOMEM.
 */
int irqview_read(const json_t *reply, struct irq_sample *ret_sample) _must_check_;
void irqview_fini(struct irq_sample *sample);

/* Set the rates of rows that are in an earlier sample, too, of the same device and vector. */
void irqview_rates(struct irq_sample *sample, const struct irq_sample *before);
/* Highest rate first; among equals, who took most. */
void irqview_sort(struct irq_sample *sample);
/* Interrupts in a second, of all vectors together. */
double irqview_total_rate(const struct irq_sample *sample);

/*
 * A line for each vector that took an interrupt, for a terminal of so many columns (0: any
 * number), where what matters least is left out. 0, or -ENOMEM.
 */
int irqview_print(const struct irq_sample *sample, size_t columns, FILE *out) _must_check_;
/* Likewise from a reply to "histogram"; -EPROTO where it is none. */
int irqview_print_histogram(const json_t *reply, FILE *out) _must_check_;

/* Times for people: "850 ns", "1.2 us", "34 ms", "5.0 s", "12 min", "3 h", "2 d". */
#define IRQVIEW_TIME_SZ 32u
const char *irqview_time(uint64_t ns, char text[IRQVIEW_TIME_SZ]);

#endif
