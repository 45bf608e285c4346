/* SPDX-License-Identifier: MIT */
/*
 * A second model of redistributors, to compare vgicr with: no backend, no locks, no
 * table of registers, and each write has its effect at once.
 */
#ifndef TESTS_UNIT_VGICR_PLAIN_H
#define TESTS_UNIT_VGICR_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/vgicrmod/vgicr_below.h"

struct plain_redist {
	uint64_t typer;
	bool lpis_on;
	uint64_t prop, pend;
	uint32_t group, enabled, latch, line, active;
	uint8_t prio[32];
};

struct plain {
	uint32_t nr_vcpus;
	uint8_t prio_mask;
	struct plain_redist redists[BELOW_MAX_VCPUS];
};

/* In the reset state; one region. */
void plain_init(struct plain *p, const struct below *b);
/* Lines stay as they are. */
void plain_reset(struct plain *p);
uint64_t plain_read(const struct plain *p, uint32_t vcpu, uint64_t offset, unsigned size);
void plain_write(struct plain *p, uint32_t vcpu, uint64_t offset, unsigned size, uint64_t value);
/* As below_acknowledge(). */
uint32_t plain_acknowledge(struct plain *p, uint32_t vcpu);

/*
 * Something happens to both. what % 16 says what: 0 an access at any offset, 1 SGIs are
 * sent, 2 lines of PPIs change, 3 and 4 a CPU acknowledges, and deactivates if value is
 * even; 5, in one of 16 cases, a reset; all else is an access to a register. Bit 7 says
 * whether an access is a write.
 */
struct plain_step {
	uint8_t what;
	uint32_t vcpu;	 /* below nr_vcpus */
	uint16_t place;	 /* which register of a table of them */
	unsigned size;	 /* 1, 2, 4 or 8 */
	uint64_t offset; /* for an access to any place, below GICR_FRAMES_SZ */
	uint64_t value;
};
/* Aborts where they differ. */
void plain_step(struct plain *p, struct below *b, const struct plain_step *step);
/* Aborts where the two differ in anything that software or the backend has. */
void plain_compare(const struct plain *p, struct below *b);

#endif
