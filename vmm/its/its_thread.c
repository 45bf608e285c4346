// SPDX-License-Identifier: MIT
/*
 * The thread "its".
 *
 * No locks: whoever wakes it up writes an eventfd. vCPUs and the router do so while they hold
 * locks of theirs, at a priority of their own, and shall not wait for this thread to be
 * scheduled before it gives a lock back.
 */
#include "vmm/its/its_thread.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "vmm/base/placement.h"

struct its_thread {
	struct vits_set *its;
	struct kernel_its *kernel_its;
	int vcpu_fifo;
	int wake_up; /* eventfd */
	_Atomic bool retry_due, stopping;
	const struct confine *confine;
	int start_error; /* read after `started` */
	sem_t started;
	bool has_thread;
	pthread_t thread;
};

static void wait_for_work(const struct its_thread *t)
{
	struct pollfd fd = { .fd = t->wake_up, .events = POLLIN };
	eventfd_t ignored;

	if (poll(&fd, 1, -1) == 1)
		(void)eventfd_read(t->wake_up, &ignored);
}

/*
 * As a vCPU would run the commands, for the guest polls for their end meanwhile; and one
 * above, for under SCHED_FIFO a vCPU that polls gives its CPU up to nobody of its own
 * priority. Where the host refuses that, as the vCPUs. On any CPU: those that vCPUs are bound
 * to are as good as others in a pause only, and the host knows which are idle.
 */
static void place(const struct its_thread *t)
{
	struct placement placement = { .cpu = -1, .fifo = t->vcpu_fifo };

	placement_apply(&placement, "its");
	if (placement.fifo) {
		placement.fifo++;
		placement_apply(&placement, "its");
	}
}

static void *its_thread(void *arg)
{
	struct its_thread *t = arg;

	(void)pthread_setname_np(pthread_self(), "its");
	place(t);
	t->start_error = confine_thread(t->confine, THREAD_ITS);
	(void)sem_post(&t->started);
	if (t->start_error)
		return NULL;
	/* What comes after a look has written the eventfd, so that the next look sees it. */
	while (!atomic_load(&t->stopping)) {
		vits_set_run(t->its);
		if (atomic_exchange(&t->retry_due, false))
			kernel_its_retry(t->kernel_its);
		wait_for_work(t);
	}
	return NULL;
}

static void its_thread_destroyp(struct its_thread **t)
{
	its_thread_destroy(*t);
}

int its_thread_create(struct vits_set *its, struct kernel_its *kernel_its,
		      struct its_thread **ret_thread)
{
	_cleanup_(its_thread_destroyp) struct its_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	(void)sem_init(&t->started, 0, 0);
	t->its = its;
	t->kernel_its = kernel_its;
	t->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_up < 0)
		return -errno;
	*ret_thread = TAKE_PTR(t);
	return 0;
}

void its_thread_destroy(struct its_thread *t)
{
	if (!t)
		return;
	its_thread_stop(t);
	cleanup_fd(&t->wake_up);
	(void)sem_destroy(&t->started);
	free(t);
}

int its_thread_start(struct its_thread *t, int vcpu_fifo, const struct confine *confine)
{
	int r;

	assert(!t->has_thread);

	t->vcpu_fifo = vcpu_fifo;
	t->confine = confine;
	r = -pthread_create(&t->thread, NULL, its_thread, t);
	t->has_thread = !r;
	if (r < 0)
		return r;
	while (sem_wait(&t->started) < 0)
		continue; /* EINTR */
	return t->start_error;
}

void its_thread_stop(struct its_thread *t)
{
	atomic_store(&t->stopping, true);
	its_thread_wake(t);
	if (t->has_thread)
		(void)pthread_join(t->thread, NULL);
	t->has_thread = false;
}

void its_thread_wake(struct its_thread *t)
{
	(void)eventfd_write(t->wake_up, 1);
}

void its_thread_retry(struct its_thread *t)
{
	atomic_store(&t->retry_due, true);
	its_thread_wake(t);
}
