/* SPDX-License-Identifier: MIT */
/*
 * Filling a struct vfio_failure. Private to vfio/.
 */
#ifndef VFIO_FAIL_H
#define VFIO_FAIL_H

#include "vfio/failure.h"
#include "vmm/base/bits.h"
#include "vmm/base/cleanup.h"

/*
 * Note what failed and return err (a negative errno), so that the caller can
 * return it at once. The format names the object; the other fields are cleared
 * and are the caller's to fill. failure may be NULL.
 */
int vfio_fail(struct vfio_failure *failure, enum vfio_failure_code code, int err,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fill one of the names of a failure, cut to what fits. failure may be NULL. */
void vfio_failure_other(struct vfio_failure *failure, const char *other);
void vfio_failure_driver(struct vfio_failure *failure, const char *driver);
void vfio_failure_numbers(struct vfio_failure *failure, unsigned long long have,
			  unsigned long long want);

/* Copy text to buf of size bytes, cut to what fits, always ended. */
void vfio_copy_text(char *buf, size_t size, const char *text);

#endif
