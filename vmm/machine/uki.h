/* SPDX-License-Identifier: MIT */
/*
 * Unified kernel images: EFI programs (systemd-stub) that carry a kernel, its initrd and its
 * command line in sections of their own. UAPI group, "Unified Kernel Image".
 */
#ifndef VMM_MACHINE_UKI_H
#define VMM_MACHINE_UKI_H

#include "vmm/machine/boot_file.h"

/* Parts of the file, all inside. */
struct uki {
	struct boot_part kernel;  /* .linux */
	struct boot_part initrd;  /* .initrd; may be missing, as may */
	struct boot_part cmdline; /* .cmdline */
};

/*
 * 1: it is one; 0: it is something else. A failure with ITSY_ENVIRONMENT where it cannot be read,
 * or a part is cut off.
 */
int uki_read(const struct boot_file *file, struct uki *ret_uki,
	     struct failure *ret_failure) _must_check_;

#endif
