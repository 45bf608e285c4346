// SPDX-License-Identifier: MIT
/* The counters of a vector, by name. No locks. */
#include "vmm/irq/counters.h"

#include <assert.h>

#define AT(field) offsetof(struct vector_counts, field)

const struct vector_counter_row vector_counters[NR_VECTOR_COUNTERS] = {
	[COUNTER_TAKEN] = { "taken", AT(taken), "taken", NULL, "Interrupts that came from VFIO" },
	[COUNTER_INJECTED] = { "injected", AT(injected), "injected", NULL,
			       "Interrupts made pending in the guest" },
	[COUNTER_HELD] = { "held", AT(held), "held", NULL,
			   "Interrupts that came while the guest had the vector masked or off" },
	[COUNTER_RELEASED] = { "released", AT(released), NULL, NULL,
			       "Interrupts delivered when the guest unmasked the vector" },
	[COUNTER_DROPPED] = { "dropped", AT(dropped), "dropped", NULL,
			      "Interrupts that went nowhere, for want of a mapping" },
	[COUNTER_TIED] = { "tied", AT(tied), "by irqfd", NULL,
			   "Of those taken, interrupts that KVM took by itself" },
	[COUNTER_TIES] = { "ties", AT(ties), NULL, NULL, "Times that the vector was given to KVM" },
	[COUNTER_STORMS] = { "storms", AT(storms), NULL, "storms",
			     "Times that the device's storm-rate was hit" },
	[COUNTER_STORM_MERGED] = { "storm_merged", AT(storm_merged), NULL,
				   "merged into the next one in storms",
				   "Interrupts that merged into the next one in a storm" },
	[COUNTER_STORM_MASKED] = { "storm_masked", AT(storm_masked), NULL,
				   "times masked at the device",
				   "Times that the vector was masked at the device for a storm" },
	[COUNTER_STORM_RELEASED] = { "storm_released", AT(storm_released), NULL, NULL,
				     "Of those taken, signals of itsy's own after a storm" },
	[COUNTER_COALESCED] = { "coalesced", AT(coalesced), NULL,
				"merged into the next one (hold-us)",
				"Interrupts that came too early for hold-us and merged into the "
				"next one" },
};

static uint64_t get(const struct vector_counts *counts, enum vector_counter counter)
{
	const char *base = (const char *)counts;

	return atomic_load_explicit(
		(const _Atomic uint64_t *)(const void *)(base + vector_counters[counter].offset),
		memory_order_relaxed);
}

uint64_t vector_counter_get(const struct vector_counts *counts, enum vector_counter counter)
{
	bool by_both = counter == COUNTER_TAKEN || counter == COUNTER_INJECTED;

	assert(counter < NR_VECTOR_COUNTERS);
	return get(counts, counter) + (by_both ? get(counts, COUNTER_TIED) : 0);
}

const char *vector_tied_word(const struct vector_counts *counts)
{
	static const char *const words[] = {
		[TIED_EXACT] = NULL,
		[TIED_DIRECT] = "direct",
		[TIED_UNKNOWN] = "unknown",
	};

	return words[counts->tied_is];
}

bool vector_last_get(const struct vector_counts *counts, struct vector_last *ret_last)
{
	uint64_t last = atomic_load_explicit(&counts->last, memory_order_relaxed);

	*ret_last = (struct vector_last){
		.lpi = (uint32_t)(last >> 32),
		.vcpu = (uint32_t)(last >> 16 & 0xffff),
		.eventid = (uint32_t)(last & 0xffff),
	};
	return last != 0;
}
