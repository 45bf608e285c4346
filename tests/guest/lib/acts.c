// SPDX-License-Identifier: MIT
/*
 * What hostile acts share.
 */
#include "lib/acts.h"

#include "lib/payload.h"

struct field field;

uint64_t below(struct attacker *a, uint64_t n)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random % n;
}

static uint64_t done_by_all(const struct target *target)
{
	uint64_t done = 0;

	for (unsigned cpu = 0; cpu < field.nr_cpus; cpu++)
		done += target->done[cpu];
	return done;
}

bool all_happened(const struct target *targets, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!done_by_all(&targets[i]))
			return false;
	return true;
}

void say_targets(const char *word, const struct target *targets, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		say("%s %s %lu", word, targets[i].name, done_by_all(&targets[i]));
}
