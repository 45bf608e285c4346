// SPDX-License-Identifier: MIT
/*
 * The command queue. IHI 0069 5.3, 12.18.
 *
 * A guest can write GITS_CWRITER from all its vCPUs at once. The first becomes
 * the owner of the command side; the others find their offset stored and
 * return at once, for the owner looks at GITS_CWRITER again before it leaves.
 * No command is lost, none runs twice, and no vCPU waits for another.
 *
 * Locks: vits.lock, around each batch's first and last instructions. Not
 * during a batch.
 */
#include "cmdq.h"

#include <assert.h>
#include <endian.h>

#include "cmd.h"
#include "lookup.h"

_Static_assert(GITS_CMD_SZ == GITS_CMD_NR_WORDS * sizeof(uint64_t), "a command is made of words");

uint32_t cmdq_sz(uint64_t cbaser)
{
	return (uint32_t)(FIELD_GET(GITS_CBASER_SIZE, cbaser) + 1) * GITS_CBASER_PAGE_SZ;
}

bool cmdq_runnable_locked(const struct vits *v)
{
	assert(v->lock_held);

	return v->begun ||
	       (atomic_load_explicit(&v->enabled, memory_order_relaxed) &&
		(v->cbaser & GITS_CBASER_VALID) && !v->stalled && v->creadr != v->cwriter);
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

/* A pass over a part of the queue, with copies of what the lock guards. */
struct batch {
	uint32_t pos; /* next entry */
	uint32_t end; /* GITS_CWRITER */
	uint32_t sz;  /* of the queue */
	unsigned limit;
	unsigned nr_done; /* entries consumed */
	bool begun;	  /* the one at pos has begun, and is a task */
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
	struct gits_cmd cmd;
	uint64_t gpa = (v->cbaser & GITS_CBASER_PA) + pos;

	if (v->ops->mem_read(v->ctx, gpa, failure.cmd, GITS_CMD_SZ) != 0) {
		failure.result = unreadable(v);
	} else {
		for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
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

/* The command at pos has begun. Does it come to its end? */
static bool end_command(struct vits *v, struct batch *batch)
{
	batch->begun = !shadow_go_on(v);
	if (batch->begun)
		return false;
	batch->nr_done++;
	batch->pos = (batch->pos + GITS_CMD_SZ) % batch->sz;
	return true;
}

static void run_batch(struct vits *v, struct batch *batch)
{
	v->work_end = v->work + (uint64_t)batch->limit * COMMAND_WORK;
	if (batch->begun && !end_command(v, batch))
		return;
	/* GITS_CTLR.Enabled 1 to 0 stops the queue between two commands. */
	while (batch->nr_done < batch->limit && batch->pos != batch->end && v->work < v->work_end &&
	       atomic_load_explicit(&v->enabled, memory_order_relaxed)) {
		if (run_entry(v, batch->pos) == VITS_STALL) {
			batch->stalled = true;
			return;
		}
		if (!end_command(v, batch))
			return;
	}
}

void cmdq_settle(struct vits *v)
{
	v->ops->commit(v->ctx);
	shadow_make_translatable(v);
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

static void begin_batch_locked(const struct vits *v, unsigned limit, struct batch *ret_batch)
{
	assert(v->lock_held);
	assert(v->owned);

	*ret_batch = (struct batch){
		.pos = v->creadr,
		.end = v->cwriter,
		.sz = cmdq_sz(v->cbaser),
		.limit = limit,
		.begun = v->begun,
	};
}

static void end_batch_locked(struct vits *v, const struct batch *batch)
{
	assert(v->lock_held);
	assert(v->owned);

	v->creadr = batch->pos;
	v->begun = batch->begun;
	v->stalled = batch->stalled;
}

/* Run some commands. Entered and left with the lock held. */
static void serve_batch(struct vits *v, unsigned limit, unsigned *ret_used)
{
	uint64_t work = v->work;
	struct batch batch;

	begin_batch_locked(v, limit < BATCH_COMMANDS ? limit : BATCH_COMMANDS, &batch);
	vits_unlock(v);
	run_batch(v, &batch);
	cmdq_settle(v);
	vits_lock(v);
	end_batch_locked(v, &batch);

	/* What is used up of the caller's budget: its commands, and its work counted in commands.
	 */
	work = batch.nr_done + (v->work - work + COMMAND_WORK - 1) / COMMAND_WORK;
	if (work == 0)
		work = 1; /* the ITS was found disabled */
	*ret_used = work < limit ? (unsigned)work : limit;
}

/* Bring a command that has begun to its end, however much is left of it. Owner. */
static void finish_command(struct vits *v)
{
	struct batch batch;
	bool ended;

	vits_lock(v);
	begin_batch_locked(v, 0, &batch);
	vits_unlock(v);
	if (!batch.begun)
		return;
	v->work_end = UINT64_MAX;
	ended = end_command(v, &batch);
	assert(ended);
	(void)ended;
	cmdq_settle(v);
	vits_lock(v);
	end_batch_locked(v, &batch);
	vits_unlock(v);
}

bool cmdq_claim_idle(struct vits *v)
{
	bool claimed;

	vits_lock(v);
	claimed = !v->owned;
	v->owned = true;
	vits_unlock(v);
	if (claimed)
		finish_command(v);
	return claimed;
}

void cmdq_stop_and_claim(struct vits *v)
{
	vits_lock(v);
	vits_switch_locked(v, false);
	vits_wait_unowned_locked(v);
	v->owned = true;
	vits_unlock(v);
	finish_command(v);
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
		serve_batch(v, left, &used);
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
