// SPDX-License-Identifier: MIT
/*
 * The sandbox of the guest's process.
 *
 * A forbidden call raises SIGSYS on its thread. The handler sends the keeper the thread's name
 * and the call, and then makes another forbidden call: SIGSYS is blocked while its handler runs,
 * and the kernel ends a process at once whose SIGSYS is blocked. Who took the process over may
 * have changed the handler's memory; the forbidden call is not made all the same, and the next
 * one ends the process if the handler does not return.
 *
 * No locks.
 */
#include "vmm/sandbox/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "vmm/base/bits.h"
#include "vmm/base/confine.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/keeper_msg.h"

struct sandbox {
	struct confine confine;
	pid_t keeper;
	struct layers layers;
	int results[NR_LAYERS];
	struct filter filters[NR_THREAD_KINDS];
};

/* ---- a forbidden call -------------------------------------------------------------------- */

#ifdef SYS_SECCOMP
#define FROM_FILTER SYS_SECCOMP
#else
#define FROM_FILTER 1
#endif

/* The first arguments of the call that the thread was about to make. */
static void read_args(const ucontext_t *at, uint64_t args[KEEPER_NR_ARGS])
{
#if defined(__aarch64__)
	for (unsigned i = 0; i < KEEPER_NR_ARGS; i++)
		args[i] = at->uc_mcontext.regs[i];
#elif defined(__x86_64__)
	args[0] = (uint64_t)at->uc_mcontext.gregs[REG_RDI];
	args[1] = (uint64_t)at->uc_mcontext.gregs[REG_RSI];
	args[2] = (uint64_t)at->uc_mcontext.gregs[REG_RDX];
#else
	(void)at;
	(void)args;
#endif
}

/* Async-signal-safe. */
static void on_forbidden(int signal, siginfo_t *info, void *context)
{
	struct keeper_request said = { .ask = KEEPER_FORBIDDEN };

	(void)signal;
	if (info->si_code == FROM_FILTER) {
		said.call = info->si_syscall;
		read_args(context, said.args);
		if (getpid() == (pid_t)syscall(SYS_gettid))
			memcpy(said.thread, "main", sizeof("main"));
		else
			(void)prctl(PR_GET_NAME, said.thread, 0, 0, 0);
		(void)!write(KEEPER_FD, &said, sizeof(said));
	}
	for (;;)
		(void)syscall(SYS_ptrace, -1, 0, NULL, NULL);
}

static int catch_forbidden(void)
{
	struct sigaction action = { .sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO };

	(void)sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* ---- entering ------------------------------------------------------------------------------ */

static const struct sandbox *of(const struct confine *confine)
{
	return (const struct sandbox *)((const char *)confine - offsetof(struct sandbox, confine));
}

static int enter_thread(const struct confine *confine, enum thread_kind kind)
{
	return filter_enter(&of(confine)->filters[kind]);
}

/*
 * The last layer. A process that has changed its user does not dump core any more, and its
 * keeper's death means nothing to it: both are asked for again.
 */
static int enter_calls(void *ctx)
{
	const struct sandbox *s = ctx;
	int r;

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	if (getppid() != s->keeper)
		return -ESRCH;
	r = catch_forbidden();
	return r < 0 ? r : filter_enter(&s->filters[THREAD_MAIN]);
}

/* Without CAP_SYS_NICE a thread gets the priorities that its limit allows. */
static void allow_fifo(int fifo)
{
	const struct rlimit allowed = { (rlim_t)fifo, (rlim_t)fifo };
	struct rlimit now;

	if (getrlimit(RLIMIT_RTPRIO, &now) == 0 && now.rlim_cur < allowed.rlim_cur)
		(void)setrlimit(RLIMIT_RTPRIO, &allowed);
}

static int make_filters(struct sandbox *s)
{
	int r = 0;

	for (unsigned kind = 0; r >= 0 && kind < NR_THREAD_KINDS; kind++)
		if (kind != THREAD_KEEPER)
			r = filter_init(&s->filters[kind], (enum thread_kind)kind, 0);
	return r;
}

int sandbox_create(int fifo, struct sandbox **ret_sandbox, struct failure *ret_failure)
{
	struct sandbox *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "sandbox", NULL,
				   "out of memory");
	s->confine.enter = enter_thread;
	s->keeper = getppid();
	s->layers.calls = enter_calls;
	s->layers.ctx = s;
	layers_prepare(&s->layers);
	allow_fifo(fifo);
	r = make_filters(s);
	if (r < 0) {
		sandbox_destroy(s);
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "sandbox",
				   failure_cure(-r, "itsy check says what of the sandbox this host "
						    "has; sandbox = \"off\" does without it"),
				   "its filters of system calls cannot be made (%s)", strerror(-r));
	}
	*ret_sandbox = s;
	return 0;
}

void sandbox_destroy(struct sandbox *s)
{
	if (!s)
		return;
	for (unsigned kind = 0; kind < NR_THREAD_KINDS; kind++)
		filter_fini(&s->filters[kind]);
	free(s);
}

int sandbox_enter(struct sandbox *s, struct failure *ret_failure)
{
	int r = layers_apply(&s->layers, s->results);

	for (unsigned i = 0; r < 0 && i < NR_LAYERS; i++)
		if (layer_rows[i].required && s->results[i] < 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "sandbox",
					   layer_rows[i].cure, "%s: %s (%s)", layer_rows[i].name,
					   layer_rows[i].missing, strerror(-r));
	return r;
}

const struct confine *sandbox_confine(const struct sandbox *s)
{
	return s ? &s->confine : NULL;
}
