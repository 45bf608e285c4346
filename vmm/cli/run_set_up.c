// SPDX-License-Identifier: MIT
/*
 * itsy run: what it takes before a guest runs, and gives back.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/self.h"
#include "vmm/base/signals.h"
#include "vmm/cli/guest_look.h"
#include "vmm/cli/run_guest_priv.h"
#include "vmm/cli/screen.h"
#include "vmm/config/config_place.h"
#include "vmm/control/verbs.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/kvm/vm_needs.h"
#include "vmm/machine/guest_cpus.h"
#include "vmm/machine/guest_memory.h"

/* How much memory is pinned at a time, while nobody listens. */
#define PIECE	    (256 * MiB)
#define OUTPUT_ROOM (64 * KiB) /* most of them need less; more is asked for as it is written */

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
int run_open_control(struct run *run, struct failure *ret_failure)
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
	const struct loader_wish wish = loader_wish_of(config);
	struct loaded loaded;
	struct vm vm;
	int r = vm_init(&vm, ret_failure);

	if (r == 0)
		r = vm_needs_met(&vm, ret_failure);
	vm_fini(&vm);
	if (r == 0)
		r = guest_look(run->host, config, &run->iommu, ret_failure);
	if (r >= 0)
		r = guest_topology_read(config, run->host, &run->topology, ret_failure);
	if (r >= 0)
		r = guest_memory_make(config, run->host, NULL, &run->mem, ret_failure);
	if (r >= 0)
		r = loader_open(&run->files, &wish, ret_failure);
	if (r >= 0)
		r = loader_load_open(&run->mem, &run->files, &loaded, ret_failure);
	if (r >= 0)
		loader_warn(&loaded);
	return r;
}

/* Is there one that can leave, or come, so that it may be the only one? */
static bool is_changing(const struct config *config)
{
	return config_place_root_ports(config) != 0;
}

/* What a function that comes finds mapped, if it is the only one then. */
static int keep_memory(struct run *run, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r = 0;

	for (size_t i = 0; i < run->mem.nr && r >= 0; i++) {
		const struct gmem_bank *bank = &run->mem.banks[i];

		r = vfio_dma_keep(run->container, bank->base, bank->size, bank->va, &vf);
	}
	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
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
	const struct vfio_listener listener = { set_up_goes_on, &run->set_up };
	const struct config *config = run->config;
	int r = 0;

	for (size_t i = 0; i < config->nr_devices && r >= 0; i++) {
		r = set_up_step(&run->set_up, "binding", &config->devices[i]);
		if (r < 0)
			return r;
		r = passthru_bind(&run->functions[i], run->host, run->keeper, &listener,
				  &config->devices[i], (unsigned)i, ret_failure);
		if (r >= 0)
			run->nr_functions = i + 1;
	}
	return r;
}

static int open_vacant(struct run *run, struct failure *ret_failure)
{
	const struct config *config = run->config;
	int r = 0;

	for (size_t i = config->nr_devices; i < run_nr_places(run) && r >= 0; i++) {
		struct passthru *p = &run->functions[i];

		passthru_init(p, run->host, run->keeper, &config->devices[i], (unsigned)i);
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

	run->functions =
		calloc(run_nr_places(run) ? run_nr_places(run) : 1, sizeof(*run->functions));
	if (!run->functions)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "itsy", NULL,
				   "out of memory");
	if (!run_nr_places(run))
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
		r = guest_memory_make(config, run->host, run->container, &run->mem, ret_failure);
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

int run_set_up(struct run *run, struct failure *ret_failure)
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
void run_tear_down(struct run *run)
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
