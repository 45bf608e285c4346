// SPDX-License-Identifier: MIT
/*
 * itsy run: from a configuration to a guest that is over.
 *
 * This thread starts everything, then waits: for keys, for signals, for the
 * machine's wake-ups. vCPUs and the router have threads of their own.
 *
 * With the sandbox on, which is the default, all that happens in a process of its own, which
 * takes its sandbox when the first machine is made and before anything of the guest's runs; the
 * process that was started is its keeper (vmm/sandbox/). From then on no file can be opened: what
 * a reboot needs is open already.
 */
#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/base/self.h"
#include "vmm/base/signals.h"
#include "vmm/cli/run_guest_priv.h"
#include "vmm/cli/run_log.h"
#include "vmm/cli/term.h"
#include "vmm/control/irqstat.h"
#include "vmm/dev/host_notice.h"
#include "vmm/dev/vfio_words.h"

#define OWN_FDS 2u /* that attend() polls, before those of the console */

/* ---- while the guest runs ----------------------------------------------------------- */

static void begin_attending(struct run *run, struct machine *m)
{
	run->mistakes = (struct mistakes){ 0 };
	run->guest = (struct running_guest){
		.config = run->config,
		.functions = run->functions,
		.nr_functions = run->nr_functions,
		.machine = m,
		.stop = &run->stop,
		.console = console_port_where(run->console.port),
		.iommu = run->container ? vfio_iommu_kind_name(run->iommu.kind) : NULL,
		.pid = run->pid,
		.boots = run->boots,
		.since_ns = clock_ns(),
	};
}

static bool is_told_to_end(const struct run *run)
{
	return run->console.quit || run->set_up.killed_by || run->taken || run->stop.cut ||
	       run->panic.cut;
}

/* What the guest does wrong is a line now and then; at the end, statistics tell of it. */
static int tell_mistakes(struct run *run, struct machine *m)
{
	return run->options->quiet ? -1 : mistakes_service(&run->mistakes, m, clock_ns());
}

/* All that is due. Returns after how many milliseconds something is again; -1: never. */
static int serve(struct run *run, struct machine *m)
{
	int ms = sooner_ms(machine_service(m), stop_service(&run->stop, m, clock_ns()));

	ms = sooner_ms(ms, panic_service(&run->panic, m, run->boots));
	return sooner_ms(ms, tell_mistakes(run, m));
}

/* Until the machine ends, or we are told to. */
static void attend(struct run *run, struct machine *m)
{
	begin_attending(run, m);
	control_socket_tell(run->control, CONTROL_RUNNING);
	while (machine_end(m) == MACHINE_RUNS && !is_told_to_end(run)) {
		struct pollfd
			fds[OWN_FDS + GUEST_CONSOLE_FDS + CONTROL_MAX_FDS + HOST_NOTICE_MAX_FDS] = {
				{ .fd = run->wake_up, .events = POLLIN },
				{ .fd = run->signals, .events = POLLIN },
			};
		struct pollfd *console = fds + OWN_FDS, *control = console + GUEST_CONSOLE_FDS;
		size_t nr_control = control_socket_fds(run->control, control);
		struct pollfd *notices = control + nr_control;
		size_t nr_notices = host_notice_fds(run->functions, run->nr_functions, notices);
		struct timespec wait;
		bool ends = guest_console_fds(&run->console, m, serve(run, m), console, &wait);
		eventfd_t ignored;

		if (ppoll(fds, (nfds_t)(notices + nr_notices - fds), ends ? &wait : NULL, NULL) < 0)
			continue; /* EINTR; nothing else can come of these arguments */
		if (fds[0].revents)
			(void)eventfd_read(run->wake_up, &ignored);
		if (run->stop.asked)
			manager_tell(&run->manager, SERVICE_STOPS);
		if (fds[1].revents)
			stop_by_signal(&run->stop, m, signals_take(run->signals), clock_ns());
		guest_console_serve(&run->console, m, console);
		if (host_notice_take(run->functions, run->nr_functions, notices, &run->taker) < 0)
			run->taken = true;
		control_socket_serve(run->control, control, nr_control);
	}
	/* A guest that has powered off in the last moment has powered off. */
	if (run->stop.cut && machine_end(m) == MACHINE_RUNS)
		run->set_up.killed_by = run->stop.signal;
}

static int write_dtb(struct run *run, const struct loaded *loaded, struct failure *ret_failure)
{
	const void *fdt = gmem_host(&run->mem, loaded->fdt, loaded->fdt_max_sz);

	return output_write(&run->dtb, fdt, fdt_totalsize(fdt), ret_failure);
}

/* Of the first boot; the others find the same. */
static void warn_of_epoll(const struct run *run, const struct machine *m)
{
	const struct failure *why = &run->no_io_uring;

	if (run->boots == 1 && machine_engine(m) == ROUTER_ENGINE_EPOLL &&
	    run->io_uring == IO_URING_REFUSED)
		report_warning("%s: %s: %s", why->object, why->cause, why->cure);
}

/* One machine's life. 1: the guest wants another one. */
static int run_machine(struct run *run, struct machine *m, struct failure *ret_failure)
{
	struct loaded loaded;
	enum machine_end end;
	int r = loader_load_open(&run->mem, &run->files, &loaded, ret_failure);

	if (r < 0)
		return r;
	r = machine_write_fdt(m, &loaded, ret_failure);
	if (r < 0)
		return r;
	if (run->options->dump_dtb)
		return write_dtb(run, &loaded, ret_failure);

	if (!run->boots && set_up_is_to_end(&run->set_up))
		return -EINTR;
	run->boots++;
	report_debug("boot %u", run->boots);
	r = machine_start(m, &loaded, ret_failure);
	if (r >= 0) {
		warn_of_epoll(run, m);
		manager_tell(&run->manager, SERVICE_RUNS);
		attend(run, m);
	}
	machine_stop(m);
	machine_stats_get(m, &run->stats);
	if (log_has_file() && !run->options->quiet)
		mistakes_tell(&run->mistakes, &run->stats);
	if (r < 0)
		return r;
	if (run->taken) {
		*ret_failure = run->taker;
		return -ECANCELED;
	}
	if (run->panic.cut)
		return panic_failed(ret_failure);

	end = machine_end(m);
	if (end == MACHINE_FAILED)
		return failure_set(ret_failure, ITSY_RUNTIME, EIO, "guest",
				   CURE_KERNEL_LOG ", and start the guest again", "%s",
				   machine_failure(m));
	return end == MACHINE_RESET;
}

/* With the first machine there is all that has to be opened. Nothing of the guest's has run. */
static int enter_sandbox(struct run *run, const struct machine *m, struct machine_config *config,
			 bool *direct, struct failure *ret_failure)
{
	int r;

	if (!run->sandbox || config->direct)
		return 0;
	*direct = machine_delivers_directly(m);
	config->direct = direct;
	r = keeper_ready(run->keeper);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "keeper",
				   "itsy check says what of the sandbox this host has; sandbox = "
				   "\"off\" does without it",
				   "cannot give up what it does not need (%s)", strerror(-r));
	output_stays(&run->stats_json);
	return sandbox_enter(run->sandbox, ret_failure);
}

/* A guest that is to stop and resets itself has written what it has to write. */
static bool is_started_again(const struct run *run, int r)
{
	if (r != 1 || is_told_to_end(run))
		return false;
	if (run->stop.asked)
		report_notice(
			"the guest has reset itself, and is not started again, as it was asked "
			"to power off");
	return !run->stop.asked;
}

static int run_machines(struct run *run, struct failure *ret_failure)
{
	struct machine_config config = {
		.config = run->config,
		.mem = &run->mem,
		.functions = run->functions,
		.nr_functions = run->nr_functions,
		.topology = run->topology,
		.wake_up = run->wake_up,
		.firmware = run->files.firmware.memory,
		.console = run->console.port,
		.confine = sandbox_confine(run->sandbox),
		.kvm = run->sandbox ? &run->kept_kvm : NULL,
	};
	bool direct;
	int r;

	do {
		struct machine *m = NULL;

		r = machine_create(&config, &m, ret_failure);
		if (r >= 0)
			r = enter_sandbox(run, m, &config, &direct, ret_failure);
		if (r >= 0)
			r = run_machine(run, m, ret_failure);
		machine_destroy(m);
		/* Bus mastering ends here, before the next kernel is loaded over the last one. */
		if (r == 1 &&
		    passthru_reset_all(run->functions, run->nr_functions, ret_failure) < 0)
			r = -EIO;
	} while (is_started_again(run, r));
	manager_tell(&run->manager, SERVICE_STOPS);
	return r;
}

/* ---- the whole ------------------------------------------------------------------------- */

static void say_hello(const struct run *run)
{
	if (run->no_control.object[0])
		report_warning("%s: %s: itsy ctl and itsy top will not find this guest",
			       run->no_control.object, run->no_control.cause);
	passthru_warn_of_iommu(&run->iommu, run->config->nr_devices);
	if (run->options->quiet)
		return;
	report_notice("%s: %u vCPU%s, %llu MiB, %zu device%s%s", run->config->path,
		      run->config->vcpus, plural(run->config->vcpus),
		      (unsigned long long)(run->config->memory / MiB), run->config->nr_devices,
		      plural(run->config->nr_devices), guest_console_keys(&run->console));
	guest_console_say_where(&run->console);
}

/* The text is made first: what is in the file is whole, or is told. */
static int write_stats(struct run *run, struct failure *ret_failure)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int r = out ? irqstat_write_json(out, run->functions, run->nr_functions, &run->stats,
					 run->boots)
		    : -errno;

	if (out && fclose(out) == EOF && r >= 0)
		r = -ENOMEM;
	return r < 0 ? output_failed(ret_failure, run->options->stats_json, -r)
		     : output_write(&run->stats_json, text, len, ret_failure);
}

static void report_end(struct run *run)
{
	struct failure failure;

	if (!run->options->quiet && run->boots)
		irqstat_print(stderr, run->columns, run->functions, run->nr_functions, &run->stats);
	if (!run->stats_json.path || !run->boots || write_stats(run, &failure) >= 0)
		return;
	(void)report_failure(&failure);
	run->is_unwritten = true;
}

/* All of it, in whichever process. */
static enum exit_status live(struct run *run)
{
	struct failure failure = { 0 };
	int r = run_set_up(run, &failure);

	if (r >= 0)
		r = guest_console_begin(&run->console, &failure);
	if (r >= 0) {
		say_hello(run);
		r = run_machines(run, &failure);
		guest_console_end(&run->console);
		report_end(run);
	}
	run_tear_down(run);

	if (r < 0 && !run->set_up.killed_by)
		return report_failure(&failure);
	/* As a shell says of a program that a signal ended. */
	if (run->set_up.killed_by)
		return (enum exit_status)(128 + run->set_up.killed_by);
	return run->is_unwritten ? ITSY_RUNTIME : ITSY_OK;
}

/* ---- its process and its keeper ---------------------------------------------------------- */

static enum exit_status live_kept(void *ctx, const struct keeper_client *keeper)
{
	struct run *run = ctx;

	run->kept = (struct keeper_client){ .fd = keeper->fd,
					    .waiting = set_up_show,
					    .ctx = &run->set_up };
	run->keeper = &run->kept;
	run->manager.keeper = run->keeper;
	cleanup_fd(&run->manager.service); /* the keeper's */
	return live(run);
}

static void not_given_back(void *ctx, const struct pci_bdf *bdf, const struct vfio_failure *why)
{
	struct failure failure;
	char name[PCI_BDF_STRLEN];

	(void)ctx;
	(void)failure_from_vfio(&failure, why);
	report_warning("%s: not given back: %s: %s", pci_bdf_format(bdf, name), failure.object,
		       failure.cause);
}

static enum exit_status keep(struct run *run)
{
	struct keeper_device devices[CONFIG_MAX_DEVICES];
	const struct keeper_config config = {
		.name = run->config->name,
		.host = run->host,
		.devices = devices,
		.nr_devices = run_nr_places(run),
		.service = run->manager.service,
		.run = live_kept,
		.kept = not_given_back,
		.ctx = run,
	};
	struct term_settings terminal;
	enum exit_status status;
	bool is_tty = term_remember(&terminal);

	for (size_t i = 0; i < run_nr_places(run); i++)
		devices[i] = (struct keeper_device){
			.bdf = run->config->devices[i].bdf,
			.cpu = run->config->devices[i].msi_cpu,
			.bind = passthru_bind_flags(&run->config->devices[i]),
		};
	status = keeper_run(&config);
	if (is_tty)
		term_put_back(&terminal);
	return status;
}

static enum exit_status run_logged(struct run *run)
{
	struct failure failure = { 0 };
	enum exit_status status;

	if (run_open_control(run, &failure) < 0)
		return report_failure(&failure);
	/* Nobody is at the console of a guest that does not run. */
	if (!run->options->dump_dtb &&
	    guest_console_open(&run->console, run->config, &failure) < 0) {
		control_socket_destroy(run->control);
		return report_failure(&failure);
	}
	/* A device tree is written where the caller says, and nothing runs. */
	status = run->config->sandbox == SANDBOX_WISH_ON && !run->options->dump_dtb ? keep(run)
										    : live(run);
	guest_console_close(&run->console);
	control_socket_destroy(run->control);
	return status;
}

enum exit_status run_guest(const struct config *config, const struct run_options *options)
{
	static const struct pci_host_fs this_host = { "" };
	struct run run = {
		.config = config,
		.options = options,
		.host = &this_host,
		.pid = getpid(),
		.stop = { .timeout_s = config->stop_timeout },
		.panic = { .wish = config->on_panic },
		.signals = -1,
		.console = { .job = -1 },
		.wake_up = -1,
		.kvm = -1,
		.manager = { .service = service_open() },
		.files = { .kernel = -1, .initrd = -1 },
	};
	struct failure failure = { 0 };
	enum exit_status status;

	self_raise_file_limit();
	self_keep_stacks_small();
	if (run_log_open(config, &failure) < 0)
		return report_failure(&failure);
	service_tell(run.manager.service, SERVICE_SETS_UP);
	status = run_logged(&run);
	log_close();
	cleanup_fd(&run.manager.service);
	return status;
}
