/* SPDX-License-Identifier: MIT */
/*
 * Which of VFIO's drivers a function is for: vfio-pci, which takes any, or a variant that is made
 * for it (mlx5_vfio_pci, hisi_acc_vfio_pci, ...).
 */
#ifndef VFIO_VARIANT_H
#define VFIO_VARIANT_H

#include "vfio/pci.h"

#define VFIO_DRIVER_PLAIN "vfio-pci"

/* What the kernel's modules say that they are for. */
struct vfio_aliases;

/*
 * Reads it, of the kernel that runs. A kernel without such a list has none, which is no error. 0
 * with what is the caller's to vfio_aliases_free(), or -ENOMEM.
 */
int vfio_aliases_read(const struct pci_host_fs *fs, struct vfio_aliases **ret_aliases) _must_check_;
/* NULL is allowed. */
void vfio_aliases_free(struct vfio_aliases *aliases);

/* A driver, and the module that brings it. */
struct vfio_variant {
	char module[PCI_DRIVER_STRLEN], driver[PCI_DRIVER_STRLEN];
};

/*
 * The variant that fits the function most exactly: true; false: none but vfio-pci does. Its
 * driver's name is that of the module until the kernel has it.
 */
bool vfio_variant_find(const struct vfio_aliases *aliases, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, struct vfio_variant *ret_variant);
/* Its driver's name, once the module is there; false: the kernel has no driver of it. */
bool vfio_variant_is_there(const struct pci_host_fs *fs, struct vfio_variant *variant);

#endif
