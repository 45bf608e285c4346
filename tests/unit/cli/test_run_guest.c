// SPDX-License-Identifier: MIT
/*
 * itsy run from a configuration to a guest that is over: boots, keys, signals, and what
 * is given back when a step fails. The machine, KVM's test and the control socket are
 * played by this file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/irq/refuse_io_uring.h"
#include "vitsmod/bits.h"
#include "vmm/cli/commands.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/verbs.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/machine.h"

static struct {
	struct config config;
	struct run_options options;
	int input[2]; /* a pipe; what is typed */
	int saved_input;
	struct capture said;

	/* The host. */
	int kvm_error, needs_error, control_error;
	unsigned nr_controls;

	/* Devices, if they are there: what comes of a reset. */
	bool has_devices;
	int look_error;
	int request; /* of the host to have a function back: an eventfd, or -1 */
	unsigned nr_bound;
	enum vfio_reset_step reset_failed;
	unsigned nr_resets, nr_open;
	int signal_while_mapping; /* after the first piece of memory */

	/* The machines, in turn: how each ends. */
	enum machine_end ends[4];
	unsigned nr_machines, nr_destroyed, nr_started, nr_stopped, nr_served;
	int create_error, fdt_error, start_error;
	const struct machine_config *machine;
	bool runs_on;		 /* until something else ends it */
	size_t serve_before_end; /* so often */
	char typed[64];		 /* what the console took */
	size_t nr_typed, room;	 /* how many bytes it takes at once */
	int raise;		 /* this signal, while it runs */
	enum router_engine engine;
	/* Typed while it runs, on the terminal. */
	int terminal;
	const char *keys;
} w;

/* ---- what itsy run stands on ----------------------------------------------------------- */

/* Without has_devices they are the host's own, which has none. */
#define WRAP(type, name, parameters)   \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters

WRAP(int, vm_init, (struct vm * vm, struct failure *ret_failure))
{
	*vm = (struct vm){ .kvm = -1, .fd = -1 };
	return w.kvm_error ? failure_set(ret_failure, ITSY_ENVIRONMENT, w.kvm_error, "/dev/kvm",
					 NULL, "the host has no KVM")
			   : 0;
}

WRAP(int, vm_needs_met, (const struct vm *vm, struct failure *ret_failure))
{
	(void)vm;
	return w.needs_error ? failure_set(ret_failure, ITSY_ENVIRONMENT, w.needs_error,
					   "KVM extensions", NULL, "missing: one")
			     : 0;
}

WRAP(int, passthru_look_at_all,
     (const struct pci_host_fs *host, const struct config *config, struct failure *ret_failure))
{
	if (!w.has_devices)
		return __real_passthru_look_at_all(host, config, ret_failure);
	assert_int_equal(w.nr_bound, 0);
	return w.look_error ? failure_set(ret_failure, ITSY_ENVIRONMENT, w.look_error,
					  "0000:01:01.0", NULL, "the host is using it: eth0")
			    : 0;
}

WRAP(int, passthru_bind,
     (struct passthru * p, const struct pci_host_fs *fs, const struct keeper_client *keeper,
      const struct config_device *config, unsigned index, struct failure *ret_failure))
{
	if (!w.has_devices)
		return __real_passthru_bind(p, fs, keeper, config, index, ret_failure);
	assert_int_equal(w.look_error, 0);
	*p = (struct passthru){ .bdf = config->bdf, .index = index };
	p->irq.name = config->name;
	w.nr_bound++;
	return 0;
}

WRAP(int, passthru_open,
     (struct passthru * p, const struct config_device *config, struct vfio_container *container,
      struct failure *ret_failure))
{
	if (!w.has_devices)
		return __real_passthru_open(p, config, container, ret_failure);
	w.nr_open++;
	p->dev = (struct vfio_device *)&w;
	return 0;
}

WRAP(void, passthru_close, (struct passthru * p))
{
	if (!w.has_devices) {
		__real_passthru_close(p);
		return;
	}
	w.nr_open--;
	p->dev = NULL;
}

WRAP(int, vfio_device_notice, (const struct vfio_device *dev, enum vfio_notice notice))
{
	assert_ptr_equal(dev, &w);
	return notice == VFIO_NOTICE_REQUEST ? w.request : -1;
}

WRAP(void, passthru_give_back, (struct passthru * p))
{
	if (!w.has_devices)
		__real_passthru_give_back(p);
	else
		w.nr_bound--;
}

WRAP(int, vfio_container_create,
     (enum vfio_iommu_kind kind, struct vfio_container **ret_container,
      struct vfio_failure *ret_failure))
{
	return w.has_devices ? 0 : __real_vfio_container_create(kind, ret_container, ret_failure);
}

WRAP(int, vfio_dma_map_in_pieces,
     (struct vfio_container * c, uint64_t iova, uint64_t size, void *va,
      const struct vfio_dma_progress *progress, struct vfio_failure *ret_failure))
{
	if (!w.has_devices)
		return __real_vfio_dma_map_in_pieces(c, iova, size, va, progress, ret_failure);
	for (uint64_t done = 0; done < size; done += progress->piece) {
		if (w.signal_while_mapping && done)
			assert_int_equal(kill(getpid(), w.signal_while_mapping), 0);
		if (!progress->go_on(progress->ctx, done, size)) {
			*ret_failure =
				(struct vfio_failure){ .code = VFIO_FAILURE_OTHER, .error = EINTR };
			return -EINTR;
		}
	}
	return 0;
}

WRAP(void, vfio_reset_all,
     (struct vfio_device *const devs[], size_t nr, struct vfio_reset_result results[]))
{
	for (size_t i = 0; i < nr; i++, w.nr_resets++) {
		assert_ptr_equal(devs[i], &w);
		results[i] = (struct vfio_reset_result){ w.reset_failed, { .error = ETIMEDOUT } };
		(void)sprintf(results[i].why.object, "0000:01:0%zu.0", i);
		results[i].why.code = VFIO_FAILURE_RESET;
	}
}

WRAP(void, vfio_reset_due,
     (struct vfio_device *const devs[], size_t nr, struct vfio_reset_result results[]))
{
	assert_ptr_equal(devs[1], &w);
	memset(results, 0, nr * sizeof(results[0]));
}

const struct control_verb control_verbs[] = { { .name = "info" } };
const size_t nr_control_verbs = 1;

int control_socket_create(const struct control_socket_config *config,
			  struct control_socket **ret_control, struct failure *ret_failure)
{
	assert_string_equal(config->dir, "/run/itsy");
	assert_string_equal(config->name, "box");
	if (w.control_error)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, w.control_error,
				   "/run/itsy/box.sock", NULL, "cannot be made");
	w.nr_controls++;
	*ret_control = (struct control_socket *)&w;
	return 0;
}

void control_socket_destroy(struct control_socket *control)
{
	w.nr_controls -= control != NULL;
}

void control_socket_leave(struct control_socket *control)
{
	assert_true(w.config.sandbox == SANDBOX_WISH_ON);
	w.nr_controls -= control != NULL;
}

size_t control_socket_fds(const struct control_socket *control, struct pollfd fds[CONTROL_MAX_FDS])
{
	(void)control;
	(void)fds;
	return 0;
}

void control_socket_serve(struct control_socket *control, const struct pollfd fds[], size_t nr)
{
	(void)control;
	(void)fds;
	assert_int_equal(nr, 0);
}

int machine_create(const struct machine_config *config, struct machine **ret_machine,
		   struct failure *ret_failure)
{
	w.machine = config;
	if (w.create_error)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, w.create_error, "a machine", NULL,
				   "cannot be made");
	w.nr_machines++;
	*ret_machine = (struct machine *)&w;
	return 0;
}

void machine_destroy(struct machine *m)
{
	w.nr_destroyed += m != NULL;
}

int machine_write_fdt(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	(void)m;
	if (w.fdt_error)
		return failure_set(ret_failure, ITSY_RUNTIME, w.fdt_error, "device tree", NULL,
				   "has no room");
	assert_int_equal(
		fdt_create_empty_tree(gmem_host(w.machine->mem, loaded->fdt, loaded->fdt_max_sz),
				      (int)loaded->fdt_max_sz),
		0);
	return 0;
}

int machine_start(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	(void)m;
	(void)loaded;
	w.nr_started++;
	w.nr_served = 0;
	return w.start_error ? failure_set(ret_failure, ITSY_RUNTIME, w.start_error, "a thread",
					   NULL, "cannot be made")
			     : 0;
}

enum machine_end machine_end(struct machine *m)
{
	(void)m;
	if (w.nr_stopped < w.nr_started && (w.runs_on || w.nr_served < w.serve_before_end))
		return MACHINE_RUNS;
	return w.ends[w.nr_started - 1];
}

const char *machine_failure(struct machine *m)
{
	(void)m;
	return "vCPU 0: KVM_RUN fails";
}

/* The machine asks to be looked at again, or something happens to us. */
int machine_service(struct machine *m)
{
	(void)m;
	w.nr_served++;
	if (w.keys && w.nr_served == 1)
		assert_int_equal(write(w.terminal, w.keys, strlen(w.keys)), strlen(w.keys));
	if (w.raise && w.nr_served == 3)
		assert_int_equal(raise(w.raise), 0);
	(void)eventfd_write(w.machine->wake_up, 1);
	return 1;
}

size_t machine_type(struct machine *m, const uint8_t *bytes, size_t nr)
{
	size_t taken = nr < w.room ? nr : w.room;

	(void)m;
	assert_true(w.nr_typed + taken < sizeof(w.typed));
	memcpy(w.typed + w.nr_typed, bytes, taken);
	w.nr_typed += taken;
	return taken;
}

void machine_stop(struct machine *m)
{
	(void)m;
	w.nr_stopped++;
}

enum router_engine machine_engine(const struct machine *m)
{
	(void)m;
	return w.engine;
}

bool machine_delivers_directly(const struct machine *m)
{
	(void)m;
	return false;
}

void machine_stats_get(struct machine *m, struct machine_stats *ret_stats)
{
	(void)m;
	*ret_stats = (struct machine_stats){ 0 };
}

/* ---- running --------------------------------------------------------------------------- */

static int make(void **state)
{
	static char kernel[] = "Makefile", cmdline[] = "", path[] = "box.conf";

	(void)state;
	memset(&w, 0, sizeof(w));
	w.config = (struct config){
		.path = path,
		.name = "box",
		.kernel = kernel,
		.flat = true, /* any file will do */
		.cmdline = cmdline,
		.vcpus = 1,
		.memory = 64 * MiB,
		.sandbox = SANDBOX_WISH_OFF,
	};
	w.ends[0] = MACHINE_OFF;
	w.room = 64;
	w.serve_before_end = 2;
	w.terminal = w.request = -1;
	w.saved_input = dup(STDIN_FILENO);
	if (pipe2(w.input, O_CLOEXEC) < 0 || dup2(w.input[0], STDIN_FILENO) < 0)
		return -1;
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	(void)dup2(w.saved_input, STDIN_FILENO);
	(void)close(w.saved_input);
	(void)close(w.input[0]);
	if (w.input[1] >= 0)
		(void)close(w.input[1]);
	if (w.terminal >= 0)
		(void)close(w.terminal);
	return 0;
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

/* Whatever comes of it, nothing is left behind. */
static enum exit_status run(void)
{
	enum exit_status status;

	w.nr_machines = w.nr_destroyed = w.nr_started = w.nr_stopped = 0;
	capture_begin(&w.said);
	status = run_guest(&w.config, &w.options);
	capture_end(&w.said);
	assert_int_equal(w.nr_destroyed, w.nr_machines);
	assert_int_equal(w.nr_stopped, w.nr_started);
	assert_int_equal(w.nr_controls, 0);
	assert_int_equal(w.nr_bound, 0);
	return status;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

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
	has(w.said.err, "itsy: error: guest: vCPU 0: KVM_RUN fails\n");
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
	uint8_t head[4] = { 0 };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	w.options.dump_dtb = path;
	assert_int_equal(run(), ITSY_OK);
	assert_int_equal(w.nr_started, 0);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	assert_memory_equal(head, "\xd0\x0d\xfe\xed", 4);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	w.options.dump_dtb = "/nowhere/a.dtb";
	assert_int_equal(run(), ITSY_RUNTIME);
	has(w.said.err, "/nowhere/a.dtb: cannot be written (No such file or directory)");
}

static void test_statistics_are_written_or_a_warning_tells_why_not(void **state)
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
	w.options.stats_json = "/nowhere/a.json";
	assert_int_equal(run(), ITSY_OK);
	has(w.said.err, "itsy: warning: /nowhere/a.json: cannot be written");
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
static int run_in_sandbox(void)
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
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
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
		TEST(test_ctrl_a_x_on_a_terminal_ends_the_guest),
		TEST(test_the_device_tree_is_written_instead_of_a_boot),
		TEST(test_statistics_are_written_or_a_warning_tells_why_not),
		TEST(test_what_fails_before_the_guest_runs_is_given_back_and_told),
		TEST(test_a_guest_runs_where_no_control_socket_can_be_made),
		TEST(test_devices_that_are_not_there_end_it_before_anything_runs),
		TEST(test_with_the_sandbox_statuses_and_words_are_the_same),
		TEST(test_with_the_sandbox_statistics_are_written),
		TEST(test_the_terminal_comes_back_from_a_guest_whose_process_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
