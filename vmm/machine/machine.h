/* SPDX-License-Identifier: MIT */
/*
 * A machine from power-on to power-off or reset: everything that a guest's
 * reboot makes anew. Guest memory and the passed-through functions outlive it.
 */
#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H

#include "vmm/config/config.h"
#include "vmm/dev/passthru.h"
#include "vmm/irq/router.h"
#include "vmm/its/kernel_redist.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/machine/loader.h"

struct machine;
struct vector_routes;

enum machine_end {
	MACHINE_RUNS,
	MACHINE_OFF,	/* the guest powered off */
	MACHINE_RESET,	/* the guest asked for a reset */
	MACHINE_FAILED, /* the host failed; machine_failure() says how */
};

struct machine_config {
	const struct config *config; /* all borrowed */
	const struct gmem *mem;
	struct passthru *functions;
	size_t nr_functions;
	const struct guest_topology *topology; /* NULL: not known */
	/*
	 * An eventfd of the caller's: signalled when machine_service() should be
	 * called, or machine_end() has changed, or the console has room again.
	 */
	int wake_up;
	const struct confine *confine; /* of the threads; NULL: nothing confines them */
	const struct kvm_sys *kvm;     /* NULL: kvm_sys_kernel() */
	/* Does the host deliver directly? NULL: machine_create() looks, which takes files. */
	const bool *direct;
	void *firmware;		      /* LAYOUT_FIRMWARE_SZ bytes that nobody writes; NULL: none */
	struct console_port *console; /* where the guest's console is; NULL: standard output */
	/* No router: the caller looks after the functions' eventfds. For measuring. */
	bool unrouted;
};

/* Build it all; nothing runs yet. */
int machine_create(const struct machine_config *config, struct machine **ret_machine,
		   struct failure *ret_failure) _must_check_;
/* Stops what runs. NULL is allowed. */
void machine_destroy(struct machine *m);

/* Write the device tree for what was loaded where loaded->fdt says. */
int machine_write_fdt(struct machine *m, const struct loaded *loaded,
		      struct failure *ret_failure) _must_check_;

/* Start the vCPUs, the router, and the thread for what commands leave (vmm/its/its_thread.h). */
int machine_start(struct machine *m, const struct loaded *loaded,
		  struct failure *ret_failure) _must_check_;

enum machine_end machine_end(struct machine *m);
/* A line of text, after MACHINE_FAILED. */
const char *machine_failure(struct machine *m);

/*
 * Do what vCPUs and the router have left to the main thread: mask vectors at the device, look
 * at those on irqfd; take functions out that the guest has let go of, or that the host wants back;
 * press the power button, and let go of it. A guest's commands do not need it. May wait for the
 * reset of a function. Returns after how many milliseconds it wants to be called if nobody wakes
 * it up; -1: never. One thread.
 */
int machine_service(struct machine *m);

/*
 * Of a root port, by its device number on bus 0: ask the guest to let go of what is behind it
 * (-ENOENT: nothing is), after which machine_service() takes it out; or take it out now. The
 * functions go back to the host, and their struct passthru stays. One thread, that of
 * machine_service().
 */
int machine_press(struct machine *m, unsigned port) _must_check_;
void machine_unplug(struct machine *m, unsigned port);
/*
 * What was taken out from behind a root port comes back (passthru_return()), and the guest is told.
 * Something was. The same thread; may wait for a reset of a function, and allocates memory.
 */
int machine_plug(struct machine *m, unsigned port, struct failure *ret_failure) _must_check_;
/*
 * The same of a function that somebody offers, in place of the machine's function of that index,
 * which is removed or has not been there, and is alone behind its root port (slot_adopt()).
 */
int machine_adopt(struct machine *m, size_t function, struct passthru_offer *offer,
		  struct failure *ret_failure) _must_check_;

/*
 * Press the guest's power button; machine_service() lets go of it. Has the guest had a driver
 * that hears it, since its boot? One thread, that of machine_service().
 */
void machine_press_power(struct machine *m);
bool machine_hears_power(struct machine *m);

/* Has the guest's kernel said that it has panicked? Any thread; the wake-up says when it changes.
 */
bool machine_has_panicked(const struct machine *m);

/* As by a reset button: it ends with MACHINE_RESET, unless it has ended otherwise. Any thread. */
void machine_reset(struct machine *m);

/*
 * Have the guest run no further, or go on. Its devices go on meanwhile, and their interrupts wait
 * for it in KVM. It begins not frozen. One thread, that of machine_service(), between
 * machine_start() and machine_stop().
 */
void machine_freeze(struct machine *m);
void machine_thaw(struct machine *m);
bool machine_is_frozen(const struct machine *m);

/*
 * Of the console: as machine_service(), but never waits, and returns nanoseconds; UINT64_MAX:
 * never. machine_type() may take more then.
 */
uint64_t machine_console_service(struct machine *m);
/* Bytes typed at the console; returns how many were taken. Never waits. */
size_t machine_type(struct machine *m, const uint8_t *bytes, size_t nr);

/* Stop these threads; the functions are quiet towards the guest afterwards. */
void machine_stop(struct machine *m);

struct machine_stats {
	struct vits_stats
		vits; /* of all ITSs together; the failures kept are the first's with any */
	struct kernel_its_stats kernel_its;
	struct kernel_redist_stats redist;
	struct pci_host_stats pci_host;
	struct vcpus_stats vcpus;
	uint64_t panics;		       /* 1: the guest's kernel said so */
	uint64_t unclaimed;		       /* accesses to addresses where nothing is */
	uint64_t port_msis, port_msis_dropped; /* of root ports: made pending, gone nowhere */
	uint64_t router_reaps, router_completions, router_rearmed, router_parked;
};

/* Between machine_start() and machine_stop(); borrowed. */
struct vector_routes *machine_routes(struct machine *m);
/* What the router of its devices' interrupts waits with; ROUTER_ENGINE_ANY: it has none. */
enum router_engine machine_engine(const struct machine *m);
/* One of the ITSs, by its index in the configuration; borrowed. */
struct vits *machine_its(struct machine *m, size_t index);
/* Can the host deliver a vector's interrupts without one of its own (GICv4)? */
bool machine_delivers_directly(const struct machine *m);
/* The machine's VM, borrowed. */
const struct vm *machine_vm(const struct machine *m);

void machine_stats_get(struct machine *m, struct machine_stats *ret_stats);

#endif
