/* SPDX-License-Identifier: MIT */
/*
 * A guest to measure interrupts with: the machine that itsy run builds, and in it
 * the payload that takes interrupts and says when (vmm/bench/bench_page.h).
 */
#ifndef VMM_BENCH_RIG_H
#define VMM_BENCH_RIG_H

#include "vmm/bench/bench_page.h"
#include "vmm/machine/machine.h"

struct rig_config {
	struct passthru *functions; /* [nr_functions] open; borrowed */
	uint32_t nr_functions;	    /* 1..BENCH_MAX_FUNCTIONS */
	enum bench_source source;
	/*
	 * nr_functions..BENCH_MAX_VECTORS; bench_page.h says whose they are, and
	 * each function must have its share.
	 */
	uint32_t nr_vectors;
	uint32_t vcpus; /* 1..8 */
	bool busy;	/* the guest's CPUs loop instead of sleeping */
	bool unrouted;	/* see struct machine_config */
	struct placement router, spin, vcpu;
	struct gmem *mem; /* borrowed: RIG_MEMORY bytes from LAYOUT_RAM on */
};

#define RIG_MEMORY (UINT64_C(32) << 20)

struct rig;

/* Build it, start it, wait until its guest is ready to be interrupted. */
int rig_create(const struct rig_config *config, struct rig **ret_rig,
	       struct failure *ret_failure) _must_check_;
/* NULL is allowed. */
void rig_destroy(struct rig *rig);
static inline void rig_destroyp(struct rig **rig)
{
	rig_destroy(*rig);
}

/* How many of nr_vectors, which all functions share, are those of one. */
uint32_t rig_share(uint32_t nr_vectors, uint32_t nr_functions, uint32_t function);

struct machine *rig_machine(struct rig *rig);

/* The host's counter, which rig_stamp() is in as well; ticks per second. */
uint64_t rig_now(void);
uint64_t rig_frequency(const struct rig *rig);

/* Interrupts of a vector that the guest handled. */
uint64_t rig_count(const struct rig *rig, uint32_t vector);
/* When it acknowledged the last of them. */
uint64_t rig_stamp(const struct rig *rig, uint32_t vector);

/* Where its guest leaves the round trips that it makes: for vmm/bench/bench_trips.h. */
struct bench_trips *rig_trips(struct rig *rig);

/*
 * Sleep in short steps until the vector's count is no longer `count`, or for ms
 * milliseconds: false.
 */
bool rig_wait(const struct rig *rig, uint32_t vector, uint64_t count, unsigned ms);

#endif
