/* SPDX-License-Identifier: MIT */
/*
 * A function's BARs: what they are made of. Private to vfio/.
 */
#ifndef VFIO_BAR_H
#define VFIO_BAR_H

#include "vfio/device_io.h"

/* Probe and map all BARs: after msi_probe(), since MSI-X table and PBA are not mapped. */
int bars_probe(struct vfio_device *dev, const uint8_t *image,
	       struct vfio_failure *failure) _must_check_;
void bars_unmap(struct vfio_device *dev);
/* Add the registers of the BARs to the virtual configuration space. */
void bars_to_cfgspace(struct vfio_device *dev);

/*
 * Cut a BAR of bar->size bytes in pieces: to be mapped is, in whole pages, what lies in
 * a mappable span and in no trapped one; the rest is to be trapped. Nothing is mapped
 * yet: a piece that is to be mapped has the address of bar itself as its mark in map.
 */
struct bar_span {
	uint64_t first, end;
};
struct bar_spans {
	const struct bar_span *spans;
	size_t nr;
};
void bar_cut(struct vfio_bar *bar, uint64_t page_size, const struct bar_spans *mappable,
	     const struct bar_spans *trapped);

#endif
