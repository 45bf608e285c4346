// SPDX-License-Identifier: MIT
/*
 * The tables of system calls, and what becomes of a thread that makes another one: real
 * filters, in processes that end by them.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vfio/iommufd_abi.h"
#include "vmm/base/bits.h"
#include "vmm/sandbox/calls.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/sandbox.h"

/* A thread that begins would ask for another stack for signals, and the end look for leaks. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0:detect_leaks=0";
}

/* ---- the tables -------------------------------------------------------------------------- */

static void test_each_row_is_whole_and_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < sandbox_nr_calls; i++) {
		const struct sandbox_call *c = &sandbox_calls[i];

		assert_non_null(c->name);
		if (!c->kinds || c->kinds >> NR_THREAD_KINDS || !c->why || !c->why[0])
			fail_msg("%s: kinds 0x%x", c->name, c->kinds);
	}
	for (size_t i = 0; i < sandbox_nr_ioctls; i++) {
		const struct sandbox_ioctl *c = &sandbox_ioctls[i];

		if (!c->kinds || c->kinds >> NR_THREAD_KINDS || !c->why || !c->why[0])
			fail_msg("%s: kinds 0x%x", c->name, c->kinds);
		for (size_t j = 0; j < i; j++)
			if (sandbox_ioctls[j].request == c->request)
				fail_msg("%s and %s are one", c->name, sandbox_ioctls[j].name);
	}
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
		assert_non_null(sandbox_kind_names[k]);
}

static void test_the_main_thread_has_what_its_threads_have_and_nothing_of_the_keepers(void **state)
{
	(void)state;
	assert_true(sandbox_kind_has(THREAD_MAIN, 1u << THREAD_VCPU));
	assert_true(sandbox_kind_has(THREAD_MAIN, 1u << THREAD_ROUTER | 1u << THREAD_KEEPER));
	assert_false(sandbox_kind_has(THREAD_MAIN, 1u << THREAD_KEEPER));
	assert_false(sandbox_kind_has(THREAD_VCPU, 1u << THREAD_ROUTER));
}

/* Whatever opens or makes something, or reaches another process. */
static void test_no_thread_of_the_guests_has_a_row_that_leads_out(void **state)
{
	static const char *const out[] = {
		"open",
		"openat",
		"openat2",
		"creat",
		"socket",
		"connect",
		"bind",
		"execve",
		"execveat",
		"fork",
		"vfork",
		"ptrace",
		"mount",
		"unshare",
		"setns",
		"bpf",
		"kill",
		"tkill",
		"pidfd_open",
		"keyctl",
		"chroot",
		"linkat",
		"unlinkat",
		"renameat",
		"mkdirat",
		"mknodat",
		"userfaultfd",
		"process_vm_readv",
		"process_vm_writev",
		"perf_event_open",
		"shmat",
		"modify_ldt",
	};

	(void)state;
	for (size_t i = 0; i < sandbox_nr_calls; i++)
		for (size_t o = 0; o < ARRAY_SIZE(out); o++)
			if (strcmp(sandbox_calls[i].name, out[o]) == 0 &&
			    sandbox_kind_has(THREAD_MAIN, sandbox_calls[i].kinds))
				fail_msg("%s: allowed for 0x%x", out[o], sandbox_calls[i].kinds);
	for (size_t i = 0; i < sandbox_nr_ioctls; i++)
		assert_int_not_equal(sandbox_ioctls[i].request, TIOCSTI);
}

/* With type1, what moves BARs maps memory, too. */
static void test_no_thread_has_a_row_that_gives_devices_memory_by_iommufd(void **state)
{
	static const uint32_t gives[] = {
		ABI_IOMMU_IOAS_ALLOC,
		ABI_IOMMU_IOAS_MAP,
	};

	(void)state;
	for (size_t i = 0; i < sandbox_nr_ioctls; i++)
		for (size_t g = 0; g < ARRAY_SIZE(gives); g++)
			assert_int_not_equal(sandbox_ioctls[i].request, gives[g]);
}

/* So what comes later reaches what was mapped before, and nothing else. */
static void test_main_alone_puts_functions_into_the_address_space_of_iommufd(void **state)
{
	unsigned nr = 0;

	(void)state;
	for (size_t i = 0; i < sandbox_nr_ioctls; i++) {
		if (sandbox_ioctls[i].request != ABI_VFIO_DEVICE_BIND_IOMMUFD &&
		    sandbox_ioctls[i].request != ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT)
			continue;
		nr++;
		for (unsigned kind = 0; kind < NR_THREAD_KINDS; kind++)
			assert_int_equal(sandbox_kind_has(kind, sandbox_ioctls[i].kinds),
					 kind == THREAD_MAIN);
	}
	assert_int_equal(nr, 2);
}

/* ---- real ones ----------------------------------------------------------------------------- */

struct attempt {
	const char *name; /* of the call, as it is told; NULL: it is allowed */
	int (*make)(void);
};

static struct {
	const struct attempt *attempt;
	enum thread_kind kind;
	struct capture said;
} w;

static int try_open(void)
{
	return (int)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int try_socket(void)
{
	return (int)syscall(SYS_socket, 1, 1, 0);
}

static int try_exec(void)
{
	return (int)syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static int make_code(void)
{
	return (int)syscall(SYS_mprotect, NULL, 4096, PROT_EXEC);
}

static int make_process(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int make_user_namespace(void)
{
	return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int type_for_the_terminal(void)
{
	return (int)syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI, "x");
}

/* The kernel looks at the lower half of a request. */
static int type_with_high_bits(void)
{
	return (int)syscall(SYS_ioctl, STDIN_FILENO, UINT64_C(1) << 32 | TIOCSTI, "x");
}

static int kick_somebody(void)
{
	return (int)syscall(SYS_tgkill, 1, 1, 0);
}

static int setup_ring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL) < 0 ? 0 : -1;
}

static int use_ring(void)
{
	return (int)syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0);
}

static int new_filter(void)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 ? 0 : -1;
}

static int kick_oneself(void)
{
	return (int)syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0);
}

static int is_it_a_terminal(void)
{
	(void)isatty(STDERR_FILENO);
	return 0;
}

static int map_data(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static int map_file(void)
{
	return (int)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_SHARED, STDERR_FILENO, 0);
}

static int fail_an_assertion(void)
{
	assert(!"what holds always");
	return 0;
}

static int clone3_is_not_there(void)
{
	return syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS ? 0 : -1;
}

static const char *const thread_names[] = {
	[THREAD_MAIN] = "main",
	[THREAD_VCPU] = "vcpu7",
	[THREAD_ROUTER] = "router",
	[THREAD_ITS] = "its",
};

static int as_itself(void)
{
	return w.attempt->make();
}

static void *on_thread(void *arg)
{
	const struct confine *confine = arg;

	(void)pthread_setname_np(pthread_self(), thread_names[w.kind]);
	if (confine_thread(confine, w.kind) < 0)
		return (void *)1;
	/* A thread that ends under AddressSanitizer maps memory. */
	_exit(as_itself() == 0 ? ITSY_OK : ITSY_RUNTIME);
}

/* The guest's process. */
static enum exit_status live(void *ctx, const struct keeper_client *keeper)
{
	struct failure failure = { 0 };
	struct sandbox *sandbox = NULL;
	pthread_t thread;
	void *got = NULL;

	(void)ctx;
	if (sandbox_create(0, &sandbox, &failure) < 0 || keeper_ready(keeper) < 0 ||
	    sandbox_enter(sandbox, &failure) < 0)
		return report_failure(&failure);
	if (w.kind == THREAD_MAIN)
		return as_itself() == 0 ? ITSY_OK : ITSY_RUNTIME;
	if (pthread_create(&thread, NULL, on_thread, (void *)(uintptr_t)sandbox_confine(sandbox)))
		return ITSY_RUNTIME;
	(void)pthread_join(thread, &got);
	return got ? ITSY_RUNTIME : ITSY_OK;
}

/* The keeper is locked down afterwards, so that it is not the test's process. */
static int run(enum thread_kind kind, const struct attempt *attempt)
{
	static const struct pci_host_fs host = { "" };
	const struct keeper_config config = { .name = "box", .host = &host, .run = live };
	int status = 0;
	pid_t child;

	w.kind = kind;
	w.attempt = attempt;
	capture_begin(&w.said);
	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(keeper_run(&config));
	(void)waitpid(child, &status, 0);
	capture_end(&w.said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(enum thread_kind kind, const struct attempt *attempt)
{
	int status = run(kind, attempt);
	char want[128];

	if (!attempt->name) {
		if (status != ITSY_OK)
			fail_msg("%s: status %d: %s", thread_names[kind], status, w.said.err);
		return;
	}
	(void)snprintf(want, sizeof(want),
		       "itsy: error: box: thread %s made a forbidden system call: %s (0x",
		       thread_names[kind], attempt->name);
	if (status != ITSY_FORBIDDEN || !strstr(w.said.err, want))
		fail_msg("%s, %s: status %d, '%s'", thread_names[kind], attempt->name, status,
			 w.said.err);
}

static const struct attempt forbidden_to_all[] = {
	{ "openat", try_open },		  { "socket", try_socket },
	{ "execve", try_exec },		  { "mmap", map_code },
	{ "mprotect", make_code },	  { "clone", make_process },
	{ "clone", make_user_namespace }, { "ioctl", type_for_the_terminal },
	{ "ioctl", type_with_high_bits }, { "tgkill", kick_somebody },
};

static void test_a_forbidden_call_of_the_main_thread_ends_the_process_and_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_all); i++)
		expect(THREAD_MAIN, &forbidden_to_all[i]);
}

static const struct attempt forbidden_to_threads[] = {
	{ "mmap", map_file },
	{ "io_uring_setup", setup_ring },
	{ "seccomp", new_filter },
};

static void test_a_forbidden_call_of_a_vcpu_ends_the_process_and_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_all); i++)
		expect(THREAD_VCPU, &forbidden_to_all[i]);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_threads); i++)
		expect(THREAD_VCPU, &forbidden_to_threads[i]);
}

static void test_a_forbidden_call_of_a_router_ends_the_process_and_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_all); i++)
		expect(THREAD_ROUTER, &forbidden_to_all[i]);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_threads); i++)
		expect(THREAD_ROUTER, &forbidden_to_threads[i]);
}

static void test_a_forbidden_call_of_its_ends_the_process_and_is_told(void **state)
{
	static const struct attempt enter_ring = { "io_uring_enter", use_ring };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_all); i++)
		expect(THREAD_ITS, &forbidden_to_all[i]);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_to_threads); i++)
		expect(THREAD_ITS, &forbidden_to_threads[i]);
	expect(THREAD_ITS, &enter_ring);
	expect(THREAD_VCPU, &enter_ring);
}

static void test_what_a_kind_needs_it_can_do(void **state)
{
	static const struct attempt of_all[] = { { NULL, kick_oneself },
						 { NULL, is_it_a_terminal } };
	static const struct attempt of_main[] = { { NULL, map_data },
						  { NULL, setup_ring },
						  { NULL, clone3_is_not_there } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of_all); i++)
		for (unsigned kind = 0; kind < THREAD_KEEPER; kind++)
			expect((enum thread_kind)kind, &of_all[i]);
	for (size_t i = 0; i < ARRAY_SIZE(of_main); i++)
		expect(THREAD_MAIN, &of_main[i]);
}

/* Memory for its words, and the signal that ends the process. */
static void test_an_assertion_that_fails_on_any_thread_is_told(void **state)
{
	static const struct attempt assertion = { "", fail_an_assertion };

	(void)state;
	for (unsigned kind = 0; kind < THREAD_KEEPER; kind++) {
		assert_int_equal(run((enum thread_kind)kind, &assertion), 128 + SIGABRT);
		if (!strstr(w.said.err, "what holds always") || strstr(w.said.err, "forbidden"))
			fail_msg("%s: '%s'", thread_names[kind], w.said.err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_is_whole_and_says_why),
		cmocka_unit_test(
			test_the_main_thread_has_what_its_threads_have_and_nothing_of_the_keepers),
		cmocka_unit_test(test_no_thread_of_the_guests_has_a_row_that_leads_out),
		cmocka_unit_test(test_no_thread_has_a_row_that_gives_devices_memory_by_iommufd),
		cmocka_unit_test(test_main_alone_puts_functions_into_the_address_space_of_iommufd),
		cmocka_unit_test(
			test_a_forbidden_call_of_the_main_thread_ends_the_process_and_is_told),
		cmocka_unit_test(test_a_forbidden_call_of_a_vcpu_ends_the_process_and_is_told),
		cmocka_unit_test(test_a_forbidden_call_of_a_router_ends_the_process_and_is_told),
		cmocka_unit_test(test_a_forbidden_call_of_its_ends_the_process_and_is_told),
		cmocka_unit_test(test_what_a_kind_needs_it_can_do),
		cmocka_unit_test(test_an_assertion_that_fails_on_any_thread_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
