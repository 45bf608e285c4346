// SPDX-License-Identifier: MIT
/*
 * The keeper: what it does for whom, what it says of an end, and what a hostile peer gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/right.h"
#include "vmm/base/bits.h"
#include "vmm/sandbox/keeper_priv.h"

static struct {
	struct host_tree tree;
	struct keeper_device devices[2];
	struct keeper_config config;
	struct keeper_state state;
	struct keeper_reply reply;
	struct capture said;
	unsigned nr_kept, nr_locked_down;
	int word[2]; /* a pipe from the guest's process */
} w;

static void not_given_back(void *ctx, const struct pci_bdf *bdf, const struct vfio_failure *why)
{
	(void)ctx;
	(void)bdf;
	(void)why;
	w.nr_kept++;
}

static int lock_down(void *ctx)
{
	(void)ctx;
	w.nr_locked_down++;
	return 0;
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	w.devices[0] = (struct keeper_device){ .bdf = { .dev = 2 }, .cpu = -1 };
	w.devices[1] = (struct keeper_device){ .bdf = { .dev = 3 }, .cpu = 1 };
	w.config = (struct keeper_config){
		.name = "box",
		.host = &w.tree.fs,
		.devices = w.devices,
		.nr_devices = ARRAY_SIZE(w.devices),
		.service = -1,
		.kept = not_given_back,
	};
	w.state = (struct keeper_state){ .config = &w.config, .lock_down = lock_down };
	return pipe2(w.word, O_CLOEXEC);
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	(void)close(w.word[0]);
	(void)close(w.word[1]);
	return 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

static bool ask(uint32_t what, uint32_t device)
{
	const struct keeper_request request = { .ask = what, .device = device };

	return keeper_serve(&w.state, &request, sizeof(request), &w.reply);
}

static void test_devices_are_those_of_the_list_and_no_others(void **state)
{
	static const uint32_t asks[] = { KEEPER_BIND, KEEPER_MOVE,  KEEPER_UNMOVE, KEEPER_COUNT,
					 KEEPER_OPEN, KEEPER_ADOPT, KEEPER_RELEASE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		assert_false(ask(asks[i], 2));
		assert_false(ask(asks[i], UINT32_MAX));
	}
	/* One of the list that the host has not got is answered. */
	assert_true(ask(KEEPER_BIND, 0));
	assert_int_equal(w.reply.result, -ENOENT);
	assert_int_equal(w.reply.failure.code, VFIO_FAILURE_NO_FUNCTION);
	assert_string_equal(w.reply.failure.object, "0000:00:02.0");
	/* Nor has it a CPU to be moved to. */
	assert_true(ask(KEEPER_MOVE, 0));
	assert_int_equal(w.reply.result, -EINVAL);
}

static bool is_unwanted(void *ctx)
{
	(void)ctx;
	return false;
}

static void test_a_device_that_is_not_wanted_any_more_is_not_bound(void **state)
{
	static const struct tree_function fn = { "0000:00:02.0", 0x8086, 0x1533, 0x020000, "igb", 7,
						 NULL,		 0,	 "flr" };

	(void)state;
	tree_add_function(&w.tree, &fn);
	tree_write(&w.tree, "sys/bus/pci/drivers/vfio-pci/bind", "");
	tree_write(&w.tree, "dev/vfio/vfio", "");
	tree_dir(&w.tree, "run");
	w.state.go_on = is_unwanted;
	assert_true(ask(KEEPER_BIND, 0));
	assert_int_equal(w.reply.result, -EINTR);
	assert_false(tree_has(&w.tree, "run/itsy/bound/0000:00:02.0"));
}

static void test_what_is_of_set_up_is_not_done_after_it(void **state)
{
	(void)state;
	assert_true(ask(KEEPER_READY, 0));
	assert_int_equal(w.nr_locked_down, 1);
	assert_false(ask(KEEPER_BIND, 0));
	assert_false(ask(KEEPER_READY, 0));
	assert_int_equal(w.nr_locked_down, 1);
	assert_true(ask(KEEPER_UNMOVE, 1));
	/* A guest that changes the kind of its interrupts has others. */
	assert_true(ask(KEEPER_MOVE, 1));
	assert_true(ask(KEEPER_COUNT, 1));
	/* A device that was removed comes back. */
	assert_true(ask(KEEPER_OPEN, 1));
}

/* It hears the state, and no word of the peer's. */
static void test_a_manager_is_told_a_state_that_there_is(void **state)
{
	struct keeper_request request = { .ask = KEEPER_TELL, .state = SERVICE_RUNS };
	char text[64] = "";
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	w.config.service = fds[0];
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.reply.result, 0);
	assert_true(recv(fds[1], text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "READY=1\nSTATUS=the guest runs");
	request.state = NR_SERVICE_STATES;
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.reply.result, -EINVAL);
	assert_true(recv(fds[1], text, sizeof(text), 0) < 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* ---- a function's file, or its group's ------------------------------------------------------
 */

static void add_function(const char *driver)
{
	const struct tree_function fn = {
		.bdf = "0000:00:03.0",
		.vendor = 0x1b36,
		.device = 0x10,
		.class_code = 0x010802,
		.driver = driver,
		.group = 7,
	};

	tree_add_function(&w.tree, &fn);
	tree_write(&w.tree, "/dev/vfio/7", "the file");
}

static void test_the_file_of_a_group_is_of_a_device_that_vfio_has(void **state)
{
	char text[16] = "";

	(void)state;
	assert_true(ask(KEEPER_READY, 0));
	assert_true(ask(KEEPER_OPEN, 0));
	assert_int_equal(w.reply.result, -ENOENT);
	assert_int_equal(w.reply.nr_files, 0);
	add_function("vfio-pci");
	assert_true(ask(KEEPER_OPEN, 1));
	assert_int_equal(w.reply.result, 0);
	assert_int_equal(w.reply.group, 7);
	assert_int_equal(w.reply.nr_files, 1);
	assert_true(read(w.state.files[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "the file");
}

static void test_by_iommufd_it_is_the_functions_own_file(void **state)
{
	struct keeper_request request = { .ask = KEEPER_OPEN,
					  .device = 1,
					  .iommu = VFIO_IOMMU_IOMMUFD };
	char text[16] = "";

	(void)state;
	add_function("vfio-pci");
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.reply.result, -ENOENT);
	assert_int_equal(w.reply.failure.code, VFIO_FAILURE_NO_IOMMUFD);
	assert_int_equal(w.reply.nr_files, 0);
	tree_write(&w.tree, "sys/bus/pci/devices/0000:00:03.0/vfio-dev/vfio4/dev", "511:4\n");
	tree_write(&w.tree, "/dev/vfio/devices/vfio4", "its own");
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.reply.result, 0);
	assert_int_equal(w.reply.nr_files, 1);
	assert_true(read(w.state.files[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "its own");
	request.iommu = NR_VFIO_IOMMU_KINDS;
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.reply.result, -EINVAL);
}

static void test_the_file_of_a_group_that_another_driver_has_is_not_opened(void **state)
{
	(void)state;
	add_function("nvme");
	assert_true(ask(KEEPER_OPEN, 1));
	assert_int_equal(w.reply.failure.code, VFIO_FAILURE_NOT_BOUND);
	assert_string_equal(w.reply.failure.driver, "nvme");
	assert_int_equal(w.reply.nr_files, 0);
}

/* ---- a function that comes later ------------------------------------------------------------ */

static int adopt(const struct pci_bdf *bdf, int right)
{
	const struct keeper_request request = {
		.ask = KEEPER_ADOPT, .device = 0, .bdf = *bdf, .bound = 1
	};

	w.state.has_right = right >= 0;
	w.state.right = right;
	assert_true(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	w.state.has_right = false;
	return w.reply.result;
}

static void test_a_function_is_a_devices_by_who_has_the_right_to_it(void **state)
{
	const struct pci_bdf bdf = { .dev = 3 }, odd = { .dev = 3, .fn = 8 };
	int right, other;

	(void)state;
	add_function("vfio-pci");
	tree_write(&w.tree, "/sys/bus/pci/devices/0000:00:03.0/driver_override", "(null)");
	right = vfio_right_open(&w.tree.fs, &bdf);
	other = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_true(right >= 0 && other >= 0);
	assert_true(ask(KEEPER_READY, 0));
	assert_int_equal(adopt(&bdf, -1), -EPERM);
	assert_int_equal(adopt(&bdf, other), -EPERM);
	assert_int_equal(adopt(&odd, right), -EINVAL);
	assert_true(ask(KEEPER_OPEN, 0));
	assert_int_equal(w.reply.result, -ENOENT);
	assert_int_equal(adopt(&bdf, right), 0);
	assert_true(ask(KEEPER_OPEN, 0));
	assert_int_equal(w.reply.group, 7);
	/* It is to be given back, and no other one is in its place until then. */
	assert_true(w.state.devices[0].bound_here);
	tree_write(&w.tree, "/sys/bus/pci/devices/0000:00:04.0/driver_override", "(null)");
	(void)close(right);
	right = vfio_right_open(&w.tree.fs, &(struct pci_bdf){ .dev = 4 });
	assert_int_equal(adopt(&(struct pci_bdf){ .dev = 4 }, right), -EBUSY);
	(void)close(right);
	(void)close(other);
}

static void test_what_was_not_bound_for_the_guest_stays_bound(void **state)
{
	(void)state;
	add_function("vfio-pci");
	assert_true(ask(KEEPER_READY, 0));
	assert_true(ask(KEEPER_RELEASE, 1));
	assert_int_equal(w.reply.result, 0);
	assert_true(ask(KEEPER_OPEN, 1));
	assert_int_equal(w.reply.result, 0);
}

/* ---- counters ------------------------------------------------------------------------------- */

static void add_irq(unsigned irq, const char *actions, unsigned count)
{
	char path[96], text[16];

	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:00:03.0/msi_irqs/%u", irq);
	tree_write(&w.tree, path, "msi\n");
	(void)snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", irq);
	tree_write(&w.tree, path, actions);
	(void)snprintf(path, sizeof(path), "/sys/kernel/irq/%u/per_cpu_count", irq);
	(void)snprintf(text, sizeof(text), "%u,1\n", count);
	tree_write(&w.tree, path, text);
}

/* More than go with one message; one of another function's. */
#define MANY (KEEPER_COUNTERS + 3)

static void add_many(void)
{
	char actions[64];

	for (unsigned v = 0; v < MANY; v++) {
		(void)snprintf(actions, sizeof(actions), "vfio-msix[%u](0000:00:03.0)\n", v);
		add_irq(100 + v, v == 1 ? "vfio-msix[1](0000:00:04.0)\n" : actions, v);
	}
}

static void test_counters_are_those_of_the_devices_own_interrupts(void **state)
{
	char text[16] = "";

	(void)state;
	add_many();
	assert_true(ask(KEEPER_COUNT, 1));
	assert_int_equal(w.reply.result, 0);
	assert_int_equal(w.reply.nr_files, KEEPER_COUNTERS);
	assert_int_equal(w.reply.next, KEEPER_COUNTERS + 1);
	assert_int_equal(w.reply.vectors[0], 0);
	assert_int_equal(w.reply.vectors[1], 2);
	assert_true(read(w.state.files[1], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "2,1\n");
	/* They can be read alone. */
	assert_int_equal(write(w.state.files[1], "0", 1), -1);
	/* Of a device that has none, there are none, and those of before are closed. */
	assert_true(ask(KEEPER_COUNT, 0));
	assert_int_equal(w.reply.nr_files, 0);
	assert_int_equal(w.state.nr_files, 0);
}

static void test_a_message_of_another_size_or_kind_ends_the_peer(void **state)
{
	struct keeper_request two[2] = { { .ask = KEEPER_UNMOVE }, { 0 } };

	(void)state;
	assert_false(keeper_serve(&w.state, two, 0, &w.reply));
	assert_false(keeper_serve(&w.state, two, sizeof(two[0]) - 1, &w.reply));
	assert_false(keeper_serve(&w.state, two, sizeof(two), &w.reply));
	assert_false(ask(NR_KEEPER_ASKS, 0));
	assert_false(ask(UINT32_MAX, 0));
}

static void test_last_words_are_the_first_ones_and_text(void **state)
{
	struct keeper_request request = { .ask = KEEPER_FORBIDDEN, .call = 5 };

	(void)state;
	memset(request.thread, '\033', sizeof(request.thread));
	assert_false(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_true(w.state.forbidden);
	assert_string_equal(w.state.last_words.thread, "???????????????");
	request.call = 6;
	assert_false(keeper_serve(&w.state, &request, sizeof(request), &w.reply));
	assert_int_equal(w.state.last_words.call, 5);
	assert_false(ask(KEEPER_UNMOVE, 0));
}

/* Bytes as they come: most are refused, and none does harm (under the sanitizers). */
static void test_no_bytes_harm_the_keeper(void **state)
{
	unsigned char bytes[2 * sizeof(struct keeper_request)];
	unsigned nr_answered = 0;
	uint32_t seed = 1;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		size_t size = n % 3 ? sizeof(struct keeper_request) : n % sizeof(bytes);

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (unsigned char)(seed >> 24);
		}
		/* Half of them look like messages. */
		if (n % 2) {
			memset(bytes, 0, 8);
			bytes[0] = (unsigned char)(seed >> 8 & 7);
			bytes[4] = (unsigned char)(seed >> 12 & 3);
		}
		nr_answered += keeper_serve(&w.state, bytes, size, &w.reply);
		w.state.forbidden = false;
		if (n % 64 == 0)
			w.state.ready = false;
		for (size_t i = w.config.nr_devices; i < KEEPER_MAX_DEVICES; i++)
			assert_null(w.state.devices[i].moved);
	}
	assert_in_range(nr_answered, 100, 19999);
	keeper_give_back(&w.state);
	assert_int_equal(w.nr_kept, 0);
}

/* ---- processes ------------------------------------------------------------------------------ */

static void say(char word)
{
	assert_int_equal(write(w.word[1], &word, 1), 1);
}

static char heard(void)
{
	struct pollfd fd = { .fd = w.word[0], .events = POLLIN };
	char word = 0;

	if (poll(&fd, 1, 20000) == 1)
		(void)!read(w.word[0], &word, 1);
	return word;
}

/* A keeper and its child, apart from the test's process. */
static pid_t begin(enum exit_status (*live)(void *ctx, const struct keeper_client *keeper))
{
	pid_t pid;

	w.config.run = live;
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(keeper_run(&w.config));
	return pid;
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static enum exit_status end_at_once(void *ctx, const struct keeper_client *keeper)
{
	(void)ctx;
	return keeper_ready(keeper) == 0 ? ITSY_CONFIG : ITSY_RUNTIME;
}

static void test_the_exit_status_is_that_of_the_guests_process(void **state)
{
	(void)state;
	assert_int_equal(end_of(begin(end_at_once)), ITSY_CONFIG);
}

static enum exit_status end_by_signal(void *ctx, const struct keeper_client *keeper)
{
	(void)ctx;
	(void)!keeper_ready(keeper);
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
	return ITSY_OK;
}

static void test_an_end_by_a_signal_is_told_and_is_the_status(void **state)
{
	int status;

	(void)state;
	capture_begin(&w.said);
	status = end_of(begin(end_by_signal));
	capture_end(&w.said);
	assert_int_equal(status, 128 + SIGSEGV);
	if (!strstr(w.said.err,
		    "itsy: error: box: its process was ended by signal 11 (Segmentation fault"))
		fail_msg("%s", w.said.err);
}

static enum exit_status wait_for_signal(void *ctx, const struct keeper_client *keeper)
{
	sigset_t set;
	int got = 0;

	(void)ctx;
	(void)!keeper_ready(keeper);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	say('r');
	(void)sigwait(&set, &got);
	return (enum exit_status)(100 + got);
}

static void test_signals_go_on_to_the_guests_process(void **state)
{
	pid_t keeper = begin(wait_for_signal);

	(void)state;
	assert_int_equal(heard(), 'r');
	assert_int_equal(kill(keeper, SIGTERM), 0);
	assert_int_equal(end_of(keeper), 100 + SIGTERM);
}

/* A set-up that does not hear: a driver does not let go, say. */
static enum exit_status hear_nothing(void *ctx, const struct keeper_client *keeper)
{
	(void)ctx;
	(void)keeper;
	say('r');
	while (pause() < 0)
		continue;
	return ITSY_OK;
}

static void test_a_second_signal_cuts_a_set_up_that_does_not_hear(void **state)
{
	const struct timespec echo = { .tv_nsec = 200000000 }, second = { .tv_sec = 1 };
	pid_t keeper = begin(hear_nothing);

	(void)state;
	assert_int_equal(heard(), 'r');
	assert_int_equal(kill(keeper, SIGINT), 0);
	/* The same one by another way is none. */
	(void)nanosleep(&echo, NULL);
	assert_int_equal(kill(keeper, SIGTERM), 0);
	(void)nanosleep(&echo, NULL);
	assert_int_equal(waitpid(keeper, NULL, WNOHANG), 0);
	(void)nanosleep(&second, NULL);
	assert_int_equal(kill(keeper, SIGTERM), 0);
	assert_int_equal(end_of(keeper), 128 + SIGINT);
}

static unsigned nr_waits;

static void count_wait(void *ctx)
{
	(void)ctx;
	nr_waits++;
}

static void *answer_late(void *ctx)
{
	const struct timespec nap = { .tv_nsec = 450000000 };
	const int *fd = ctx;
	struct keeper_request request;
	const struct keeper_reply reply = { .result = 1 };

	(void)!read(*fd, &request, sizeof(request));
	(void)nanosleep(&nap, NULL);
	(void)!write(*fd, &reply, sizeof(reply));
	return NULL;
}

static void test_who_waits_for_an_answer_can_say_so(void **state)
{
	struct vfio_failure failure;
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_late, &fds[1]), 0);
	assert_int_equal(
		keeper_bind(&(struct keeper_client){ fds[0], count_wait, NULL }, 0, &failure), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(nr_waits, 2, 100);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_the_guests_process_does_not_outlive_its_keeper(void **state)
{
	pid_t keeper;
	char word;

	(void)state;
	keeper = begin(wait_for_signal);
	assert_int_equal(heard(), 'r');
	/* When nobody can write any more, the reader is told. */
	(void)close(w.word[1]);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(end_of(keeper), -SIGKILL);
	assert_int_equal(read(w.word[0], &word, 1), 0);
	assert_int_equal(pipe2(w.word, O_CLOEXEC), 0);
}

static void test_a_limit_of_files_that_is_too_low_is_told(void **state)
{
	struct rlimit before, low;
	int status;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 256;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	capture_begin(&w.said);
	status = end_of(begin(end_at_once));
	capture_end(&w.said);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(status, ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "raise the limit of open files"));
}

/* In the guest's process. */
static enum exit_status read_counters(void *ctx, const struct keeper_client *keeper)
{
	struct vfio_irq_counts *counts;
	uint32_t count;

	(void)ctx;
	if (keeper_ready(keeper) < 0 || keeper_count(keeper, 1, MANY, &counts) < 0)
		return ITSY_RUNTIME;
	for (unsigned v = 0; v < MANY; v++)
		if (vfio_irq_counts_has(counts, v) != (v != 1) ||
		    (v != 1 && (vfio_irq_counts_read(counts, v, &count) < 0 || count != v + 1)))
			return ITSY_CONFIG;
	vfio_irq_counts_close(counts);
	if (keeper_count(keeper, 0, MANY, &counts) >= 0)
		return ITSY_RUNTIME;
	return ITSY_OK;
}

static void test_the_guests_process_reads_counters_that_it_cannot_open(void **state)
{
	(void)state;
	add_many();
	assert_int_equal(end_of(begin(read_counters)), ITSY_OK);
}

static enum exit_status send_rubbish(void *ctx, const struct keeper_client *keeper)
{
	(void)ctx;
	(void)send(keeper->fd, "rubbish", 7, 0);
	while (pause() < 0)
		continue;
	return ITSY_OK;
}

/* The keeper kills that one, and says why. */
static void expect_killed(enum exit_status (*run)(void *ctx, const struct keeper_client *keeper),
			  const char *why)
{
	int status;

	capture_begin(&w.said);
	status = end_of(begin(run));
	capture_end(&w.said);
	assert_int_equal(status, 128 + SIGKILL);
	assert_non_null(strstr(w.said.err, "itsy: error: box: its process was killed: "));
	assert_non_null(strstr(w.said.err, why));
}

static void test_who_sends_rubbish_is_killed(void **state)
{
	(void)state;
	expect_killed(send_rubbish, ": it sent its keeper what is no request: either");
}

static enum exit_status say_nothing_more(void *ctx, const struct keeper_client *keeper)
{
	(void)ctx;
	(void)close(keeper->fd);
	while (pause() < 0)
		continue;
	return ITSY_OK;
}

static void test_who_does_not_end_is_killed(void **state)
{
	(void)state;
	expect_killed(say_nothing_more,
		      ": it had not ended 10 s after its last word: see the host's");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_devices_are_those_of_the_list_and_no_others),
		TEST(test_a_manager_is_told_a_state_that_there_is),
		TEST(test_what_is_of_set_up_is_not_done_after_it),
		TEST(test_a_message_of_another_size_or_kind_ends_the_peer),
		TEST(test_last_words_are_the_first_ones_and_text),
		TEST(test_no_bytes_harm_the_keeper),
		TEST(test_the_file_of_a_group_is_of_a_device_that_vfio_has),
		TEST(test_by_iommufd_it_is_the_functions_own_file),
		TEST(test_the_file_of_a_group_that_another_driver_has_is_not_opened),
		TEST(test_a_function_is_a_devices_by_who_has_the_right_to_it),
		TEST(test_what_was_not_bound_for_the_guest_stays_bound),
		TEST(test_counters_are_those_of_the_devices_own_interrupts),
		TEST(test_the_guests_process_reads_counters_that_it_cannot_open),
		TEST(test_the_exit_status_is_that_of_the_guests_process),
		TEST(test_an_end_by_a_signal_is_told_and_is_the_status),
		TEST(test_signals_go_on_to_the_guests_process),
		TEST(test_a_second_signal_cuts_a_set_up_that_does_not_hear),
		TEST(test_who_waits_for_an_answer_can_say_so),
		TEST(test_a_device_that_is_not_wanted_any_more_is_not_bound),
		TEST(test_the_guests_process_does_not_outlive_its_keeper),
		TEST(test_a_limit_of_files_that_is_too_low_is_told),
		TEST(test_who_sends_rubbish_is_killed),
		TEST(test_who_does_not_end_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
