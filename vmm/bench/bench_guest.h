/* SPDX-License-Identifier: MIT */
/*
 * A guest to measure interrupts with: the machine that itsy run builds, and in it
 * the payload that takes interrupts and says when (vmm/bench/bench_page.h).
 */
#ifndef VMM_BENCH_BENCH_GUEST_H
#define VMM_BENCH_BENCH_GUEST_H

#include "vmm/bench/bench_page.h"
#include "vmm/machine/machine.h"

struct bench_guest_config {
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
	const struct confine *confine; /* of its threads; NULL: nothing confines them */
	/* When the machine is made, and before anything runs; NULL: nothing is to be done. */
	int (*made)(void *ctx, struct failure *ret_failure);
	void *ctx;
	struct gmem *mem; /* borrowed: BENCH_GUEST_MEMORY bytes from LAYOUT_RAM on */
};

#define BENCH_GUEST_MEMORY (UINT64_C(32) << 20)

struct bench_guest;

/* Build it, start it, wait until its guest is ready to be interrupted. */
int bench_guest_create(const struct bench_guest_config *config, struct bench_guest **ret_guest,
		       struct failure *ret_failure) _must_check_;
/* NULL is allowed. */
void bench_guest_destroy(struct bench_guest *guest);
static inline void bench_guest_destroyp(struct bench_guest **guest)
{
	bench_guest_destroy(*guest);
}

/* How many of nr_vectors, which all functions share, are those of one. */
uint32_t bench_guest_share(uint32_t nr_vectors, uint32_t nr_functions, uint32_t function);

struct machine *bench_guest_machine(struct bench_guest *guest);

/* The host's counter, in whose ticks bench_guest_stamp() is as well. */
uint64_t bench_guest_clock(void);
/* How many ticks it makes in a second, as the guest says. */
uint64_t bench_guest_frequency(const struct bench_guest *guest);

/* Interrupts of a vector that the guest handled. */
uint64_t bench_guest_count(const struct bench_guest *guest, uint32_t vector);
/* When it acknowledged the last of them. */
uint64_t bench_guest_stamp(const struct bench_guest *guest, uint32_t vector);

/* Where its guest leaves the round trips that it makes: for vmm/bench/bench_trips.h. */
struct bench_trips *bench_guest_trips(struct bench_guest *guest);

/*
 * Sleep in short steps until the vector's count is no longer `count`, or for ms
 * milliseconds: false.
 */
bool bench_guest_wait(const struct bench_guest *guest, uint32_t vector, uint64_t count,
		      unsigned ms);

#endif
