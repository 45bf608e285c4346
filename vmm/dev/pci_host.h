/* SPDX-License-Identifier: MIT */
/*
 * The guest's PCI host bridge: an ECAM configuration space of bus 0, and of a bus behind each of
 * its root ports (pci_port.h); and the windows that functions' BARs are placed in, of memory and of
 * I/O ports. PCI Express Base Specification 7.2.2 (ECAM);
 * Documentation/devicetree/bindings/pci/host-generic-pci.
 *
 * A function's place, a devfn (device << 3 | function), names it. Without a root port it is where
 * the function is on bus 0. Where a root port has the device number, the port is function 0 of it
 * on bus 0, and the function is that function of device 0 on the bus behind the port.
 */
#ifndef VMM_DEV_PCI_HOST_H
#define VMM_DEV_PCI_HOST_H

#include "vfio/device.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/layout.h"

struct pci_host;

#define PCI_HOST_MAX_FUNCTIONS 32u
#define PCI_HOST_MAX_PORTS     (LAYOUT_MAX_BUSES - 1)
#define PCI_HOST_SIBLINGS      8u /* functions that a device can have */
/* Memory slots that BARs use, at most; numbers count from the first one given. */
#define PCI_HOST_MAX_SLOTS (PCI_HOST_MAX_FUNCTIONS * VFIO_DEVICE_BARS * VFIO_BAR_MAX_PIECES)

struct pci_host_ops {
	/*
	 * Let the guest reach size bytes at va under gpa; size 0 removes the
	 * slot. Negative errno, -EEXIST where another slot is in the way.
	 */
	int (*set_slot)(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va);
	/* A root port, by its device number, sends a message. Any thread; with no lock held. NULL:
	 * none is there. */
	void (*port_msi)(void *ctx, unsigned port, const struct msi_message *message);
	/* The guest has switched a root port's slot off: pci_host_is_ejected(). Any thread. */
	void (*ejected)(void *ctx);
};

/* ops and ctx are borrowed. 0 or -ENOMEM. */
int pci_host_create(const struct pci_host_ops *ops, void *ctx,
		    struct pci_host **ret_pci_host) _must_check_;
/*
 * Memory slots stay in the VM, which is about to be destroyed as well; DMA reaches no BAR any more.
 * The functions must still be open. NULL is allowed.
 */
void pci_host_destroy(struct pci_host *pci_host);

/*
 * Put a root port at function 0 of a device of bus 0, before the functions behind it, and before
 * pci_host_add_to_bus(). -EEXIST: something is there, or a port. -ENOSPC.
 */
int pci_host_add_port(struct pci_host *pci_host, unsigned device) _must_check_;
/*
 * Put a function, borrowed, at a place. Functions of one device are siblings: all show that
 * (Header Type). Before the guest runs. -EEXIST, -ENOSPC.
 */
int pci_host_add(struct pci_host *pci_host, uint32_t devfn, struct vfio_device *dev) _must_check_;

/*
 * The same behind a root port, for one that is not there yet, or not any more: its slot is empty
 * until pci_host_plug().
 */
int pci_host_add_absent(struct pci_host *pci_host, uint32_t devfn,
			struct vfio_device *dev) _must_check_;

/*
 * The guest's interrupt that a function's INTx asserts: of the host bridge's four, by its place
 * and pin (1 to 4), as a bridge swizzles them (PCI-to-PCI Bridge 1.2, 9.1). Behind a root port it
 * is the same, for there its device number is 0, which leaves the pin as it is.
 */
static inline unsigned pci_host_intid(uint32_t devfn, unsigned pin)
{
	return LAYOUT_INTX_INTID + ((devfn >> 3) + pin - 1) % LAYOUT_NR_INTX;
}

/*
 * The guest moved the function's BARs, switched decoding, or is about to reset it. A vCPU's
 * thread.
 */
void pci_host_bars_changed(struct pci_host *pci_host, uint32_t devfn);

/*
 * Ask the guest to let go of what is behind a root port, as by the button at the slot; port is the
 * port's device number. -ENOENT: nothing is there, or no port.
 */
int pci_host_press(struct pci_host *pci_host, unsigned port) _must_check_;
/* Has the guest let go of it, so that it waits to be taken out? Any thread. */
bool pci_host_is_ejected(struct pci_host *pci_host, unsigned port);
/*
 * Take what is behind a root port out, whether the guest has let go of it or not: it answers nobody
 * any more, and the guest is told. When this returns no access of the guest's to these functions is
 * under way, and none will come, so that they can be closed. May wait for a reset by the guest. One
 * thread.
 */
void pci_host_unplug(struct pci_host *pci_host, unsigned port);
/*
 * Put what was taken out, or was added as absent, into its slot, which is empty: all functions
 * behind that port, which are as after power-on. The guest is told. One thread, that of
 * pci_host_unplug().
 */
void pci_host_plug(struct pci_host *pci_host, unsigned port);

/* ECAM and the windows. */
int pci_host_add_to_bus(struct pci_host *pci_host, struct bus *bus) _must_check_;

struct pci_host_stats {
	uint64_t trapped;   /* accesses to BARs that were emulated */
	uint64_t misplaced; /* BARs the guest put outside the windows or over another */
};

void pci_host_stats_get(struct pci_host *pci_host, struct pci_host_stats *ret_stats);

#endif
