/* SPDX-License-Identifier: MIT */
/*
 * The keeper: the process that was started, once the guest has a process of its own. It holds
 * nothing of the guest's, and does for it what a sandbox cannot do from inside: it binds devices
 * and gives them back, moves interrupts, and says how the guest's process ended.
 *
 * It obeys a fixed list of messages (vmm/sandbox/keeper_msg.h), which name devices by their
 * index in a list that was there before the guest, and nothing else; but for a function that comes
 * while the guest runs, which somebody must have the right to give (vfio/right.h).
 */
#ifndef VMM_SANDBOX_KEEPER_H
#define VMM_SANDBOX_KEEPER_H

#include "vfio/host.h"
#include "vfio/pci.h"
#include "vmm/base/report.h"
#include "vmm/sandbox/keeper_client.h"

#define KEEPER_MAX_DEVICES 32u

struct keeper_device {
	struct pci_bdf bdf; /* of one that comes later (KEEPER_ADOPT): none */
	int cpu;	    /* for its interrupts; -1: they are not moved */
	unsigned bind;	    /* enum vfio_bind_flags */
};

struct keeper_config {
	const char *name; /* of the guest, for messages; all borrowed */
	const struct pci_host_fs *host;
	const struct keeper_device *devices;
	size_t nr_devices; /* at most KEEPER_MAX_DEVICES */
	int service;	   /* the manager's socket (service_open()), or -1 */
	/* The guest's process: returns its exit status. */
	enum exit_status (*run)(void *ctx, const struct keeper_client *keeper);
	/* A function could not be given back: say so. In the keeper. */
	void (*kept)(void *ctx, const struct pci_bdf *bdf, const struct vfio_failure *why);
	void *ctx;
};

/*
 * Have run() in a process of its own, and look after it until it has ended: SIGINT, SIGTERM,
 * SIGHUP and SIGQUIT go on to it; its end is told where it was none of its own choice; devices
 * that it had bound are given back. If this process dies, that one is killed. Before it says
 * KEEPER_READY the first signal ends what is being bound, and a second one, a second later, kills
 * it.
 *
 * Returns its exit status; 128 + n where signal n ended it; ITSY_FORBIDDEN after a forbidden
 * system call. Before there are threads.
 */
enum exit_status keeper_run(const struct keeper_config *config);

#endif
