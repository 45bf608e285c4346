/* SPDX-License-Identifier: MIT */
/*
 * The right to say which driver has a function, as an open file: whoever may write the function's
 * driver_override can hand that on to a process that may not, and that one to another, which looks
 * whether it is that file. So nobody has a device taken for a guest who could not take it himself.
 */
#ifndef VFIO_RIGHT_H
#define VFIO_RIGHT_H

#include <stdbool.h>

#include "vfio/pci.h"

/* The caller's to close; or negative errno: -EACCES, -ENOENT. Changes nothing. */
int vfio_right_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf) _must_check_;
/* Is it that right, of this function? Any file may be given. */
bool vfio_right_is(const struct pci_host_fs *fs, const struct pci_bdf *bdf, int fd);

#endif
