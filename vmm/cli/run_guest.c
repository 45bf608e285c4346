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
#include <fcntl.h>
#include <jansson.h>
#include <libfdt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/base/output.h"
#include "vmm/base/self.h"
#include "vmm/base/signals.h"
#include "vmm/config/config_place.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/guest_look.h"
#include "vmm/cli/run_log.h"
#include "vmm/cli/screen.h"
#include "vmm/cli/set_up.h"
#include "vmm/cli/guest_console.h"
#include "vmm/cli/term.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/verbs.h"
#include "vmm/control/irqstat.h"
#include "vmm/control/mistakes.h"
#include "vmm/control/panic.h"
#include "vmm/control/stop.h"
#include "vmm/dev/host_notice.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/irq/io_uring_host.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vm_needs.h"
#include "vmm/machine/guest_cpus.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/machine/guest_topology.h"
#include "vmm/machine/machine.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/manager.h"
#include "vmm/sandbox/sandbox.h"

/* How much memory is pinned at a time, while nobody listens. */
#define PIECE	    (256 * MiB)
#define OUTPUT_ROOM (64 * KiB) /* most of them need less; more is asked for as it is written */
#define OWN_FDS	    2u	       /* that attend() polls, before those of the console */

static const struct pci_host_fs this_host = { "" };

struct run {
	const struct config *config;
	const struct run_options *options;
	struct gmem mem;
	struct guest_topology *topology; /* NULL: not known */
	struct vfio_iommu_choice iommu;	 /* what it is of */
	struct vfio_container *container;
	struct passthru *functions; /* [nr_places()], the first nr_functions are open */
	size_t nr_functions;
	int signals, wake_up;
	struct guest_console console;
	size_t columns;			/* of the terminal that is standard error; 0: it is none */
	struct control_socket *control; /* NULL: none can be made here */
	struct failure no_control;	/* why */
	struct running_guest guest;	/* what it speaks for */
	int pid;			/* of the process that was started */

	const struct keeper_client *keeper; /* NULL: no sandbox */
	struct keeper_client kept;	    /* that one, where there is one */
	struct manager manager;
	struct sandbox *sandbox; /* NULL: none */

	/* What is opened once, for all boots. */
	struct loader_files files;
	int kvm; /* /dev/kvm; -1: each machine opens it */
	struct kvm_sys kept_kvm;
	struct output stats_json, dtb;
	bool is_unwritten; /* one of them, and that was told */
	enum io_uring_host io_uring;
	struct failure no_io_uring; /* why */

	struct set_up set_up;
	struct stop stop;     /* of the guest that runs */
	struct panic panic;   /* the same */
	bool taken;	      /* the host has told us to */
	struct failure taker; /* how */
	unsigned boots;
	struct machine_stats stats;
	struct mistakes mistakes; /* of the machine that runs */
};

/* ---- set-up --------------------------------------------------------------------- */

static int open_events(struct run *run, struct failure *ret_failure)
{
	int r = guest_console_catch_signals(&run->console);

	run->signals = signals_open();
	run->wake_up = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run->signals < 0)
		r = run->signals;
	else if (run->wake_up < 0)
		r = -errno;
	return r < 0 ? failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "itsy", NULL,
				   "no file descriptors (%s)", strerror(-r))
		     : 0;
}

/*
 * A name that is taken is a failure; a host where no socket can be made for want of
 * rights is not, for guests without devices need none.
 */
static int open_control(struct run *run, struct failure *ret_failure)
{
	const struct control_socket_config config = {
		.dir = CONTROL_DIR,
		.name = run->config->name,
		.verbs = control_verbs,
		.nr_verbs = nr_control_verbs,
		.ctx = &run->guest,
	};
	int r;

	if (run->options->dump_dtb)
		return 0;
	r = control_socket_create(&config, &run->control, ret_failure);
	if (r != -EACCES && r != -EPERM && r != -EROFS)
		return r;
	run->no_control = *ret_failure;
	return 0;
}

/* Cheap things that fail often, before any device is touched. */
static int check_host(struct run *run, struct failure *ret_failure)
{
	const struct config *config = run->config;
	struct loaded loaded;
	struct vm vm;
	int r = vm_init(&vm, ret_failure);

	if (r == 0)
		r = vm_needs_met(&vm, ret_failure);
	vm_fini(&vm);
	if (r == 0)
		r = guest_look(&this_host, config, &run->iommu, ret_failure);
	if (r >= 0)
		r = guest_topology_read(config, &this_host, &run->topology, ret_failure);
	if (r >= 0)
		r = guest_memory_make(config, &this_host, NULL, &run->mem, ret_failure);
	if (r >= 0)
		r = loader_open(
			&run->files,
			&(struct loader_wish){ config->kernel, config->initrd, config->flat },
			ret_failure);
	if (r >= 0)
		r = loader_load_open(&run->mem, &run->files, &loaded, ret_failure);
	if (r >= 0)
		loader_warn(&loaded);
	return r;
}

/* Devices, and behind them places for more. */
static size_t nr_places(const struct run *run)
{
	return run->config->nr_devices + run->config->hotplug_ports;
}

/* Is there one that can leave, or come, so that it may be the only one? */
static bool is_changing(const struct config *config)
{
	return config_place_root_ports(config) != 0;
}

/* What a function that comes finds mapped, if it is the only one then. */
static int keep_memory(struct run *run, struct failure *ret_failure)
{
	int r = 0;

	for (size_t i = 0; i < run->mem.nr && r >= 0; i++) {
		const struct gmem_bank *bank = &run->mem.banks[i];

		r = vfio_dma_keep(run->container, bank->base, bank->size, bank->va);
	}
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "guest memory", NULL,
				   "lies in too many ranges");
	/* Where that is not allowed, it is told when a function comes. */
	self_raise_lock_limit(run->config->memory);
	return 0;
}

static int map_memory(struct run *run, struct failure *ret_failure)
{
	const struct vfio_dma_progress progress = {
		.piece = run->config->huge_page > PIECE ? run->config->huge_page : PIECE,
		.go_on = set_up_pins,
		.ctx = &run->set_up,
	};
	struct vfio_failure vf = { 0 };
	int r = 0;

	for (size_t i = 0; i < run->mem.nr && r >= 0; i++) {
		const struct gmem_bank *bank = &run->mem.banks[i];

		r = vfio_dma_map_in_pieces(run->container, bank->base, bank->size, bank->va,
					   &progress, &vf);
		run->set_up.pinned += bank->size;
	}
	report_progress_end(&run->set_up.progress);
	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

static int bind_functions(struct run *run, struct failure *ret_failure)
{
	const struct config *config = run->config;
	int r = 0;

	for (size_t i = 0; i < config->nr_devices && r >= 0; i++) {
		r = set_up_step(&run->set_up, "binding", &config->devices[i]);
		if (r < 0)
			return r;
		r = passthru_bind(&run->functions[i], &this_host, run->keeper, &config->devices[i],
				  (unsigned)i, ret_failure);
		if (r >= 0)
			run->nr_functions = i + 1;
	}
	return r;
}

static int open_vacant(struct run *run, struct failure *ret_failure)
{
	const struct config *config = run->config;
	int r = 0;

	for (size_t i = config->nr_devices; i < nr_places(run) && r >= 0; i++) {
		struct passthru *p = &run->functions[i];

		passthru_init(p, &this_host, run->keeper, &config->devices[i], (unsigned)i);
		run->nr_functions = i + 1;
		r = passthru_open_vacant(p, &config->devices[i], run->container,
					 config->hotplug_vectors, ret_failure);
	}
	return r;
}

static int open_functions(struct run *run, struct failure *ret_failure)
{
	const struct config *config = run->config;
	struct vfio_failure vf = { 0 };
	int r;

	run->functions = calloc(nr_places(run) ? nr_places(run) : 1, sizeof(*run->functions));
	if (!run->functions)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				   "out of memory");
	if (!nr_places(run))
		return 0;

	r = bind_functions(run, ret_failure);
	if (r < 0)
		return r;
	r = vfio_container_create(run->iommu.kind, &run->container, &vf);
	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	set_up_steps_end(&run->set_up);
	for (size_t i = 0; i < config->nr_devices; i++) {
		r = set_up_step(&run->set_up, "opening and resetting", &config->devices[i]);
		if (r < 0)
			return r;
		r = passthru_open(&run->functions[i], &config->devices[i], run->container,
				  ret_failure);
		if (r < 0)
			return r;
	}
	r = passthru_reset_opened(run->functions, config->nr_devices, ret_failure);
	set_up_steps_end(&run->set_up);
	if (r >= 0 && set_up_is_to_end(&run->set_up))
		return -EINTR;
	/* What check_host() tried to put there is not wanted any more. */
	if (r >= 0)
		r = guest_memory_make(config, &this_host, run->container, &run->mem, ret_failure);
	if (r >= 0 && config->nr_devices)
		r = map_memory(run, ret_failure);
	if (r >= 0 && is_changing(config))
		r = keep_memory(run, ret_failure);
	return r < 0 ? r : open_vacant(run, ret_failure);
}

/* What cannot be had any more when the sandbox is entered. */
static int prepare_sandbox(struct run *run, struct failure *ret_failure)
{
	if (!run->keeper)
		return 0;
	run->kvm = open(KVM_PATH, O_RDWR | O_CLOEXEC);
	run->kept_kvm = kvm_sys_kept(&run->kvm);
	/* jansson reads /dev/urandom for its first object, if nobody has it do so before. */
	json_object_seed(0);
	return sandbox_create(guest_cpus_fifo(run->config), &run->sandbox, ret_failure);
}

/* They are written at the end, and what cannot be is told before anything is bound. */
static int open_outputs(struct run *run, struct failure *ret_failure)
{
	const struct run_options *options = run->options;

	if (options->dump_dtb)
		return output_open(&run->dtb, options->dump_dtb, OUTPUT_AS_A_WHOLE, OUTPUT_ROOM,
				   ret_failure);
	if (options->stats_json)
		return output_open(&run->stats_json, options->stats_json, OUTPUT_IN_PLACE,
				   OUTPUT_ROOM, ret_failure);
	return 0;
}

static int set_up(struct run *run, struct failure *ret_failure)
{
	int r = open_events(run, ret_failure);

	set_up_begin(&run->set_up, run->signals, run->options->quiet, run->config->memory);
	if (r < 0)
		return r;
	r = open_outputs(run, ret_failure);
	if (r < 0)
		return r;
	run->io_uring = io_uring_host_try("", &run->no_io_uring);
	run->columns = screen_columns(STDERR_FILENO); /* which a sandbox does not tell */
	r = check_host(run, ret_failure);
	if (r >= 0)
		r = open_functions(run, ret_failure);
	set_up_steps_end(&run->set_up);
	if (r >= 0)
		r = prepare_sandbox(run, ret_failure);
	/* It may be why a step was given up. */
	return set_up_is_to_end(&run->set_up) ? -EINTR : r;
}

/* Devices go back first: nothing may write to memory that is freed. */
static void tear_down(struct run *run)
{
	run->kept.waiting = NULL;
	control_socket_tell(run->control, CONTROL_ENDING);
	for (size_t i = 0; i < run->nr_functions; i++)
		passthru_close(&run->functions[i]);
	vfio_container_destroy(run->container);
	for (size_t i = 0; i < run->nr_functions; i++)
		passthru_give_back(&run->functions[i]);
	free(run->functions);
	gmem_fini(&run->mem);
	guest_topology_free(run->topology);
	if (run->keeper)
		control_socket_leave(TAKE_PTR(run->control));
	sandbox_destroy(run->sandbox);
	loader_close(&run->files);
	cleanup_fd(&run->kvm);
	output_close(&run->stats_json);
	output_close(&run->dtb);
	guest_console_end(&run->console);
	cleanup_fd(&run->signals);
	cleanup_fd(&run->wake_up);
}

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
		return failure_set(ret_failure, ITSY_RUNTIME, EIO, "guest", NULL, "%s",
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
	int r = set_up(run, &failure);

	if (r >= 0)
		r = guest_console_begin(&run->console, &failure);
	if (r >= 0) {
		say_hello(run);
		r = run_machines(run, &failure);
		guest_console_end(&run->console);
		report_end(run);
	}
	tear_down(run);

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
		.host = &this_host,
		.devices = devices,
		.nr_devices = run->config->nr_devices + run->config->hotplug_ports,
		.service = run->manager.service,
		.run = live_kept,
		.kept = not_given_back,
		.ctx = run,
	};
	struct term_settings terminal;
	enum exit_status status;
	bool is_tty = term_remember(&terminal);

	for (size_t i = 0; i < nr_places(run); i++)
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

	if (open_control(run, &failure) < 0)
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
	struct run run = {
		.config = config,
		.options = options,
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
