// SPDX-License-Identifier: MIT
/*
 * KVM as itsroutes' machine has it: the kernel's, but that the vCPU's thread looks
 * at its rings before each KVM_RUN.
 *
 * A completion makes KVM_RUN end with -EINTR: its task work sets TIF_NOTIFY_SIGNAL,
 * and runs on the way to user space. One that comes between the look at the rings
 * and KVM_RUN waits for the next exit: good enough to be measured, and no more.
 *
 * No locks: `changing` hands `wanted` over to the vCPU's thread, `changed` hands back.
 */
#include "tests/routes/vcpu_turn.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <time.h>

#include "tests/routes/arrange_priv.h"
#include "vmm/kvm/kvm_sys.h"

#define KICK_SIGNAL SIGUSR1 /* has a handler that does nothing: vmm/kvm/vcpu.c */
#define KICK_NS	    10000000

const struct kvm_sys *__real_kvm_sys_kernel(void);
const struct kvm_sys *__wrap_kvm_sys_kernel(void);

/* There is one KVM and one vCPU: nothing to hand this around by. */
static struct {
	struct kvm_run *run;
	_Atomic pthread_t thread;
	struct arranged *has;
	struct arranged *wanted;
	_Atomic bool changing;
	int error;
	sem_t changed;
} turn;

static void change(void)
{
	if (turn.has)
		rings_end(turn.has);
	turn.has = turn.wanted;
	turn.error = turn.has ? rings_begin(turn.has) : 0;
	if (turn.error) {
		rings_end(turn.has);
		turn.has = NULL;
	}
	turn.changing = false;
	(void)sem_post(&turn.changed);
}

static int run_vcpu(int fd, void *arg)
{
	const struct kvm_sys *kernel = __real_kvm_sys_kernel();
	int r;

	turn.thread = pthread_self();
	do {
		if (turn.changing)
			change();
		if (turn.has)
			rings_reap(turn.has);
		r = kernel->ioctl(kernel->ctx, fd, KVM_RUN, arg);
	} while (r == -EINTR && !*(volatile __u8 *)&turn.run->immediate_exit);
	return r;
}

static int turn_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	return request == KVM_RUN ? run_vcpu(fd, arg)
				  : __real_kvm_sys_kernel()->ioctl(ctx, fd, request, arg);
}

static int turn_mmap(void *ctx, int fd, size_t len, void **ret_map)
{
	int r = __real_kvm_sys_kernel()->mmap(ctx, fd, len, ret_map);

	if (!r)
		turn.run = *ret_map;
	return r;
}

const struct kvm_sys *__wrap_kvm_sys_kernel(void)
{
	static struct kvm_sys sys;

	sys = *__real_kvm_sys_kernel();
	sys.ioctl = turn_ioctl;
	sys.mmap = turn_mmap;
	return &sys;
}

int vcpu_turn_set(struct arranged *arranged)
{
	struct timespec until;

	(void)sem_init(&turn.changed, 0, 0);
	turn.wanted = arranged;
	turn.changing = true;
	do {
		/* Again, for it may come before KVM_RUN. */
		(void)pthread_kill(turn.thread, KICK_SIGNAL);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += KICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (sem_timedwait(&turn.changed, &until) < 0);
	return turn.error;
}
