// SPDX-License-Identifier: MIT
/*
 * Fuzzes the kernel ITS (vmm/its/kernel_its.h) over a model of KVM's: what any guest
 * can have its vITSs ask for, in any order, and whatever it does with its LPI tables
 * meanwhile.
 *
 * Input: steps. Each is u8 what (below), then what that takes: u8 event, u8 LPI, u8
 * vCPU or ITS. The updates up to the next commit are one batch.
 *
 * Nothing that is sent is refused by KVM or does harm there; after each batch every
 * event is mapped as it was asked for, or deferred; no signal of a deferred mapping
 * is lost (tests/unit/its/kernel_its_world.c checks all that).
 */
#include "tests/fuzz/input.h"
#include "tests/unit/its/kernel_its_world.h"

#define EVENTS	  70u  /* of function 0: two devices of the kernel ITS */
#define LPIS	  24u  /* that are used of each 256: some share a scratch event */
#define SCRATCHES 256u /* LPIs so far apart share one */

/* One of 48 LPIs. */
static uint32_t input_lpi(struct input *in)
{
	unsigned n = input_below(in, 2 * LPIS);

	return VITS_LPI_BASE + n % LPIS + (n >= LPIS ? SCRATCHES : 0);
}

static uint32_t input_vcpu(struct input *in)
{
	return input_below(in, WORLD_VCPUS);
}

/* An event of a function: more often one of the first, for those that meet again. */
static struct world_event *input_event(struct world *w, struct input *in, uint32_t *ret_function,
				       uint32_t *ret_eventid)
{
	uint8_t byte = input_u8(in);

	*ret_function = byte % WORLD_FUNCTIONS;
	*ret_eventid = byte / WORLD_FUNCTIONS % w->functions[*ret_function].nr_events;
	return &w->events[*ret_function][*ret_eventid];
}

static void map(struct world *w, struct input *in)
{
	uint32_t function, eventid, lpi, vcpu;
	const struct world_event *event = input_event(w, in, &function, &eventid);

	lpi = input_lpi(in);
	vcpu = input_vcpu(in);
	if (!event->assigned && !w->owner[lpi - VITS_LPI_BASE])
		world_map(w, function, eventid, lpi, vcpu);
}

static void update(struct world *w, struct input *in, enum vits_lpi_op op)
{
	uint32_t function, eventid;
	const struct world_event *event = input_event(w, in, &function, &eventid);
	uint32_t vcpu = op == VITS_LPI_MOVE ? input_vcpu(in) : 0;

	if (!event->assigned)
		return;
	if (op == VITS_LPI_MOVE)
		world_move(w, function, eventid, vcpu);
	else
		world_update(w, op, function, eventid);
}

/* Of no function: of an LPI that no event of this ITS has. */
static void update_other(struct world *w, struct input *in)
{
	static const enum vits_lpi_op ops[] = { VITS_LPI_UNMAP, VITS_LPI_MOVE, VITS_LPI_CLEAR,
						VITS_LPI_INV, VITS_LPI_RAISE };
	enum vits_lpi_op op = ops[input_below(in, 5)];
	uint32_t lpi = input_lpi(in), vcpu = input_vcpu(in);
	unsigned its = input_below(in, 2);
	uint8_t owner = w->owner[lpi - VITS_LPI_BASE];

	if (!owner || w->functions[owner - 1].its != its)
		world_update_other(w, op, its, lpi, vcpu);
}

static void retry(struct world *w)
{
	w->nr_retries_due = 0;
	world_retry(w);
	world_check(w);
}

static void commit(struct world *w)
{
	world_commit(w);
	world_check(w);
	if (w->nr_retries_due)
		retry(w);
}

static void signal_event(struct world *w, struct input *in)
{
	uint32_t function, eventid;

	(void)input_event(w, in, &function, &eventid);
	(void)world_signal(w, function, eventid);
	world_check(w);
}

/*
 * The guest's tables, registers and interrupts, between batches. Its tables are handed over with
 * EnableLPIs, which is told.
 */
static void guest(struct world *w, struct input *in)
{
	static const unsigned id_bits[] = { 0, 13, 14, 16 };
	uint8_t what = input_u8(in);
	uint32_t vcpu = input_vcpu(in);

	switch (what % 4) {
	case 0:
		world_set_propbaser(w, id_bits[what / 4 % 4]);
		break;
	case 1:
		world_set_pendbaser(w, vcpu, what / 4 % 2);
		break;
	case 2:
		world_enable_lpis(w, vcpu, what / 4 % 2);
		break;
	default:
		while (kvm_its_model_take(&w->model, vcpu))
			;
		return;
	}
	retry(w);
}

/* Steps of a batch are the first ones; all others end it before they are done. */
static void step(struct world *w, struct input *in)
{
	static const enum vits_lpi_op ops[] = { VITS_LPI_UNMAP, VITS_LPI_DETACH, VITS_LPI_MOVE,
						VITS_LPI_CLEAR, VITS_LPI_INV,	 VITS_LPI_RAISE };
	unsigned what = input_below(in, 16);

	if (what < 3) {
		map(w, in);
	} else if (what < 9) {
		update(w, in, ops[what - 3]);
	} else if (what == 9) {
		update_other(w, in);
	} else if (what == 10) {
		uint32_t from = input_vcpu(in);

		world_movall(w, from, input_vcpu(in));
	} else if (what == 11) {
		world_invall(w, input_vcpu(in));
	} else {
		commit(w);
		if (what == 12)
			signal_event(w, in);
		if (what == 13)
			guest(w, in);
		if (what == 14) {
			world_nothing_is_owed(w);
			world_check(w);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct world *w = world_new(EVENTS);

	if (input_u8(&in) & 1)
		world_set_up_lpis(w);
	while (input_left(&in))
		step(w, &in);
	world_commit(w);
	world_free(w);
	return 0;
}
