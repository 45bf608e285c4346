// SPDX-License-Identifier: MIT
/*
 * The command queue. IHI 0069 5.3, 12.18.
 *
 * A guest can write GITS_CWRITER from all its vCPUs at once. The first becomes
 * the owner of the command side; the others find their offset stored and
 * return at once, for the owner looks at GITS_CWRITER again before it leaves.
 * No command is lost, none runs twice, and no vCPU waits for another.
 *
 * Locks: vits.lock, around each visit's first and last instructions. Not
 * during a visit.
 */
#include "cmdq.h"

#include <assert.h>
#include <endian.h>

#include "cmd.h"
#include "lookup.h"

/*
 * Choice: commands run in visits, and GITS_CREADR moves once at the end of
 * each, after the engine's commit(). An offset in GITS_CREADR promises that the
 * commands before it have taken effect, and making effects true can be dear
 * (all vCPUs stop): 64 commands share one price. Linux sends two or three at a
 * time and polls for a second, so that it notices neither.
 */
#define VISIT_COMMANDS 64u
/* A visit ends early once its commands have caused so many steps. */
#define VISIT_EFFECTS 1024u
/*
 * What one caller does before it hands the rest to vits_ops.more(). A queue can
 * hold 32767 commands, and whoever runs them is a vCPU that does not run.
 */
#define CALL_COMMANDS 256u

_Static_assert(CMD_SZ == CMD_NR_WORDS * sizeof(uint64_t), "a command is made of words");

uint32_t cmdq_sz(uint64_t cbaser)
{
	return (uint32_t)(FIELD_GET(CBASER_SIZE, cbaser) + 1) * 4096;
}

bool cmdq_runnable_locked(const struct vits *v)
{
	assert(v->lock_held);

	return atomic_load_explicit(&v->enabled, memory_order_relaxed) &&
	       (v->cbaser & CBASER_VALID) && !v->stalled && v->creadr != v->cwriter;
}

bool cmdq_claim_locked(struct vits *v)
{
	assert(v->lock_held);

	if (v->owned)
		return false;
	if (!v->forget[TABLE_DEVICES] && !v->forget[TABLE_COLLECTIONS] && !cmdq_runnable_locked(v))
		return false;
	v->owned = true;
	return true;
}

bool cmdq_claim_idle(struct vits *v)
{
	bool claimed;

	vits_lock(v);
	claimed = !v->owned;
	v->owned = true;
	vits_unlock(v);
	return claimed;
}

void cmdq_stop_and_claim(struct vits *v)
{
	vits_lock(v);
	atomic_store_explicit(&v->enabled, false, memory_order_release);
	vits_wait_unowned_locked(v);
	v->owned = true;
	vits_unlock(v);
}

/* A pass over a part of the queue, with copies of what the lock guards. */
struct visit {
	uint32_t pos; /* next entry */
	uint32_t end; /* GITS_CWRITER */
	uint32_t sz;  /* of the queue */
	unsigned limit;
	unsigned nr_done; /* entries consumed */
	bool full;	  /* it caused VISIT_EFFECTS steps */
	bool stalled;
};

/*
 * Choice: an entry that is not in RAM is skipped and counted, or stalls the
 * queue where the configuration wants that of errors: two of the ways that IHI
 * 0069 5.3 allows for command errors.
 */
static enum vits_result unreadable(struct vits *v)
{
	vits_count(&v->counters.cmd_unreadable);
	return v->config.on_error == VITS_ON_ERROR_STALL ? VITS_STALL : VITS_SKIP;
}

/* Copy the entry once, so that the guest cannot change it between check and use. */
static enum vits_result run_entry(struct vits *v, uint32_t pos)
{
	struct vits_failure failure = { .creadr = pos };
	struct vits_cmd cmd;
	uint64_t gpa = (v->cbaser & CBASER_PA) + pos;

	if (v->ops->mem_read(v->ctx, gpa, failure.cmd, CMD_SZ) != 0) {
		failure.result = unreadable(v);
	} else {
		for (unsigned i = 0; i < CMD_NR_WORDS; i++)
			failure.cmd[i] = le64toh(failure.cmd[i]);
		cmd_decode(failure.cmd, &cmd);
		failure.result = vits_cmd_run(v, &cmd, &failure.code);
		vits_count(&v->counters.cmd[cmd.opcode][failure.result]);
	}
	if (v->ops->trace)
		v->ops->trace(v->ctx, failure.cmd, failure.result, failure.code);
	if (failure.result != VITS_DONE)
		vits_record_failure(v, &failure);
	return failure.result;
}

static void run_visit(struct vits *v, struct visit *visit)
{
	uint64_t effects_end = v->nr_effects + VISIT_EFFECTS;

	/* GITS_CTLR.Enabled 1 to 0 stops the queue between two commands. */
	while (visit->nr_done < visit->limit && visit->pos != visit->end && !visit->full &&
	       atomic_load_explicit(&v->enabled, memory_order_relaxed)) {
		if (run_entry(v, visit->pos) == VITS_STALL) {
			visit->stalled = true;
			return;
		}
		visit->nr_done++;
		visit->pos = (visit->pos + CMD_SZ) % visit->sz;
		visit->full = v->nr_effects >= effects_end;
	}
}

void cmdq_settle(struct vits *v)
{
	v->ops->commit(v->ctx);
	shadow_publish(v);
}

/* Forget what tables held that the guest took away. Entered and left with the lock held. */
static void forget_tables(struct vits *v)
{
	static void (*const all[])(struct vits * v) = {
		[TABLE_DEVICES] = shadow_drop_devices,
		[TABLE_COLLECTIONS] = shadow_drop_collections,
	};
	static void (*const missing[])(struct vits * v) = {
		[TABLE_DEVICES] = lookup_drop_missing_devices,
		[TABLE_COLLECTIONS] = lookup_drop_missing_collections,
	};
	enum forget forget[NR_TABLES];
	bool any = false;

	assert(v->owned);

	for (unsigned i = 0; i < NR_TABLES; i++) {
		forget[i] = v->forget[i];
		v->forget[i] = FORGET_NOTHING;
		any = any || forget[i] != FORGET_NOTHING;
	}
	if (!any)
		return;
	vits_unlock(v);
	for (unsigned i = 0; i < NR_TABLES; i++) {
		if (forget[i] != FORGET_NOTHING)
			(forget[i] == FORGET_ALL ? all : missing)[i](v);
	}
	cmdq_settle(v);
	vits_lock(v);
}

/* Run some commands. Entered and left with the lock held. */
static void serve_visit(struct vits *v, unsigned limit, unsigned *ret_used)
{
	struct visit visit = {
		.pos = v->creadr,
		.end = v->cwriter,
		.sz = cmdq_sz(v->cbaser),
		.limit = limit < VISIT_COMMANDS ? limit : VISIT_COMMANDS,
	};

	assert(v->owned);

	vits_unlock(v);
	run_visit(v, &visit);
	cmdq_settle(v);
	vits_lock(v);

	v->creadr = visit.pos;
	v->stalled = visit.stalled;
	/*
	 * What the visit used up of the caller's patience: all that a visit
	 * may if it was full, and something if it found the ITS disabled.
	 */
	*ret_used = visit.full ? visit.limit : visit.nr_done ? visit.nr_done : 1;
}

/* Give the ownership back, and the lock. What is left to run is left to vits_run(). */
static void release_and_unlock(struct vits *v)
{
	bool more = cmdq_runnable_locked(v);

	assert(v->owned);

	v->owned = false;
	pthread_cond_broadcast(&v->unowned);
	vits_unlock(v);

	if (more)
		v->ops->more(v->ctx);
}

void cmdq_release(struct vits *v)
{
	vits_lock(v);
	release_and_unlock(v);
}

void cmdq_serve(struct vits *v)
{
	unsigned left = CALL_COMMANDS;
	unsigned used;

	vits_lock(v);
	assert(v->owned);
	forget_tables(v);
	while (left && cmdq_runnable_locked(v)) {
		serve_visit(v, left, &used);
		left -= used;
	}
	release_and_unlock(v);
}

void vits_run(struct vits *v)
{
	bool claimed;

	vits_lock(v);
	claimed = cmdq_claim_locked(v);
	vits_unlock(v);
	if (claimed)
		cmdq_serve(v);
}
