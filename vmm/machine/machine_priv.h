/* SPDX-License-Identifier: MIT */
/*
 * What a machine is made of: for who makes it (machine.c), and who asks it while it runs
 * (machine_live.c).
 */
#ifndef VMM_MACHINE_MACHINE_PRIV_H
#define VMM_MACHINE_MACHINE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "vmm/its/kernel_redist.h"
#include "vmm/its/vits_set.h"
#include "vmm/machine/machine.h"

/* A root port's own interrupt is EventID 0 of the first ITS, as Linux numbers them, which asks for
 * two. */
#define PORT_EVENTS 2u
struct machine_port {
	unsigned device;      /* number on bus 0 */
	size_t vits_function; /* index in the first ITS */
};

struct machine {
	struct machine_config cfg;
	struct machine_port ports[PCI_HOST_MAX_PORTS]; /* [nr_ports] */
	size_t nr_ports;
	struct vm vm;
	int gic;
	struct bus bus;
	struct vcpus *vcpus;
	struct steal_time *steal_time;
	struct kernel_its *kernel_its;
	struct kernel_redist *redist;
	struct vits_set *its;
	struct its_thread *its_thread;
	struct pci_host *pci_host;
	struct console *console;
	struct board *board;
	struct vector_routes *routes;
	struct router_stats router_stats; /* kept when the routers are gone */
	size_t nr_wired;
	bool direct;
	bool frozen; /* the main thread's */
	_Atomic uint64_t port_msis, port_msis_dropped;

	/* Guards end and failure; no lock is taken under it. */
	pthread_mutex_t lock;
	enum machine_end end;
	char failure[128];
};

#endif
