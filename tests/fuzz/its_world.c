// SPDX-License-Identifier: MIT
/*
 * The world of its_world.h.
 *
 * Deliberately not here: an expectation of what a command does. Any step of the
 * model's is fine that makes sense to a backend; what the steps should be, unit
 * tests know.
 */
#include "tests/fuzz/its_world.h"

#include <errno.h>
#include <stdlib.h>

/*
 * What one call may cost (vits.h: "a bounded number of commands"), for the shapes
 * of machines made here. A batch ends at 1024 steps, or after the command that
 * goes beyond; a call makes four full batches, and may drop both tables before.
 */
#define CALL_COMMANDS 256u
#define CALL_STEPS    (4 * (1024 + EVENTS) + 2 * EVENTS)
#define CALL_ACCESSES (CALL_COMMANDS * 16)
#define EVENTS	      (ITS_MAX_FUNCTIONS * ITS_MAX_EVENTS)

static void check_events(struct its_world *w);

/*
 * Guest memory
 */

static uint8_t *host(struct its_world *w, uint64_t gpa, size_t len)
{
	if (gpa < w->bad_end && gpa + len > w->bad)
		return NULL;
	if (gpa >= ITS_RAM && gpa - ITS_RAM < ITS_RAM_SZ && len <= ITS_RAM_SZ - (gpa - ITS_RAM))
		return w->ram + (gpa - ITS_RAM);
	if (gpa >= ITS_HIGH && gpa - ITS_HIGH < ITS_HIGH_SZ &&
	    len <= ITS_HIGH_SZ - (gpa - ITS_HIGH))
		return w->high + (gpa - ITS_HIGH);
	return NULL;
}

bool its_mem_read(struct its_world *w, uint64_t gpa, void *buf, size_t len)
{
	const uint8_t *p = host(w, gpa, len);

	if (p)
		memcpy(buf, p, len);
	return p;
}

bool its_mem_write(struct its_world *w, uint64_t gpa, const void *buf, size_t len)
{
	uint8_t *p = host(w, gpa, len);

	if (p)
		memcpy(p, buf, len);
	return p;
}

static void callback(struct its_world *w)
{
	if (w->inside || w->countdown == 0 || --w->countdown > 0)
		return;
	w->inside = true;
	w->hook(w);
	w->inside = false;
}

static int op_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct its_world *w = ctx;
	bool ok = its_mem_read(w, gpa, buf, len);

	w->call.accesses++;
	callback(w);
	return ok ? 0 : -EFAULT;
}

static int op_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct its_world *w = ctx;

	w->call.accesses++;
	return its_mem_write(w, gpa, buf, len) ? 0 : -EFAULT;
}

/*
 * The backend
 */

static struct its_targeted *find_event(struct its_world *w, const struct vits_lpi_update *e)
{
	for (size_t i = 0; i < w->config.nr_functions; i++) {
		if (e->assigned ? e->function != i : e->devid != w->functions[i].devid)
			continue;
		return e->eventid < w->functions[i].nr_events ? &w->events[i][e->eventid] : NULL;
	}
	return NULL;
}

static void map_event(struct its_world *w, const struct vits_lpi_update *e,
		      struct its_targeted *event)
{
	assert(e->assigned);
	assert(event);
	assert(!event->targeted);
	assert(!w->lpi_taken[e->intid - VITS_LPI_BASE]);
	*event = (struct its_targeted){ .targeted = true, .intid = e->intid, .vcpu = e->vcpu };
	w->lpi_taken[e->intid - VITS_LPI_BASE] = true;
}

static void step_assigned_event(struct its_world *w, const struct vits_lpi_update *e,
				struct its_targeted *event)
{
	assert(event);
	assert(event->targeted);
	assert(event->intid == e->intid);
	if (e->op == VITS_LPI_MOVE) {
		assert(event->vcpu != e->vcpu);
		event->vcpu = e->vcpu;
		return;
	}
	assert(event->vcpu == e->vcpu);
	if (e->op == VITS_LPI_UNMAP || e->op == VITS_LPI_DETACH) {
		*event = (struct its_targeted){ 0 };
		w->lpi_taken[e->intid - VITS_LPI_BASE] = false;
	}
}

static void step_event(struct its_world *w, const struct vits_lpi_update *e)
{
	struct its_targeted *event = find_event(w, e);

	assert(e->intid >= VITS_LPI_BASE);
	assert(e->intid - VITS_LPI_BASE < w->config.nr_lpis);
	assert(!e->assigned || e->function < w->config.nr_functions);
	if (e->op == VITS_LPI_MAP) {
		map_event(w, e, event);
	} else if (e->assigned) {
		step_assigned_event(w, e, event);
	} else {
		/* Complete in itself: no event that is targeted has to do with it. */
		assert(e->op != VITS_LPI_DETACH);
		assert(!w->lpi_taken[e->intid - VITS_LPI_BASE]);
		assert(!event || !event->targeted);
	}
}

static void move_all(struct its_world *w, const struct vits_lpi_update *e)
{
	assert(e->vcpu_from < w->config.nr_vcpus);
	assert(e->vcpu_from != e->vcpu);
	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t k = 0; k < w->functions[i].nr_events; k++) {
			struct its_targeted *event = &w->events[i][k];

			if (event->targeted && event->vcpu == e->vcpu_from)
				event->vcpu = e->vcpu;
		}
	}
}

static void op_update(void *ctx, const struct vits_lpi_update *e)
{
	struct its_world *w = ctx;

	w->call.effects++;
	w->call.uncommitted++;
	assert(e->vcpu < w->config.nr_vcpus);
	assert((unsigned)e->op <= VITS_MOVALL);
	if (e->op == VITS_MOVALL)
		move_all(w, e);
	else if (e->op != VITS_INVALL)
		step_event(w, e);
	callback(w);
}

/* Nothing is translated yet that a MAP since the last commit() brought. */
static void op_commit(void *ctx)
{
	struct its_world *w = ctx;
	bool inside = w->inside;

	w->inside = true;
	check_events(w);
	w->inside = inside;
	callback(w);
	w->call.uncommitted = 0;
	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++)
			w->events[i][e].settled = w->events[i][e].targeted;
	}
}

/* Each fifth LPI is another ITS's. */
static bool op_claim(void *ctx, uint32_t intid)
{
	struct its_world *w = ctx;

	assert(intid - VITS_LPI_BASE < w->config.nr_lpis);
	assert(!w->claimed[intid - VITS_LPI_BASE]);
	if (intid % 5 == 4)
		return false;
	w->claimed[intid - VITS_LPI_BASE] = true;
	return true;
}

static void op_release(void *ctx, uint32_t intid)
{
	struct its_world *w = ctx;

	assert(intid - VITS_LPI_BASE < w->config.nr_lpis);
	assert(w->claimed[intid - VITS_LPI_BASE]);
	assert(!w->lpi_taken[intid - VITS_LPI_BASE]);
	w->claimed[intid - VITS_LPI_BASE] = false;
}

static void op_more(void *ctx)
{
	struct its_world *w = ctx;

	w->run_is_due = true;
}

static void op_trace(void *ctx, const uint64_t cmd[GITS_CMD_NR_WORDS], enum vits_result result,
		     uint32_t code)
{
	struct its_world *w = ctx;

	assert(result == VITS_DONE || result == VITS_SKIP || result == VITS_STALL);
	/* A command that stalls the queue has a number, or could not be read. */
	assert(result != VITS_STALL || code || (!cmd[0] && !cmd[1] && !cmd[2] && !cmd[3]));
	assert(result != VITS_STALL || w->config.on_error == VITS_ON_ERROR_STALL);
	assert(!code || vits_error_name(code));
	w->call.commands++;
	w->call.consumed += result != VITS_STALL;
	w->nr_commands++;
	callback(w);
}

#define COMMON_OPS                                                               \
	.mem_read = op_mem_read, .mem_write = op_mem_write, .update = op_update, \
	.commit = op_commit, .more = op_more, .trace = op_trace

static const struct vits_ops ops = { COMMON_OPS };
static const struct vits_ops several_ops = {
	COMMON_OPS,
	.claim = op_claim,
	.release = op_release,
};

/*
 * Making one
 */

static void add_functions(struct its_world *w, struct input *in)
{
	static const uint32_t devids[] = { 8, 0x10, UINT32_MAX, 0 };
	static const uint32_t events[] = { 1, 4, 32, ITS_MAX_EVENTS };
	unsigned nr = input_below(in, ITS_MAX_FUNCTIONS + 1);
	uint64_t last = BIT64(w->config.devid_bits) - 1;

	for (unsigned i = 0; i < nr; i++) {
		struct vits_function fn = {
			.devid = devids[i] & (uint32_t)last,
			.nr_events = events[input_below(in, ARRAY_SIZE(events))],
		};
		bool is_new = true;

		if (fn.nr_events > BIT64(w->config.eventid_bits))
			fn.nr_events = (uint32_t)BIT64(w->config.eventid_bits);
		for (size_t k = 0; k < w->config.nr_functions; k++)
			is_new &= w->functions[k].devid != fn.devid;
		if (is_new)
			w->functions[w->config.nr_functions++] = fn;
	}
	w->config.functions = w->functions;
}

struct its_world *its_world_create(struct input *in)
{
	static const uint32_t devid_bits[] = { 16, 1, 8, 20, 32 };
	static const uint32_t eventid_bits[] = { 16, 1, 5, 14 };
	static const uint32_t nr_lpis[] = { 64, 1, 16, ITS_MAX_LPIS };
	static const uint32_t nr_vcpus[] = { 4, 1, 2, VITS_MAX_VCPUS };
	struct its_world *w = calloc(1, sizeof(*w));
	unsigned kind;
	int r;

	assert(w);
	w->config = (struct vits_config){
		.nr_vcpus = nr_vcpus[input_below(in, ARRAY_SIZE(nr_vcpus))],
		.devid_bits = devid_bits[input_below(in, ARRAY_SIZE(devid_bits))],
		.eventid_bits = eventid_bits[input_below(in, ARRAY_SIZE(eventid_bits))],
		.nr_lpis = nr_lpis[input_below(in, ARRAY_SIZE(nr_lpis))],
	};
	kind = input_below(in, 4);
	w->config.on_error = kind & 1 ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP;
	w->may_stall = kind & 1;
	w->several = kind & 2;
	add_functions(w, in);
	r = vits_create(&w->config, w->several ? &several_ops : &ops, w, &w->v);
	assert(r == 0);
	return w;
}

void its_world_destroy(struct its_world *w)
{
	its_reset(w);
	for (size_t i = 0; i < ITS_MAX_LPIS; i++) {
		assert(!w->lpi_taken[i]);
		assert(!w->claimed[i]);
	}
	its_check_stats(w);
	vits_destroy(w->v);
	free(w);
}

/*
 * Judging a call
 */

static uint64_t reg(struct its_world *w, uint64_t offset)
{
	return vits_mmio_read(w->v, offset, 8);
}

static uint32_t ctlr(struct its_world *w)
{
	return (uint32_t)vits_mmio_read(w->v, GITS_CTLR, 4);
}

static uint64_t queue_sz(uint64_t cbaser)
{
	return ((cbaser & 0xff) + 1) * 4096;
}

/* Inside the hook nothing is settled: what is translated must be targeted all the same. */
static void check_event(struct its_world *w, size_t function, uint32_t eventid, bool enabled)
{
	const struct its_targeted *event = &w->events[function][eventid];
	struct vits_event known;
	struct vits_lpi lpi = { 0 };
	enum vits_msi outcome = vits_translate(w->v, function, eventid, &lpi);

	vits_event_get(w->v, function, eventid, &known);
	if (outcome == VITS_MSI_DELIVER) {
		assert(enabled);
		assert(event->settled);
		assert(lpi.intid == event->intid);
		assert(lpi.vcpu < w->config.nr_vcpus);
	}
	if (w->inside)
		return;
	assert((outcome == VITS_MSI_DELIVER) == (enabled && event->targeted));
	assert((outcome == VITS_MSI_DISABLED) == !enabled);
	assert(known.delivering == event->targeted);
	assert(known.mapped || !known.delivering);
	if (event->targeted) {
		assert(known.intid == event->intid);
		assert(known.vcpu == event->vcpu);
		assert(!enabled || lpi.vcpu == event->vcpu);
	}
}

static void check_events(struct its_world *w)
{
	bool enabled = ctlr(w) & GITS_CTLR_ENABLED;

	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++)
			check_event(w, i, e, enabled);
	}
}

/* Assigned events that are mapped have an LPI each, and no other LPI is claimed. */
static void check_claims(struct its_world *w)
{
	unsigned nr = 0, nr_claimed = 0;
	struct vits_event known;

	for (size_t i = 0; w->several && i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++) {
			vits_event_get(w->v, i, e, &known);
			if (!known.mapped)
				continue;
			assert(w->claimed[known.intid - VITS_LPI_BASE]);
			nr++;
		}
	}
	for (size_t i = 0; i < ITS_MAX_LPIS; i++)
		nr_claimed += w->claimed[i];
	assert(nr == nr_claimed);
}

/* Offsets lie in the queue; what is left to run was announced; Quiescent is true. */
static void check_queue(struct its_world *w)
{
	uint64_t cbaser = reg(w, GITS_CBASER), creadr = reg(w, GITS_CREADR);
	uint64_t cwriter = reg(w, GITS_CWRITER), sz = queue_sz(cbaser);
	bool runnable = (ctlr(w) & GITS_CTLR_ENABLED) && (cbaser & GITS_CBASER_VALID) &&
			!(creadr & GITS_CREADR_STALLED) && (creadr & GITS_QUEUE_OFFSET) != cwriter;

	assert((creadr & GITS_QUEUE_OFFSET) < sz);
	assert(cwriter < sz);
	assert(!(creadr & ~(GITS_QUEUE_OFFSET | GITS_CREADR_STALLED)));
	assert(!(cwriter & ~GITS_QUEUE_OFFSET));
	assert(!(creadr & GITS_CREADR_STALLED) || w->may_stall);
	assert(!runnable == !!(ctlr(w) & GITS_CTLR_QUIESCENT));
	assert(!runnable || w->run_is_due);
}

static void begin(struct its_world *w)
{
	w->call = (struct its_call){
		.cbaser = reg(w, GITS_CBASER),
		.creadr = reg(w, GITS_CREADR) & GITS_QUEUE_OFFSET,
		.baser = { reg(w, GITS_BASER(0)), reg(w, GITS_BASER(1)) },
	};
}

static void check_cost(struct its_world *w)
{
	assert(w->call.uncommitted == 0);
	assert(w->call.commands <= CALL_COMMANDS);
	assert(w->call.effects <= CALL_STEPS);
	assert(w->call.accesses <= CALL_ACCESSES);
}

/* A table that was taken away, or replaced, has nothing of what it held. */
static void check_tables(struct its_world *w)
{
	const uint64_t identity = ~(MASK64(61, 59) | MASK64(55, 53) | MASK64(11, 10));
	uint64_t devices = (reg(w, GITS_BASER(0)) ^ w->call.baser[0]) & identity;
	uint64_t collections = (reg(w, GITS_BASER(1)) ^ w->call.baser[1]) & identity;

	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++) {
			struct vits_event known;

			vits_event_get(w->v, i, e, &known);
			assert(!devices || !known.mapped);
			assert(!collections || !known.delivering);
		}
	}
}

static void end(struct its_world *w)
{
	uint64_t moved = w->call.consumed * GITS_CMD_SZ;
	uint64_t creadr = reg(w, GITS_CREADR) & GITS_QUEUE_OFFSET;

	check_cost(w);
	/* CREADR moved by the commands that were consumed, or the queue is a new one. */
	if (creadr != (w->call.creadr + moved) % queue_sz(w->call.cbaser)) {
		assert(creadr == 0);
		assert(w->call.commands == 0);
	}
	check_queue(w);
	check_events(w);
	check_claims(w);
	check_tables(w);
}

uint64_t its_read(struct its_world *w, uint64_t offset, unsigned size)
{
	uint64_t value;

	if (!w->inside)
		begin(w);
	value = vits_mmio_read(w->v, offset, size);
	assert(size == 8 || value >> 8 * size == 0);
	if (w->inside)
		return value;
	assert(w->call.accesses + w->call.effects + w->call.commands == 0);
	return value;
}

void its_write(struct its_world *w, uint64_t offset, unsigned size, uint64_t value)
{
	if (w->inside) {
		vits_mmio_write(w->v, offset, size, value);
		return;
	}
	begin(w);
	vits_mmio_write(w->v, offset, size, value);
	end(w);
}

void its_run(struct its_world *w)
{
	if (w->inside) {
		vits_run(w->v);
		return;
	}
	begin(w);
	w->run_is_due = false;
	vits_run(w->v);
	end(w);
}

void its_reset(struct its_world *w)
{
	assert(!w->inside);

	w->countdown = 0;
	begin(w);
	vits_reset(w->v);
	check_cost(w);
	assert(w->call.commands == 0);
	assert(ctlr(w) == GITS_CTLR_QUIESCENT);
	assert(reg(w, GITS_CBASER) == 0);
	check_queue(w);
	check_events(w);
	check_claims(w);
}

static void count_difference(void *arg, const struct vits_difference *difference)
{
	uint64_t *nr = arg;

	assert(!difference->readable || difference->table != difference->shadow);
	(*nr)++;
}

void its_audit(struct its_world *w)
{
	uint64_t nr = 0;
	int r;

	if (w->inside) {
		r = vits_audit(w->v, count_difference, &nr);
		assert(r == -EBUSY);
		return;
	}
	begin(w);
	r = vits_audit(w->v, count_difference, &nr);
	assert(r == 0);
	assert(w->call.effects == 0 || w->call.commands > 0);
	/* One difference at most for each thing that the shadow knows of. */
	assert(nr <= 2 * EVENTS + ITS_MAX_FUNCTIONS);
	w->call.accesses = 0;
	end(w);
}

static void check_state(struct its_world *w, const struct vits_state *state)
{
	uint32_t nr = 0, nr_delivering = 0;

	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++) {
			struct vits_event known;

			vits_event_get(w->v, i, e, &known);
			nr += known.mapped;
			nr_delivering += known.delivering;
		}
	}
	assert(state->nr_devices <= w->config.nr_functions);
	assert(state->nr_events == nr);
	assert(state->nr_delivering == nr_delivering);
	assert(state->nr_places <= nr);
	assert(state->creadr == reg(w, GITS_CREADR));
	assert(state->cbaser == reg(w, GITS_CBASER));
}

/* All is as before the reset: the state, and each event where the backend had it. */
static void check_restored(struct its_world *w, const struct vits_state *state,
			   struct its_targeted before[ITS_MAX_FUNCTIONS][ITS_MAX_EVENTS])
{
	for (size_t i = 0; i < w->config.nr_functions; i++) {
		for (uint32_t e = 0; e < w->functions[i].nr_events; e++) {
			assert(w->events[i][e].targeted == before[i][e].targeted);
			assert(w->events[i][e].intid == before[i][e].intid);
			assert(w->events[i][e].vcpu == before[i][e].vcpu);
		}
	}
	assert((ctlr(w) & GITS_CTLR_ENABLED) == state->ctlr);
	assert(reg(w, GITS_CWRITER) == state->cwriter);
	check_state(w, state);
}

/* Nothing came of it. */
static void check_refused(struct its_world *w, int error)
{
	assert(error == -EINVAL || error == -EFAULT);
	assert(w->call.effects == 0);
	assert(ctlr(w) == GITS_CTLR_QUIESCENT);
	assert(reg(w, GITS_CBASER) == 0);
	assert(reg(w, GITS_CREADR) == 0);
}

static void restore(struct its_world *w, struct vits_state *state,
		    bool (*damage)(struct its_world *w, struct vits_state *s))
{
	struct its_targeted before[ITS_MAX_FUNCTIONS][ITS_MAX_EVENTS];
	bool damaged;
	int r;

	memcpy(before, w->events, sizeof(before));
	its_reset(w);
	damaged = damage(w, state);
	begin(w);
	w->run_is_due = false;
	w->may_stall |= state->creadr & GITS_CREADR_STALLED;
	r = vits_restore(w->v, state);
	assert(w->call.commands == 0);
	assert(w->call.uncommitted == 0);
	assert(r == 0 || damaged);
	if (r < 0)
		check_refused(w, r);
	else if (!damaged)
		check_restored(w, state, before);
	check_queue(w);
	check_events(w);
	check_claims(w);
}

void its_save_restore(struct its_world *w,
		      bool (*damage)(struct its_world *w, struct vits_state *s))
{
	struct vits_state state = { 0 };
	int r = -EBUSY;

	if (w->inside) {
		r = vits_save(w->v, &state);
		assert(r == -EBUSY);
		return;
	}
	/* Nobody else runs. */
	w->countdown = 0;
	begin(w);
	r = vits_save(w->v, &state);
	assert(r == 0 || r == -EFAULT);
	assert(w->call.effects == 0);
	assert(w->call.commands == 0);
	w->call.accesses = 0;
	end(w);
	if (r < 0)
		return;
	check_state(w, &state);
	restore(w, &state, damage);
	vits_state_fini(&state);
}

void its_signal(struct its_world *w, size_t function, uint32_t eventid)
{
	struct vits_lpi lpi;

	if (function >= w->config.nr_functions)
		return;
	if (eventid < w->functions[function].nr_events)
		check_event(w, function, eventid, ctlr(w) & GITS_CTLR_ENABLED);
	else
		assert(vits_translate(w->v, function, eventid, &lpi) != VITS_MSI_DELIVER);
}

void its_check_stats(struct its_world *w)
{
	struct vits_stats stats;
	uint64_t nr = 0;

	vits_stats_get(w->v, &stats);
	for (size_t i = 0; i < ARRAY_SIZE(stats.cmd); i++)
		nr += stats.cmd[i].done + stats.cmd[i].skipped + stats.cmd[i].stalled;
	nr += stats.cmd_unreadable;
	/* Inside the hook a command may be counted already, and not traced yet. */
	assert(nr == w->nr_commands || (w->inside && nr == w->nr_commands + 1));
	assert(stats.nr_last <= VITS_KEPT_FAILURES);
	for (size_t i = 0; i + 1 < stats.nr_last; i++)
		assert(stats.last[i].serial == stats.last[i + 1].serial + 1);
}

bool its_put_command(struct its_world *w, uint64_t offset, const uint64_t cmd[GITS_CMD_NR_WORDS])
{
	uint64_t cbaser = reg(w, GITS_CBASER);

	/* Guests are little-endian, and so is what runs the fuzzers. */
	return its_mem_write(w, (cbaser & GITS_CBASER_PA) + offset, cmd, GITS_CMD_SZ);
}
