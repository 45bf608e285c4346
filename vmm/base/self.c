// SPDX-License-Identifier: MIT
/*
 * This process: its standard files, its limits, its memory. No locks.
 */
#include "vmm/base/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

#define STACK_SZ ((size_t)256 << 10)

/* The smallest area that can be registered: struct rseq as it was at first. */
#define RSEQ_SZ_MIN 32u

void self_keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* open() takes the lowest free number, fd. Opened the wrong way, using it fails. */
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

void self_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void self_raise_lock_limit(uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return;
	limit.rlim_cur += bytes;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return;
	/* Who may not raise the hard limit goes up to it. */
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

void self_keep_stacks_small(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	/* Fails if thread-local data alone need more; then stacks stay as they are. */
	if (!pthread_attr_setstacksize(&attr, STACK_SZ))
		(void)pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

void self_leave_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	/*
	 * __rseq_size is what glibc registered, or in later versions what of that is in
	 * use, which can be less than the least that can be registered.
	 */
	unsigned size = __rseq_size < RSEQ_SZ_MIN ? RSEQ_SZ_MIN : __rseq_size;

	/*
	 * 0: glibc did not register (a kernel without, or GLIBC_TUNABLES). Should the kernel
	 * refuse, the area stays registered, as it is in any program.
	 */
	if (__rseq_size)
		(void)syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

/* If the line is "KEY:    N kB", add N, in bytes, to *sum. */
static void add_row(const char *line, const char *key, uint64_t *sum)
{
	unsigned long long kib;

	if (strncmp(line, key, strlen(key)) == 0 &&
	    sscanf(line + strlen(key), ": %16llu kB", &kib) == 1)
		*sum += (uint64_t)kib * 1024;
}

int self_memory_read(FILE *smaps, const void *ram, size_t size, struct self_memory *ret_memory)
{
	struct self_memory sum = { 0 };
	bool counts = false, any = false;
	char line[512];

	rewind(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		unsigned long long start, end;

		/* A mapping's first line; its other lines begin with a key. */
		if (sscanf(line, "%16llx-%16llx ", &start, &end) == 2) {
			any = true;
			counts = end <= (uintptr_t)ram || start >= (uintptr_t)ram + size;
			continue;
		}
		if (!counts)
			continue;
		add_row(line, "Pss", &sum.pss);
		add_row(line, "Rss", &sum.rss);
		add_row(line, "Private_Clean", &sum.private);
		add_row(line, "Private_Dirty", &sum.private);
	}
	if (!any)
		return -EIO;
	*ret_memory = sum;
	return 0;
}

int self_memory_get(const char *root, const void *ram, size_t size, struct self_memory *ret_memory)
{
	_cleanup_file_ FILE *f = NULL;
	char path[512];

	if (snprintf(path, sizeof(path), "%s/proc/self/smaps", root) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "re");
	return f ? self_memory_read(f, ram, size, ret_memory) : -errno;
}

bool self_has_capability(unsigned capability)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/status", "re");
	unsigned long long effective;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			return effective >> capability & 1;
	return geteuid() == 0;
}

uint64_t self_lock_limit(void)
{
	struct rlimit limit = { 0 };

	if (self_has_capability(CAP_IPC_LOCK) || getrlimit(RLIMIT_MEMLOCK, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}
