/* SPDX-License-Identifier: MIT */
/*
 * Firmware that starts the guest from its own disk: boot = "disk".
 */
#ifndef VMM_MACHINE_FIRMWARE_H
#define VMM_MACHINE_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/report.h"
#include "vmm/kvm/gmem.h"

struct firmware {
	const char *path; /* borrowed */
	uint8_t *memory;  /* owned: LAYOUT_FIRMWARE_SZ bytes, of which nobody writes any; NULL: none
			   */
	size_t size;	  /* of the file, which is at the start of it */
};

/*
 * Read it, once for all boots: the guest cannot change it. A file that cannot be read, is not
 * whole, or is something else is a failure with ITSY_ENVIRONMENT, and there is no firmware then.
 */
int firmware_init(struct firmware *firmware, const char *path,
		  struct failure *ret_failure) _must_check_;
/* Also of none. */
void firmware_fini(struct firmware *firmware);

/* Can it start with this memory? Its addresses are fixed. 0, or -ENOSPC with ITSY_ENVIRONMENT. */
int firmware_fits(const struct firmware *firmware, const struct gmem *mem,
		  struct failure *ret_failure) _must_check_;

#endif
