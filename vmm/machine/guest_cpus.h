/* SPDX-License-Identifier: MIT */
/*
 * The CPUs of the host that a configuration names, for threads and for interrupts.
 */
#ifndef VMM_MACHINE_GUEST_CPUS_H
#define VMM_MACHINE_GUEST_CPUS_H

#include "vfio/host.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"

/*
 * Are they online, and may this process use them (where the host is no copy)? The first that is
 * not is the failure, by its key. 0, or negative errno. Changes nothing.
 */
int guest_cpus_look(const struct config *config, const struct pci_host_fs *host,
		    struct failure *ret_failure) _must_check_;

/*
 * The same of one CPU; -1 is any, and always there. key is whose it is; is_for_thread: a thread is
 * to run there, and not only an interrupt be sent there.
 */
int guest_cpus_look_at(const struct pci_host_fs *host, const char *key, int cpu, bool is_for_thread,
		       struct failure *ret_failure) _must_check_;

/* The highest priority of SCHED_FIFO that a thread of the guest gets; 0: none. */
int guest_cpus_fifo(const struct config *config);

#endif
