/* SPDX-License-Identifier: MIT */
/*
 * Put a kernel and an initrd into guest memory, all into the largest bank of it.
 * Documentation/arm64/booting.rst.
 */
#ifndef VMM_MACHINE_LOADER_H
#define VMM_MACHINE_LOADER_H

#include "vmm/base/report.h"
#include "vmm/kvm/gmem.h"

struct loaded {
	uint64_t entry;		     /* GPA to enter at */
	uint64_t kernel, kernel_end; /* what the kernel says it needs, [kernel, kernel_end) */
	uint64_t initrd, initrd_end; /* equal without an initrd */
	uint64_t fdt, fdt_max_sz;    /* room for the device tree, 2 MiB aligned */
};

/*
 * kernel: an arm64 Image, a gzip'd Image, an EFI zboot Image with a gzip
 * payload, or, without any of these magics, a flat binary (loaded 0x80000
 * above the start of the bank and entered at its first byte). initrd may be NULL.
 * A file that cannot be read or does not fit is a failure with ITSY_ENVIRONMENT.
 */
int loader_load(const struct gmem *mem, const char *kernel, const char *initrd,
		struct loaded *ret_loaded, struct failure *ret_failure) _must_check_;

/* Kernel and initrd, open. Paths are borrowed. */
struct loader_files {
	const char *kernel_path, *initrd_path; /* for messages; initrd may be NULL */
	int kernel, initrd;		       /* -1: not open */
};

/* Open them, once for several boots. On failure none is open. */
int loader_open(struct loader_files *files, const char *kernel, const char *initrd,
		struct failure *ret_failure) _must_check_;
void loader_close(struct loader_files *files);
/* As loader_load(), from files that are open. */
int loader_load_open(const struct gmem *mem, const struct loader_files *files,
		     struct loaded *ret_loaded, struct failure *ret_failure) _must_check_;

/* The same for a flat binary that is in memory, without an initrd. */
int loader_load_flat(const struct gmem *mem, const void *image, size_t size,
		     struct loaded *ret_loaded, struct failure *ret_failure) _must_check_;

#endif
