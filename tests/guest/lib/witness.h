/* SPDX-License-Identifier: MIT */
/*
 * The witness: a CPU that does nothing but read CNTVCT_EL0, and notes the
 * longest time between two reads. That is the longest time that something kept
 * it out of the guest: the VMM, the hypervisor, or the host's scheduler.
 */
#ifndef GUEST_LIB_WITNESS_H
#define GUEST_LIB_WITNESS_H

#include <stdint.h>

/* Have a CPU that was started watch, until witness_stop(). */
void witness_start(unsigned cpu);
/* Waits until it has stopped. */
void witness_stop(unsigned cpu);

/*
 * For a CPU that does something else in between: begin to look (what was before
 * does not count), and look once more.
 */
void witness_begin(void);
void witness_look(void);

/* Begin anew: what was noted is forgotten, for all CPUs. */
void witness_forget(void);
/* The longest time between two looks of a CPU since then, and how many there were in a millisecond.
 */
uint64_t witness_gap_us(unsigned cpu);
uint64_t witness_looks_per_ms(unsigned cpu);

#endif
