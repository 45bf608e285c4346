/* SPDX-License-Identifier: MIT */
/*
 * PCI functions as the host's sysfs shows them: names, identity, driver, IOMMU
 * group, and what their configuration space says of interrupts and reset.
 */
#ifndef VFIO_PCI_H
#define VFIO_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/failure.h"
#include "vfio/host.h"
#include "vmm/base/cleanup.h"

/* The name of a function: domain, bus, device, function. */
struct pci_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t dev; /* 0..31 */
	uint8_t fn;  /* 0..7 */
};

#define PCI_BDF_STRLEN 17u /* "00000000:01:00.0" fits with its end */

/* "0000:01:00.0", "01:00.0", either case. 0, or -EINVAL. */
int pci_bdf_parse(const char *text, struct pci_bdf *ret_bdf) _must_check_;
/* Always with the domain. */
const char *pci_bdf_format(const struct pci_bdf *bdf, char buf[PCI_BDF_STRLEN]);
bool pci_bdf_equal(const struct pci_bdf *a, const struct pci_bdf *b);

#define PCI_DRIVER_STRLEN 40u

struct pci_function {
	struct pci_bdf bdf;
	uint16_t vendor, device;
	uint32_t class_code;		/* class, subclass, programming interface: 24 bits */
	bool is_bridge;			/* header type 1 or 2 */
	char driver[PCI_DRIVER_STRLEN]; /* "" for none */
	int group;	      /* IOMMU group, -1 for none, or none until a driver is bound */
	unsigned msi_vectors; /* of the MSI capability, 0 without; needs privilege, else 0 */
	unsigned msix_vectors;
	bool knows_vectors; /* its capabilities could be read */
	char reset[64];	    /* the kernel's reset_method, "" for none */
	/* SR-IOV: how many virtual functions it can have, and has; 0 without. */
	uint32_t vfs_max, vfs;
	bool is_vf;
	struct pci_bdf pf; /* of a virtual function: its physical one */
};

/*
 * vfio-pci itself and its variants (mlx5_vfio_pci, hisi_acc_vfio_pci, ...),
 * which all serve the same interface and carry vfio in their names.
 */
bool pci_driver_is_vfio(const char *driver);

/* One function. 0, -ENOENT, or what sysfs answered. */
int pci_function_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     struct pci_function *ret_fn) _must_check_;

/* All functions, sorted by name. *ret_fns is the caller's to free(). */
int pci_functions_list(const struct pci_host_fs *fs, struct pci_function **ret_fns,
		       size_t *ret_nr) _must_check_;

/* Virtual function number nr, from 0, of a physical one. 0, or -ENOENT where there is none. */
int pci_vf_get(const struct pci_host_fs *fs, const struct pci_bdf *pf, unsigned nr,
	       struct pci_bdf *ret_vf) _must_check_;

/* Functions that belong together; borrowed. */
struct pci_set {
	const struct pci_bdf *bdfs;
	size_t nr;
};

/*
 * May the function's group be given to a guest that gets the functions of with, too (NULL: no
 * others)? 0 when each other member is one of them, unbound, or on a driver that leaves DMA to
 * others (vfio's, pci-stub, pcieport); else -EPERM with VFIO_FAILURE_NOT_VIABLE (or -ENODEV with
 * VFIO_FAILURE_NO_GROUP) in ret_failure. A bridge's driver counts like any other's.
 */
int pci_group_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
		     const struct pci_set *with, struct vfio_failure *ret_failure) _must_check_;

/*
 * The same for a function that has no group yet: will a bridge that it is behind be in the way? It
 * will where its driver does DMA for the host, for such bridges are of PCI, where functions have no
 * requester IDs of their own, and so no groups. 0, or -EPERM with VFIO_FAILURE_NOT_VIABLE.
 */
int pci_upstream_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
			struct vfio_failure *ret_failure) _must_check_;

/*
 * Does the kernel give a guest this function as far as SR-IOV is concerned? Not a physical one that
 * has virtual ones (VFIO_FAILURE_HAS_VFS), nor a virtual one whose physical one is bound to a
 * driver of VFIO's: whoever has that has to agree, by a token, which itsy has not
 * (VFIO_FAILURE_PF_IS_VFIOS). 0, or negative errno.
 */
int pci_sriov_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
		     struct vfio_failure *ret_failure) _must_check_;

#endif
