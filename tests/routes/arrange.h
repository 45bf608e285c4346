/* SPDX-License-Identifier: MIT */
/* Ways to take an eventfd's signal to KVM, to be compared. */
#ifndef TESTS_ROUTES_ARRANGE_H
#define TESTS_ROUTES_ARRANGE_H

#include "vmm/dev/passthru.h"
#include "vmm/kvm/vm.h"

struct arranged;

struct ring_use;

struct arrangement {
	const char *name;
	void *(*thread)(void *arranged); /* NULL: it has none */
	const struct ring_use *use;	 /* NULL: it has no ring */
	unsigned flags;
};

/* GSI n is vector n's message, for all below nr_vectors. */
struct arrange_config {
	struct passthru *function;
	const struct vm *vm;
	uint32_t nr_vectors;
	int thread_cpu; /* where a thread of its own runs; -1: anywhere */
};

extern const struct arrangement arrangements[];
extern const size_t nr_arrangements;

/* It keeps a CPU busy: not to be counted in instructions. */
bool arrangement_spins(const struct arrangement *a);

int arrange_start(const struct arrangement *a, const struct arrange_config *config,
		  struct arranged **ret_arranged);
void arrange_stop(struct arranged *arranged);

#endif
