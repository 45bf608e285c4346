/* SPDX-License-Identifier: MIT */
/*
 * The thread "its": what a guest's commands need and no vCPU does. It runs the rest of
 * command queues that are longer than what a vCPU runs at a time, and looks again for
 * interrupts that wait for deferred mappings where a batch has left them untried.
 *
 * It has nothing else to do, and waits for nobody outside of this machine's threads, so that
 * a guest's commands never wait for a terminal, for a client or for a device's reset.
 */
#ifndef VMM_ITS_ITS_THREAD_H
#define VMM_ITS_ITS_THREAD_H

#include "vmm/base/cleanup.h"
#include "vmm/base/confine.h"
#include "vmm/its/kernel_its.h"
#include "vmm/its/vits_set.h"

struct its_thread;

/* No thread yet. Both are borrowed. 0, -ENOMEM, or that no eventfd is left. */
int its_thread_create(struct vits_set *its, struct kernel_its *kernel_its,
		      struct its_thread **ret_thread) _must_check_;
/* Stops it if it runs. NULL is allowed. */
void its_thread_destroy(struct its_thread *thread);

/*
 * vcpu_fifo: the vCPUs' priority of SCHED_FIFO, 0 where they are ordinary threads. confine: what
 * confines it, borrowed; NULL: nothing. 0, or negative errno of pthread_create() or of that.
 */
int its_thread_start(struct its_thread *thread, int vcpu_fifo,
		     const struct confine *confine) _must_check_;

/*
 * It does no more when this returns; what it had begun, a bounded part of a queue, is done,
 * and the rest is left. May be called twice, or before the start. After vcpus_stop(): so it
 * holds nobody up, nor does a pause of its own wait for vCPUs to have had their share.
 */
void its_thread_stop(struct its_thread *thread);

/*
 * vits_set_run() is due, or kernel_its_retry() is: have the thread do it. Any thread, also while
 * there is none; takes no lock.
 */
void its_thread_wake(struct its_thread *thread);
void its_thread_retry(struct its_thread *thread);

#endif
