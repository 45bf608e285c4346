/* SPDX-License-Identifier: MIT */
/*
 * The engine on io_uring. io_uring_setup(2), io_uring_enter(2).
 */
#ifndef VMM_IRQ_ROUTER_RING_H
#define VMM_IRQ_ROUTER_RING_H

#include "vmm/irq/router_engine.h"

extern const struct engine_ops ring_engine;

/*
 * Would ring_engine begin on this host? 0, or a negative errno; and is that the answer of
 * a host that has io_uring switched off? Others are of one that has run out of something.
 */
int ring_engine_try(void) _must_check_;
bool ring_engine_is_refused(int error);

/*
 * A ring that polls, and does nothing else: no filter of system calls sees what is submitted to
 * one. 0, or negative errno. The caller's to io_uring_queue_exit().
 */
struct io_uring;
int ring_create_for_polls(struct io_uring *ring, unsigned cq_entries) _must_check_;

#endif
