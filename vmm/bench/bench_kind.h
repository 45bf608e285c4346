/* SPDX-License-Identifier: MIT */
/*
 * What itsy bench can time, and in which words it says so.
 */
#ifndef VMM_BENCH_BENCH_KIND_H
#define VMM_BENCH_BENCH_KIND_H

#include <stdbool.h>

#include "vfio/pci.h"
#include "vmm/bench/bench_page.h"

struct bench_kind {
	const char *bench;  /* as it is called: itsy bench BENCH */
	const char *name;   /* of what begins it, for programs */
	const char *from;   /* the moment at which it begins, "the eventfd's signal" */
	const char *origin; /* the same, shorter */
	enum bench_source source;
	/* QEMU runs the device in another thread than the CPUs: instructions are not its measure.
	 */
	bool beside;
};

/* What the host signals itself; source: without a device. */
extern const struct bench_kind bench_kind_eventfd;
/* What the guest begins, on a device that it drives. NULL: it cannot drive this one. */
const struct bench_kind *bench_kind_of(const struct pci_function *fn);
/* Those that it can drive, "QEMU's edu and ..." */
extern const char bench_kinds_driven[];

#endif
