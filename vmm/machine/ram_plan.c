// SPDX-License-Identifier: MIT
/*
 * Where a guest's RAM lies.
 *
 * No locks, nothing of the host's.
 */
#include "vmm/machine/ram_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

/* The first address from at on that no hole has; to, where none is left. */
static uint64_t leave_holes(const struct ram_question *q, uint64_t at)
{
	bool moved = true;

	while (moved && at < q->to) {
		moved = false;
		for (size_t i = 0; i < q->nr_holes; i++) {
			const struct ram_hole *hole = &q->holes[i];

			if (at < hole->first || at > hole->last)
				continue;
			if (hole->last >= q->to - 1)
				return q->to;
			at = hole->last + 1;
			moved = true;
		}
	}
	return at < q->to ? at : q->to;
}

/* Where the next hole behind at begins; to, where none does. */
static uint64_t next_hole(const struct ram_question *q, uint64_t at)
{
	uint64_t end = q->to;

	for (size_t i = 0; i < q->nr_holes; i++)
		if (q->holes[i].first > at && q->holes[i].first < end)
			end = q->holes[i].first;
	return end;
}

/* What of [first, end) a bank can be, of size 0 where that is nothing worth while. */
static struct gmem_range bank_in(const struct ram_question *q, uint64_t first, uint64_t end)
{
	const uint64_t base = (first + q->align - 1) & ~(q->align - 1);
	const uint64_t stop = end & ~(q->align - 1);

	if (base < first || stop <= base || stop - base < RAM_MIN_BANK)
		return (struct gmem_range){ 0 };
	return (struct gmem_range){ base, stop - base };
}

static void leave_out(struct ram_plan *plan, size_t index)
{
	plan->room -= plan->banks[index].size;
	plan->nr--;
	for (size_t i = index; i < plan->nr; i++)
		plan->banks[i] = plan->banks[i + 1];
}

static size_t smallest(const struct ram_plan *plan)
{
	size_t index = 0;

	for (size_t i = 1; i < plan->nr; i++)
		if (plan->banks[i].size <= plan->banks[index].size)
			index = i;
	return index;
}

/* It is behind all that are there. Where there is no place for one more, the largest stay. */
static void add_bank(struct ram_plan *plan, const struct gmem_range *bank)
{
	if (plan->nr == GMEM_MAX_BANKS) {
		const size_t index = smallest(plan);

		if (plan->banks[index].size >= bank->size)
			return;
		leave_out(plan, index);
	}
	plan->banks[plan->nr++] = *bank;
	plan->room += bank->size;
}

int ram_plan_make(const struct ram_question *question, struct ram_plan *ret_plan)
{
	uint64_t at = question->from;

	assert(question->size);
	assert(question->to > question->from);
	assert(question->align && (question->align & (question->align - 1)) == 0);

	*ret_plan = (struct ram_plan){ 0 };
	while (ret_plan->room < question->size) {
		struct gmem_range bank;
		uint64_t first = leave_holes(question, at);

		if (first >= question->to)
			return -ENOSPC;
		at = next_hole(question, first);
		bank = bank_in(question, first, at);
		if (bank.size)
			add_bank(ret_plan, &bank);
	}
	/* The last one was needed: it made it enough. */
	ret_plan->banks[ret_plan->nr - 1].size -= ret_plan->room - question->size;
	ret_plan->room = question->size;
	return 0;
}
