// SPDX-License-Identifier: MIT
/*
 * Filters of system calls, by libseccomp. seccomp_rule_add(3), seccomp_export_bpf(3).
 *
 * What is not allowed raises SIGSYS on the thread that called (SECCOMP_RET_TRAP): the call is
 * not made, and a handler can say which it was. Neither a blocked signal nor an ignored one
 * helps: then the kernel itself ends the process.
 *
 * No locks.
 */
#include "vmm/sandbox/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "vmm/base/bits.h"
#include "vmm/sandbox/calls.h"

static uint64_t value_of(const struct sandbox_argument *a, pid_t child)
{
	switch (a->which) {
	case SANDBOX_OWN_PID:
		return (uint64_t)getpid();
	case SANDBOX_CHILD_PID:
		return (uint64_t)child;
	default:
		return a->value;
	}
}

static int add_call(scmp_filter_ctx ctx, const struct sandbox_call *call, pid_t child)
{
	struct scmp_arg_cmp args[SANDBOX_MAX_ARGUMENTS];
	unsigned nr = 0;

	/* Calls of other machines. */
	if (call->nr < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(call->arguments); i++) {
		const struct sandbox_argument *a = &call->arguments[i];

		if (a->mask)
			args[nr++] = SCMP_CMP64(a->index, SCMP_CMP_MASKED_EQ, a->mask,
						value_of(a, child));
	}
	return seccomp_rule_add_array(
		ctx, call->answer ? SCMP_ACT_ERRNO((uint32_t)call->answer) : SCMP_ACT_ALLOW,
		call->nr, nr, args);
}

/* The kernel looks at 32 bits of a request. */
static int add_ioctl(scmp_filter_ctx ctx, const struct sandbox_ioctl *one)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, one->request));
}

static int add_rules(scmp_filter_ctx ctx, enum thread_kind kind, pid_t child)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sandbox_nr_calls; i++)
		if (sandbox_kind_has(kind, sandbox_calls[i].kinds))
			r = add_call(ctx, &sandbox_calls[i], child);
	for (size_t i = 0; r >= 0 && i < sandbox_nr_ioctls; i++)
		if (sandbox_kind_has(kind, sandbox_ioctls[i].kinds))
			r = add_ioctl(ctx, &sandbox_ioctls[i]);
	/* A search tree instead of a list. */
	return r < 0 ? r : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

/* libseccomp 2.5 writes programs to files only. */
static int export(scmp_filter_ctx ctx, struct filter *filter)
{
	_cleanup_fd_ int fd = memfd_create("filter", MFD_CLOEXEC);
	off_t size;
	int r;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return r;
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || (size_t)size / sizeof(*filter->code) > BPF_MAXINSNS)
		return -E2BIG;
	filter->code = malloc((size_t)size);
	if (!filter->code)
		return -ENOMEM;
	if (pread(fd, filter->code, (size_t)size, 0) != size)
		return -EIO;
	filter->len = (unsigned short)((size_t)size / sizeof(*filter->code));
	return 0;
}

int filter_init(struct filter *filter, enum thread_kind kind, pid_t child)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int r;

	*filter = (struct filter){ 0 };
	if (!ctx)
		return -ENOMEM;
	/* Calls of a 32-bit process. */
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r >= 0)
		r = add_rules(ctx, kind, child);
	if (r >= 0)
		r = export(ctx, filter);
	seccomp_release(ctx);
	if (r < 0)
		filter_fini(filter);
	return r;
}

void filter_fini(struct filter *filter)
{
	free(filter->code);
	*filter = (struct filter){ 0 };
}

int filter_enter(const struct filter *filter)
{
	const struct sock_fprog program = { .len = filter->len, .filter = filter->code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

void filter_call_name(int nr, char *ret_name, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

	(void)snprintf(ret_name, size, "%s", name ? name : "unknown");
	free(name);
}
