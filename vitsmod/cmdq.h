/* SPDX-License-Identifier: MIT */
/*
 * The command queue: who runs commands, how many at a time, and when
 * GITS_CREADR moves. IHI 0069 5.3, 12.18 (GITS_CBASER, GITS_CWRITER,
 * GITS_CREADR).
 */
#ifndef VITSMOD_CMDQ_H
#define VITSMOD_CMDQ_H

#include <stdbool.h>

#include "vits_priv.h"

/*
 * How long one thread is held up by the command side.
 *
 * Choice: commands run in batches, and GITS_CREADR moves once at the end of
 * each, after the backend's commit(). An offset in GITS_CREADR promises that the
 * commands before it have taken effect, and making effects true can be dear
 * (all vCPUs stop): 64 commands share one price. Linux sends two or three at a
 * time and polls for a second, so that it notices neither.
 *
 * A command can concern tens of thousands of events, so that commands alone are no
 * measure. A batch ends, in the middle of a command if need be (struct
 * shadow_task), once BATCH_EVENTS events were looked at and had an LPI update each, or
 * twice as many had none.
 */
#define BATCH_COMMANDS 64u
#define BATCH_EVENTS   1024u
/*
 * What one caller does before it hands the rest to vits_ops.more(): a write of
 * GITS_CWRITER by a vCPU, which does not run meanwhile, or vits_run(). A queue can
 * hold 32767 commands. A command counts as one, and so does COMMAND_WORK; only the
 * last step of all can go beyond. `make bench-vits` says what the dearest commands
 * make of it: below a million instructions, and 4096 LPI updates. A write of GITS_BASER<n>
 * that takes a table away makes the shadow forget all that was in it, once.
 */
#define CALL_COMMANDS 256u
#define COMMAND_WORK  ((WORK_EVENT + WORK_UPDATE) * BATCH_EVENTS / BATCH_COMMANDS)

/* Bytes in the queue that a GITS_CBASER value describes. */
uint32_t cmdq_sz(uint64_t cbaser);

/* Are there commands that may run, or has one begun that must come to its end? */
bool cmdq_runnable_locked(const struct vits *v);

/*
 * Become the owner of the command side if there is something for an owner to
 * do, and no owner. True: call cmdq_serve() after unlocking.
 */
bool cmdq_claim_locked(struct vits *v);

/*
 * Become the owner if there is none, whatever there is to do. A command that has
 * begun comes to its end first.
 */
bool cmdq_claim_idle(struct vits *v);

/* Disable the ITS, wait for the owner to stop, and become the owner; as above. */
void cmdq_stop_and_claim(struct vits *v);

/* All LPI updates so far have happened, and what they mapped can be signalled. Owner. */
void cmdq_settle(struct vits *v);

/* Do a bounded share of what there is to do, and give the ownership back. Owner. */
void cmdq_serve(struct vits *v);

/* Give the ownership back without running a command: vits_ops.more() says what is left. Owner. */
void cmdq_release(struct vits *v);

#endif
