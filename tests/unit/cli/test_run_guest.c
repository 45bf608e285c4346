// SPDX-License-Identifier: MIT
/*
 * itsy run from a configuration to a guest that is over: boots, keys, signals, and what
 * is given back when a step fails.
 */
#include <errno.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/cli/run_guest_world.h"
#include "tests/unit/irq/refuse_io_uring.h"

static unsigned count(const char *text, const char *part)
{
	unsigned nr = 0;

	for (; (text = strstr(text, part)); text++)
		nr++;
	return nr;
}

static void test_a_guest_that_powers_off_is_a_success(void **state)
{
	(void)state;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 1);
	has(w.said.err, "itsy: box.conf: 1 vCPU, 64 MiB, 0 devices\n");
	w.options.quiet = true;
	assert_int_equal(run(), ITSY_OK);
	assert_string_equal(w.said.err, "");
}

static void test_a_guest_that_resets_itself_gets_a_new_machine(void **state)
{
	(void)state;
	w.config.initrd = w.config.kernel;
	w.ends[0] = w.ends[1] = MACHINE_RESET;
	w.ends[2] = MACHINE_OFF;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_machines, 3);
	assert_int_equal(w.nr_started, 3);
	assert_int_equal(count(w.said.err, "the initrd is nothing that Linux unpacks"), 1);
}

static void add_devices(void)
{
	static char names[2][8] = { "disk", "nic" };

	w.has_devices = true;
	w.config.nr_devices = 2;
	for (unsigned i = 0; i < 2; i++)
		w.config.devices[i] = (struct config_device){
			.name = names[i],
			.bdf = { .bus = 1, .dev = (uint8_t)i },
			.msi_cpu = -1,
		};
	w.ends[0] = w.ends[1] = MACHINE_RESET;
	w.ends[2] = MACHINE_OFF;
}

/* One that cannot be had, and the other one is not even bound. */
static void test_no_function_is_bound_before_all_have_been_looked_at(void **state)
{
	(void)state;
	add_devices();
	w.look_error = EBUSY;
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	assert_int_equal(w.nr_machines, 0);
	has(w.said.err, "itsy: error: 0000:01:01.0: the host is using it: eth0\n");
}

static void test_a_function_that_the_host_cannot_reset_is_told_once_and_the_guest_goes_on(
	void **state)
{
	(void)state;
	add_devices();
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_resets, 4);
	assert_int_equal(count(w.said.err, "warning"), 0);

	w.reset_failed = VFIO_RESET_STEP_RESET;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 3);
	assert_int_equal(w.nr_open, 0);
	assert_int_equal(count(w.said.err, "itsy: warning: "), 2);
	has(w.said.err, "itsy: warning: 0000:01:00.0: the host could not reset it: Connection "
			"timed out: the guest goes on; ");
	has(w.said.err, "itsy: warning: 0000:01:01.0: ");
}

static void test_a_function_that_could_write_over_the_next_kernel_ends_the_guest(void **state)
{
	(void)state;
	add_devices();
	w.reset_failed = VFIO_RESET_STEP_QUIET;
	assert_int_equal(run(), ITSY_RUNTIME);
	assert_int_equal(w.nr_started, 1);
	assert_int_equal(w.nr_open, 0);
	has(w.said.err, "itsy: error: 0000:01:00.0: its bus mastering cannot be switched off");
}

static void test_the_host_that_wants_a_function_back_ends_the_guest(void **state)
{
	(void)state;
	add_devices();
	w.request = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(w.request >= 0);
	w.ends[0] = MACHINE_RUNS;
	w.runs_on = true;
	assert_int_equal(run(), ITSY_TAKEN);
	assert_int_equal(w.nr_started, 1);
	assert_int_equal(w.nr_open, 0);
	has(w.said.err, "itsy: error: 0000:01:00.0: the host asks for it back (unbind, ");
	has(w.said.err, "the guest was ended, as on-request = \"stop\" of device disk says: ");
	(void)close(w.request);
}

static void *run_refused(void *arg)
{
	(void)arg;
	assert_int_equal(refuse_io_uring(SYS_io_uring_setup, ENOSYS), 0);
	assert_int_equal(run(), ITSY_OK);
	return NULL;
}

static void test_a_host_without_io_uring_is_told_once(void **state)
{
	pthread_t thread;

	(void)state;
	w.ends[0] = w.ends[1] = MACHINE_RESET;
	w.ends[2] = MACHINE_OFF;
	w.options.quiet = true;
	w.engine = ROUTER_ENGINE_EPOLL;
	assert_int_equal(pthread_create(&thread, NULL, run_refused, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(w.nr_started, 3);
	assert_string_equal(w.said.err,
			    "itsy: warning: io_uring: not there: interrupts go by epoll, which "
			    "costs more, and by irqfd: use a kernel with CONFIG_IO_URING; in a "
			    "container, its seccomp profile must allow io_uring_setup, "
			    "io_uring_enter and io_uring_register\n");
	/* Where epoll does not run there is nothing to tell. */
	w.engine = ROUTER_ENGINE_IO_URING;
	assert_int_equal(pthread_create(&thread, NULL, run_refused, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(w.said.err, "");
}

static void test_a_host_that_fails_is_told(void **state)
{
	(void)state;
	w.ends[0] = MACHINE_FAILED;
	assert_int_equal(run(), ITSY_RUNTIME);
	has(w.said.err, "itsy: error: guest: vCPU 0: KVM_RUN fails: see the host's kernel log, and "
			"start the guest again\n");
}

static void test_a_signal_ends_the_guest_and_is_the_exit_status(void **state)
{
	(void)state;
	w.runs_on = true;
	w.raise = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	assert_int_equal(w.nr_started, 1);
}

/* Much memory takes long to pin, and nobody waits for the end of that. */
static void test_a_signal_during_set_up_gives_all_back_and_starts_nothing(void **state)
{
	(void)state;
	add_devices();
	w.config.memory = GiB;
	w.signal_while_mapping = SIGINT;
	assert_int_equal(run(), 128 + SIGINT);
	assert_int_equal(w.nr_machines, 0);
	assert_int_equal(w.nr_open, 0);
	assert_int_equal(count(w.said.err, "error"), 0);
}

static void test_a_signal_while_devices_are_bound_gives_all_back_and_starts_nothing(void **state)
{
	(void)state;
	add_devices();
	w.signal_while_binding = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	/* While one was bound, and not only behind it. */
	assert_int_equal(w.nr_given_up, 1);
	assert_int_equal(w.nr_open, 0);
	assert_int_equal(w.nr_machines, 0);
	assert_int_equal(count(w.said.err, "error"), 0);
}

/* What is written on a terminal that is standard error. */
static void run_on_terminal(char ret_text[4096])
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };
	int master, slave, saved = dup(STDERR_FILENO);
	size_t len = 0;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(run_guest(&w.config, &w.options), ITSY_OK);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved);
	/* The kernel brings it to the master when it likes. */
	assert_int_equal(write(slave, "@", 1), 1);
	do {
		const ssize_t nr = read(master, ret_text + len, 4095 - len);

		assert_true(nr > 0);
		len += (size_t)nr;
	} while (ret_text[len - 1] != '@');
	ret_text[len] = '\0';
	(void)close(slave);
	(void)close(master);
}

static void test_what_takes_long_is_shown_on_a_terminal_in_one_line(void **state)
{
	char text[4096];

	(void)state;
	add_devices();
	w.options.quiet = false;
	run_on_terminal(text);
	assert_null(strstr(text, "binding"));
	/* The first one took more than 300 ms by then. */
	w.nr_machines = w.nr_started = w.nr_stopped = 0;
	w.bind_ms = 320;
	run_on_terminal(text);
	has(text, "\r\033[Kitsy: binding ");
	has(text, "\r\033[Kitsy: opening and resetting ");
	/* What is over goes. */
	has(strstr(text, "opening and resetting "), "\r\033[K");
	w.nr_machines = w.nr_started = w.nr_stopped = 0;
	w.options.quiet = true;
	run_on_terminal(text);
	assert_null(strstr(text, "binding"));
	/* In a file it would be a line each time. */
	w.options.quiet = false;
	assert_int_equal(run(), ITSY_OK);
	assert_null(strstr(w.said.err, "binding"));
}

static void test_what_is_typed_reaches_the_console_however_little_it_takes(void **state)
{
	(void)state;
	w.room = 2;
	w.serve_before_end = 10;
	assert_int_equal(write(w.input[1], "hello\001x", 7), 7);
	/* The end of the input is not the guest's end. */
	(void)close(w.input[1]);
	w.input[1] = -1;
	assert_int_equal(run(), ITSY_OK);
	/* In a pipe every byte is the guest's. */
	assert_string_equal(w.typed, "hello\001x");
	assert_true(w.nr_served >= 10);
}

static void test_ctrl_a_x_on_a_terminal_ends_the_guest(void **state)
{
	int slave;

	(void)state;
	assert_int_equal(openpty(&w.terminal, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	(void)close(slave);
	w.runs_on = true;
	w.keys = "ls\r\001x";
	assert_int_equal(run(), ITSY_OK);
	assert_string_equal(w.typed, "ls\r");
	has(w.said.err, "Ctrl-a x quits");
}

static void test_the_device_tree_is_written_instead_of_a_boot(void **state)
{
	char path[] = "/tmp/itsy-dtb-XXXXXX";
	_cleanup_file_ FILE *file = NULL;
	uint8_t head[4] = { 0 };

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	w.options.dump_dtb = path;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 0);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(head, 1, sizeof(head), file), sizeof(head));
	assert_memory_equal(head, "\xd0\x0d\xfe\xed", 4);
	assert_int_equal(unlink(path), 0);
}

static void test_statistics_are_written(void **state)
{
	char path[] = "/tmp/itsy-stats-XXXXXX", text[256] = "";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	w.options.stats_json = path;
	assert_int_equal(run(), ITSY_OK);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	has(text, "\"schema\"");
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	/* What ends before its guest runs leaves nothing there. */
	w.kvm_error = ENOENT;
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	assert_int_equal(access(path, F_OK), -1);
}

/* And before its memory is taken. */
static void test_files_that_cannot_be_written_are_told_before_a_function_is_bound(void **state)
{
	static const char want[] = "itsy: error: /nowhere/a: cannot be written (No such file or "
				   "directory): make that folder, or name a file in one that is "
				   "there\n";

	(void)state;
	add_devices();
	/* Whoever looks at the host finds this. */
	w.kvm_error = ENOENT;
	w.options.stats_json = "/nowhere/a";
	assert_int_equal(run(), ITSY_RUNTIME);
	assert_string_equal(w.said.err, want);
	w.options.stats_json = NULL;
	w.options.dump_dtb = "/nowhere/a";
	assert_int_equal(run(), ITSY_RUNTIME);
	assert_string_equal(w.said.err, want);
	assert_int_equal(w.nr_machines, 0);
}

static void test_statistics_that_are_lost_at_the_end_are_an_error(void **state)
{
	(void)state;
	w.options.stats_json = "/dev/full";
	assert_int_equal(run(), ITSY_RUNTIME);
	assert_int_equal(w.nr_started, 1);
	has(w.said.err, "itsy: error: /dev/full: cannot be written (No space left on device): make "
			"room there, or name a file on another file system\n");
	/* A worse end than that is what is told by the status. */
	w.runs_on = true;
	w.raise = SIGTERM;
	assert_int_equal(run(), 128 + SIGTERM);
	has(w.said.err, "itsy: error: /dev/full: cannot be written ");
}

/* Also what the keeper says, in a process of its own. */
static void test_messages_go_to_a_file_that_is_opened_before_all_else(void **state)
{
	char path[] = "/tmp/itsy-run-log.XXXXXX", text[1024] = "", missing[] = "/nowhere/log";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	w.config.log_file = path;
	w.config.log_level = LOG_DEBUG;
	w.options.quiet = false;
	assert_int_equal(run(), ITSY_OK);
	assert_null(strstr(w.said.err, "itsy:"));
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	has(text, "Z notice: box.conf: 1 vCPU, 64 MiB, 0 devices\n");
	has(text, "Z debug: boot 1\n");
	w.config.log_file = missing;
	assert_int_equal(run(), ITSY_RUNTIME);
	assert_int_equal(w.nr_started, 0);
	has(w.said.err, "itsy: error: /nowhere/log: cannot be written (No such file or directory): "
			"make that folder, or name a file in one that is there\n");
	(void)close(fd);
	(void)unlink(path);
}

static void test_what_fails_before_the_guest_runs_is_given_back_and_told(void **state)
{
	static const struct {
		int *error;
		int value;
		enum exit_status status;
		const char *want;
	} cases[] = {
		{ &w.kvm_error, ENOENT, ITSY_ENVIRONMENT, "/dev/kvm: the host has no KVM" },
		{ &w.needs_error, ENOTSUP, ITSY_ENVIRONMENT, "KVM extensions: missing: one" },
		{ &w.control_error, EBUSY, ITSY_ENVIRONMENT, "/run/itsy/box.sock: cannot be made" },
		{ &w.create_error, ENOMEM, ITSY_ENVIRONMENT, "a machine: cannot be made" },
		{ &w.fdt_error, ENOSPC, ITSY_RUNTIME, "device tree: has no room" },
		{ &w.start_error, EAGAIN, ITSY_RUNTIME, "a thread: cannot be made" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		*cases[i].error = cases[i].value;
		assert_int_equal(run(), cases[i].status);
		has(w.said.err, cases[i].want);
		*cases[i].error = 0;
	}
	w.config.kernel = (char *)(uintptr_t) "/nowhere/Image";
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	has(w.said.err, "/nowhere/Image: the kernel cannot be opened");
}

/* Before a function is bound, and by one line, however many threads would have been there. */
static void test_a_cpu_that_the_host_has_not_is_an_error(void **state)
{
	(void)state;
	add_devices();
	if (placement_try_cpu(PLACEMENT_MAX_CPU) == 0)
		skip();
	w.config.router = (struct placement){ .cpu = PLACEMENT_MAX_CPU, .asked = true };
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	assert_int_equal(w.nr_machines, 0);
	assert_int_equal(count(w.said.err, "\n"), 1);
	has(w.said.err, "itsy: error: router-cpu: CPU 1023 is not online: name one of ");
}

static void test_a_guest_runs_where_no_control_socket_can_be_made(void **state)
{
	(void)state;
	w.control_error = EACCES;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 1);
	has(w.said.err, "itsy: warning: /run/itsy/box.sock: cannot be made: itsy ctl and itsy top "
			"will not find this guest");
}

static void test_devices_that_are_not_there_end_it_before_anything_runs(void **state)
{
	static char name[] = "nvme";

	(void)state;
	w.config.nr_devices = 1;
	w.config.devices[0] = (struct config_device){
		.name = name,
		.bdf = { .domain = 0xfffe, .bus = 0xfe },
		.msi_cpu = -1,
	};
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	has(w.said.err, "fffe:fe:00.0");
	assert_int_equal(w.nr_machines, 0);
	/* All memory of a guest with devices is locked: more than there is cannot be. */
	w.config.memory = LAYOUT_RAM_MAX;
	assert_int_equal(run(), ITSY_ENVIRONMENT);
	has(w.said.err, "guest memory: ");
}

/* ---- with the sandbox ------------------------------------------------------------------ */

/* The keeper is locked down afterwards: it is another process than the test's. */
/* *ret_started: the process that was started for it. */
static int run_in_sandbox_of(pid_t *ret_started)
{
	int status = 0;
	pid_t child;

	w.config.sandbox = SANDBOX_WISH_ON;
	capture_begin(&w.said);
	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(run_guest(&w.config, &w.options));
	(void)waitpid(child, &status, 0);
	capture_end(&w.said);
	*ret_started = child;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run_in_sandbox(void)
{
	pid_t started;

	return run_in_sandbox_of(&started);
}

static void test_with_the_sandbox_statuses_and_words_are_the_same(void **state)
{
	(void)state;
	w.ends[0] = MACHINE_RESET;
	w.ends[1] = MACHINE_OFF;
	assert_int_equal(run_in_sandbox(), ITSY_OK);
	assert_string_equal(w.said.err, "itsy: box.conf: 1 vCPU, 64 MiB, 0 devices\n");
	w.kvm_error = ENOENT;
	assert_int_equal(run_in_sandbox(), ITSY_ENVIRONMENT);
	assert_string_equal(w.said.err, "itsy: error: /dev/kvm: the host has no KVM\n");
	w.kvm_error = 0;
	w.runs_on = true;
	w.raise = SIGTERM;
	assert_int_equal(run_in_sandbox(), 128 + SIGTERM);
}

/* systemd believes the process that it has started, and no other: with a sandbox, that is the
 * keeper. */
static void expect_told_by(pid_t pid, int manager, const char *want)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	char text[64] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct ucred sender;

	assert_true(recvmsg(manager, &message, 0) > 0);
	assert_string_equal(text, want);
	memcpy(&sender, CMSG_DATA(&control.header), sizeof(sender));
	assert_int_equal(sender.pid, pid);
}

static void test_a_manager_hears_how_far_the_guest_is_with_and_without_a_sandbox(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
	pid_t started;
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "@itsy-run-%d", (int)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(manager, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	assert_int_equal(setsockopt(manager, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
	for (unsigned plain = 0; plain < 2; plain++) {
		char text[64];

		/* A reset is no news. */
		w.ends[0] = MACHINE_RESET;
		w.ends[1] = MACHINE_OFF;
		assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
		started = getpid();
		w.config.sandbox = SANDBOX_WISH_OFF;
		if (plain)
			assert_int_equal(run(), ITSY_OK);
		else
			assert_int_equal(run_in_sandbox_of(&started), ITSY_OK);
		expect_told_by(started, manager, "STATUS=the guest is set up");
		expect_told_by(started, manager, "READY=1\nSTATUS=the guest runs");
		expect_told_by(started, manager, "STOPPING=1\nSTATUS=the guest stops");
		assert_true(recv(manager, text, sizeof(text), 0) < 0);
	}
	/* One that does not come to run is not ready. */
	w.kvm_error = ENOENT;
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(run_in_sandbox_of(&started), ITSY_ENVIRONMENT);
	expect_told_by(started, manager, "STATUS=the guest is set up");
	assert_true(recv(manager, name, sizeof(name), 0) < 0);
	(void)close(manager);
}

static void test_with_the_sandbox_statistics_are_written(void **state)
{
	char path[] = "/tmp/itsy-stats-XXXXXX", text[256] = "";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	w.options.stats_json = path;
	assert_int_equal(run_in_sandbox(), ITSY_OK);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	has(text, "\"schema\"");
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	w.options.stats_json = "/dev/full";
	assert_int_equal(run_in_sandbox(), ITSY_RUNTIME);
	has(w.said.err, "itsy: error: /dev/full: cannot be written ");
	w.options.stats_json = "/nowhere/a";
	assert_int_equal(run_in_sandbox(), ITSY_RUNTIME);
	/* That of a guest which never ran stays, where its process can remove none any more. */
	w.options.stats_json = path;
	w.fdt_error = ENOSPC;
	assert_int_equal(run_in_sandbox(), ITSY_RUNTIME);
	has(w.said.err, "device tree: has no room");
	(void)unlink(path);
}

static void test_the_terminal_comes_back_from_a_guest_whose_process_is_killed(void **state)
{
	struct termios before, after;
	int slave;

	(void)state;
	assert_int_equal(openpty(&w.terminal, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	(void)close(slave);
	assert_int_equal(tcgetattr(STDIN_FILENO, &before), 0);
	w.runs_on = true;
	w.raise = SIGKILL;
	assert_int_equal(run_in_sandbox(), 128 + SIGKILL);
	has(w.said.err, "its process was ended by signal 9");
	assert_int_equal(tcgetattr(STDIN_FILENO, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_guest_that_powers_off_is_a_success),
		TEST(test_a_guest_that_resets_itself_gets_a_new_machine),
		TEST(test_no_function_is_bound_before_all_have_been_looked_at),
		TEST(test_a_function_that_the_host_cannot_reset_is_told_once_and_the_guest_goes_on),
		TEST(test_a_function_that_could_write_over_the_next_kernel_ends_the_guest),
		TEST(test_the_host_that_wants_a_function_back_ends_the_guest),
		TEST(test_a_host_without_io_uring_is_told_once),
		TEST(test_a_host_that_fails_is_told),
		TEST(test_a_signal_ends_the_guest_and_is_the_exit_status),
		TEST(test_a_signal_during_set_up_gives_all_back_and_starts_nothing),
		TEST(test_what_is_typed_reaches_the_console_however_little_it_takes),
		TEST(test_a_signal_while_devices_are_bound_gives_all_back_and_starts_nothing),
		TEST(test_what_takes_long_is_shown_on_a_terminal_in_one_line),
		TEST(test_ctrl_a_x_on_a_terminal_ends_the_guest),
		TEST(test_the_device_tree_is_written_instead_of_a_boot),
		TEST(test_statistics_are_written),
		TEST(test_files_that_cannot_be_written_are_told_before_a_function_is_bound),
		TEST(test_statistics_that_are_lost_at_the_end_are_an_error),
		TEST(test_messages_go_to_a_file_that_is_opened_before_all_else),
		TEST(test_what_fails_before_the_guest_runs_is_given_back_and_told),
		TEST(test_a_cpu_that_the_host_has_not_is_an_error),
		TEST(test_a_guest_runs_where_no_control_socket_can_be_made),
		TEST(test_devices_that_are_not_there_end_it_before_anything_runs),
		TEST(test_with_the_sandbox_statuses_and_words_are_the_same),
		TEST(test_a_manager_hears_how_far_the_guest_is_with_and_without_a_sandbox),
		TEST(test_with_the_sandbox_statistics_are_written),
		TEST(test_the_terminal_comes_back_from_a_guest_whose_process_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
