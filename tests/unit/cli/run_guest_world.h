/* SPDX-License-Identifier: MIT */
/*
 * What itsy run stands on in its tests: the machine, KVM's test, devices and the control socket are
 * played here. For one file of a test program each; LDFLAGS_test_run_guest has what is wrapped.
 */
#ifndef TESTS_UNIT_CLI_RUN_GUEST_WORLD_H
#define TESTS_UNIT_CLI_RUN_GUEST_WORLD_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
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
	enum control_phase phases[4]; /* that were told */
	size_t nr_phases;

	/* Devices, if they are there: what comes of a reset. */
	bool has_devices;
	int look_error;
	int request; /* of the host to have a function back: an eventfd, or -1 */
	unsigned nr_bound;
	enum vfio_reset_step reset_failed;
	unsigned nr_resets, nr_open;
	int signal_while_mapping; /* after the first piece of memory */
	int signal_while_binding;
	int bind_ms;	      /* so long it takes */
	unsigned nr_given_up; /* bindings, by who listens */

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
	/* Its power button: pressed how often, and after how many the guest ends by itself; 0:
	 * never. */
	unsigned nr_presses, presses_to_end;
	bool listens;
	unsigned panics; /* of so many boots the kernel panics */
	unsigned nr_machine_resets;
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
      const struct vfio_listener *listener, const struct config_device *config, unsigned index,
      struct failure *ret_failure))
{
	if (!w.has_devices)
		return __real_passthru_bind(p, fs, keeper, listener, config, index, ret_failure);
	assert_int_equal(w.look_error, 0);
	*p = (struct passthru){ .bdf = config->bdf, .index = index };
	p->irq.name = config->name;
	w.nr_bound++;
	if (w.bind_ms)
		(void)poll(NULL, 0, w.bind_ms);
	if (w.signal_while_binding)
		assert_int_equal(kill(getpid(), w.signal_while_binding), 0);
	/* With a keeper that one listens. */
	w.nr_given_up += !keeper && !listener->go_on(listener->ctx);
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
	w.nr_open -= p->dev != NULL;
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

void control_socket_tell(struct control_socket *control, enum control_phase phase)
{
	(void)control;
	w.phases[w.nr_phases++ % ARRAY_SIZE(w.phases)] = phase;
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
	if (w.nr_machine_resets && w.nr_machine_resets >= w.nr_started)
		return MACHINE_RESET;
	if (w.presses_to_end && w.nr_presses >= w.presses_to_end)
		return w.ends[w.nr_started - 1];
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

void machine_press_power(struct machine *m)
{
	(void)m;
	w.nr_presses++;
}

void machine_thaw(struct machine *m)
{
	(void)m;
}

bool machine_hears_power(struct machine *m)
{
	(void)m;
	return w.listens;
}

bool machine_has_panicked(const struct machine *m)
{
	(void)m;
	return w.nr_served > 1 && w.nr_started <= w.panics;
}

void machine_reset(struct machine *m)
{
	(void)m;
	w.nr_machine_resets++;
}

uint64_t machine_console_service(struct machine *m)
{
	(void)m;
	return UINT64_MAX;
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

static inline int make(void **state)
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
		.log_level = LOG_INFO,
		.router = { .cpu = -1 },
		.spin = { .cpu = -1 },
		.vcpu = { .cpu = -1 },
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

static inline int unmake(void **state)
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
static inline enum exit_status run(void)
{
	enum exit_status status;

	w.nr_machines = w.nr_destroyed = w.nr_started = w.nr_stopped = w.nr_presses = 0;
	capture_begin(&w.said);
	status = run_guest(&w.config, &w.options);
	capture_end(&w.said);
	assert_int_equal(w.nr_destroyed, w.nr_machines);
	assert_int_equal(w.nr_stopped, w.nr_started);
	assert_int_equal(w.nr_controls, 0);
	assert_int_equal(w.nr_bound, 0);
	return status;
}

static inline void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

#endif
