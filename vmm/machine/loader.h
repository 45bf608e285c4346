/* SPDX-License-Identifier: MIT */
/*
 * Put a kernel and an initrd into guest memory, all into the largest bank of it
 * (Documentation/arch/arm64/booting.rst); or have firmware start from the guest's disk
 * (firmware.h).
 */
#ifndef VMM_MACHINE_LOADER_H
#define VMM_MACHINE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/report.h"
#include "vmm/kvm/gmem.h"
#include "vmm/machine/firmware.h"

struct config;

struct loaded {
	uint64_t entry;		     /* GPA to enter at */
	uint64_t kernel, kernel_end; /* what the kernel says it needs, [kernel, kernel_end) */
	uint64_t initrd, initrd_end; /* equal without an initrd */
	uint64_t fdt, fdt_max_sz;    /* room for the device tree, 2 MiB aligned */
	char cmdline[2048];	     /* a unified kernel image's own; "": none */
	/* Of files that are loaded all the same: what makes it likely that the guest fails. */
	struct failure doubts[2];
	size_t nr_doubts;
};

/* What a guest starts from. Paths are borrowed. */
struct loader_wish {
	const char *kernel;
	const char *initrd; /* NULL: none */
	bool flat;	    /* the kernel is a flat binary: kernel-format = "flat" */
	/* Firmware, which has all that from the guest's disk, and nothing above counts; NULL: none.
	 */
	const char *firmware;
};
struct loader_wish loader_wish_of(const struct config *config);

/*
 * The kernel is an arm64 Image, plain, compressed (unpack.h) or in an EFI zboot container; or a
 * unified kernel image with one of these, whose initrd is loaded unless another one is wished
 * for. Where it is said to be flat, it is any file, loaded 0x80000 above the start of the bank and
 * entered at its first byte. A file that cannot be read, is not whole, is something else or does
 * not fit is a failure with ITSY_ENVIRONMENT.
 */
int loader_load(const struct gmem *mem, const struct loader_wish *wish, struct loaded *ret_loaded,
		struct failure *ret_failure) _must_check_;

/* Kernel and initrd, open; or firmware. */
struct loader_files {
	struct loader_wish wish;
	int kernel, initrd; /* -1: not open */
	struct firmware firmware;
};

/* Open them, once for several boots. On failure none is open. */
int loader_open(struct loader_files *files, const struct loader_wish *wish,
		struct failure *ret_failure) _must_check_;
void loader_close(struct loader_files *files);
/* As loader_load(), from files that are open. */
int loader_load_open(const struct gmem *mem, const struct loader_files *files,
		     struct loaded *ret_loaded, struct failure *ret_failure) _must_check_;

/* A warning for each doubt. */
void loader_warn(const struct loaded *loaded);

/* The same for a flat binary that is in memory, without an initrd. */
int loader_load_flat(const struct gmem *mem, const void *image, size_t size,
		     struct loaded *ret_loaded, struct failure *ret_failure) _must_check_;

#endif
