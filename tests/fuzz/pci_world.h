/* SPDX-License-Identifier: MIT */
/*
 * A world for the fuzzer of PCI: four functions of the fake VFIO behind a host
 * bridge, two of them behind a root port, and what must hold after each access (vfio/device.h,
 * vmm/dev/pci_host.h).
 *
 * Anything that must never happen ends the process by assert().
 */
#ifndef TESTS_FUZZ_PCI_WORLD_H
#define TESTS_FUZZ_PCI_WORLD_H

#include "tests/fuzz/input.h"
#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/dev/pci_host.h"
#include "vmm/kvm/layout.h"

#define PCI_FUNCTIONS	4u
#define PCI_BUSES	2u
#define PCI_PORT_DEVFN	0x18u /* of the root port */
#define PCI_MAX_VECTORS 65u

/* What a function's interrupts should be, told by what the guest can read. */
struct pci_vector {
	bool signalled; /* its eventfd is */
	bool pending;	/* taken while it was masked or off */
};

struct pci_fn {
	struct pci_world *world;
	struct vfio_device *dev;
	struct fake_function *fake;
	uint32_t devfn;	    /* its place */
	unsigned cap;	    /* of MSI-X or MSI */
	unsigned table_bar; /* of MSI-X */
	uint64_t table, pba;
	unsigned nr_vectors;
	struct pci_vector vectors[PCI_MAX_VECTORS];
	uint8_t cfgspace[FAKE_CFGSPACE_SIZE]; /* of the function, at the start of each run */
};

struct pci_slot {
	bool used;
	uint64_t gpa, size;
	void *va;
};

struct pci_world {
	struct fake_vfio fake;
	struct vfio_container *container;
	int (*fake_ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	bool running; /* set-up is over */
	struct pci_fn fns[PCI_FUNCTIONS];

	/* Of one run. */
	struct pci_host *pci_host;
	struct bus bus;
	struct pci_slot slots[PCI_HOST_MAX_SLOTS];
	bool refuse;  /* slots */
	bool refused; /* ever, in this run */
	bool failed;  /* a call to the host was made to fail, in this run */
	bool is_out;  /* what was behind the root port was taken out, in this run */

	/* Runs inside the next callback: another vCPU. */
	bool armed;
	bool inside;
	void (*hook)(struct pci_world *w);
	void *hook_arg;
};

/* Made once, and the same for each run. */
struct pci_world *pci_world_get(void);
/* The state after power-on. */
void pci_world_begin(struct pci_world *w);
void pci_world_end(struct pci_world *w);

/* The guest's accesses. */
uint64_t pci_ecam(const struct pci_fn *fn, unsigned reg);
uint32_t pci_cfgspace_read(struct pci_fn *fn, unsigned reg, unsigned len);
void pci_cfgspace_write(struct pci_fn *fn, unsigned reg, unsigned len, uint32_t value);
/* The root port's registers. */
uint32_t pci_port_reg(struct pci_world *w, unsigned reg, unsigned len);
void pci_port_reg_write(struct pci_world *w, unsigned reg, unsigned len, uint32_t value);
/* Take out what is behind it. */
void pci_unplug(struct pci_world *w);
/* Anywhere. Inside a function's reset, nothing happens to configuration space. */
void pci_write(struct pci_world *w, uint64_t gpa, unsigned len, uint64_t value);
uint64_t pci_window_read(struct pci_world *w, uint64_t gpa, unsigned len);

/* The function interrupts; the router looks; the machine resets the function. */
void pci_signal(struct pci_fn *fn, unsigned vector);
void pci_take(struct pci_fn *fn, unsigned vector);
void pci_reset(struct pci_fn *fn);

/* After each step, unless inside a callback. */
void pci_check(struct pci_world *w);

#endif
