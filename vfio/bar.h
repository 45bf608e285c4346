/* SPDX-License-Identifier: MIT */
/*
 * A function's BARs: what they are made of. Private to vfio/.
 */
#ifndef VFIO_BAR_H
#define VFIO_BAR_H

#include "vfio/device_io.h"

/* Probe all BARs. table and pba are set where kind is MSI-X. */
int bars_probe(struct vfio_device *dev, const uint8_t *image,
	       struct vfio_failure *failure) _must_check_;
void bars_unmap(struct vfio_device *dev);
/* Add the registers of the BARs to the virtual configuration space. */
void bars_to_cfgspace(struct vfio_device *dev);

/*
 * Cut a BAR of size bytes in pieces: what of the mappable spans is not in
 * a trapped one is to be mapped, in whole pages; the rest is to be trapped. The
 * pieces' map is NULL for trapped ones and points to bar itself for the others.
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
