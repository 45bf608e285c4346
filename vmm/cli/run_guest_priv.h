/* SPDX-License-Identifier: MIT */
/*
 * What run_guest.c and run_set_up.c share: a guest that itsy run runs, and all that it took for it.
 */
#ifndef VMM_CLI_RUN_GUEST_PRIV_H
#define VMM_CLI_RUN_GUEST_PRIV_H

#include "vmm/base/cleanup.h"
#include "vmm/base/output.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/guest_console.h"
#include "vmm/cli/set_up.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/mistakes.h"
#include "vmm/control/panic.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/stop.h"
#include "vmm/irq/io_uring_host.h"
#include "vmm/machine/guest_topology.h"
#include "vmm/machine/machine.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/manager.h"
#include "vmm/sandbox/sandbox.h"

struct run {
	const struct config *config;
	const struct run_options *options;
	const struct pci_host_fs *host;
	struct gmem mem;
	struct guest_topology *topology; /* NULL: not known */
	struct vfio_iommu_choice iommu;	 /* what it is of */
	struct vfio_container *container;
	struct passthru *functions; /* [run_nr_places()], the first nr_functions are open */
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

/* Devices, and behind them places for more. */
static inline size_t run_nr_places(const struct run *run)
{
	return run->config->nr_devices + run->config->hotplug_ports;
}

/* A guest's name, while it is set up and runs. Without one there is no control socket. */
int run_open_control(struct run *run, struct failure *ret_failure) _must_check_;
/*
 * All that is there before a machine is made: what fails cheaply first, functions last. -EINTR: it
 * was told to end.
 */
int run_set_up(struct run *run, struct failure *ret_failure) _must_check_;
/* Give it back, however far it came. */
void run_tear_down(struct run *run);

#endif
