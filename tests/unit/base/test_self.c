// SPDX-License-Identifier: MIT
/*
 * What a process finds out about itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/self.h"

#define RAM_SZ (UINT64_C(64) << 20)

static char root[64];

static void put_smaps(const char *text)
{
	char path[128];
	FILE *f;

	strcpy(root, "/tmp/itsy-self-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(path, sizeof(path), "%s/proc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/proc/self", root);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/proc/self/smaps", root);
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void drop_smaps(void)
{
	static const char *const names[] = { "/proc/self/smaps", "/proc/self", "/proc", "" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, names[i]);
		assert_int_equal(remove(path), 0);
	}
}

static void test_guest_ram_is_not_counted_and_all_else_is(void **state)
{
	struct self_memory m;

	(void)state;
	put_smaps("10000-20000 r-xp 00000000 00:00 0   /usr/bin/itsy\n"
		  "Size:                 64 kB\nRss:                  40 kB\nPss:                  "
		  "20 kB\n"
		  "Pss_Dirty:             7 kB\nShared_Clean:         36 kB\nPrivate_Clean:        "
		  " 4 kB\n"
		  "Private_Dirty:         0 kB\nVmFlags: rd ex mr\n"
		  "40000000-42000000 rw-p 00000000 00:00 0\n"
		  "Rss:               32768 kB\nPss:               32768 kB\nPrivate_Dirty:     "
		  "32768 kB\n"
		  "ffff0000-ffff8000 rw-p 00000000 00:00 0   [stack]\n"
		  "Rss:                  16 kB\nPss:                  16 kB\nPrivate_Dirty:        "
		  "16 kB\n");
	assert_int_equal(self_memory_get(root, (void *)0x40000000, 0x2000000, &m), 0);
	assert_int_equal(m.rss, (40 + 16) * 1024);
	assert_int_equal(m.pss, (20 + 16) * 1024);
	assert_int_equal(m.private, (4 + 16) * 1024);
	/* All of RAM's mapping lies in RAM; the mapping below ends where this RAM begins. */
	assert_int_equal(self_memory_get(root, (void *)0x20000, 0x3fffffff, &m), 0);
	assert_int_equal(m.private, (4 + 16) * 1024);
	drop_smaps();
}

static void test_a_file_that_is_none_of_the_kernels_is_an_error(void **state)
{
	struct self_memory m = { .pss = 7 };

	(void)state;
	put_smaps("nothing\n");
	assert_int_equal(self_memory_get(root, NULL, 0, &m), -EIO);
	drop_smaps();
	assert_int_equal(self_memory_get(root, NULL, 0, &m), -ENOENT);
	assert_int_equal(m.pss, 7);
}

static uint8_t *touched(size_t size)
{
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 1, size);
	return p;
}

static void test_what_this_process_takes_is_found(void **state)
{
	struct self_memory before, after, without;
	uint8_t *p;

	(void)state;
	assert_int_equal(self_memory_get("", NULL, 0, &before), 0);
	p = touched(RAM_SZ);
	assert_int_equal(self_memory_get("", NULL, 0, &after), 0);
	/* Pages of a library stop being ours alone when another program starts meanwhile. */
	assert_true(after.private >= before.private + RAM_SZ / 2);
	assert_true(after.pss >= before.pss + RAM_SZ / 2);
	/* Where it is one mapping with a neighbour, that would count with it. */
	assert_int_equal(madvise(p, RAM_SZ, MADV_DONTFORK), 0);
	assert_int_equal(self_memory_get("", p, RAM_SZ, &without), 0);
	assert_true(without.private + RAM_SZ / 2 < after.private);
	assert_int_equal(munmap(p, RAM_SZ), 0);
}

static void test_the_file_limit_is_raised_to_what_the_host_allows(void **state)
{
	struct rlimit before, after;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	before.rlim_cur = before.rlim_max / 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	self_raise_file_limit();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(after.rlim_cur, before.rlim_max);
}

static void *on_its_own_stack(void *arg)
{
	pthread_attr_t attr;

	assert_int_equal(pthread_getattr_np(pthread_self(), &attr), 0);
	assert_int_equal(pthread_attr_getstacksize(&attr, arg), 0);
	assert_int_equal(pthread_attr_destroy(&attr), 0);
	return NULL;
}

static void test_threads_have_small_stacks(void **state)
{
	pthread_t thread;
	size_t size = 0;

	(void)state;
	self_keep_stacks_small();
	assert_int_equal(pthread_create(&thread, NULL, on_its_own_stack, &size), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(size, 64 << 10, 512 << 10);
}

static int cpu_of_rseq(void)
{
	const struct rseq *area =
		(const struct rseq *)((const char *)__builtin_thread_pointer() + __rseq_offset);

	return (int)__atomic_load_n(&area->cpu_id, __ATOMIC_RELAXED);
}

struct cpus {
	int here, before, after, known, known_again;
};

/* On the only CPU that it may use, so that there is one right answer. */
static void *without_rseq(void *arg)
{
	struct cpus *cpus = arg;
	cpu_set_t one;

	cpus->here = sched_getcpu();
	CPU_ZERO(&one);
	CPU_SET(cpus->here, &one);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	cpus->before = cpu_of_rseq();
	self_leave_rseq();
	cpus->after = cpu_of_rseq();
	cpus->known = sched_getcpu();
	self_leave_rseq();
	cpus->known_again = sched_getcpu();
	return NULL;
}

static void test_a_thread_has_no_restartable_sequences_and_knows_its_cpu(void **state)
{
	struct cpus cpus = { 0 };
	pthread_t thread;
	int main_before = cpu_of_rseq();

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, without_rseq, &cpus), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* Where glibc registers them at all; else there was nothing to leave. */
	if (__rseq_size)
		assert_int_equal(cpus.before, cpus.here);
	assert_true(cpus.after < 0);
	assert_int_equal(cpus.known, cpus.here);
	assert_int_equal(cpus.known_again, cpus.here);
	/* Other threads keep theirs. */
	assert_int_equal(cpu_of_rseq() < 0, main_before < 0);
}

/* In a child, whose own standard files are closed: its exit status says what is wrong. */
static int status_without_standard_files(void)
{
	char byte = 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	self_keep_standard_files();
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		return 1;
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) <= STDERR_FILENO)
		return 2;
	if (read(STDIN_FILENO, &byte, 1) >= 0 || write(STDOUT_FILENO, &byte, 1) >= 0)
		return 3;
	return 0;
}

static void test_no_file_gets_the_number_of_a_standard_file_that_is_closed(void **state)
{
	int status = -1;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(status_without_standard_files());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_ram_is_not_counted_and_all_else_is),
		cmocka_unit_test(test_a_file_that_is_none_of_the_kernels_is_an_error),
		cmocka_unit_test(test_what_this_process_takes_is_found),
		cmocka_unit_test(test_threads_have_small_stacks),
		cmocka_unit_test(test_a_thread_has_no_restartable_sequences_and_knows_its_cpu),
		cmocka_unit_test(test_no_file_gets_the_number_of_a_standard_file_that_is_closed),
		cmocka_unit_test(test_the_file_limit_is_raised_to_what_the_host_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
