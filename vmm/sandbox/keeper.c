// SPDX-License-Identifier: MIT
/*
 * The keeper's process, and the birth of the guest's.
 *
 * Until set-up is over it has what its caller had, for binding a device may load modules.
 * From then on it has no capability but the one to send signals to a process of another user
 * (CAP_KILL, which also has the kernel end that process should the keeper die), and the system
 * calls of its kind.
 *
 * No locks: one thread.
 */
#include "vmm/sandbox/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vfio/fail.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/signals.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/keeper_priv.h"

/* How long it may take to end: after its socket has closed, and to dump core. */
#define END_MS	    10000u
#define DUMP_MS	    60000u
#define END_STEP_MS 2u
/* As of one that a guest is stopped by: what comes sooner is the same one, by another way. */
#define ECHO_NS UINT64_C(1000000000)

struct keeper {
	struct keeper_state state;
	struct filter filter;
	pid_t child;
	int socket, signals;
	bool hostile; /* it said what no peer says */
	bool late;    /* it was killed because it did not end by itself */
	/* Of set-up: the first signal, which it ends by, and when; and that another one cut it. */
	int ended_by;
	uint64_t ended_ns;
	bool cut;
};

/* ---- giving up ------------------------------------------------------------------------- */

/* Where it was not given capabilities, it has none to give up. */
static void keep_cap_kill(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, caps) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		const uint32_t kept = i == CAP_TO_INDEX(CAP_KILL) ? CAP_TO_MASK(CAP_KILL) : 0;

		caps[i].effective &= kept;
		caps[i].permitted &= kept;
		caps[i].inheritable = 0;
	}
	(void)syscall(SYS_capset, &header, caps);
}

static int lock_down(void *ctx)
{
	struct keeper *k = ctx;
	int r = filter_init(&k->filter, THREAD_KEEPER, k->child);

	if (r < 0)
		return r;
	keep_cap_kill();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return filter_enter(&k->filter);
}

/* ---- the guest's process ---------------------------------------------------------------- */

static enum exit_status tell_no_descriptor(const struct keeper_config *config, int error)
{
	struct failure failure;

	(void)failure_set(&failure, ITSY_ENVIRONMENT, error, config->name,
			  "raise the limit of open files (ulimit -Hn)",
			  "the guest's process needs descriptor %d (%s)", KEEPER_FD,
			  strerror(error));
	return report_failure(&failure);
}

static _Noreturn void be_the_child(const struct keeper_config *config, int fd, pid_t keeper)
{
	const struct keeper_client client = { .fd = KEEPER_FD };
	enum exit_status status;

	/* The keeper may have died before it was asked for. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != keeper)
		_exit(ITSY_RUNTIME);
	if (dup3(fd, KEEPER_FD, O_CLOEXEC) < 0)
		_exit((int)tell_no_descriptor(config, errno));
	(void)close(fd);
	status = config->run(config->ctx, &client);
	(void)fflush(NULL);
	_exit((int)status);
}

static int give_birth(struct keeper *k, const struct keeper_config *config)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	const pid_t keeper = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ours = fds[0];
	theirs = fds[1];
	/* What is not written yet would be written twice. */
	(void)fflush(NULL);
	k->child = fork();
	if (k->child < 0)
		return -errno;
	if (k->child == 0) {
		cleanup_fd(&ours);
		cleanup_fd(&k->signals);
		be_the_child(config, theirs, keeper);
	}
	k->socket = TAKE_FD(ours);
	return 0;
}

/* ---- until it has ended ------------------------------------------------------------------ */

/* One that does not take its answers does not get them. */
static bool answer(const struct keeper *k, struct keeper_reply *reply)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(k->state.files))];
	} control = { 0 };
	const size_t size = reply->nr_files * sizeof(k->state.files[0]);
	struct iovec iov = { reply, sizeof(*reply) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (size) {
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(size),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), k->state.files, size);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(size);
	}
	return sendmsg(k->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*reply);
}

/* A message, and the file that came with it, -1 without; of more than one there is no room. */
static ssize_t receive(const struct keeper *k, void *bytes, size_t size, int *ret_file)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { bytes, size };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n = recvmsg(k->socket, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*ret_file = -1;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_file, CMSG_DATA(header), sizeof(*ret_file));
	return n;
}

/* False: nothing more is to be expected of it. */
static bool take_message(struct keeper *k)
{
	char bytes[2 * sizeof(struct keeper_request)];
	struct keeper_reply reply;
	_cleanup_fd_ int file = -1;
	bool answered;
	ssize_t n = receive(k, bytes, sizeof(bytes), &file);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	k->state.right = file;
	k->state.has_right = file >= 0;
	if (!keeper_serve(&k->state, bytes, (size_t)n, &reply)) {
		k->hostile = !k->state.forbidden;
		return false;
	}
	answered = answer(k, &reply);
	keeper_drop_files(&k->state);
	return answered;
}

/*
 * The guest's process ends its set-up at the first one, and is not waited for after a second one.
 * While its guest runs they are its own matter (vmm/control/stop.h).
 */
static void pass_on(struct keeper *k)
{
	const int signal = signals_take(k->signals);
	const uint64_t now_ns = clock_ns();

	if (!signal)
		return;
	if (!k->state.ready && k->ended_by && now_ns - k->ended_ns >= ECHO_NS) {
		k->cut = true;
		(void)kill(k->child, SIGKILL);
		return;
	}
	if (!k->state.ready && !k->ended_by) {
		k->ended_by = signal;
		k->ended_ns = now_ns;
	}
	(void)kill(k->child, signal);
}

/* While it binds a device nobody looks at its signals but this. */
static bool is_wanted(void *ctx)
{
	struct keeper *k = ctx;

	pass_on(k);
	return !k->ended_by;
}

static void attend(struct keeper *k)
{
	struct pollfd fds[] = {
		{ .fd = k->socket, .events = POLLIN },
		{ .fd = k->signals, .events = POLLIN },
	};
	bool goes_on = true;

	while (goes_on) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			pass_on(k);
		if (fds[0].revents)
			goes_on = take_message(k);
	}
}

static bool has_ended(const struct keeper *k, siginfo_t *ret_info)
{
	ret_info->si_pid = 0;
	return waitid(P_PID, (id_t)k->child, ret_info, WEXITED | WNOHANG) == 0 &&
	       ret_info->si_pid != 0;
}

/*
 * Nothing more is heard of it: it has ended (its status comes a little after its socket is
 * closed), or is about to by SIGSYS, perhaps with a core dump; or it is a process that nobody
 * wants any more.
 */
static void wait_for_end(struct keeper *k, siginfo_t *ret_info)
{
	const unsigned most_ms = k->hostile ? 0 : k->state.forbidden ? DUMP_MS : END_MS;

	for (unsigned ms = 0; ms < most_ms; ms += END_STEP_MS) {
		if (has_ended(k, ret_info))
			return;
		(void)poll(NULL, 0, END_STEP_MS);
	}
	k->late = !k->hostile;
	(void)kill(k->child, SIGKILL);
	while (waitid(P_PID, (id_t)k->child, ret_info, WEXITED) < 0 && errno == EINTR)
		continue;
}

/* ---- what is said of it ------------------------------------------------------------------ */

#define CURE_FORBIDDEN \
	"either something took the guest's process over, or itsy has a mistake: please report it"

static enum exit_status tell_forbidden(const struct keeper *k)
{
	const struct keeper_request *said = &k->state.last_words;
	struct failure failure;
	char name[40];

	if (!k->state.forbidden) {
		(void)failure_set(&failure, ITSY_FORBIDDEN, EPERM, k->state.config->name,
				  CURE_FORBIDDEN, "a thread made a forbidden system call");
		return report_failure(&failure);
	}
	filter_call_name(said->call, name, sizeof(name));
	(void)failure_set(&failure, ITSY_FORBIDDEN, EPERM, k->state.config->name, CURE_FORBIDDEN,
			  "thread %s made a forbidden system call: %s (0x%llx, 0x%llx, 0x%llx)",
			  said->thread, name, (unsigned long long)said->args[0],
			  (unsigned long long)said->args[1], (unsigned long long)said->args[2]);
	return report_failure(&failure);
}

/* Where the keeper sent the signal itself. */
static enum exit_status tell_killed(const struct keeper *k, const siginfo_t *info)
{
	const enum exit_status status = (enum exit_status)(128 + info->si_status);
	struct failure failure;

	if (k->hostile)
		(void)failure_set(&failure, status, EPROTO, k->state.config->name, CURE_FORBIDDEN,
				  "its process was killed: it sent its keeper what is no request");
	else
		(void)failure_set(
			&failure, status, ETIMEDOUT, k->state.config->name, CURE_KERNEL_LOG,
			"its process was killed: it had not ended %u s after its last word",
			END_MS / 1000);
	return report_failure(&failure);
}

static enum exit_status tell_end(const struct keeper *k, const siginfo_t *info)
{
	struct failure failure;

	if (k->state.forbidden || (info->si_code != CLD_EXITED && info->si_status == SIGSYS))
		return tell_forbidden(k);
	if (info->si_code == CLD_EXITED)
		return (enum exit_status)info->si_status;
	if (k->cut)
		return (enum exit_status)(128 + k->ended_by);
	if (info->si_status == SIGKILL && (k->hostile || k->late))
		return tell_killed(k, info);
	(void)failure_set(&failure, (enum exit_status)(128 + info->si_status), EINTR,
			  k->state.config->name, "where nobody sent it, " CURE_KERNEL_LOG,
			  "its process was ended by signal %d (%s%s)", info->si_status,
			  strsignal(info->si_status),
			  info->si_code == CLD_DUMPED ? ", core dumped" : "");
	return report_failure(&failure);
}

static enum exit_status cannot(const struct keeper_config *config, int error)
{
	struct failure failure;

	(void)failure_set(&failure, ITSY_ENVIRONMENT, -error, config->name,
			  "free memory, or raise the limit of processes (ulimit -u)",
			  "no process can be made for the guest (%s)", strerror(-error));
	return report_failure(&failure);
}

enum exit_status keeper_run(const struct keeper_config *config)
{
	struct keeper k = { .socket = -1, .signals = -1 };
	siginfo_t info = { 0 };
	enum exit_status status;
	int r;

	assert(config->nr_devices <= KEEPER_MAX_DEVICES);
	k.state.config = config;
	k.state.lock_down = lock_down;
	k.state.go_on = is_wanted;
	k.state.ctx = &k;
	k.signals = signals_open();
	r = k.signals < 0 ? k.signals : give_birth(&k, config);
	if (r < 0) {
		cleanup_fd(&k.signals);
		return cannot(config, r);
	}
	attend(&k);
	wait_for_end(&k, &info);
	status = tell_end(&k, &info);
	keeper_give_back(&k.state);
	filter_fini(&k.filter);
	cleanup_fd(&k.socket);
	cleanup_fd(&k.signals);
	return status;
}
