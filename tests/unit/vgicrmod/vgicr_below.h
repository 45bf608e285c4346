/* SPDX-License-Identifier: MIT */
/*
 * A backend for the model of the redistributors: redistributors of its own, that bring
 * interrupts to CPUs that acknowledge them. For unit tests and fuzzers.
 *
 * It aborts at a call that the model must never make: outside of begin() and end(), of
 * a register that is not in vgicr.h, or one that changes nothing.
 */
#ifndef TESTS_UNIT_VGICR_BELOW_H
#define TESTS_UNIT_VGICR_BELOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vgicrmod/gicr.h"
#include "vgicrmod/vgicr.h"

#define BELOW_MAX_VCPUS 8u
#define BELOW_LOG	64u
#define BELOW_NONE	1023u /* no interrupt, as ICC_IAR1_EL1 says it */

#define BELOW_SGIS 0x0000ffffu
#define BELOW_PPIS 0xffff0000u

struct below_redist {
	uint32_t group, enabled, active;
	uint32_t latch; /* pending by itself */
	uint32_t line;	/* of PPIs: their devices' */
	uint32_t prio[GICR_NR_IPRIORITYR];
	bool lpis_on;
	uint64_t prop, pend; /* since LPIs were switched on last */
};

struct below_write {
	uint32_t vcpu, reg;
	uint64_t value;
};

struct below {
	struct vgicr *v;
	uint32_t nr_vcpus;
	unsigned priority_bits;
	uint64_t mpidr[BELOW_MAX_VCPUS];

	pthread_mutex_t begun; /* begin() to end() */
	pthread_mutex_t lock;  /* CPUs and devices work on the same state */

	/* Guarded by lock. */
	bool is_begun;
	struct below_redist redists[BELOW_MAX_VCPUS];
	struct below_write log[BELOW_LOG]; /* the first writes since nr_log was last 0 */
	unsigned nr_log;

	/* Any thread. */
	atomic_uint nr_begins, nr_reads, nr_writes;
	atomic_uint nr_switched[BELOW_MAX_VCPUS];
	void (*on_begin)(struct below *b); /* called when begin() has the backend; NULL: nothing */
	void (*on_switched)(struct below *b); /* called by lpis_switched(); NULL: nothing */
};

extern const struct vgicr_ops below_ops;

/* As KVM has it: SGIs enabled, all in Group 1; vCPUs 0 to nr_vcpus - 1 have Aff0 so. */
void below_init(struct below *b, uint32_t nr_vcpus);
void below_fini(struct below *b);
/* With model above it, in one region, 5 bits of priority. */
struct below *below_create(uint32_t nr_vcpus);
void below_destroy(struct below *b);

/* What ISPENDR0 is. */
uint32_t below_pending(struct below *b, uint32_t vcpu);
/* Other CPUs send SGIs; devices raise and lower PPIs. */
void below_send(struct below *b, uint32_t vcpu, uint32_t sgis);
void below_set_line(struct below *b, uint32_t vcpu, uint32_t ppis);
/* A CPU acknowledges what is most urgent, if anything is: its INTID, or BELOW_NONE. */
uint32_t below_acknowledge(struct below *b, uint32_t vcpu);
void below_deactivate(struct below *b, uint32_t vcpu, uint32_t intid);

/* The most urgent of the interrupts in bits: of the lowest priority value, then INTID. */
uint32_t below_most_urgent(uint32_t bits, const uint32_t prio[GICR_NR_IPRIORITYR]);

#endif
