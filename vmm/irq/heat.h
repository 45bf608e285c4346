/* SPDX-License-Identifier: MIT */
/*
 * How often a vector interrupts: is it hot, so that the route auto gives it to the kernel,
 * or quiet, so that it comes back? Pure: the caller brings the clock.
 *
 * Hot is a vector that interrupted at hot_rate within the last HEAT_HOT_NS. This time slides:
 * what came in the span before counts for the part of it that the last HEAT_HOT_NS still
 * cover, as if it had come evenly.
 *
 * Quiet is one of which fewer than quiet_rate came in a whole HEAT_QUIET_NS.
 */
#ifndef VMM_IRQ_HEAT_H
#define VMM_IRQ_HEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HEAT_HOT_NS		UINT64_C(100000000)
#define HEAT_QUIET_NS		UINT64_C(1000000000)
#define HEAT_RATE_MAX		10000000u
#define HEAT_HOT_RATE_DEFAULT	100u
#define HEAT_QUIET_RATE_DEFAULT 10u

/* Interrupts in a second, of one vector; quiet_rate is below hot_rate. */
struct heat_limits {
	uint32_t hot_rate;   /* 1..HEAT_RATE_MAX */
	uint32_t quiet_rate; /* 0: it never is quiet */
};

#define HEAT_LIMITS_DEFAULT                                    \
	{                                                      \
		HEAT_HOT_RATE_DEFAULT, HEAT_QUIET_RATE_DEFAULT \
	}

/* Begins zeroed: nothing came yet. */
struct heat {
	uint64_t begin_ns;	/* of this span */
	uint32_t nr, nr_before; /* in this span, and in the one before it */
	_Atomic bool forget;
};

/* Begins zeroed. */
struct calm {
	uint64_t begin_ns; /* of this second; 0: none yet */
	uint64_t count;	   /* interrupts until then */
};

/* An interrupt came at now, ns of a clock that does not go back. True: the vector is hot. One
 * thread. */
bool heat_took(struct heat *heat, const struct heat_limits *limits, uint64_t now);
/* What came until now does not count any more. Any thread. */
void heat_forget(struct heat *heat);

/*
 * count interrupts have come until now, in all. True: the vector is quiet. Asked at least once
 * in HEAT_QUIET_NS; one thread at a time.
 */
bool calm_looked(struct calm *calm, const struct heat_limits *limits, uint64_t count, uint64_t now);

#endif
